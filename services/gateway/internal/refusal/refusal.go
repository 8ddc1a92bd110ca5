// Package refusal owns what the gateway says when it answers a request itself.
package refusal

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/codex-platform/codex/pkg/problem"
)

// Shape is the form of an error body.
type Shape int

// The shapes.
const (
	Problem Shape = iota // RFC 9457
	Auth                 // {message, code}, as better-auth's clients read it
)

// Write answers with the problem. Headers set before stay; a body that an
// upstream announced does not.
func Write(w http.ResponseWriter, r *http.Request, shape Shape, p *problem.Problem, requestID string) {
	h := w.Header()
	for _, name := range []string{"Content-Length", "Content-Encoding", "Etag", "Last-Modified", "Accept-Ranges"} {
		h.Del(name)
	}
	var body []byte
	var err error
	if shape == Auth {
		h.Set("Content-Type", "application/json")
		body, err = json.Marshal(authBody(p))
	} else {
		h.Set("Content-Type", problem.MediaType)
		body, err = json.Marshal(p.Document(requestID))
	}
	if err != nil { // strings and numbers always encode
		body = nil
	}
	if p.RetryAfter > 0 {
		h.Set("Retry-After", Seconds(p.RetryAfter))
	}
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(p.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that left gets nothing more
	}
}

// authBody is the contract's error form; its 429 has no code (contract §1.3).
func authBody(p *problem.Problem) any {
	type body struct {
		Message string `json:"message"`
		Code    string `json:"code,omitempty"`
	}
	if p.Status == http.StatusTooManyRequests {
		return body{Message: "Too many requests. Please try again later."}
	}
	return body{Message: p.Message, Code: p.Code}
}

// Seconds writes a wait as whole seconds, rounded up and never zero: who comes
// back after it is not refused again for the rounding.
func Seconds(d time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))
}
