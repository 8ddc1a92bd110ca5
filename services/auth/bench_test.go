package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/codex-platform/codex/pkg/testkit"
)

// BenchmarkGetSession measures the whole path behind the socket: router, origin
// rule, signature, look-up, answer. "forged" is what an attacker's cookie costs.
func BenchmarkGetSession(b *testing.B) {
	for name, o := range map[string]options{
		"cached":        {redis: testkit.Redis(b)},
		"from postgres": {},
	} {
		w := newWorld(b, o)
		in := w.signUp(address(), goodPassword)
		b.Run(name, func(b *testing.B) { measure(b, w, "/get-session", in.cookies[sessionCookie], true) })
		b.Run(name+", token", func(b *testing.B) { measure(b, w, "/token", in.cookies[sessionCookie], true) })
		b.Run(name+", forged", func(b *testing.B) {
			measure(b, w, "/get-session", in.cookies[sessionCookie][:40]+"AAAA"+in.cookies[sessionCookie][44:], false)
		})
	}
}

func measure(b *testing.B, w *world, path, cookie string, signedIn bool) {
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodGet, base+path, nil)
		r.Header.Set("Cookie", sessionCookie+"="+cookie)
		answer := httptest.NewRecorder()
		w.service.api.ServeHTTP(answer, r)
		if answer.Code != http.StatusOK || (answer.Body.Len() > 10) != signedIn {
			b.Fatal(answer.Code, answer.Body)
		}
	}
}
