package objectstore

import (
	"errors"
	"io"
	"sync"
)

// source is the reader of a Put: it ends after the agreed number of bytes, takes
// an early end for a failure, and remembers what failed, because the HTTP client
// that reads it reports such errors in words of its own. It does not seek, so the
// client never sends it twice.
type source struct {
	r io.Reader

	mu      sync.Mutex // a request that was answered early may still be read from
	left    int64      // bytes still to come; negative: unknown
	err     error
	stopped bool
}

func newSource(r io.Reader, size int64) *source {
	return &source{r: r, left: size}
}

// Read reads from the source, at most to the agreed end.
func (s *source) Read(p []byte) (int, error) {
	s.mu.Lock()
	left, stopped := s.left, s.stopped
	s.mu.Unlock()
	switch {
	case stopped:
		return 0, io.ErrClosedPipe
	case left == 0:
		return 0, io.EOF
	case left > 0:
		p = p[:min(int64(len(p)), left)]
	}
	n, err := s.r.Read(p)
	return n, s.note(n, err)
}

// note keeps the count and the failure of one read.
func (s *source) note(n int, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left > 0 {
		s.left -= int64(n)
		if errors.Is(err, io.EOF) && s.left > 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	if err != nil && !errors.Is(err, io.EOF) && !s.stopped {
		s.err = err
	}
	return err
}

// failure gives what the reader failed with, if it did.
func (s *source) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// stop ends the source: nobody reads it any more once Put has returned.
func (s *source) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
}
