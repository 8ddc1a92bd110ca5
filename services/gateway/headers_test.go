package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/services/gateway/internal/strict"
)

// raw sends bytes as they are and returns everything that comes back until the
// gateway closes or is quiet after `answers` answers.
func (w *world) raw(text string, answers int) []*http.Response {
	w.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	go func() { _, _ = io.WriteString(conn, text) }()
	in := bufio.NewReader(conn)
	method, _, _ := strings.Cut(text, " ")
	asked := &http.Request{Method: method} // an answer to HEAD has no body
	var out []*http.Response
	for len(out) < answers {
		res, err := http.ReadResponse(in, asked)
		if err != nil {
			break
		}
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode >= http.StatusBadRequest {
			w.protected(res, body)
		}
		out = append(out, res)
		if res.Close {
			break
		}
	}
	return out
}

// GW-03: identity, forwarding and tracing lines of the client never pass, in any
// spelling; the gateway's own do.
func TestHeaders_ofTheClientThatClaimSomethingAreRemoved(t *testing.T) {
	t.Parallel()
	w := start(t)
	token := w.token("u1", "s1")
	claims := []string{
		"X-User-Id", "X_User_Id", "x-user-id", "X-USER-ID", "X-User_Id", "X-Session-Id", "X-Role", "X-Roles", "X-Auth-User", "X-Auth_User", "X-Email",
		"X-Identity", "X-Account-Id", "X-Tenant", "X-Admin", "X-Internal-Token", "X-Codex-User", "X-JWT-Payload", "Remote-User", "X-Remote-User", "Remote_User",
		"X-Request-Id", "X_Request_Id", "X-Correlation-Id", "Traceparent", "Tracestate", "Baggage", "X-B3-Traceid",
		"X-Forwarded-For", "X_Forwarded_For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-User", "X-Forwarded", "Forwarded", "Via",
		"X-Real-Ip", "X-Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "X-Cluster-Client-Ip", "X-Original-Url", "X-Original-Forwarded-For", "X-Rewrite-Url", "X-Envoy-External-Address",
		"X-Http-Method-Override", "X-Http-Method", "X-Method-Override", "Proxy", "Proxy-Authorization", "Proxy-Connection", "X-Accel-Redirect", "X-Sendfile", "X-Ssl-Client-Verify",
		"Front-End-Https", "X-Host", "Keep-Alive", "Te",
		"Client-Cert", "Client-Cert-Chain", "Ssl-Client-Cert", "Fly-Client-Ip", "Impersonate-User", "X-Impersonate-User", "X-Service-Token",
		"X-Consumer-Id", "X-Credential-Identifier", "X-Goog-Authenticated-User-Email", "X-Amzn-Oidc-Identity", "X-Ms-Client-Principal",
		"X-Azure-Clientip", "X-Arr-Clientcert", "X-Appengine-User-Id", "X-Vercel-Forwarded-For",
		"User-Id", "X-Uid", "X-Group", "X-Groups", "X-Permissions", "X-Scope", "X-Principal", "X-Subject", "X-Actor", "X-Claims", "X-Id-Token", "X-Access-Token",
		"Request-Id", "X-Trace-Id", "Ssl-Client-Verify", "Ssl-Client-S-Dn", "Cloudfront-Viewer-Address",
	}
	for _, batch := range [][]string{claims[:25], claims[25:45], claims[45:65], claims[65:80], claims[80:]} {
		var b strings.Builder
		fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nAccept: x/y\r\n", files, token)
		for _, name := range batch {
			fmt.Fprintf(&b, "%s: forged\r\n%s: forged\r\n", name, strings.ToLower(name))
		}
		b.WriteString("\r\n")
		if got := w.raw(b.String(), 1); len(got) != 1 || got[0].StatusCode != 200 {
			t.Fatalf("answers: %v", got)
		}
		h := w.storage.last(t).Header
		for name, values := range h {
			if strings.Contains(strings.Join(values, ","), "forged") {
				t.Errorf("%s passed: %q", name, values)
			}
		}
		if h.Get("Accept") != "x/y" || h.Get("X-Forwarded-For") != "127.0.0.1" || h.Get("X-Forwarded-Host") != "localhost:8000" ||
			h.Get("X-Forwarded-Proto") != "http" || !regexp.MustCompile(`^[a-z0-9]{26}$`).MatchString(h.Get("X-Request-Id")) {
			t.Errorf("the service got %v", h)
		}
	}
}

