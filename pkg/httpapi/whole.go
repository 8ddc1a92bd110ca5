package httpapi

import (
	"io"
	"time"

	"github.com/codex-platform/codex/pkg/problem"
)

// ReadAll reads a small body whole, for those who need the raw bytes before
// anybody parses them, such as a signature's check: at most limit bytes, and all
// of them within this time. Longer is problem.TooLarge, slower problem.Timeout.
func (b *Body) ReadAll(limit int64, within time.Duration) ([]byte, error) {
	if b.ContentLength > limit {
		return nil, problem.TooLarge
	}
	from := b.Reader
	if s, ok := b.Reader.(*streamReader); ok {
		// One deadline for all of it, not one for each piece.
		s.deadlines.expectBody(within)
		from = s.from
	}
	body, err := io.ReadAll(io.LimitReader(from, limit+1))
	switch {
	case err != nil:
		return nil, readProblem(err)
	case int64(len(body)) > limit:
		return nil, problem.TooLarge
	}
	if s, ok := b.Reader.(*streamReader); ok {
		_ = s.deadlines.SetReadDeadline(time.Time{})
	}
	return body, nil
}
