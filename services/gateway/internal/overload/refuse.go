package overload

import (
	"net/http"
	"time"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/services/gateway/internal/refusal"
)

// ErrOverloaded refuses a request before anything was done for it.
var ErrOverloaded = problem.New(http.StatusServiceUnavailable, "OVERLOADED", "More is asked for than can be done: try again shortly").WithRetryAfter(time.Second)

// Refusal is the answer ErrOverloaded of one class, made once: it is given when
// there is no time for anything.
type Refusal struct {
	header http.Header // shared by all answers: never written to
	body   []byte
}

// NewRefusal makes the answer with these lines, the class's own.
func NewRefusal(header http.Header, shape refusal.Shape) *Refusal {
	made := &Refusal{header: header.Clone()}
	if made.header == nil {
		made.header = http.Header{}
	}
	refusal.Write(rendered{made}, &http.Request{Method: http.MethodGet}, shape, ErrOverloaded, "")
	return made
}

// rendered keeps what is written.
type rendered struct{ of *Refusal }

func (r rendered) Header() http.Header { return r.of.header }
func (r rendered) WriteHeader(int)     {}
func (r rendered) Write(b []byte) (int, error) {
	r.of.body = append(r.of.body, b...)
	return len(b), nil
}

// Write answers.
func (f *Refusal) Write(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	for name, values := range f.header {
		h[name] = values
	}
	w.WriteHeader(ErrOverloaded.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(f.body) // a client that left gets nothing more
	}
}
