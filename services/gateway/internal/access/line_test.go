package access

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/codex-platform/codex/pkg/observability"
)

func fullRecord() *Record {
	return &Record{
		Class: "storage", Method: "GET", Path: "/api/storage/v1/files/0190b8a0-1111-7abc-8def-012345678901", Proto: "HTTP/1.1",
		Status: 503, Code: "UNAVAILABLE", Cause: errors.New("dial: password=hunter2 refused"), Client: "2001:db8::1",
		UserID: "u1", SessionID: "aNydg2389sdhSDFsdf89sdfhjSDFsd8f", KeyID: "k1", Source: "bearer", Shadow: "api", Upstream: "busy",
		Aborted: true, Retries: 1, Received: 7, Sent: 9, FirstByte: 3 * time.Millisecond, Duration: 4 * time.Millisecond,
		Began: time.Unix(1700000000, 0).UTC(), RequestID: "abc",
		Trace: trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}}),
	}
}

func decoded(t *testing.T, line []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(line, &m); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return m
}

// What is written by hand says what the log's own handler would have said.
func TestLine_saysWhatTheLogWouldSay(t *testing.T) {
	t.Parallel()
	bad := &Record{Class: "web", Method: "GET", Proto: "HTTP/1.1", Status: 200, Client: "192.0.2.1", RequestID: "r", Began: time.Now()}
	for _, path := range []string{
		"/", "/a\"b\\c", "/a\x00\x1b[31m\x7f", "/line\u2028two\u2029", "/\xff\xfe", "/é/日本", "/me@example.com", "/token=abcdefghijklmnop",
		"/reset-password/abcdefghijklmnopqrstuvwx", "/4111111111111111", "/0170-123-4567", "/+49-170-1234567", "/sk_live_abcdefghijklmnopqrstuvwx",
		"/eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abcdefghijklmnopqrstuvwxyz0123456789abcdefghijk", "/a%40example.com", "/DE89370400440532013000", "/\u202eevil",
	} {
		rec := *bad
		rec.Path = path
		compare(t, &rec)
	}
	compare(t, fullRecord())
}

func compare(t *testing.T, rec *Record) {
	t.Helper()
	var out bytes.Buffer
	log := observability.NewLogger("gateway", &out, observability.Settings{LogFormat: observability.FormatJSON})
	log.LogAttrs(t.Context(), rec.level(), "request", attrs(rec)...)
	want, line := decoded(t, out.Bytes()), appendLine(nil, "gateway", rec.level(), rec.Began, rec)
	got := decoded(t, line)
	delete(want, "time")
	if at, _ := got["time"].(string); at != rec.Began.Format(time.RFC3339Nano) {
		t.Errorf("time: %v", got["time"])
	}
	delete(got, "time")
	if w, g := string(mustJSON(want)), string(mustJSON(got)); w != g {
		t.Errorf("by hand: %s\nthe log: %s", g, w)
	}
	for _, c := range line[:len(line)-1] {
		if c < 0x20 || c == 0x7f {
			t.Errorf("a control character stands in %q", line)
		}
	}
}

func mustJSON(v any) []byte {
	b, _ := json.Marshal(v)
	return b
}

// The quick look never lets through what the whole search would mask.
func FuzzHarmless_isNeverWrong(f *testing.F) {
	for _, s := range []string{"/files/abc", "0170-123-4567", "pin=1", "sk_live_1", "a.b.c", "/x/4111-1111-1111-1111", "1_2_3_4_5_6"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := observability.Redact(s); harmless(s) && got != s {
			t.Errorf("%q is not harmless: %q", s, got)
		}
	})
}

type slow struct {
	bytes.Buffer
	gate chan struct{}
}

func (s *slow) Write(p []byte) (int, error) {
	<-s.gate
	return s.Buffer.Write(p)
}

func TestLines_areAllThereAtTheEnd(t *testing.T) {
	t.Parallel()
	out := &slow{gate: make(chan struct{})}
	close(out.gate)
	lines := NewLines(out, "gateway", slog.New(slog.DiscardHandler))
	stop := lines.Start()
	for range 5000 {
		lines.write(slog.LevelInfo, fullRecord())
	}
	stop()
	if n := strings.Count(out.String(), "\n"); n != 5000 {
		t.Errorf("%d lines of 5000", n)
	}
}

func TestLines_thatNobodyTakesAreDroppedAndCounted(t *testing.T) {
	t.Parallel()
	out := &slow{gate: make(chan struct{})}
	var told bytes.Buffer
	lines := NewLines(out, "gateway", slog.New(slog.NewTextHandler(&told, nil)))
	stop := lines.Start()
	big := bytes.Repeat([]byte("x"), fullLines/2+1)
	for range 4 { // one is being written, one waits, two find no room
		lines.add(big)
	}
	close(out.gate)
	stop()
	if !strings.Contains(told.String(), "lines=") {
		t.Errorf("told: %q", told.String())
	}
}

func TestLine_costsNoMemory(t *testing.T) {
	rec, b := fullRecord(), make([]byte, 0, 4096)
	rec.Cause = nil
	if n := testing.AllocsPerRun(100, func() { b = appendLine(b[:0], "gateway", slog.LevelInfo, rec.Began, rec) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkLine(b *testing.B) {
	rec, buffer := fullRecord(), make([]byte, 0, 4096)
	rec.Status, rec.Code, rec.Cause, rec.Aborted, rec.Shadow, rec.Upstream = 200, "", nil, false, "", ""
	b.ReportAllocs()
	for b.Loop() {
		buffer = appendLine(buffer[:0], "gateway", slog.LevelInfo, rec.Began, rec)
	}
}

// A clock that was put back does not keep the log silent until it is there again.
func TestShed_tellsWhenTheClockWasPutBack(t *testing.T) {
	t.Parallel()
	var told bytes.Buffer
	r, err := NewRecorder(slog.New(slog.NewTextHandler(&told, nil)), nil, []string{"web"})
	if err != nil {
		t.Fatal(err)
	}
	r.told.Store(time.Now().Add(time.Hour).Unix())
	for range 2 {
		r.Shed(t.Context(), &Record{Class: "web"})
	}
	if n := strings.Count(told.String(), "refused"); n != 1 {
		t.Errorf("told %d times", n)
	}
}
