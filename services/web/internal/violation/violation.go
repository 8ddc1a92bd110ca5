// Package violation takes what browsers report when a page tries what its content
// policy forbids: an attack, an extension, or a mistake of a release.
package violation

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/codex-platform/codex/pkg/problem"
)

// Path is where a policy's report-uri sends reports (CSP 3, section 5). Browsers
// of every maker still obey report-uri; not all know report-to.
const Path = "/csp-reports"

const (
	most = 16 << 10 // bytes of a report
	// said is how many reports are written to the log a minute: anybody may send them.
	// All are counted.
	said = 10
)

// Reports counts reports and writes some of them to the log.
type Reports struct {
	log   *slog.Logger
	now   func() time.Time
	count metric.Int64Counter

	mu     sync.Mutex
	minute time.Time
	left   int
}

// New makes Reports with the log that they go to.
func New(log *slog.Logger, now func() time.Time) (*Reports, error) {
	count, err := otel.Meter("web").Int64Counter("web.csp.reports",
		metric.WithDescription("Things that a page's content policy forbade, by directive"))
	if err != nil {
		return nil, fmt.Errorf("make metric: %w", err)
	}
	return &Reports{log: log, now: now, count: count}, nil
}

// document is a report as report-uri sends it (CSP 2, section 4.4).
type document struct {
	Report *struct {
		Page      string `json:"document-uri"`
		Blocked   string `json:"blocked-uri"`
		Directive string `json:"effective-directive"`
		Violated  string `json:"violated-directive"` // where a browser does not say the other
	} `json:"csp-report"`
}

// Take reads one report and answers 204. What is no report is a problem.
func (v *Reports) Take(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return problem.MethodNotAllowed
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/csp-report" {
		return problem.UnsupportedMediaType.WithMessage("A report is application/csp-report")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return problem.TooLarge
	} else if err != nil {
		return problem.Malformed
	}
	var d document
	if json.Unmarshal(body, &d) != nil || d.Report == nil {
		return problem.Malformed.WithMessage(`A report is {"csp-report": {…}}`)
	}
	directive := named(d.Report.Directive, d.Report.Violated)
	v.count.Add(r.Context(), 1, metric.WithAttributes(attribute.String("directive", directive)))
	if v.maySay() {
		v.log.WarnContext(r.Context(), "a page was kept from what its content policy forbids",
			"directive", directive, "blocked", source(d.Report.Blocked), "page", path(d.Report.Page))
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (v *Reports) maySay() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if now := v.now(); now.Sub(v.minute) >= time.Minute {
		v.minute, v.left = now, said
	}
	v.left--
	return v.left >= 0
}

var directives = regexp.MustCompile(`^(?:(?:default|script|style|img|font|connect|media|object|frame|child|worker|manifest)-src(?:-elem|-attr)?|base-uri|form-action|frame-ancestors|require-trusted-types-for|trusted-types)\b`)

// named gives the directive of the first that has one: what strangers send becomes
// a label only if it is one of those that exist.
func named(said ...string) string {
	for _, s := range said {
		if directive := directives.FindString(s); directive != "" {
			return directive
		}
	}
	return "other"
}

// source is where something came from, without what an address may hold of a
// person: its origin, or the word that a browser has for what has none.
func source(blocked string) string {
	u, err := url.Parse(blocked)
	switch {
	case err != nil || len(blocked) > 2048:
		return "unreadable"
	case u.Host != "":
		return cut(u.Scheme + "://" + u.Host)
	case u.Scheme != "":
		return cut(u.Scheme + ":")
	default:
		return cut(u.Path) // inline, eval, trusted-types-sink
	}
}

// path is a page's, without its query, which may hold a secret.
func path(page string) string {
	u, err := url.Parse(page)
	if err != nil {
		return "unreadable"
	}
	return cut(u.Path)
}

func cut(s string) string { return s[:min(len(s), 200)] }
