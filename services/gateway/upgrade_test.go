package main

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/testkit"
	"github.com/codex-platform/codex/services/gateway/internal/strict"
	"github.com/codex-platform/codex/services/gateway/internal/upstream"
)

// live is a class whose requests may become WebSockets.
func live(s settings) []class {
	return []class{{
		name: "live", paths: []string{"/api/live/v1/*"}, methods: calls, service: s.StorageURL, auth: required, upgrade: true,
		times: upstream.Times{FirstByte: 5 * time.Second, Idle: 30 * time.Second, Whole: 30 * time.Second}, headers: security.APIHeaders(), shared: true,
	}}
}

// echoes answers a handshake and then says everything back.
func echoes(t *testing.T) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			rw.WriteHeader(http.StatusUpgradeRequired)
			return
		}
		sum := sha1.Sum([]byte(r.Header.Get("Sec-Websocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		conn, in, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: "+
			base64.StdEncoding.EncodeToString(sum[:])+"\r\n\r\n")
		_, _ = io.Copy(conn, in)
	}
}

var handshake = []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}

// upgrade sends a request and gives the answer with its connection.
func (w *world) upgrade(method, path string, lines ...string) (*http.Response, net.Conn, *bufio.Reader) {
	w.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(8 * time.Second))
	_, _ = io.WriteString(conn, method+" "+path+" HTTP/1.1\r\nHost: x\r\n"+strings.Join(lines, "\r\n")+"\r\n\r\n")
	in := bufio.NewReader(conn)
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return res, conn, in
}

