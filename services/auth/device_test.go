package main

import (
	"strings"
	"testing"
)

const (
	firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	safari  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)

// AUTH-14: a sign-in from where nobody signed in before is told, once.
func TestNewDevice_isToldOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	w.signUp(email, goodPassword)
	from := func(agent string) {
		t.Helper()
		b := w.browser()
		b.headers["User-Agent"] = agent
		if r := b.post("/sign-in/email", map[string]any{"email": email, "password": goodPassword}); r.status != 200 {
			t.Fatalf("%d %s", r.status, r.text)
		}
	}
	from(safari)
	m := w.letter(email)
	if m.Subject != "New sign-in to your account" || !strings.Contains(m.Text, "Safari on iOS") || !strings.Contains(m.Text, home+"/profile") {
		t.Errorf("%q\n%s", m.Subject, m.Text)
	}
	from(safari)
	from(firefox)
	if m := w.letter(email); !strings.Contains(m.Text, "Firefox on Linux") {
		t.Errorf("the second time was told again: %s", m.Text)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.devices`); n != 3 {
		t.Errorf("%d devices", n)
	}
}
