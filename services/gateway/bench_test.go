package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// discard is an answer that nobody keeps.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// BenchmarkGate is the hot path: all checks of an API request with a known token,
// limits counted locally; without and with the way to a service and back.
func BenchmarkGate(b *testing.B) {
	w := start(b, map[string]string{"LIMIT_API": "1000000000/1m", "LIMIT_API_ADDRESS": "1000000000/1m"})
	w.storage.answers(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		_, _ = rw.Write([]byte(`{"items":[]}`))
	})
	r := httptest.NewRequest(http.MethodGet, "/api/storage/v1/files?limit=50", nil)
	r.Header.Set("Authorization", "Bearer "+w.token("u1", "s1"))
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "bench")
	h := w.gate.handler()
	b.Run("through", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			h.ServeHTTP(discard{http.Header{}}, r)
		}
	})
	p := w.gate.crossings["/api/storage/v1/files"].byMethod[http.MethodGet]
	p.proxy, p.answer = nil, func(_ *gate, k *call) error {
		k.Response().WriteHeader(http.StatusOK)
		return nil
	}
	b.Run("checks", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			h.ServeHTTP(discard{http.Header{}}, r)
		}
	})
}
