package main

import (
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// canary is what the fuzzer's lines claim. It never reaches a service in a line that
// says who somebody is or where they come from.
const canary = "canary"

// claims are the lines that services believe, in small letters and with dashes.
var claims = []string{
	"x-user-id", "x-session-id", "x-role", "x-internal-token", "x-codex-user", "remote-user", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
	"forwarded", "x-real-ip", "x-request-id", "traceparent", "tracestate", "cookie", "authorization", "x-api-key", "via", "host",
}

// GW-03, GW-09: whatever lines stand in a request's head, a service reads one
// request, in one way, and no claim of the client.
func FuzzHead_hasOneReading(f *testing.F) {
	for _, seed := range []string{
		"", "A: b\r\n", "X-User-Id: canary\r\n", "X_User_Id: canary\r\nX-Forwarded-For: canary\r\n", "Forwarded: for=canary\r\n",
		"Connection: authorization\r\n", "Connection: close, x-request-id\r\nX-Request-Id: canary\r\n", "Host: canary\r\n", "Cookie: a=canary\r\n",
		"Content-Length: 3\r\n\r\nabc", "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", "Transfer-Encoding: xchunked\r\n", "Transfer-Encoding : chunked\r\n",
		"A: b\r\n c\r\n", "A: b\nX-Role: canary\r\n", "A: b\rX-Role: canary\r\n", "A: \x00\r\n", "Expect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
		"TE: trailers\r\nTrailer: X-Role\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Role: canary\r\n\r\n", "Upgrade: websocket\r\nConnection: upgrade\r\n",
		"\r\nGET /api/storage/v1/files HTTP/1.1\r\nHost: x\r\nX-Role: canary\r\n", "Proxy-Authorization: canary\r\nKeep-Alive: 5\r\n", "\n: b\r*", "0: .2\n \r\n",
	} {
		f.Add(seed)
	}
	service := newTap(f)
	const roomy = "1000000000/1m"
	w := start(f, map[string]string{"STORAGE_URL": service.url(), "LIMIT_API": roomy, "LIMIT_API_ADDRESS": roomy, "LIMIT_UPLOAD": roomy, "LIMIT_PUBLIC": roomy})
	head := "PUT " + files + "/1 HTTP/1.1\r\nHost: localhost:8000\r\n" + w.bearer("u1") + "\r\n"
	f.Fuzz(func(t *testing.T, lines string) {
		if len(lines) > 4096 {
			return
		}
		w.throw(t, head+lines+"\r\n")
		read, faults := service.take()
		for _, fault := range faults {
			t.Errorf("%q: %s", lines, fault)
		}
		for _, m := range read {
			judge(t, lines, m.head)
		}
	})
}

// throw sends bytes and waits until the gateway has no more to say.
func (w *world) throw(t *testing.T, text string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(conn, text)
	_ = conn.(*net.TCPConn).CloseWrite()
	_, _ = io.Copy(io.Discard, conn)
}

func judge(t *testing.T, lines, head string) {
	t.Helper()
	for line := range strings.Lines(head) {
		name, value, _ := strings.Cut(line, ":")
		if slices.Contains(claims, strings.ReplaceAll(strings.ToLower(name), "_", "-")) && strings.Contains(value, canary) {
			t.Errorf("%q: the service reads %q", lines, line)
		}
	}
}
