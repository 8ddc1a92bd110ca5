package httpapi_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/codex-platform/codex/pkg/httpapi"
)

type reasoned struct{}

func (reasoned) Error() string  { return "dial db.internal: schema is old" }
func (reasoned) Reason() string { return "schema is old" }

func TestHealth_followsItsDependencies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &logs{}
		health := httpapi.NewHealth(l.logger())
		var down atomic.Bool
		down.Store(true)
		health.Add("postgres", true, func(context.Context) error {
			if down.Load() {
				return reasoned{}
			}
			return nil
		})
		health.Add("redis", false, func(context.Context) error { return errors.New("dial redis.internal: refused") })
		private := httpapi.Private(health, http.NotFoundHandler(), false)
		if got := send(private, "GET", "/readyz", "", ""); got.status != 503 {
			t.Errorf("ready before anything was asked: %d", got.status)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { health.Run(ctx); close(done) }()
		synctest.Wait()

		got := send(private, "GET", "/readyz?verbose", "", "")
		if got.status != 503 || strings.Contains(got.body, "internal") {
			t.Errorf("got %d %s", got.status, got.body)
		}
		for _, want := range []string{`"status":"unavailable"`, `"name":"postgres"`, `"reason":"schema is old"`, `"name":"redis"`, `"since":"20`} {
			if !strings.Contains(got.body, want) {
				t.Errorf("no %s in %s", want, got.body)
			}
		}
		down.Store(false)
		<-time.After(3 * time.Second) // of the bubble's clock
		synctest.Wait()
		if got := send(private, "GET", "/readyz", "", ""); got.status != 200 || strings.TrimSpace(got.body) != `{"status":"ok"}` {
			t.Errorf("got %d %s", got.status, got.body)
		}
		if n := strings.Count(l.String(), "dependency lost"); n != 2 {
			t.Errorf("%d lines about losses, want one for each dependency: %s", n, l)
		}
		health.Draining()
		if got := send(private, "GET", "/readyz", "", ""); got.status != 503 {
			t.Errorf("ready while draining: %d", got.status)
		}
		if got := send(private, "GET", "/livez", "", ""); got.status != 200 {
			t.Errorf("liveness depends on more than the process: %d", got.status)
		}
		stop()
		<-done
	})
}

func TestHealth_aCheckThatHangsIsAnAbsence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		health := httpapi.NewHealth((&logs{}).logger())
		health.Add("slow", true, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		health.Add("panics", false, func(context.Context) error { panic("oh") })
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { health.Run(ctx); close(done) }()
		<-time.After(1500 * time.Millisecond)
		synctest.Wait()
		for _, s := range health.States() {
			if s.Status != httpapi.StatusUnavailable {
				t.Errorf("%s is %s", s.Name, s.Status)
			}
		}
		stop()
		<-done
	})
}

func TestPrivate_hidesProfilesUntilTheyAreSwitchedOn(t *testing.T) {
	t.Parallel()
	health := httpapi.NewHealth((&logs{}).logger())
	for _, on := range []bool{false, true} {
		private := httpapi.Private(health, http.NotFoundHandler(), on)
		if got := send(private, "GET", "/debug/pprof/cmdline", "", ""); (got.status == 200) != on {
			t.Errorf("pprof on=%v: %d", on, got.status)
		}
	}
}

func TestReport_saysWhatIsMissing(t *testing.T) {
	t.Parallel()
	health := httpapi.NewHealth((&logs{}).logger())
	health.Add("postgres", true, func(context.Context) error { return errors.New("postgres://u:hunter2@db/x: refused") })
	health.Add("redis", false, func(context.Context) error { return nil })
	var out bytes.Buffer
	err := health.Report(t.Context(), &out)
	if err == nil || !strings.Contains(out.String(), "redis            ok") || strings.Contains(out.String(), "hunter2") {
		t.Errorf("err = %v, out = %s", err, &out)
	}
}
