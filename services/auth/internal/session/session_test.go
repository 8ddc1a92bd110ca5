package session_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

const (
	secret = "acceptance-secret-acceptance-secret-0123456789"
	day    = 24 * time.Hour
)

var rules = session.Rules{Lifetime: 7 * day, UpdateAge: day, Absolute: 30 * day, Browser: day, Fresh: day}

func TestRules(t *testing.T) {
	t.Parallel()
	noon := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	at := func(created, expires time.Duration, remember bool) session.Session {
		return session.Session{CreatedAt: noon.Add(created), ExpiresAt: noon.Add(expires), Remember: remember}
	}
	for name, tc := range map[string]struct {
		session          session.Session
		over, due, fresh bool
	}{
		"just begun":                               {at(0, 7*day, true), false, false, true},
		"almost a day old":                         {at(-day+1, 6*day+1, true), false, false, true},
		"a day old":                                {at(-day, 6*day, true), false, true, false},
		"a day old, extended an hour ago":          {at(-day, 7*day-time.Hour, true), false, false, false},
		"at its last moment":                       {at(-7*day, 1, true), false, true, false},
		"at its end":                               {at(-7*day, 0, true), true, true, false},
		"of a browser, at its last moment":         {at(-day+1, 1, false), false, false, true},
		"of a browser, at its end":                 {at(-day, 0, false), true, false, false},
		"a month old less a moment":                {at(-30*day+1, 1, true), false, false, false},
		"a month old, however active":              {at(-30*day, 5*day, true), true, false, false},
		"near the absolute end: nothing to gain":   {at(-29*day, day, true), false, false, false},
		"near the absolute end: some time to gain": {at(-29*day, day-time.Minute, true), false, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &tc.session
			if got := rules.Over(s, noon); got != tc.over {
				t.Errorf("Over = %v", got)
			}
			if got := rules.Due(s, noon); got != tc.due {
				t.Errorf("Due = %v", got)
			}
			if got := rules.IsFresh(s, noon); got != tc.fresh {
				t.Errorf("IsFresh = %v", got)
			}
		})
	}
	never := rules
	never.Fresh = 0
	if old := at(-20*day, day, true); !never.IsFresh(&old, noon) {
		t.Error("a fresh age of 0 does not switch the check off")
	}
}

func cookies(t *testing.T, s session.CookieSettings) session.Cookies {
	t.Helper()
	ring, err := security.NewKeyring([]string{secret})
	if err != nil {
		t.Fatal(err)
	}
	s.MaxAge = 7 * day
	return session.NewCookies(ring, s)
}

func TestCookies_areTheContractsLines(t *testing.T) {
	t.Parallel()
	const token = "PQPKui8RmRc2t2oHdp17vy4x6vzd3aKT"
	const signed = token + ".JDK9kz1lz%2BpWLfbzcY0Ig3PD3LiBEzYQTb4BPrpz9Fo%3D"
	const week = 7 * 24 * time.Hour
	for name, tc := range map[string]struct {
		settings session.CookieSettings
		life     time.Duration
		sent     string // Cookie header of the request
		want     []string
	}{
		"remembered": {session.CookieSettings{Prefix: "better-auth"}, week, "", []string{
			"better-auth.session_token=" + signed + "; Max-Age=604800; Path=/; HttpOnly; SameSite=Lax",
		}},
		"remembered on https": {session.CookieSettings{Prefix: "better-auth", Secure: true}, week, "", []string{
			"__Secure-better-auth.session_token=" + signed + "; Max-Age=604800; Path=/; HttpOnly; SameSite=Lax; Secure",
		}},
		"another prefix": {session.CookieSettings{Prefix: "codex"}, week, "", []string{
			"codex.session_token=" + signed + "; Max-Age=604800; Path=/; HttpOnly; SameSite=Lax",
		}},
		"until the browser ends": {session.CookieSettings{Prefix: "better-auth"}, 0, "", []string{
			"better-auth.session_token=" + signed + "; Path=/; HttpOnly; SameSite=Lax",
			"better-auth.dont_remember=true.",
		}},
		"remembered after a session that was not": {session.CookieSettings{Prefix: "better-auth"}, week, "better-auth.dont_remember=true.x", []string{
			"better-auth.session_token=" + signed + "; Max-Age=604800; Path=/; HttpOnly; SameSite=Lax",
			"better-auth.dont_remember=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodPost, "/", nil)
			if tc.sent != "" {
				r.Header.Set("Cookie", tc.sent)
			}
			var h wire.Headers
			cookies(t, tc.settings).Set(&h, wire.CallOf(r, nil), token, tc.life)
			if !slices.EqualFunc(h.SetCookie, tc.want, strings.HasPrefix) {
				t.Errorf("Set-Cookie:\n%s\nwant:\n%s", strings.Join(h.SetCookie, "\n"), strings.Join(tc.want, "\n"))
			}
			if h.AuthToken != token+".JDK9kz1lz+pWLfbzcY0Ig3PD3LiBEzYQTb4BPrpz9Fo=" || h.Expose != "set-auth-token" {
				t.Errorf("set-auth-token = %q, exposed %q", h.AuthToken, h.Expose)
			}
		})
	}
}

// SES-08: cookies of plugins have the same attributes, and only ours are believed.
func TestCookies_ofPlugins(t *testing.T) {
	t.Parallel()
	k := cookies(t, session.CookieSettings{Prefix: "better-auth", Secure: true, Domain: "example.com"})
	const attrs = "; Domain=example.com; Path=/; HttpOnly; SameSite=Lax; Secure"
	var h wire.Headers
	k.Put(&h, "two_factor", "a b", 10*time.Minute)
	k.Put(&h, "browser", "x", 0)
	k.Drop(&h, "two_factor")
	const alone = " Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure" // of the time before there was a domain
	for i, want := range [][2]string{
		{"__Secure-better-auth.two_factor=;", alone},
		{"__Secure-better-auth.two_factor=a%20b.", "; Max-Age=600" + attrs},
		{"__Secure-better-auth.browser=;", alone},
		{"__Secure-better-auth.browser=x.", "%3D" + attrs},
		{"__Secure-better-auth.two_factor=;", alone},
		{"__Secure-better-auth.two_factor=;", " Max-Age=0" + attrs},
	} {
		if line := h.SetCookie[i]; !strings.HasPrefix(line, want[0]) || !strings.HasSuffix(line, want[1]) {
			t.Errorf("Set-Cookie: %s", line)
		}
	}
	pair, _, _ := strings.Cut(h.SetCookie[1], ";")
	forged := strings.Replace(pair, "a%20b", "a%20c", 1)
	for sent, want := range map[string]bool{pair: true, forged: false, "__Secure-better-auth.two_factor=": false, "x=1": false} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("Cookie", sent)
		if value, ok := k.Take(wire.CallOf(r, nil), "two_factor"); ok != want || ok && value != "a b" {
			t.Errorf("Take of %q = %q, %v", sent, value, ok)
		}
	}
}

func TestCookies_Clear(t *testing.T) {
	t.Parallel()
	var h wire.Headers
	cookies(t, session.CookieSettings{Prefix: "better-auth"}).Clear(&h)
	want := []string{
		"better-auth.session_token=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax",
		"better-auth.session_data=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax",
		"better-auth.dont_remember=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax",
	}
	if !slices.Equal(h.SetCookie, want) {
		t.Errorf("Set-Cookie:\n%s", strings.Join(h.SetCookie, "\n"))
	}
}
