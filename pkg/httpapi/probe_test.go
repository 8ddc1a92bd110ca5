package httpapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/codex-platform/codex/pkg/httpapi"
)

func TestProbeSaysWhatTheServiceSays(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status int
		fails  bool
	}{
		"ready":     {http.StatusOK, false},
		"not ready": {http.StatusServiceUnavailable, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/readyz" {
					t.Errorf("asked for %s", r.URL.Path)
				}
				w.WriteHeader(tc.status)
			}))
			defer service.Close()
			err := probe(t, strings.TrimPrefix(service.URL, "http://"))
			if (err != nil) != tc.fails {
				t.Errorf("probe = %v", err)
			}
		})
	}
}

func TestProbeFailsWhenNothingListens(t *testing.T) {
	t.Parallel()
	if err := probe(t, "127.0.0.1:1"); err == nil {
		t.Error("probe found a service where none is")
	}
}

func probe(t *testing.T, addr string) error {
	t.Helper()
	command := httpapi.ProbeCommand(func(s string) string { return s })
	return command.Run(t.Context(), addr, nil, io.Discard)
}
