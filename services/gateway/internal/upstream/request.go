package upstream

import (
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/codex-platform/codex/pkg/problem"
)

// appendRequest writes the head that the service sees, straight from the client's.
// The target's bytes are those that were checked. It refuses what would not be
// read back as this one request.
func (p *Proxy) appendRequest(b []byte, r *http.Request, body bool, left time.Duration, o *Outgoing) ([]byte, error) {
	if !token(r.Method) {
		return b, problem.Malformed
	}
	b = append(append(b, r.Method...), ' ')
	from := len(b)
	if p.Path != "" {
		b = append(b, p.Path...)
	} else {
		b = append(b, r.URL.EscapedPath()...)
	}
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		b = append(append(b, '?'), r.URL.RawQuery...)
	}
	if !isTarget(b[from:]) {
		return b, problem.Malformed
	}
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(append(b, p.Service.host...), "\r\n"...)
	b, err := p.appendClients(b, r.Header, o.Authorization != "")
	if err != nil {
		return b, err
	}
	for _, l := range [...]field{
		{"Authorization", o.Authorization}, {"X-Request-Id", o.RequestID}, {"Traceparent", o.Traceparent}, {"Tracestate", o.Tracestate},
		{"X-Forwarded-For", o.Client}, {"X-Forwarded-Host", p.ForwardedHost}, {"X-Forwarded-Proto", p.ForwardedProto}, {"Forwarded", o.Forwarded},
	} {
		if l.value == "" {
			continue
		}
		if !plain(l.value) {
			return b, problem.Malformed
		}
		b = appendLine(b, l.name, l.value)
	}
	if left > 0 {
		b = append(b, "X-Request-Timeout: "...)
		b = append(strconv.AppendInt(b, max(1, left.Milliseconds()), 10), "\r\n"...)
	}
	if body {
		b = appendFraming(b, r)
	} else if r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch {
		b = append(b, "Content-Length: 0\r\n"...)
	}
	if p.upgrades(r) {
		b = append(b, "Connection: Upgrade\r\nUpgrade: websocket\r\n"...)
	}
	return append(b, "\r\n"...), nil
}

// appendFraming says anew where the body ends.
func appendFraming(b []byte, r *http.Request) []byte {
	if expects(r) {
		b = append(b, "Expect: 100-continue\r\n"...)
	}
	if r.ContentLength < 0 {
		return append(b, "Transfer-Encoding: chunked\r\n"...)
	}
	b = append(b, "Content-Length: "...)
	return append(strconv.AppendInt(b, r.ContentLength, 10), "\r\n"...)
}

// expects holds for a client that waits for a go-ahead; net/http has refused all
// other expectations.
func expects(r *http.Request) bool { return len(r.Header["Expect"]) > 0 }

// appendClients copies what a service may see of the client's header.
func (p *Proxy) appendClients(b []byte, in http.Header, authorized bool) ([]byte, error) {
	var room [4]string
	named := connectionNames(room[:0], in["Connection"])
	for name, values := range in {
		if authorized && name == "Authorization" || withheld(name) || p.Drop[name] || contains(named, name) {
			continue
		}
		for _, value := range values {
			if !token(name) || !plain(value) {
				return b, problem.Malformed
			}
			b = appendLine(b, name, value)
		}
	}
	return b, nil
}

// appendLine writes a line without blanks around its value: a line that the client
// folded may end with some.
func appendLine(b []byte, name, value string) []byte {
	b = append(append(b, name...), ": "...)
	return append(append(b, strings.Trim(value, " \t")...), "\r\n"...)
}

// isTarget holds for a path that ends where the request line's blank is.
func isTarget(target []byte) bool {
	for _, c := range target {
		if c <= ' ' || c == 0x7f {
			return false
		}
	}
	return len(target) > 0 && target[0] == '/'
}

// connectionNames adds the headers that the sender ties to this connection; the
// usual "close" and "keep-alive" name none.
func connectionNames(to []string, lines []string) []string {
	for _, line := range lines {
		for line != "" {
			var name string
			name, line, _ = strings.Cut(line, ",")
			name = strings.Trim(name, " \t")
			if name != "" && !strings.EqualFold(name, "close") && !strings.EqualFold(name, "keep-alive") {
				to = append(to, textproto.CanonicalMIMEHeaderKey(name))
			}
		}
	}
	return to
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}
