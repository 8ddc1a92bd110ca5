package upstream

import (
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/codex-platform/codex/pkg/problem"
)

// minRate is the least that a client must send on average once the idle time is
// over, in bytes a second: who drips single bytes holds a connection for nothing.
const minRate = 256

// errLeft means that the client went away in the middle of its body.
var errLeft = errors.New("client left while sending")

var errStopped = errors.New("the answer came before the whole body")

// ErrBadBody refuses a body whose framing breaks in the middle.
var ErrBadBody = problem.New(http.StatusBadRequest, "MALFORMED_BODY", "The body's framing is broken")

// clientBody is a request's body on its way to the service: bounded in size,
// watched for time, and stoppable when the service has answered already.
type clientBody struct {
	in       io.Reader
	control  *http.ResponseController
	length   int64 // as announced; -1 unknown
	max      int64
	idle     time.Duration
	began    time.Time
	stopping atomic.Bool
	read     atomic.Int64
	whole    atomic.Bool // the end was reached

	mu   sync.Mutex
	fail error // the first failure, as a refusal where it is the client's
}

func newClientBody(r *http.Request, control *http.ResponseController, most int64, idle time.Duration) *clientBody {
	return &clientBody{in: r.Body, control: control, length: r.ContentLength, max: most, idle: idle, began: time.Now()}
}

func (b *clientBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.fail != nil:
		return 0, b.fail
	case b.whole.Load():
		return 0, io.EOF
	}
	now := time.Now()
	_ = b.control.SetReadDeadline(b.deadline(now)) // a writer that cannot is bounded by its server
	if b.stopping.Load() {
		b.fail = errStopped
		return 0, b.fail
	}
	n, err := b.in.Read(p)
	total := b.read.Add(int64(n))
	switch {
	case total > b.max:
		b.fail = problem.TooLarge
		return 0, b.fail
	case err == io.EOF:
		b.end()
	case err != nil:
		b.fail = b.explain(err)
		return n, b.fail
	case total == b.length:
		b.end()
	}
	return n, err
}

// deadline is the next byte's: idle from now, and the average rate over all.
func (b *clientBody) deadline(now time.Time) time.Time {
	next := now.Add(b.idle)
	earned := time.Duration(b.read.Load()) * (time.Second / minRate)
	if byRate := b.began.Add(b.idle + earned); byRate.Before(next) {
		return byRate
	}
	return next
}

// end lifts the limits of the body: they would cut the wait for the answer.
func (b *clientBody) end() {
	b.whole.Store(true)
	_ = b.control.SetReadDeadline(time.Time{})
}

func (b *clientBody) explain(err error) error {
	var large *http.MaxBytesError
	switch {
	case b.stopping.Load():
		return errStopped
	case errors.As(err, &large):
		return problem.TooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return problem.Timeout
	case framing(err):
		return ErrBadBody
	case errors.Is(err, io.ErrUnexpectedEOF), truncated(err.Error()):
		return ErrTruncated
	}
	return errLeft
}

// ErrTruncated refuses a body that ended before its length. Who only closed the
// sending side still reads it.
var ErrTruncated = problem.New(http.StatusBadRequest, "BODY_TRUNCATED", "The body ended before its declared length")

// framing tells a client's broken chunks and trailers from a broken connection;
// net/http gives most of them no type.
func framing(err error) bool {
	switch err.Error() {
	case "malformed chunked encoding", "invalid byte in chunk length", "http chunk length too large",
		"empty hex number for chunk length", "header line too long", "chunked line ends with bare LF", "invalid CR in chunked line",
		"chunked encoding contains too much non-data", "http: suspiciously long trailer after chunked body":
		return true
	}
	var trailer textproto.ProtocolError
	return errors.As(err, &trailer)
}

// truncated holds for the two ends before the end that are no io.ErrUnexpectedEOF.
func truncated(text string) bool {
	return text == "http: unexpected EOF reading trailer" || strings.HasPrefix(text, "request declared a Content-Length")
}

// stop ends reading at once: the service's answer is there and the client should
// have it. It returns when no read is under way any more, because the server may
// not be asked for the body after the handler is done.
func (b *clientBody) stop() {
	if b.whole.Load() {
		return
	}
	b.stopping.Store(true)
	_ = b.control.SetReadDeadline(time.Unix(1, 0))
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.whole.Load() {
		b.end() // it came meanwhile: what is read now is for the client's leaving
		return
	}
	if b.fail == nil {
		b.fail = errStopped
	}
	Linger(b.control)
}

// linger is how long what a client still sends is taken in before it is answered.
const linger = 50 * time.Millisecond

// Linger bounds the server's own reading of a body that nobody wants any more: a
// small one is taken in, so that the connection stays usable and the client reads
// its answer before the end; a slow one must not hold the answer back.
func Linger(control *http.ResponseController) {
	_ = control.SetReadDeadline(time.Now().Add(linger))
}

// failure is why reading failed, nil when it did not or was stopped by us.
func (b *clientBody) failure() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if errors.Is(b.fail, errStopped) {
		return nil
	}
	return b.fail
}
