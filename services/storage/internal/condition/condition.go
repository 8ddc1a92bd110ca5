// Package condition owns the preconditions of HTTP (RFC 9110 section 13): whether
// a request still makes sense for the file as it is now.
package condition

import (
	"net/http"
	"strings"
	"time"

	"github.com/codex-platform/codex/pkg/problem"
)

// ErrFailed refuses a change of a file that has changed since its sender saw it.
var ErrFailed = problem.New(http.StatusPreconditionFailed, "PRECONDITION_FAILED", "The file has changed in the meantime")

// Write are the conditions of a change. They are checked inside the transaction
// that makes the change, so that two clients cannot both pass.
type Write struct {
	IfMatch     string `header:"If-Match" doc:"Change the file only if its ETag is one of these, or exists at all (*)"`
	IfNoneMatch string `header:"If-None-Match" doc:"Change the file only if its ETag is none of these; * means: only if there is none yet"`
}

// Check tells whether the change may be made; etag is the file's as it is now,
// or "" when there is no such file.
func (c Write) Check(etag string) error {
	if c.IfMatch != "" && !matches(c.IfMatch, etag, strong) {
		return ErrFailed
	}
	if c.IfNoneMatch != "" && matches(c.IfNoneMatch, etag, weak) {
		return ErrFailed
	}
	return nil
}

// Read are the conditions of a download.
type Read struct {
	IfMatch           string `header:"If-Match" doc:"Answer only if the ETag is one of these"`
	IfNoneMatch       string `header:"If-None-Match" doc:"Answer 304 if the ETag is one of these"`
	IfModifiedSince   string `header:"If-Modified-Since" doc:"Answer 304 if the file is not newer; ignored beside If-None-Match"`
	IfUnmodifiedSince string `header:"If-Unmodified-Since" doc:"Answer only if the file is not newer; ignored beside If-Match"`
	IfRange           string `header:"If-Range" doc:"Honour Range only if the file still has this ETag or date; otherwise send all of it"`
}

// Outcome is what the conditions of a download lead to.
type Outcome int

// The outcomes of Read.Check.
const (
	Proceed     Outcome = iota // send what was asked for
	NotModified                // 304: the client has it
	Failed                     // 412
)

// Check evaluates the conditions in the order of RFC 9110 section 13.2.2.
func (c Read) Check(etag string, modified time.Time) Outcome {
	switch {
	case c.IfMatch != "":
		if !matches(c.IfMatch, etag, strong) {
			return Failed
		}
	case newer(modified, c.IfUnmodifiedSince):
		return Failed
	}
	switch {
	case c.IfNoneMatch != "":
		if matches(c.IfNoneMatch, etag, weak) {
			return NotModified
		}
	case isDate(c.IfModifiedSince) && !newer(modified, c.IfModifiedSince):
		return NotModified
	}
	return Proceed
}

// RangeHolds tells whether a Range may be honoured: there is no If-Range, or it
// names the file as it is. A date must be the very one that we sent; it is never
// younger than a second when it is strong (section 13.1.5).
func (c Read) RangeHolds(etag string, modified, now time.Time) bool {
	if c.IfRange == "" {
		return true
	}
	if at, err := http.ParseTime(c.IfRange); err == nil {
		return at.Equal(modified.Truncate(time.Second)) && now.Sub(at) > time.Second
	}
	return matches(c.IfRange, etag, strong)
}

func isDate(header string) bool {
	_, err := http.ParseTime(header)
	return err == nil
}

// newer tells whether the file is newer than the date; a header that is no date
// is no condition.
func newer(modified time.Time, header string) bool {
	at, err := http.ParseTime(header)
	return err == nil && modified.Truncate(time.Second).After(at)
}

// weak and strong are the two ways to compare entity tags, section 8.8.3.2.
const (
	weak   = true
	strong = false
)

// matches tells whether the list of entity tags in a header, or "*", names etag.
func matches(list, etag string, weakly bool) bool {
	if strings.TrimSpace(list) == "*" {
		return etag != ""
	}
	for tag := range tags(list) {
		bare, isWeak := strings.CutPrefix(tag, "W/")
		if bare == etag && etag != "" && (weakly || !isWeak) {
			return true
		}
	}
	return false
}
