package main

import (
	"net/http"
	"testing"

	"github.com/codex-platform/codex/services/gateway/internal/overload"
)

// crowd fills the class that a path belongs to until it refuses.
func (w *world) crowd(method, path string) (leave func()) {
	w.t.Helper()
	a := w.gate.crossings[path].byMethod[method].admission
	var places []overload.Place
	for a.Enter() {
		places = append(places, a.Wait())
	}
	return func() {
		for i := range places {
			places[i].Leave()
		}
	}
}

// GW-17
func TestCrowd_oneClassTakesNothingFromTheOthers(t *testing.T) {
	t.Parallel()
	w := start(t)
	usual := w.do("GET", files, w.bearer("u1"))
	reached := w.storage.count()
	leave := w.crowd("GET", "/api/storage/v1/*")
	got := w.do("GET", files, w.bearer("u1"), "Origin: https://admin.example")
	if got.StatusCode != http.StatusServiceUnavailable || got.code() != "OVERLOADED" || got.Header.Get("Retry-After") != "1" ||
		got.Header.Get("Content-Type") != "application/problem+json" || w.storage.count() != reached {
		t.Errorf("%d %v %s", got.StatusCode, got.Header, got.text)
	}
	for name := range w.gate.crossings["/api/storage/v1/*"].byMethod["GET"].headers.Compile(false) {
		if got.Header.Get(name) == "" || got.Header.Get(name) != usual.Header.Get(name) || len(got.Header[name]) != 1 {
			t.Errorf("%s: %v, usually %v", name, got.Header[name], usual.Header[name])
		}
	}
	if other := w.do("GET", "/api/billing/v1/plan", w.bearer("u1")); other.StatusCode != http.StatusOK {
		t.Errorf("billing: %d %s", other.StatusCode, other.text)
	}
	if head := w.do("HEAD", files, w.bearer("u1")); head.StatusCode != http.StatusServiceUnavailable || head.text != "" {
		t.Errorf("HEAD: %d %q", head.StatusCode, head.text)
	}
	leave()
	if again := w.do("GET", files, w.bearer("u1")); again.StatusCode != http.StatusOK {
		t.Errorf("after the crowd: %d", again.StatusCode)
	}
}

func TestCrowd_authIsRefusedInItsOwnShapeAndPreflightsAreAnswered(t *testing.T) {
	t.Parallel()
	w := start(t, map[string]string{"TRUSTED_ORIGINS": "https://admin.example"})
	defer w.crowd("POST", "/api/auth/*")()
	got := w.do("POST", "/api/auth/sign-out", "Origin: https://admin.example")
	if want := `{"message":"More is asked for than can be done: try again shortly","code":"OVERLOADED"}`; got.StatusCode != 503 || got.text != want ||
		got.Header.Get("Access-Control-Allow-Origin") != "https://admin.example" {
		t.Errorf("%d %v %s", got.StatusCode, got.Header, got.text)
	}
	asked := w.do("OPTIONS", "/api/auth/sign-out", "Origin: https://admin.example", "Access-Control-Request-Method: POST")
	if asked.StatusCode != http.StatusNoContent {
		t.Errorf("preflight: %d", asked.StatusCode)
	}
}

// What takes long by its nature holds no place: streams once their answer has
// begun, bodies while they are on their way, answers of our own at all.
func TestCrowd_streamsAndBodiesAreNone(t *testing.T) {
	t.Parallel()
	w := start(t)
	more := make(chan struct{})
	w.storage.answers(func(rw http.ResponseWriter, _ *http.Request) {
		_ = http.NewResponseController(rw).Flush()
		<-more
	})
	res, err := noRedirects.Do(w.request("GET", files, nil, w.bearer("u1")))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	w.do("GET", "/openapi.json")
	for path, x := range w.gate.crossings {
		for method, p := range x.byMethod {
			if p.admission != nil && p.admission.Waiting() != 0 {
				t.Errorf("%s %s: %d wait", method, path, p.admission.Waiting())
			}
		}
	}
	if p := w.gate.crossings["/api/storage/v1/files"].byMethod["POST"]; p.admission != nil {
		t.Error("uploads are limited by how long they take")
	}
	close(more)
}