// GW-05
func TestHeaders_namedInConnectionCannotRemoveOurs(t *testing.T) {
	t.Parallel()
	w := start(t)
	token := w.token("u1", "s1")
	got := w.raw("GET "+files+" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+token+"\r\nX-Custom: gone\r\n"+
		"Connection: close, Authorization, X-Request-Id, X-Forwarded-For, X-Custom\r\n\r\n", 1)
	if len(got) != 1 || got[0].StatusCode != 200 {
		t.Fatalf("answers: %v", got)
	}
	h := w.storage.last(t).Header
	if h.Get("Authorization") != "Bearer "+token || h.Get("X-Request-Id") == "" || h.Get("X-Forwarded-For") != "127.0.0.1" || h.Get("X-Custom") != "" || h.Get("Connection") != "" {
		t.Errorf("the service got %v", h)
	}
}

func TestHeaders_oneRequestIdIsShownToAll(t *testing.T) {
	t.Parallel()
	w := start(t)
	got := w.do("GET", files, w.bearer("u1"), "X-Request-Id: mine")
	id := got.Header.Get("X-Request-Id")
	if id == "mine" || id == "" || w.storage.last(t).Header.Get("X-Request-Id") != id {
		t.Errorf("client %q, service %q", id, w.storage.last(t).Header.Get("X-Request-Id"))
	}
}

func TestWebhook_getsTheBytesAsStripeSentThem(t *testing.T) {
	t.Parallel()
	w := start(t)
	body := "{ \"id\" :\t\"evt_1\",\n  \"ümlaut\": \"\\u00e9\" }  \r\n"
	r := w.request("POST", "/webhooks/stripe", strings.NewReader(body), "Stripe-Signature: t=1,v1=abc", "Content-Type: application/json; charset=utf-8",
		"Cookie: better-auth.session_token=x", "Authorization: Bearer nonsense")
	if got := w.send(r); got.StatusCode != 200 {
		t.Fatal(got.StatusCode)
	}
	s := w.billing.last(t)
	if string(s.Body) != body || s.Length != int64(len(body)) || s.Header.Get("Stripe-Signature") != "t=1,v1=abc" || s.Header.Get("Content-Type") != "application/json; charset=utf-8" ||
		s.Header.Get("Cookie") != "" || s.Header.Get("Authorization") != "" {
		t.Errorf("got %q %v", s.Body, s.Header)
	}
	if got := w.send(w.request("POST", "/webhooks/stripe", strings.NewReader(strings.Repeat("x", 1<<20+1)))); got.StatusCode != 413 {
		t.Errorf("over 1 MiB: %d", got.StatusCode)
	}
}

func TestServices_seeTheTargetThatWasChecked(t *testing.T) {
	t.Parallel()
	w := start(t)
	token := w.bearer("u1")
	for _, target := range []string{
		files + "?name=a%2Fb%20c+d&x=%00&y=a;b&&z", files + "?", files + "/a%20b(1)'!*$&+,=:@~x", files + "/%C3%A9%5B%5D%22", files + "?q=%zz%",
	} {
		r := w.request("GET", "/", nil, token)
		r.URL.Opaque = strings.SplitN(target, "?", 2)[0]
		if _, query, ok := strings.Cut(target, "?"); ok {
			r.URL.RawQuery, r.URL.ForceQuery = query, query == ""
		}
		if got := w.send(r); got.StatusCode != 200 {
			t.Errorf("%s: %d %s", target, got.StatusCode, got.text)
		} else if uri := w.storage.last(t).URI; uri != target {
			t.Errorf("sent %s, the service saw %s", target, uri)
		}
	}
}

// rawCase is a request as bytes. The gateway answers with one of the statuses (0:
// closes without one), and the service sees `reaches` requests.
type rawCase struct {
	text    string
	want    []int
	reaches int
}

const (
	post = "POST /webhooks/stripe HTTP/1.1\r\nHost: x\r\n"
	get  = "GET / HTTP/1.1\r\nHost: x\r\n"
	evil = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
)

