package violation_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/services/web/internal/violation"
)

const inline = `{"csp-report":{"document-uri":"https://app.example.test/reset-password?token=secret","referrer":"","violated-directive":"script-src-elem","effective-directive":"script-src-elem","original-policy":"script-src 'self'","blocked-uri":"inline","status-code":200}}`

// world is a place that takes reports, with its log and its clock.
type world struct {
	*violation.Reports
	log bytes.Buffer
	now time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{now: time.Unix(1_700_000_000, 0)}
	var err error
	if w.Reports, err = violation.New(slog.New(slog.NewTextHandler(&w.log, nil)), func() time.Time { return w.now }); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) send(method, kind, body string) (*httptest.ResponseRecorder, error) {
	r := httptest.NewRequest(method, violation.Path, strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	answer := httptest.NewRecorder()
	return answer, w.Take(answer, r)
}

// GW-19
func TestReport_isWrittenToTheLogWithoutSecrets(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ body, want string }{
		"an inline script":       {inline, "directive=script-src-elem blocked=inline page=/reset-password\n"},
		"a script of a stranger": {`{"csp-report":{"document-uri":"https://app.example.test/","violated-directive":"script-src 'self'","blocked-uri":"https://evil.example.test/x.js?of=someone"}}`, "directive=script-src blocked=https://evil.example.test page=/\n"},
		"a data address":         {`{"csp-report":{"document-uri":"https://app.example.test/","effective-directive":"img-src","blocked-uri":"data:image/png;base64,AAAA"}}`, "directive=img-src blocked=data: page=/\n"},
		"an invented directive":  {`{"csp-report":{"effective-directive":"x y","blocked-uri":"%zz","document-uri":"%zz"}}`, "directive=other blocked=unreadable page=unreadable\n"},
	} {
		w := newWorld(t)
		answer, err := w.send(http.MethodPost, "application/csp-report", tc.body)
		if err != nil || answer.Code != http.StatusNoContent || !strings.HasSuffix(w.log.String(), tc.want) {
			t.Errorf("%s: %d, %v, log %q, want %q", name, answer.Code, err, w.log.String(), tc.want)
		}
	}
}

func TestReport_ofStrangersCannotFillTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 2 {
		w.log.Reset()
		for range 100 {
			if _, err := w.send(http.MethodPost, "application/csp-report", inline); err != nil {
				t.Fatal(err)
			}
		}
		if lines := strings.Count(w.log.String(), "\n"); lines != 10 {
			t.Errorf("%d lines in a minute, want 10", lines)
		}
		w.now = w.now.Add(time.Minute)
	}
}

func TestReport_thatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		method, kind, body string
		want               error
	}{
		"another method":  {http.MethodGet, "", "", problem.MethodNotAllowed},
		"another type":    {http.MethodPost, "application/json", inline, problem.UnsupportedMediaType},
		"no type":         {http.MethodPost, "", inline, problem.UnsupportedMediaType},
		"no JSON":         {http.MethodPost, "application/csp-report", "{", problem.Malformed},
		"no report":       {http.MethodPost, "application/csp-report", "{}", problem.Malformed},
		"more than 16KiB": {http.MethodPost, "application/csp-report", `{"csp-report":{"blocked-uri":"` + strings.Repeat("a", 16<<10) + `"}}`, problem.TooLarge},
	} {
		w := newWorld(t)
		if _, err := w.send(tc.method, tc.kind, tc.body); !errors.Is(err, tc.want) || w.log.Len() != 0 {
			t.Errorf("%s: %v, want %v; log %q", name, err, tc.want, w.log.String())
		}
	}
}
