package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// h2 is a client that writes HTTP/2 frame by frame.
type h2 struct {
	*http2.Framer
	conn net.Conn
	head bytes.Buffer
	enc  *hpack.Encoder
}

func secure(t *testing.T) *world {
	t.Helper()
	cert, key, _ := certificate(t)
	return start(t, map[string]string{"TLS_CERT_FILE": cert, "TLS_KEY_FILE": key, "PUBLIC_URL": "https://app.example"})
}

func (w *world) h2() *h2 {
	w.t.Helper()
	// The certificate is made for the test; who shows it is not what is tested.
	conn, err := tls.Dial("tcp", strings.TrimPrefix(w.url, "http://"), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close() })
	if got := conn.ConnectionState().NegotiatedProtocol; got != "h2" {
		w.t.Fatalf("negotiated %q", got)
	}
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	c := &h2{Framer: http2.NewFramer(conn, conn), conn: conn}
	c.AllowIllegalWrites = true
	c.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.enc = hpack.NewEncoder(&c.head)
	_, _ = io.WriteString(conn, http2.ClientPreface)
	if err := c.WriteSettings(); err != nil {
		w.t.Fatal(err)
	}
	return c
}

// ask opens a stream with these fields, name and value in turn.
func (c *h2) ask(id uint32, body string, fields ...string) {
	c.head.Reset()
	for i := 0; i < len(fields); i += 2 {
		_ = c.enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	const frame = 16 << 10 // the largest that a server has to take
	rest := c.head.Bytes()
	first := rest[:min(frame, len(rest))]
	rest = rest[len(first):]
	_ = c.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: first, EndHeaders: len(rest) == 0, EndStream: body == ""})
	for len(rest) > 0 {
		next := rest[:min(frame, len(rest))]
		rest = rest[len(next):]
		_ = c.WriteContinuation(id, len(rest) == 0, next)
	}
	if body != "" {
		_ = c.WriteData(id, true, []byte(body))
	}
}

// status is the stream's answer; "" when the stream or the connection was closed.
func (c *h2) status(id uint32) string {
	if answer := c.answer(id); answer != nil {
		return answer.PseudoValue("status")
	}
	return ""
}

// answer is the header of the stream's answer; nil when there is none.
func (c *h2) answer(id uint32) *http2.MetaHeadersFrame {
	for {
		f, err := c.ReadFrame()
		if err != nil {
			return nil
		}
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			if f.StreamID == id {
				return f
			}
		case *http2.RSTStreamFrame:
			if f.StreamID == id {
				return nil
			}
		case *http2.GoAwayFrame:
			return nil
		}
	}
}

// GW-10
func TestHTTP2_refusesWhatHasTwoReadings(t *testing.T) {
	t.Parallel()
	w := secure(t)
	token := "Bearer " + w.token("u1", "s1")
	head := func(method, path string, more ...string) []string {
		return append([]string{":method", method, ":scheme", "https", ":authority", "x", ":path", path, "authorization", token}, more...)
	}
	for name, tc := range map[string]struct {
		fields []string
		body   string
	}{
		"a name in capitals":               {head("GET", files, "X-A", "b"), ""},
		"a connection line":                {head("GET", files, "connection", "close"), ""},
		"a transfer coding":                {head("PUT", files+"/1", "transfer-encoding", "chunked"), "0\r\n\r\n"},
		"an upgrade":                       {head("GET", files, "upgrade", "websocket"), ""},
		"a te line with more than trailer": {head("GET", files, "te", "gzip"), ""},
		"two paths":                        {head("GET", files, ":path", "/other"), ""},
		"two paths at the front":           {append([]string{":path", "/other"}, head("GET", files)...), ""},
		"a pseudo field after a field":     {head("GET", files, "a", "b", ":x", "y"), ""},
		"a length longer than the body":    {head("PUT", files+"/1", "content-length", "9"), "abc"},
		"a length shorter than the body":   {head("PUT", files+"/1", "content-length", "1"), "abc"},
		"a length with a plus":             {head("PUT", files+"/1", "content-length", "+3"), "abc"},
		"a length beyond 64 bits":          {head("PUT", files+"/1", "content-length", "18446744073709551619"), "abc"},
		"an empty length":                  {head("PUT", files+"/1", "content-length", ""), "abc"},
		"two lengths":                      {head("PUT", files+"/1", "content-length", "3", "content-length", "3"), "abc"},
		"a length without a body":          {head("PUT", files+"/1", "content-length", "3"), ""},
		"a body on a GET":                  {head("GET", files), "abc"},
		"CR LF in a value":                 {head("GET", files, "a", "b\r\nx-user-id: root"), ""},
		"LF in a value":                    {head("GET", files, "a", "b\nx"), ""},
		"NUL in a value":                   {head("GET", files, "a", "b\x00x"), ""},
		"CR LF in a name":                  {head("GET", files, "a\r\nb", "c"), ""},
		"a colon in a name":                {head("GET", files, "a: b", "c"), ""},
		"CR LF in the path":                {head("GET", files+" HTTP/1.1\r\nX: y"), ""},
		"a blank in the method":            {head("GET / HTTP/1.1", files), ""},
		"a dot segment":                    {head("GET", "/api/storage/v1/../v1/files"), ""},
		"a slash encoded":                  {head("GET", "/api/storage/v1/a%2fb"), ""},
		"the absolute form":                {head("GET", "https://x"+files), ""},
		"an authority with a password":     {[]string{":method", "GET", ":scheme", "https", ":authority", "user:pass@x", ":path", files, "authorization", token}, ""},
	} {
		c := w.h2()
		c.ask(1, tc.body, tc.fields...)
		if got := c.status(1); got != "" && (got[0] != '4' || got == "499") { // the client is still there
			t.Errorf("%s: answered %s", name, got)
		}
		_ = c.conn.Close()
	}
	for _, s := range w.storage.all() {
		if !s.Broken {
			t.Errorf("reached the service: %s %s %v %q", s.Method, s.URI, s.Header, s.Body)
		}
	}
	c := w.h2()
	if c.ask(1, "", head("GET", files)...); c.status(1) != "200" {
		t.Error("a plain request was refused")
	}
}

