// Package quota owns how much an owner may keep, keeps, and has reserved for
// uploads under way. The arithmetic is here, free of SQL; store.go loads an
// account under a lock and saves it, so that the counters are exact however many
// uploads run at a time.
package quota

import (
	"net/http"

	"github.com/codex-platform/codex/pkg/problem"
)

var (
	// ErrExceeded refuses bytes that do not fit any more.
	ErrExceeded = problem.New(http.StatusRequestEntityTooLarge, "QUOTA_EXCEEDED", "This does not fit into what is left of your storage")
	// ErrOverLimit is ErrExceeded for somebody who already keeps more than the
	// plan allows, as after a smaller plan. Nothing is deleted for that.
	ErrOverLimit = ErrExceeded.WithMessage("You keep more than your plan allows: delete files or choose a larger plan, then upload again")
	// ErrTooManyFiles refuses one more file.
	ErrTooManyFiles = problem.New(http.StatusRequestEntityTooLarge, "TOO_MANY_FILES", "You keep as many files as are allowed: delete some first")
	// ErrClosed refuses everything new from an owner whose account was deleted.
	ErrClosed = problem.New(http.StatusForbidden, "ACCOUNT_CLOSED", "This account was deleted")
)

// Limits hold for every owner.
type Limits struct {
	DefaultBytes int64 // what an owner may keep about whom billing has said nothing
	MaxFiles     int64 // how many files anybody may keep
}

// Account is what one owner may keep and keeps. Counters are in bytes or files.
type Account struct {
	Owner         string
	Plan          string
	Limit         int64
	Used          int64
	Reserved      int64 // for uploads under way
	Files         int64
	ReservedFiles int64
	MaxFiles      int64
	Closed        bool // the user was deleted
}

// left is the room in bytes; negative after a smaller plan.
func (a *Account) left() int64 { return a.Limit - a.Used - a.Reserved }

// Reservation is what an upload under way holds: bytes, and a place among the
// files when it makes a new one.
type Reservation struct{ Bytes, Files int64 }

// Open reserves for an upload that is about to start.
func (a *Account) Open(r Reservation) error {
	if !a.Closed && a.Files+a.ReservedFiles+r.Files > a.MaxFiles && r.Files > 0 {
		return ErrTooManyFiles
	}
	if _, err := a.Extend(r.Bytes, r.Bytes); err != nil {
		return err
	}
	a.ReservedFiles += r.Files
	return nil
}

// Extend reserves more bytes for an upload under way: as much of want as there
// is, and no less than need. It gives what was reserved.
func (a *Account) Extend(need, want int64) (int64, error) {
	switch {
	case a.Closed:
		return 0, ErrClosed
	case a.Used > a.Limit:
		return 0, ErrOverLimit
	case a.left() < need:
		return 0, ErrExceeded
	}
	granted := max(need, min(want, a.left()))
	a.Reserved += granted
	return granted, nil
}

// Abandon gives back what an upload held.
func (a *Account) Abandon(r Reservation) {
	a.Reserved -= r.Bytes
	a.ReservedFiles -= r.Files
}

// Keep turns the reservation of an upload into a file of size bytes, in place of
// one of replaced bytes, or of none when replaced is negative. It may find that
// there is no room after all, when a file that the upload was to replace has gone.
func (a *Account) Keep(r Reservation, size, replaced int64) error {
	grown := Reservation{Bytes: size - max(replaced, 0)}
	if replaced < 0 {
		grown.Files = 1
	}
	switch {
	case a.Closed:
		return ErrClosed
	case grown.Files > r.Files && a.Files+a.ReservedFiles >= a.MaxFiles:
		return ErrTooManyFiles
	case grown.Bytes > r.Bytes && grown.Bytes-r.Bytes > a.left():
		return ErrExceeded
	}
	a.Abandon(r)
	a.Used += grown.Bytes
	a.Files += grown.Files
	return nil
}

// Inherit adds a file that was another owner's, whatever the limit.
func (a *Account) Inherit(size int64) {
	a.Used += size
	a.Files++
}

// Drop takes a file of size bytes off.
func (a *Account) Drop(size int64) {
	a.Used -= size
	a.Files--
}
