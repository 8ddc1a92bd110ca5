package refusal_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/services/gateway/internal/refusal"
)

func TestWrite_inBothShapes(t *testing.T) {
	t.Parallel()
	refused := problem.New(418, "TEAPOT", "I am a teapot").WithRetryAfter(1200 * time.Millisecond)
	for name, tc := range map[string]struct {
		shape refusal.Shape
		p     *problem.Problem
		kind  string
		want  string
	}{
		"problem": {refusal.Problem, refused, "application/problem+json",
			`{"type":"/docs/problems#TEAPOT","title":"I'm a teapot","status":418,"detail":"I am a teapot","code":"TEAPOT","request_id":"r1"}`},
		"auth":     {refusal.Auth, refused, "application/json", `{"message":"I am a teapot","code":"TEAPOT"}`},
		"auth 429": {refusal.Auth, problem.TooManyRequests.WithRetryAfter(2 * time.Second), "application/json", `{"message":"Too many requests. Please try again later."}`},
	} {
		w := httptest.NewRecorder()
		w.Header().Set("Content-Length", "999")
		w.Header().Set("ETag", `"of the upstream"`)
		refusal.Write(w, httptest.NewRequest(http.MethodGet, "/", nil), tc.shape, tc.p, "r1")
		h := w.Result().Header
		if w.Code != tc.p.Status || w.Body.String() != tc.want || h.Get("Content-Type") != tc.kind || h.Get("Retry-After") != "2" ||
			h.Get("Cache-Control") != "no-store" || h.Get("ETag") != "" {
			t.Errorf("%s: %d %v %s", name, w.Code, h, w.Body)
		}
	}
}

func TestSeconds_areNeverTooFew(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{0: "1", time.Millisecond: "1", time.Second: "1", 1001 * time.Millisecond: "2", time.Minute: "60"} {
		if got := refusal.Seconds(d); got != want {
			t.Errorf("Seconds(%s) = %s, want %s", d, got, want)
		}
	}
}
