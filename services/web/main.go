// Command web serves the web app: its pages and files, and nothing else. The other
// services run without it.
package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/observability"
	"github.com/codex-platform/codex/services/web/app"
	"github.com/codex-platform/codex/services/web/internal/site"
	"github.com/codex-platform/codex/services/web/internal/violation"
)

type settings struct {
	config.Base
	Addr        string `env:"ADDR" envDefault:":8004" help:"where the web app is served"`
	PrivateAddr string `env:"PRIVATE_ADDR" envDefault:"127.0.0.1:9004" help:"where health, metrics and profiles are served; never to the Internet"`
	Root        string `env:"WEB_ROOT" example:"services/web/app/build" help:"a folder with a build to serve in place of the one inside this program; read again when it changes"`

	Log  observability.Settings
	HTTP httpapi.Settings
}

// Validate refuses what cannot work.
func (s settings) Validate() []config.Fault { return s.HTTP.BehindGateway() }

func main() {
	config.Program[settings]{
		Name:    "web",
		Summary: "serves the web app",
		Redact:  observability.Redact,
		Commands: []config.Command[settings]{
			{Name: "serve", Summary: "serve the web app", Run: serve},
			{Name: "doctor", Summary: "tell whether there is a web app to serve", Run: doctor},
			httpapi.ProbeCommand(func(s settings) string { return s.PrivateAddr }),
		},
	}.Main()
}

func serve(ctx context.Context, s settings, _ []string, out io.Writer) error {
	log := observability.NewLogger("web", out, s.Log)
	telemetry, err := observability.Start(ctx, "web", s.Log, log)
	if err != nil {
		return err
	}
	files, err := filesOf(s)
	if err != nil {
		return err
	}
	reports, err := violation.New(log, time.Now)
	if err != nil {
		return err
	}
	live := site.NewLive(files)
	health := watch(live, httpapi.NewHealth(log))
	err = httpapi.Serve(ctx, s.HTTP.Serve(s.Addr, s.PrivateAddr, s.Development(), health),
		newAPI(s, live, reports, log), httpapi.Private(health, telemetry.MetricsHandler(), s.HTTP.Pprof), log)

	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	return errors.Join(err, telemetry.Shutdown(limited))
}

func doctor(ctx context.Context, s settings, _ []string, out io.Writer) error {
	files, err := filesOf(s)
	if err != nil {
		return err
	}
	log := observability.NewLogger("web", os.Stderr, s.Log)
	live := site.NewLive(files)
	health := httpapi.NewHealth(log)
	health.Add("web app", true, func(context.Context) error { return live.Check() })
	return health.Report(ctx, out)
}

// watch shows whether there is an app. Without one the process is ready all the
// same: it tells everybody what is missing, and a restart would not help.
func watch(live *site.Live, health *httpapi.Health) *httpapi.Health {
	health.Add("web app", false, func(context.Context) error { return live.Check() })
	return health
}

// filesOf gives the build to serve.
func filesOf(s settings) (fs.FS, error) {
	if s.Root != "" {
		return os.DirFS(s.Root), nil
	}
	return app.Files()
}
