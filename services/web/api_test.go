package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/services/web/internal/site"
	"github.com/codex-platform/codex/services/web/internal/violation"
)

func ask(t *testing.T, s settings, files fstest.MapFS, target string) *httptest.ResponseRecorder {
	t.Helper()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	reports, err := violation.New(log, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	api := newAPI(s, site.NewLive(files), reports, log)
	w := httptest.NewRecorder()
	api.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	return w
}

func built() fstest.MapFS {
	return fstest.MapFS{
		"index.html": {Data: []byte(`<meta http-equiv="content-security-policy" content="script-src 'self' 'sha256-abc='">`)},
		"200.html":   {Data: []byte("shell")},
	}
}

func TestAPI_refusalsHaveTheFormOfEveryService(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]struct {
		files  fstest.MapFS
		status int
		code   string
		words  string
	}{
		"/_app/immutable/gone.js": {built(), http.StatusNotFound, "NOT_FOUND", ""},
		"/":                       {fstest.MapFS{}, http.StatusServiceUnavailable, "APP_NOT_BUILT", "make web"},
	} {
		w := ask(t, settings{}, want.files, target)
		var document struct {
			Code      string `json:"code"`
			Detail    string `json:"detail"`
			RequestID string `json:"request_id"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &document); err != nil {
			t.Fatalf("%s: %v in %s", target, err, w.Body)
		}
		if w.Code != want.status || document.Code != want.code || document.RequestID == "" || !strings.Contains(document.Detail, want.words) {
			t.Errorf("%s: got %d %s", target, w.Code, w.Body)
		}
	}
}

func TestAPI_facingTheInternetItGuardsThePagesItself(t *testing.T) {
	t.Parallel()
	s := settings{}
	s.HTTP.Edge = httpapi.EdgeDirect
	w := ask(t, s, built(), "/")
	for name, want := range map[string]string{
		"X-Content-Type-Options":    "nosniff",
		"X-Frame-Options":           "DENY",
		"Strict-Transport-Security": "max-age=",
		"Content-Security-Policy":   "sha256-abc=", // the page's own, not the fallback
	} {
		if got := w.Header().Values(name); len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("%s is %q, want one with %q", name, got, want)
		}
	}
}
