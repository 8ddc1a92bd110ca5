package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/services/gateway/internal/access"
	"github.com/codex-platform/codex/services/gateway/internal/front"
	"github.com/codex-platform/codex/services/gateway/internal/refusal"
	"github.com/codex-platform/codex/services/gateway/internal/strict"
)

// unread is the class of what could not be read as a request.
const unread = "unread"

// What net/http says by its status alone; anything else is Malformed.
var unreadable = map[int]*problem.Problem{
	http.StatusExpectationFailed:           problem.New(http.StatusExpectationFailed, "EXPECTATION_FAILED", "No other expectation than 100-continue can be met"),
	http.StatusRequestHeaderFieldsTooLarge: strict.ErrHeaders,
	http.StatusNotImplemented:              problem.New(http.StatusNotImplemented, "TRANSFER_CODING_UNKNOWN", "Bodies come with a length or in chunks, in no other coding"),
	http.StatusHTTPVersionNotSupported:     problem.New(http.StatusHTTPVersionNotSupported, "HTTP_VERSION_UNKNOWN", "This version of HTTP is not spoken here"),
}

// front makes the public listener. config is nil where something in front ends TLS.
func (g *gate) front(config *tls.Config) func(net.Listener) net.Listener {
	return func(l net.Listener) net.Listener { return front.Listen(l, config, g.refuseUnread) }
}

// refuseUnread answers in net/http's place, with the headers and in the form of all
// other answers, and writes it down like them.
func (g *gate) refuseUnread(from net.Addr, status int) []byte {
	p := unreadable[status]
	if p == nil {
		p = problem.Malformed
	}
	peer := g.peerOf(g.proxies.ClientAddr(&http.Request{RemoteAddr: from.String()}))
	rec := access.Record{Began: time.Now(), Class: unread, Method: "other", Status: p.Status, Code: p.Code, Client: peer.text}
	rec.RequestID, _ = newNames(g.head.NewTrace())
	a := &rawAnswer{header: security.APIHeaders().Compile(g.public.HTTPS())}
	a.header["X-Request-Id"] = []string{rec.RequestID}
	a.header["Date"] = []string{rec.Began.UTC().Format(http.TimeFormat)}
	a.header["Connection"] = closing
	refusal.Write(a, &http.Request{URL: &url.URL{}}, refusal.Problem, p, rec.RequestID)
	g.recorder.Done(context.Background(), nil, &rec)
	return a.Bytes()
}

// rawAnswer collects an answer as the bytes of HTTP/1.1.
type rawAnswer struct {
	bytes.Buffer
	header http.Header
}

func (a *rawAnswer) Header() http.Header { return a.header }

func (a *rawAnswer) WriteHeader(status int) {
	fmt.Fprintf(a, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	_ = a.header.Write(&a.Buffer) // a Buffer takes everything
	a.WriteString("\r\n")
}
