package main

import (
	"log/slog"
	"net/http"

	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/services/web/internal/site"
	"github.com/codex-platform/codex/services/web/internal/violation"
)

// newAPI serves the site behind the stages that every service has. Facing the
// Internet itself, it also sets the headers that the gateway would.
func newAPI(s settings, live *site.Live, reports *violation.Reports, log *slog.Logger) *httpapi.API {
	api := httpapi.New(httpapi.Config{
		Service: "web", Log: log, Edge: s.HTTP.Edge, Proxies: s.HTTP.Proxies(),
		Direct: httpapi.Direct{Headers: security.WebHeaders().Compile(!s.Development())},
	})
	api.Rest(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Path == violation.Path {
			return reports.Take(w, r)
		}
		return live.Answer(w, r)
	})
	return api
}
