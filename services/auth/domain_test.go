package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"
)

// jarred is a browser that keeps cookies by RFC 6265, with their domains.
type jarred struct {
	w      *world
	client *http.Client
}

func newJarred(t *testing.T) *jarred {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	j := &jarred{}
	j.client = &http.Client{Jar: jar, Timeout: 20 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true, // another service may answer the next one
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, strings.TrimPrefix(j.w.url, "http://"))
		},
	}}
	return j
}

// at sends a request of a page under this host.
func (j *jarred) at(host, method, path, body string) reply {
	j.w.t.Helper()
	r, err := http.NewRequest(method, "http://"+host+base+path, strings.NewReader(body))
	if err != nil {
		j.w.t.Fatal(err)
	}
	r.Header.Set("Origin", "http://app.example.test")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := j.client.Do(r)
	if err != nil {
		j.w.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		j.w.t.Fatal(err)
	}
	out := reply{status: res.StatusCode, header: res.Header, text: string(text)}
	_ = json.Unmarshal(text, &out.body)
	return out
}

func (j *jarred) signIn(email string) {
	j.w.t.Helper()
	if r := j.at("app.example.test", "POST", "/sign-in/email", `{"email":"`+email+`","password":"`+goodPassword+`"}`); r.status != http.StatusOK {
		j.w.t.Fatalf("sign-in: %d %s", r.status, r.text)
	}
}

func (j *jarred) is(host, email string) bool {
	j.w.t.Helper()
	return j.at(host, "GET", "/get-session", "").str("user", "email") == email
}

// Sub-domains share a session, hosts beside the domain do not; and a browser that
// still has cookies of the time before there was a domain goes on with them, signs
// out of them, and signs in anew.
func TestCookieDomain_sharesSessionsAndReplacesOlderCookies(t *testing.T) {
	t.Parallel()
	env := map[string]string{"PUBLIC_URL": "http://app.example.test", "NEW_DEVICE_MAIL": "false"}
	before := newWorld(t, options{env: env})
	env["COOKIE_DOMAIN"] = "example.test"
	after := newWorld(t, options{pool: before.pool, mails: before.mails, env: env})
	email, other := address(), address()
	before.signUp(email, goodPassword)
	before.signUp(other, goodPassword)

	j := newJarred(t)
	j.w = before
	j.signIn(email)
	if !j.is("app.example.test", email) || j.is("shop.example.test", email) {
		t.Fatal("cookies of one host are not its own")
	}
	j.w = after
	if !j.is("app.example.test", email) {
		t.Error("the older cookie does not count any more")
	}
	j.signIn(other)
	for host, want := range map[string]bool{"app.example.test": true, "shop.example.test": true, "example.test": true, "example.com": false} {
		if j.is(host, other) != want {
			t.Errorf("%s knows who is signed in: %v, want %v", host, !want, want)
		}
	}
	if r := j.at("shop.example.test", "POST", "/sign-out", "{}"); r.status != http.StatusOK || j.is("app.example.test", other) || j.is("app.example.test", email) {
		t.Errorf("signed out: %d %s, and still somebody", r.status, r.text)
	}
	j.signIn(email)
	if !j.is("app.example.test", email) || !j.is("shop.example.test", email) {
		t.Error("a dead cookie hides the new one")
	}
}