// rawCases are what two programs could take for two things.
var rawCases = map[string]rawCase{
	"plain length":                   {post + "Content-Length: 3\r\n\r\nabc", []int{200}, 1},
	"plain chunks":                   {post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", []int{200}, 1},
	"length and chunks":              {post + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", []int{200, 400}, -1},
	"chunks and length":              {post + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n", []int{200, 400}, -1},
	"two lengths, different":         {post + "Content-Length: 3\r\nContent-Length: 5\r\n\r\nabc", []int{400}, 0},
	"two lengths in one line":        {post + "Content-Length: 3, 5\r\n\r\nabc", []int{400}, 0},
	"length with a sign":             {post + "Content-Length: +3\r\n\r\nabc", []int{400}, 0},
	"negative length":                {post + "Content-Length: -1\r\n\r\nabc", []int{400}, 0},
	"length in hex":                  {post + "Content-Length: 0x3\r\n\r\nabc", []int{400}, 0},
	"length with a blank inside":     {post + "Content-Length: 3 3\r\n\r\nabc", []int{400}, 0},
	"length beyond all":              {post + "Content-Length: 99999999999999999999\r\n\r\nabc", []int{400}, 0},
	"empty length":                   {post + "Content-Length: \r\n\r\nabc", []int{200, 400}, -1},
	"xchunked":                       {post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", []int{400, 501}, 0},
	"gzip, chunked":                  {post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", []int{400, 501}, 0},
	"chunked, chunked":               {post + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", []int{400, 501}, 0},
	"chunked twice":                  {post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", []int{400, 501}, 0},
	"chunked, identity":              {post + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", []int{400, 501}, 0},
	"identity":                       {post + "Transfer-Encoding: identity\r\nContent-Length: 3\r\n\r\nabc", []int{400, 501}, 0},
	"empty transfer encoding":        {post + "Transfer-Encoding: \r\n\r\n0\r\n\r\n", []int{400, 501}, 0},
	"chunked with a tab":             {post + "Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n", []int{200, 400, 501}, -1},
	"chunked with a vertical tab":    {post + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", []int{400, 501}, 0},
	"chunked in quotes":              {post + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", []int{400, 501}, 0},
	"blank before the colon":         {post + "Content-Length : 3\r\n\r\nabc", []int{400}, 0},
	"blank before Transfer-Encoding": {post + " Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc", []int{400}, 0},
	"tab before the colon":           {post + "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n", []int{400}, 0},
	"folded header":                  {post + "X-A: b\r\n Content-Length: 100\r\nContent-Length: 3\r\n\r\nabc", []int{200, 400}, -1},
	"folded transfer encoding":       {post + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", []int{200, 400, 501}, -1},
	"header without a colon":         {post + "Nonsense\r\n\r\n", []int{400}, 0},
	"header without a name":          {post + ": x\r\n\r\n", []int{400}, 0},
	"NUL in a value":                 {get + "X-A: a\x00b\r\n\r\n", []int{400}, 0},
	"NUL in a name":                  {get + "X\x00A: b\r\n\r\n", []int{400}, 0},
	"CR in a value":                  {get + "X-A: a\rContent-Length: 3\r\n\r\n", []int{400}, 0},
	"slash in a name":                {get + "X/A: b\r\n\r\n", []int{400}, 0},
	"non-ASCII in a name":            {get + "X-\xc3\xa9: b\r\n\r\n", []int{400}, 0},
	"bare LF":                        {"GET / HTTP/1.1\nHost: x\n\n", []int{200, 400}, -1},
	"bad chunk size":                 {post + "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n", []int{400}, 0},
	"chunk size with a sign":         {post + "Transfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n", []int{400}, 0},
	"chunk size with 0x":             {post + "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n", []int{400}, 0},
	"chunk size beyond all":          {post + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n0\r\n\r\n", []int{400}, 0},
	"chunk longer than said":         {post + "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n", []int{400}, 0},
	"chunk ended by LF":              {post + "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n", []int{200, 400}, -1},
	"chunk extension":                {post + "Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\n\r\n", []int{200}, 1},
	"a trailer with a length":        {post + "Transfer-Encoding: chunked\r\nTrailer: X-User-Id\r\n\r\n3\r\nabc\r\n0\r\nX-User-Id: root\r\nContent-Length: 9\r\n\r\n", []int{200, 400}, -1},
	"body on a GET":                  {get + "Content-Length: 37\r\n\r\n" + evil, []int{400}, 0},
	"chunked body on a GET":          {get + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", []int{400}, 0},
	"body on a HEAD":                 {"HEAD / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", []int{400}, 0},
	"HTTP/1.0 with chunks":           {"POST /webhooks/stripe HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n25\r\n" + evil + "\r\n0\r\n\r\n", []int{200, 400, 501}, -1},
	"HTTP/0.9":                       {"GET /\r\n\r\n", []int{400}, 0},
	"HTTP/2.0 in text":               {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", []int{400, 505}, 0},
	"HTTP/1.2":                       {"GET / HTTP/1.2\r\nHost: x\r\n\r\n", []int{200, 400, 505}, -1},
	"HTTP/9.9":                       {"GET / HTTP/9.9\r\nHost: x\r\n\r\n", []int{400, 505}, 0},
	"lower-case http":                {"GET / http/1.1\r\nHost: x\r\n\r\n", []int{400}, 0},
	"no version number":              {"GET / HTTP/1\r\nHost: x\r\n\r\n", []int{400}, 0},
	"method with a blank":            {"GE T / HTTP/1.1\r\nHost: x\r\n\r\n", []int{400}, 0},
	"two blanks":                     {"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", []int{400}, 0},
	"method with a bad byte":         {"G<T / HTTP/1.1\r\nHost: x\r\n\r\n", []int{400}, 0},
	"no Host":                        {"GET / HTTP/1.1\r\n\r\n", []int{400}, 0},
	"two Hosts":                      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", []int{400}, 0},
	"Host with a path":               {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", []int{200, 400}, -1},
	"absolute form":                  {"GET http://evil.example/ HTTP/1.1\r\nHost: x\r\n\r\n", []int{400}, 0},
	"absolute form of ours":          {"GET http://localhost:8000/ HTTP/1.1\r\nHost: localhost:8000\r\n\r\n", []int{400}, 0},
	"authority form":                 {"GET x:80 HTTP/1.1\r\nHost: x\r\n\r\n", []int{400}, 0},
	"CONNECT":                        {"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n", []int{400, 404, 405}, 0},
	"asterisk":                       {"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", []int{400, 404, 405}, 0},
	"TRACE":                          {"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", []int{405}, 0},
	"empty path":                     {"GET ?x HTTP/1.1\r\nHost: x\r\n\r\n", []int{400, 404}, 0},
	"no leading slash":               {"GET docs HTTP/1.1\r\nHost: x\r\n\r\n", []int{400, 404}, 0},
	"fragment":                       {"GET /x#y HTTP/1.1\r\nHost: x\r\n\r\n", []int{400}, 0},
	"control byte in the path":       {"GET /a\x01b HTTP/1.1\r\nHost: x\r\n\r\n", []int{400}, 0},
	"blank in the path":              {"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", []int{400}, 0},
	"raw UTF-8 in the path":          {"GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n", []int{400}, 0},
	"upgrade to websocket":           {get + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n\r\n", []int{400}, 0},
	"upgrade to h2c":                 {get + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", []int{400}, 0},
	"h2c with prior knowledge":       {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", []int{0, 400, 405, 505}, 0},
	"two Authorizations":             {get + "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n", []int{400}, 0},
	"two Content-Types":              {post + "Content-Type: a/b\r\nContent-Type: c/d\r\nContent-Length: 0\r\n\r\n", []int{400}, 0},
	"two Origins":                    {get + "Origin: http://a\r\nOrigin: http://b\r\n\r\n", []int{400}, 0},
	"unknown expectation":            {post + "Expect: the-moon\r\nContent-Length: 1\r\n\r\na", []int{400, 417}, 0},
	"URL over 8 KiB":                 {"GET /" + strings.Repeat("a", strict.MaxTarget) + " HTTP/1.1\r\nHost: x\r\n\r\n", []int{414}, 0},
	"header over 16 KiB":             {get + "X-A: " + strings.Repeat("a", strict.MaxHeaders) + "\r\n\r\n", []int{431}, 0},
	"header over 1 MiB":              {get + "X-A: " + strings.Repeat("a", 1<<20) + "\r\n\r\n", []int{0, 431}, 0},
	"101 header lines":               {get + strings.Repeat("X-A: b\r\n", strict.MaxLines) + "Accept: x\r\n\r\n", []int{431}, 0},
	"body over the class's limit":    {post + "Content-Length: 1048577\r\n\r\n", []int{413}, 0},
	"chunked body over the limit":    {post + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("10000\r\n"+strings.Repeat("a", 0x10000)+"\r\n", 17) + "0\r\n\r\n", []int{413}, 0},
}

// GW-02, GW-10, GW-11, GW-12, GW-18: two programs never see two requests in one message, and
// every refusal is protected.
func TestRawRequests_areOneRequestOrNone(t *testing.T) {
	t.Parallel()
	for name, tc := range rawCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t)
			got := w.raw(tc.text, 1)
			status := 0
			if len(got) > 0 {
				status = got[0].StatusCode
			}
			if !contains(tc.want, status) {
				t.Errorf("answered %d, want one of %v", status, tc.want)
			}
			reached := whole(w.billing) + whole(w.web)
			if tc.reaches >= 0 && reached != tc.reaches || reached > 1 {
				t.Errorf("%d requests reached a service", reached)
			}
			for _, s := range append(w.billing.all(), w.web.all()...) {
				if strings.Contains(s.URI, "smuggled") || s.Header.Get("X-User-Id") != "" {
					t.Errorf("smuggled: %+v", s)
				}
			}
		})
	}
	t.Logf("%d raw requests", len(rawCases))
}

// RFC 9112 §6.3: a proxy in front may have gone by the length that stood beside the
// chunks. What follows on the connection is then a part of this body for it.
func TestRawRequests_withChunksAreTheLastOfTheirConnection(t *testing.T) {
	t.Parallel()
	w := start(t)
	for name, head := range map[string]string{
		"with a length":    post + "Content-Length: 43\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"without a length": post + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"refused":          "POST /none HTTP/1.1\r\nHost: x\r\nContent-Length: 43\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	} {
		got := w.raw(head+evil, 2)
		if len(got) != 1 || !got[0].Close {
			t.Errorf("%s: %d answers, and the connection stays open", name, len(got))
		}
	}
	if n := len(w.web.all()); n != 0 {
		t.Errorf("%d smuggled requests arrived", n)
	}
}

// whole counts the requests that a service could read to their end; one whose
// body broke off is none.
func whole(p *part) int {
	n := 0
	for _, s := range p.all() {
		if !s.Broken {
			n++
		}
	}
	return n
}

func contains(list []int, n int) bool {
	for _, m := range list {
		if m == n {
			return true
		}
	}
	return false
}

// What follows a refused request on the same connection is never read as part of it.
func TestRawRequests_theNextOneIsItsOwn(t *testing.T) {
	t.Parallel()
	w := start(t)
	got := w.raw("POST /webhooks/stripe HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"+
		"GET /next HTTP/1.1\r\nHost: x\r\n\r\n"+"GET //bad HTTP/1.1\r\nHost: x\r\n\r\n"+"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 4)
	var codes []int
	for _, r := range got {
		codes = append(codes, r.StatusCode)
	}
	if fmt.Sprint(codes) != "[200 200 400 200]" || w.web.last(t).URI != "/last" || string(w.billing.last(t).Body) != "abc" {
		t.Errorf("answers %v, last %s", codes, w.web.last(t).URI)
	}
}

func TestRawRequests_anHTTP10ConnectionIsClosed(t *testing.T) {
	t.Parallel()
	w := start(t)
	got := w.raw("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /second HTTP/1.0\r\n\r\n", 2)
	if len(got) != 1 || !got[0].Close {
		t.Errorf("%d answers", len(got))
	}
}

// GW-11
func TestSlowHeader_isCutOff(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes five seconds; run without -short")
	}
	w := start(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	begin := time.Now()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-"); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(15 * time.Second))
	_, _ = io.Copy(io.Discard, conn)
	if took := time.Since(begin); took < 4*time.Second || took > 7*time.Second {
		t.Errorf("cut off after %s", took)
	}
}
