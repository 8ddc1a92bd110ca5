package kind

import (
	"bytes"
	"net/http"
	"regexp"
	"strings"

	"github.com/codex-platform/codex/pkg/problem"
)

// ErrActive refuses a picture that can run something (STO-03).
var ErrActive = problem.New(http.StatusUnsupportedMediaType, "ACTIVE_CONTENT",
	"The picture holds script or foreign content: save it without and send it again")

// runs matches what makes an SVG picture more than a picture: elements that run
// or embed, event handlers, addresses that run, and entities, which can hide any
// of these. Go's regular expressions take linear time.
var runs = regexp.MustCompile(`(?i)<\s*([a-z][\w.-]*:)?(script|foreignobject|iframe|embed|object|handler)\b|<!entity|javascript:|data:text/html|[\s"'/]on[a-z]{3,30}\s*=`)

// overlap is how much of one piece is looked at again with the next: longer than
// what the expression needs to match.
const overlap = 256

// Active looks for such content in a picture that comes in pieces. A nil one
// looks for nothing.
type Active struct{ seen []byte }

// Watch gives what must be looked at in a file of this type: SVG alone. Other
// active kinds do not pass for pictures and are served as downloads in a sandbox.
func Watch(contentType string) *Active {
	if strings.HasPrefix(contentType, "image/svg") {
		return &Active{}
	}
	return nil
}

// In tells whether the piece, with the end of the one before, holds active
// content. NUL bytes do not count, so that UTF-16 hides nothing.
func (a *Active) In(piece []byte) bool {
	if a == nil {
		return false
	}
	a.seen = append(a.seen, bytes.ReplaceAll(piece, []byte{0}, nil)...)
	found := runs.Match(a.seen)
	if extra := len(a.seen) - overlap; extra > 0 {
		a.seen = append(a.seen[:0], a.seen[extra:]...)
	}
	return found
}
