package upstream

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// late is a body whose end arrives as its reading is being stopped, and the
// connection that it comes over.
type late struct {
	http.ResponseWriter
	reading, stopped chan struct{}
	deadline         time.Time
}

func (l *late) Read([]byte) (int, error) {
	close(l.reading)
	<-l.stopped
	return 0, io.EOF
}

func (l *late) SetReadDeadline(t time.Time) error {
	if l.deadline = t; t.Equal(time.Unix(1, 0)) {
		close(l.stopped)
	}
	return nil
}

// What the server reads behind a body, to learn that its client leaves, has no limit.
func TestStop_aBodyThatEndsMeanwhileLeavesNoDeadline(t *testing.T) {
	t.Parallel()
	l := &late{ResponseWriter: httptest.NewRecorder(), reading: make(chan struct{}), stopped: make(chan struct{})}
	r := httptest.NewRequest(http.MethodPost, "/", io.NopCloser(l))
	b := newClientBody(r, http.NewResponseController(l), 10, time.Minute)
	go func() { _, _ = b.Read(make([]byte, 1)) }()
	<-l.reading
	b.stop()
	if !b.whole.Load() || !l.deadline.IsZero() {
		t.Errorf("whole %v, the deadline is %s", b.whole.Load(), l.deadline)
	}
}
