package validation

import "strings"

// maxUserID is the length of a user id in bytes.
const maxUserID = 64

// ErrUserID refuses what cannot be the id of a user.
var ErrUserID = &Error{Field: "user_id", Detail: "is not a user id"}

// UserID names a user. It is opaque: an imported database keeps its ids,
// whatever made them. It is 1 to 64 visible ASCII characters, without those
// that would change the meaning of a URL's path.
type UserID string

// ParseUserID reads an id, or gives ErrUserID.
func ParseUserID(text string) (UserID, error) {
	if text == "" || len(text) > maxUserID || text == "." || text == ".." {
		return "", ErrUserID
	}
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c > '~' || strings.IndexByte(`/\?#%`, c) >= 0 {
			return "", ErrUserID
		}
	}
	return UserID(text), nil
}

// UnmarshalText reads an id from JSON, path or query.
func (u *UserID) UnmarshalText(text []byte) (err error) {
	*u, err = ParseUserID(string(text))
	return err
}

// String gives the id.
func (u UserID) String() string { return string(u) }
