package wire

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/codex-platform/codex/pkg/problem"
)

// Refusal is an error on the wire: message and code, and details where the
// contract names them.
type Refusal struct {
	Message string   `json:"message"`
	Code    string   `json:"code,omitempty"`
	Details *Details `json:"details,omitempty"`
}

// Details say when a spent API key works again.
type Details struct {
	TryAgainIn int64 `json:"tryAgainIn" doc:"Milliseconds"`
}

// Renderer gives Render with these words for banned people; "": the contract's.
func Renderer(banned string) func(http.ResponseWriter, *http.Request, *problem.Problem) {
	return func(w http.ResponseWriter, r *http.Request, p *problem.Problem) {
		if banned != "" && p.Code == ErrBanned.Code {
			p = p.WithMessage(banned)
		}
		Render(w, r, p)
	}
}

// Render writes a problem as {message, code}. A rate limit has a message and
// X-Retry-After only, and ErrNothing has no body, as the clients expect; httpapi
// has set Retry-After.
func Render(w http.ResponseWriter, _ *http.Request, p *problem.Problem) {
	if p.Status == http.StatusTooManyRequests {
		w.Header().Set("X-Retry-After", seconds(p.RetryAfter))
	}
	w.Header().Set("Cache-Control", noStore)
	if p.Code == codeRateLimited {
		write(w, p.Status, Refusal{Message: ErrTooMany.Message})
		return
	}
	if p.Code == ErrNothing.Code {
		w.WriteHeader(p.Status)
		return
	}
	write(w, p.Status, Spoken(p))
}

// Spoken gives a refusal as clients read it: the contract's words for those that
// every service shares.
func Spoken(p *problem.Problem) Refusal {
	switch p.Code {
	case problem.Internal.Code:
		return Refusal{Message: "Internal Server Error", Code: "INTERNAL_SERVER_ERROR"}
	case problem.Unauthorized.Code:
		return Refusal{Message: ErrUnauthorized.Message, Code: ErrUnauthorized.Code}
	case problem.Malformed.Code:
		return Refusal{Message: errNotJSON.Message, Code: errNotJSON.Code}
	case problem.UnsupportedMediaType.Code:
		return Refusal{Message: errMediaType.Message, Code: errMediaType.Code}
	case problem.Invalid.Code:
		return Refusal{Message: named(p), Code: p.Code}
	case ErrKeySpent.Code:
		return Refusal{p.Message, codeRateLimited, &Details{p.RetryAfter.Milliseconds()}}
	}
	return Refusal{Message: p.Message, Code: p.Code}
}

// named adds the members that do not fit to the message: internal operations are
// checked by their schema, whose faults are not the contract's.
func named(p *problem.Problem) string {
	faults := make([]string, 0, len(p.Fields))
	for _, f := range p.Fields {
		place := strings.ReplaceAll(f.Pointer, "/", ".")
		if place == "" || place[0] == '.' {
			place = "body" + place
		}
		faults = append(faults, "["+place+"] "+f.Detail)
	}
	if len(faults) == 0 {
		return p.Message
	}
	return p.Message + ": " + strings.Join(faults, "; ")
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