// GW-18: a WebSocket needs a class that has them, a token and a page that is trusted.
func TestUpgrade_isForTrustedPagesWithAToken(t *testing.T) {
	t.Parallel()
	w := startWith(t, live)
	w.storage.answers(echoes(t))
	bearer, cookie, session := w.bearer("u1"), "Cookie: codex.jwt="+w.token("u1", "s1"), "Cookie: "+w.session("x.sig", "u1")
	const ours, good, evil = "Origin: http://localhost:8000", "Origin: https://good.example", "Origin: https://evil.example"
	without := func(prefix string, more ...string) []string {
		return append(slices.DeleteFunc(slices.Clone(handshake), func(l string) bool { return strings.HasPrefix(l, prefix) }), more...)
	}
	with := func(more ...string) []string { return append(slices.Clone(handshake), more...) }
	for name, tc := range map[string]struct {
		lines []string
		want  int
	}{
		"a token and our page":              {with(bearer, ours), 101},
		"a token and a trusted page":        {with(bearer, good), 101},
		"a cookie and our page":             {with(cookie, ours), 101},
		"a session and our page":            {with(session, ours), 101},
		"a foreign page with our cookie":    {with(cookie, evil), 403},
		"a foreign page with a session":     {with(session, evil), 403},
		"a foreign page with a token":       {with(bearer, evil), 403},
		"a page without an address":         {with(cookie, "Origin: null"), 403},
		"nobody says which page":            {with(cookie), 403},
		"a token and nobody says":           {with(bearer), 403},
		"nobody":                            {with(ours), 401},
		"a bad token":                       {with("Authorization: Bearer x", ours), 401},
		"another version":                   {without("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8", bearer, ours), 400},
		"no key":                            {without("Sec-WebSocket-Key", bearer, ours), 400},
		"a short key":                       {without("Sec-WebSocket-Key", "Sec-WebSocket-Key: eA==", bearer, ours), 400},
		"two keys":                          {with("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", bearer, ours), 400},
		"h2c":                               {without("Upgrade", "Upgrade: h2c", bearer, ours), 400},
		"h2c as well":                       {without("Upgrade", "Upgrade: websocket, h2c", bearer, ours), 400},
		"h2c beside it":                     {with("HTTP2-Settings: AAMAAABkAAQAAP__", bearer, ours), 400},
		"Connection does not name it":       {without("Connection", bearer, ours), 400},
		"an upgrade with a body":            {with("Content-Length: 3", bearer, ours), 400},
		"no upgrade: a request like others": {[]string{bearer}, 426},
	} {
		res, conn, in := w.upgrade("GET", "/api/live/v1/x", tc.lines...)
		if res.StatusCode != tc.want {
			t.Errorf("%s: %d, want %d", name, res.StatusCode, tc.want)
		}
		if res.StatusCode == http.StatusSwitchingProtocols {
			_, _ = io.WriteString(conn, "hello")
			got := make([]byte, len("hello"))
			if _, err := io.ReadFull(in, got); err != nil || string(got) != "hello" {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
		conn.Close()
	}
	if res, _, _ := w.upgrade("POST", "/api/live/v1/x", append(with(bearer, ours), "Content-Length: 0")...); res.StatusCode != http.StatusBadRequest {
		t.Errorf("POST: %d", res.StatusCode)
	}
	eventually(t, "an access line of each", func() bool {
		n := 0
		for _, line := range w.lines() {
			if line["class"] == "live" && line["status"] == 101.0 {
				n++
			}
		}
		return n == 4
	})
}

// GW-18: no class of ours has them.
func TestUpgrade_isRefusedByAllOtherClasses(t *testing.T) {
	t.Parallel()
	w := start(t)
	for _, c := range routes(w.settings) {
		path := strings.NewReplacer(":id", "1", ":file", "auth.json", "*", "x").Replace(c.paths[0])
		lines := append(slices.Clone(handshake), w.bearer("u1"), "Origin: http://localhost:8000")
		if c.methods[0] != http.MethodGet {
			lines = append(lines, "Content-Length: 0")
		}
		res, _, _ := w.upgrade(c.methods[0], path, lines...)
		if res.StatusCode != strict.ErrUpgrade.Status || c.upgrade {
			t.Errorf("%s %s: %d", c.name, path, res.StatusCode)
		}
	}
	if n := w.auth.count() + w.storage.count() + w.billing.count() + w.web.count(); n != 0 {
		t.Errorf("%d reached a service", n)
	}
}

// GW-18, SES-05: it ends with the session.
func TestUpgrade_endsWithItsSession(t *testing.T) {
	t.Parallel()
	w := startWith(t, live, withRedis(testkit.StartRedis(t).URL()))
	eventually(t, "linked", w.wired.feed.Linked)
	w.storage.answers(echoes(t))
	lines := func(session string) []string {
		return append(slices.Clone(handshake), "Authorization: Bearer "+w.token("u1", session), "Origin: http://localhost:8000")
	}
	_, ended, from := w.upgrade("GET", "/api/live/v1/x", lines("ends")...)
	_, stays, other := w.upgrade("GET", "/api/live/v1/x", lines("stays")...)
	w.revoke(cache.Revocation{SessionID: "ends", UserID: "u1", At: time.Now(), Until: time.Now().Add(time.Hour)})
	if n, err := io.Copy(io.Discard, from); err != nil && !strings.Contains(err.Error(), "reset") || n != 0 {
		t.Errorf("the tunnel goes on: %d bytes, %v", n, err)
	}
	_, _ = io.WriteString(stays, "x")
	if b, err := other.ReadByte(); err != nil || b != 'x' {
		t.Errorf("another session's ended too: %v", err)
	}
	if res, _, _ := w.upgrade("GET", "/api/live/v1/x", lines("ends")...); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("and can be opened again: %d", res.StatusCode)
	}
	ended.Close()
}

func TestUpgrade_ofAClassWithoutTokensIsNoTable(t *testing.T) {
	t.Parallel()
	w := start(t)
	open := live(w.settings)
	open[0].auth = public
	if _, err := gateOf(w.settings, w.wired.parts, append(open, routes(w.settings)...)); err == nil || !strings.Contains(err.Error(), "live") {
		t.Errorf("%v", err)
	}
}
