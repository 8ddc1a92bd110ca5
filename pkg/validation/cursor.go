package validation

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// maxCursor bounds what a client may send back as a cursor, in bytes.
const maxCursor = 1024

// ErrCursor refuses a cursor that we did not give out.
var ErrCursor = &Error{Field: "cursor", Detail: "is not a cursor of this list"}

// Cursor marks a place in a list: the sort key of the last item that was
// shown, so that items that come and go do not shift the next page. Clients
// send it back as they got it. It is neither secret nor signed: it only says
// where to start in rows that the query restricts anyway. Empty is the start.
type Cursor string

// EncodeCursor makes a cursor of a sort key, a struct that JSON can hold.
func EncodeCursor[T any](key T) (Cursor, error) {
	b, err := json.Marshal(key)
	if err != nil {
		return "", fmt.Errorf("encode cursor: %w", err)
	}
	return Cursor(base64.RawURLEncoding.EncodeToString(b)), nil
}

// DecodeCursor reads the sort key back. It gives ErrCursor for anything that
// EncodeCursor[T] would not have made.
func DecodeCursor[T any](c Cursor) (T, error) {
	var key T
	if len(c) > maxCursor {
		return key, ErrCursor
	}
	b, err := base64.RawURLEncoding.DecodeString(string(c))
	if err != nil || json.Unmarshal(b, &key) != nil {
		return key, ErrCursor
	}
	// One key has one cursor: whatever else JSON or base64 would let pass is not ours.
	if canonical, err := EncodeCursor(key); err != nil || canonical != c {
		return key, ErrCursor
	}
	return key, nil
}

// UnmarshalText reads a cursor from a query.
func (c *Cursor) UnmarshalText(text []byte) error {
	if len(text) > maxCursor {
		return ErrCursor
	}
	for _, b := range text {
		if !isAlnum(b) && b != '-' && b != '_' {
			return ErrCursor
		}
	}
	*c = Cursor(text)
	return nil
}

// String gives the cursor.
func (c Cursor) String() string { return string(c) }
