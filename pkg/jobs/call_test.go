package jobs_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/riverqueue/river"

	"github.com/codex-platform/codex/pkg/jobs"
	"github.com/codex-platform/codex/pkg/observability"
	"github.com/codex-platform/codex/pkg/security"
)

func TestCaller_succeedsWithWhatSaysSo(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		method string
		status int
		want   bool
	}{
		"done":                   {"PUT", 204, true},
		"created":                {"POST", 201, true},
		"gone already":           {"DELETE", 404, true},
		"nothing to put it into": {"PUT", 404, false},
		"not let in":             {"DELETE", 401, false},
		"busy":                   {"PUT", 503, false},
		"sent elsewhere":         {"PUT", 302, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tc.status)
			}))
			defer server.Close()
			err := call(t.Context(), map[string]string{"storage": server.URL}, jobs.Call{Target: "storage", Method: tc.method, Path: "/x"})
			if (err == nil) != tc.want || err != nil && strings.Contains(err.Error(), "/x") {
				t.Errorf("err = %v", err)
			}
		})
	}
}

func call(ctx context.Context, targets map[string]string, c jobs.Call) error {
	return jobs.NewCaller(targets, security.NewServiceTokens([]string{"the-token", "the-old-one"})).Work(ctx, &river.Job[jobs.Call]{Args: c})
}

func TestCaller_saysWhoCallsAndWhy(t *testing.T) {
	t.Parallel()
	got := make(chan *http.Request, 1)
	body := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		got <- r
		body <- string(text)
	}))
	defer server.Close()
	ctx := observability.WithRequestID(t.Context(), "request-1")
	err := call(ctx, map[string]string{"storage": server.URL + "/"},
		jobs.Call{Target: "storage", Method: http.MethodPut, Path: "/internal/v1/users/a%2Fb/plan", Body: json.RawMessage(`{"plan":"pro"}`)})
	if err != nil {
		t.Fatal(err)
	}
	r := <-got
	if r.URL.EscapedPath() != "/internal/v1/users/a%2Fb/plan" || r.Header.Get("Authorization") != "Bearer the-token" ||
		r.Header.Get("Content-Type") != "application/json" || r.Header.Get("X-Request-Id") != "request-1" {
		t.Errorf("got %s %v", r.URL, r.Header)
	}
	if text := <-body; text != `{"plan":"pro"}` {
		t.Errorf("body = %s", text)
	}
}

func TestCaller_waitsForATargetThatIsNotSet(t *testing.T) {
	t.Parallel()
	if err := call(t.Context(), nil, jobs.Call{Target: "storage", Method: http.MethodPut, Path: "/x"}); err == nil {
		t.Error("a call to nowhere succeeded")
	}
}