// The answers that net/http's HTTP/2 writes itself, without our lines (README, known
// limits): they say nothing but the status, and no service is asked. Should they
// change, what the README says does too.
func TestHTTP2_itsOwnRefusals(t *testing.T) {
	t.Parallel()
	w := secure(t)
	var long []string
	for i := range 80 {
		long = append(long, fmt.Sprintf("x-long-%d", i), strings.Repeat("a", 500))
	}
	for _, more := range [][]string{long, {"te", "gzip"}, {"connection", "close"}, {"keep-alive", "1"}, {"upgrade", "h2c"}, {"transfer-encoding", "chunked"}} {
		want := "400"
		if len(more) > 2 {
			want = "431"
		}
		c := w.h2()
		c.ask(1, "", append([]string{":method", "GET", ":scheme", "https", ":authority", "x", ":path", files, "authorization", "Bearer " + w.token("u1", "s1")}, more...)...)
		answer := c.answer(1)
		if answer == nil || answer.PseudoValue("status") != want {
			t.Errorf("%s is answered %v, want %s", more[0], answer, want)
			continue
		}
		for _, f := range answer.RegularFields() {
			if f.Name != "content-type" && f.Name != "content-length" && f.Name != "date" && f.Name != "x-content-type-options" {
				t.Errorf("%s: %s: %s", want, f.Name, f.Value)
			}
		}
	}
	if n := w.storage.count(); n != 0 {
		t.Errorf("%d requests reached the service", n)
	}
}

func TestHTTP2_streamsThatAreResetAtOnceDoNoHarm(t *testing.T) {
	t.Parallel()
	w := secure(t)
	fields := []string{":method", "GET", ":scheme", "https", ":authority", "x", ":path", files, "authorization", "Bearer " + w.token("u1", "s1")}
	c := w.h2()
	drained := make(chan struct{})
	go func() { defer close(drained); _, _ = io.Copy(io.Discard, c.conn) }()
	for i := range uint32(500) {
		c.ask(2*i+1, "", fields...)
		_ = c.WriteRSTStream(2*i+1, http2.ErrCodeCancel)
	}
	next := w.h2()
	if next.ask(1, "", fields...); next.status(1) != "200" {
		t.Error("the next client is not served")
	}
	_ = c.conn.Close()
	<-drained
}

// GW-18
func TestHTTP2_isNotSpokenWithoutTLS(t *testing.T) {
	t.Parallel()
	w := start(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(conn, http2.ClientPreface)
	_ = http2.NewFramer(conn, conn).WriteSettings()
	got, _ := io.ReadAll(conn)
	if len(got) > 0 && (!bytes.HasPrefix(got, []byte("HTTP/1.1 ")) || got[9] < '4') {
		t.Errorf("answered %q", got)
	}
}

func TestHTTP2_bodiesPassUnchanged(t *testing.T) {
	t.Parallel()
	cert, key, pool := certificate(t)
	w := start(t, map[string]string{"TLS_CERT_FILE": cert, "TLS_KEY_FILE": key, "PUBLIC_URL": "https://app.example"})
	down := newEndless(8 * mebi)
	w.storage.answers(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = io.Copy(struct{ io.Writer }{rw}, down)
			return
		}
		sum := checksum()
		n, err := io.Copy(sum, r.Body)
		fmt.Fprintf(rw, "%d %x %v", n, sum.Sum(nil), err)
	})
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "app.example"}, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	send := func(method, path string, body io.Reader) []byte {
		r := w.request(method, path, body, w.bearer("u1"))
		r.URL.Scheme = "https"
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		got, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != 200 || res.ProtoMajor != 2 {
			t.Fatalf("%s: %d %s, %v", method, res.StatusCode, res.Proto, err)
		}
		return got
	}
	up := newEndless(8 * mebi)
	if got, want := string(send("PUT", files+"/1", up)), fmt.Sprintf("%d %s <nil>", 8*mebi, up.digest()); got != want {
		t.Errorf("upload: %s, want %s", got, want)
	}
	sum := checksum()
	got := send("GET", files+"/1/content", nil)
	sum.Write(got)
	if len(got) != 8*mebi || fmt.Sprintf("%x", sum.Sum(nil)) != down.digest() {
		t.Errorf("download: %d bytes, or others", len(got))
	}
}
