package wire

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/codex-platform/codex/pkg/problem"
)

// Refusal is an error on the wire: these two members, never more.
type Refusal struct {
	Message string `json:"message"`
	Code    string `json:"code,omitempty"`
}

// Render writes a problem as {message, code}. A rate limit has a message and
// X-Retry-After only, and ErrNothing has no body, as the clients expect; httpapi
// has set Retry-After.
func Render(w http.ResponseWriter, _ *http.Request, p *problem.Problem) {
	if p.Status == http.StatusTooManyRequests {
		w.Header().Set("X-Retry-After", seconds(p.RetryAfter))
		write(w, p.Status, Refusal{Message: ErrTooMany.Message})
		return
	}
	if p.Code == ErrNothing.Code {
		w.WriteHeader(p.Status)
		return
	}
	write(w, p.Status, spoken(p))
}

// spoken gives the contract's words for the refusals that every service shares.
func spoken(p *problem.Problem) Refusal {
	switch p.Code {
	case problem.Internal.Code:
		return Refusal{"Internal Server Error", "INTERNAL_SERVER_ERROR"}
	case problem.Unauthorized.Code:
		return Refusal{ErrUnauthorized.Message, ErrUnauthorized.Code}
	case problem.Malformed.Code:
		return Refusal{errNotJSON.Message, errNotJSON.Code}
	case problem.UnsupportedMediaType.Code:
		return Refusal{errMediaType.Message, errMediaType.Code}
	}
	return Refusal{p.Message, p.Code}
}

func write(w http.ResponseWriter, status int, body Refusal) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	_ = out.Encode(body) // the client may have gone; there is nobody left to tell
}

// seconds rounds up: a client that waits that long is let through.
func seconds(d time.Duration) string {
	return strconv.Itoa(max(1, int((d+time.Second-1)/time.Second)))
}
