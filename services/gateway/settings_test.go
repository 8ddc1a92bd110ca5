package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/testkit"
)

func run(t *testing.T, args []string, environ ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	p := config.Program[settings]{Name: "gateway", Commands: []config.Command[settings]{{Name: "serve", Run: serve}, {Name: "doctor", Run: doctor}}}
	code = p.Run(t.Context(), args, environ, &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestSettings_allFaultsAreToldAtOnce(t *testing.T) {
	t.Parallel()
	code, _, errs := run(t, nil, "PUBLIC_URL=nonsense", "SERVICE_TOKENS=short", "LIMIT_STRICT=off", "TLS_CERT_FILE=/x", "TRUSTED_PROXIES=proxy")
	if code != 2 {
		t.Errorf("exit code %d", code)
	}
	for _, name := range []string{"PUBLIC_URL", "AUTH_URL", "STORAGE_URL", "WEBHOOK_URL", "SERVICE_TOKENS", "LIMIT_STRICT", "TLS_KEY_FILE", "TRUSTED_PROXIES"} {
		if !strings.Contains(errs, "\n  "+name+" ") {
			t.Errorf("%s is not named in:\n%s", name, errs)
		}
	}
}

// What would only be found out by a start that fails, or by nobody, is told by its name.
func TestSettings_whatCannotBeMeantIsAFault(t *testing.T) {
	t.Parallel()
	base := []string{"PUBLIC_URL=https://app.example", "AUTH_URL=http://127.0.0.1:1", "STORAGE_URL=http://127.0.0.1:1", "WEBHOOK_URL=http://127.0.0.1:1", "SERVICE_TOKENS=" + strings.Repeat("Zq7", 16), "REDIS_URL=redis://127.0.0.1:1"}
	for set, fault := range map[string]string{
		"AUTH_URL=http://127.0.0.1:1/auth": "AUTH_URL", "WEB_URL=http://127.0.0.1:1/web": "WEB_URL", "LIMIT_REPLICAS=-1": "LIMIT_REPLICAS",
		"LIMIT_SHADOW=api,apy": "LIMIT_SHADOW", "LIMIT_CLOSE_WITHOUT_REDIS=strict": "LIMIT_CLOSE_WITHOUT_REDIS",
		"SESSION_COOKIE=a;b": "SESSION_COOKIE", "SESSION_COOKIE=codex.jwt": "SESSION_COOKIE", "SESSION_COOKIE=__Secure-session": "SESSION_COOKIE",
		"PUBLIC_URL=https://app.example.": "PUBLIC_URL",
	} {
		code, _, errs := run(t, []string{"doctor"}, append(slices.Clone(base), set)...)
		if code != 2 || !strings.Contains(errs, "1 fault") || !strings.Contains(errs, "\n  "+fault+" ") {
			t.Errorf("%s: exit code %d, %s", set, code, errs)
		}
	}
}

func TestSettings_anOriginThatTrustsEverybodyIsAFault(t *testing.T) {
	t.Parallel()
	_, _, errs := run(t, nil, "PUBLIC_URL=https://app.example", "TRUSTED_ORIGINS=https://*")
	if !strings.Contains(errs, "TRUSTED_ORIGINS") {
		t.Error(errs)
	}
}

func TestSettings_helpListsEveryVariable(t *testing.T) {
	t.Parallel()
	code, out, _ := run(t, []string{"--help"})
	for _, name := range []string{"PUBLIC_URL", "REDIS_URL", "SERVICE_TOKENS", "LIMIT_STRICT", "LIMIT_WEBHOOK", "TLS_CERT_FILE", "TRUSTED_ORIGINS", "MAX_FILE_BYTES", "JWT_ISSUER", "OTEL_EXPORTER_OTLP_ENDPOINT"} {
		if code != 0 || !strings.Contains(out, name) {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestServe_refusesACertificateThatIsNone(t *testing.T) {
	t.Parallel()
	if _, err := certificateOf(settings{TLSCertFile: "/none", TLSKeyFile: "/none"}, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("accepted")
	}
}

func TestDoctor_namesWhatIsAway(t *testing.T) {
	t.Parallel()
	w := start(t)
	var out bytes.Buffer
	if err := doctor(t.Context(), w.settings, nil, &out); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
	w.storage.Close()
	out.Reset()
	if err := doctor(t.Context(), w.settings, nil, &out); err == nil || !strings.Contains(out.String(), "storage") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// ready asks health until it says what is expected.
func ready(t *testing.T, h *httpapi.Health, want bool) {
	t.Helper()
	eventually(t, "as ready as expected", func() bool { return h.Ready() == want })
}

func TestReadiness_waitsForKeysAndRevocations(t *testing.T) {
	t.Parallel()
	redis := testkit.StartRedis(t)
	w := &world{t: t, auth: nowhere(), storage: nowhere(), billing: nowhere(), web: nowhere()}
	w.makeKey()
	w.auth = newPart(t, "auth", map[string]http.HandlerFunc{"/api/auth/jwks": w.serveKeys})
	s := w.load([]map[string]string{withRedis(redis.URL())})
	log := slog.New(slog.DiscardHandler)

	wired, err := wire(s, log)
	if err != nil {
		t.Fatal(err)
	}
	defer wired.close()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	health := httpapi.NewHealth(log)
	wired.watch(health, time.Now())
	go health.Run(ctx)
	if health.Ready() {
		t.Error("ready before anything was read")
	}
	go wired.keys.Run(ctx)
	eventually(t, "keys there", func() bool { return wired.keys.Ready() == nil })
	go wired.feed.Tail(ctx, wired.revoked.Apply)
	ready(t, health, true)
}

func TestReadiness_withoutRedisComesLaterAndSaysSo(t *testing.T) {
	t.Parallel()
	redis := testkit.StartRedis(t)
	redis.Stop()
	w := start(t, withRedis(redis.URL()))
	health := httpapi.NewHealth(slog.New(slog.DiscardHandler))
	w.wired.watch(health, time.Now().Add(-degradedAfter-time.Second)) // five seconds ago
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go health.Run(ctx)
	ready(t, health, true)
	for _, state := range health.States() {
		if state.Name == "redis" && (state.Required || state.Status != httpapi.StatusUnavailable || !strings.HasPrefix(state.Reason, "degraded")) {
			t.Errorf("redis: %+v", state)
		}
	}

	early := httpapi.NewHealth(slog.New(slog.DiscardHandler))
	w.wired.watch(early, time.Now())
	if err := early.Report(t.Context(), io.Discard); err == nil {
		t.Error("ready at once without the revocations")
	}
}
