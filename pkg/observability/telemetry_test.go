package observability_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/codex-platform/codex/pkg/observability"
)

// The tests of this file are not parallel: Start sets OpenTelemetry's globals.

func start(t *testing.T, s observability.Settings) (*observability.Telemetry, *safeBuffer) {
	t.Helper()
	var out safeBuffer
	telemetry, err := observability.Start(t.Context(), "storage", s, observability.NewLogger("storage", &out, s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		_ = telemetry.Shutdown(ctx) // again for those who did; what it says was looked at there
	})
	return telemetry, &out
}

// safeBuffer is a log that is read while it may still be written.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func metrics(t *testing.T, telemetry *observability.Telemetry) string {
	t.Helper()
	res := httptest.NewRecorder()
	telemetry.MetricsHandler().ServeHTTP(res, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if res.Code != http.StatusOK {
		t.Fatalf("got %d %s", res.Code, res.Body)
	}
	return res.Body.String()
}

func TestMetrics_showBuildRuntimeProcessAndOurs(t *testing.T) {
	telemetry, _ := start(t, observability.Settings{})
	counter, err := otel.Meter("test").Int64Counter("uploads")
	if err != nil {
		t.Fatal(err)
	}
	counter.Add(t.Context(), 3)

	got := metrics(t, telemetry)

	for _, want := range []string{"build_info{", `goversion="go`, "go_goroutines ", "process_start_time_seconds ", "uploads_total 3"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}

func TestTraces_reachTheCollectorWithoutSecrets(t *testing.T) {
	type delivery struct{ path, body string }
	got := make(chan delivery, 1)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- delivery{r.URL.Path, string(body)}
	}))
	defer collector.Close()
	telemetry, _ := start(t, observability.Settings{OTLPEndpoint: observability.Endpoint(collector.URL + "/"), TraceRatio: 1})

	_, span := otel.Tracer("test").Start(t.Context(), "mail to "+marker, trace.WithAttributes(
		attribute.String("note", marker), attribute.String("session_token", "tok-123"), attribute.Int("otp", 987654321),
		attribute.StringSlice("list", []string{marker}), attribute.String("file.id", "keep-me")))
	span.RecordError(errors.New(marker))
	span.SetStatus(codes.Error, marker)
	span.End()
	if err := telemetry.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}

	d := <-got
	if d.path != "/v1/traces" || !strings.Contains(d.body, "keep-me") || !strings.Contains(d.body, "storage") {
		t.Errorf("got %s %q", d.path, d.body)
	}
	for _, hidden := range []string{"marked.value", "tok-123", "987654321"} {
		if strings.Contains(d.body, hidden) {
			t.Errorf("%s reached the collector", hidden)
		}
	}
}

func TestTraces_followTheParentAndElseTheRatio(t *testing.T) {
	start(t, observability.Settings{TraceRatio: 0})
	incoming := propagation.HeaderCarrier{"Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}}
	ctx := otel.GetTextMapPropagator().Extract(t.Context(), incoming)

	_, child := otel.Tracer("test").Start(ctx, "child")
	_, root := otel.Tracer("test").Start(t.Context(), "root")

	if got := child.SpanContext(); !got.IsSampled() || got.TraceID().String() != "4bf92f3577b34da6a3ce929d0e0e4736" {
		t.Errorf("a sampled parent was not followed: %v", got)
	}
	if got := root.SpanContext(); got.IsSampled() || !got.IsValid() {
		t.Errorf("ratio 0 sampled a trace, or gave no id for the log: %v", got)
	}
}

func TestStart_doesNotWaitForTheCollector(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for name, endpoint := range map[string]string{"silent": "http://" + silent.Addr().String(), "away": "http://127.0.0.1:1"} {
		begin := time.Now()
		telemetry, _ := start(t, observability.Settings{OTLPEndpoint: observability.Endpoint(endpoint), TraceRatio: 1})
		_, span := otel.Tracer("test").Start(t.Context(), "lost")
		span.End()
		if got := metrics(t, telemetry); !strings.Contains(got, "build_info{") {
			t.Errorf("%s: no metrics", name)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_ = telemetry.Shutdown(ctx) // the span is lost; what counts is when we are back
		cancel()
		if took := time.Since(begin); took > 4*time.Second {
			t.Errorf("%s: it took %v", name, took)
		}
	}
}

func TestComplaints_areLoggedOnceAMinute(t *testing.T) {
	_, out := start(t, observability.Settings{})
	for range 100 {
		otel.Handle(errors.New("collector at http://u:p@collector:4318 is away"))
	}
	// The one line may be about the collector of a test before this one.
	if got := out.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "telemetry is not delivered") || strings.Contains(got, "u:p") {
		t.Errorf("got %q", got)
	}
}

func TestSettings_readThemselves(t *testing.T) {
	t.Parallel()
	var (
		format   observability.Format
		ratio    observability.Ratio
		endpoint observability.Endpoint
	)
	for name, tc := range map[string]struct {
		read func(string) error
		good []string
		bad  []string
	}{
		"format":   {func(s string) error { return format.UnmarshalText([]byte(s)) }, []string{"auto", "json", "text"}, []string{"xml", ""}},
		"ratio":    {func(s string) error { return ratio.UnmarshalText([]byte(s)) }, []string{"0", "0.5", "1"}, []string{"-0.1", "1.1", "NaN", "x"}},
		"endpoint": {func(s string) error { return endpoint.UnmarshalText([]byte(s)) }, []string{"http://collector:4318", "https://c.test/otlp"}, []string{"collector:4318", "grpc://c", "http://"}},
	} {
		for _, text := range tc.good {
			if err := tc.read(text); err != nil {
				t.Errorf("%s %q: %v", name, text, err)
			}
		}
		for _, text := range tc.bad {
			if err := tc.read(text); err == nil {
				t.Errorf("%s accepts %q", name, text)
			}
		}
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	made := observability.NewRequestID()
	if again := observability.NewRequestID(); made == again || len(made) != 26 {
		t.Errorf("made %q and %q", made, again)
	}
	for sent, want := range map[string]bool{
		made: true, "a": true, "A-b_9": true, strings.Repeat("a", 64): true,
		"": false, strings.Repeat("a", 65): false, "a b": false, "a\n": false, "ä": false, `a"`: false, "a.b": false,
	} {
		if _, ok := observability.ParseRequestID(sent); ok != want {
			t.Errorf("ParseRequestID(%q) = %v", sent, ok)
		}
	}
	if ctx := observability.WithRequestID(t.Context(), "r1"); observability.RequestID(ctx) != "r1" || observability.RequestID(t.Context()) != "" {
		t.Error("the context does not keep the id")
	}
}

func TestNewLogger_isReadyForNoContext(t *testing.T) {
	t.Parallel()
	var out safeBuffer
	observability.NewLogger("storage", &out, observability.Settings{}).Log(nil, slog.LevelInfo, "m") //nolint:staticcheck // on purpose
	if !strings.Contains(out.String(), `"msg":"m"`) {
		t.Errorf("got %q", out.String())
	}
}
