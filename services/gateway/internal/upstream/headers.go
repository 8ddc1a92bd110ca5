package upstream

import (
	"net/http"
	"net/textproto"
	"strings"
)

// hopByHop belong to one connection (RFC 9110 §7.6.1) and are never passed on.
var hopByHop = set(
	"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade", "Http2-Settings",
)

// forged are what only the gateway may say to a service: who asks, from where, for
// which host and method. Their families are in forgedPrefixes.
var forged = set(
	"Forwarded", "Via", "Traceparent", "Tracestate", "Baggage", "Remote-User", "Remote-Addr", "Proxy",
	"True-Client-Ip", "Cf-Connecting-Ip", "Fastly-Client-Ip", "Client-Ip", "Cluster-Client-Ip",
	"X-Request-Id", "X-Correlation-Id", "X-Http-Method-Override", "X-Http-Method", "X-Method-Override",
	"X-Real-Ip", "X-Host", "X-Scheme", "X-Api-Version", "Front-End-Https",
	"X-Rewrite-Url", "X-Accel-Redirect", "X-Sendfile", "Host", "Content-Length", "Expect",
)

var forgedPrefixes = []string{
	"X-Forwarded", "X-Original", "X-User", "X-Auth", "X-Session", "X-Role", "X-Identity", "X-Email", "X-Account",
	"X-Tenant", "X-Admin", "X-Internal", "X-Codex", "X-Jwt", "X-Token", "X-Remote", "X-Envoy", "X-B3", "X-Amzn-Trace",
	"X-Ssl", "X-Client", "X-Cluster", "X-Webauth",
}

func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

// requestHeader copies what a service may see of the client's header. room is how
// many lines the gateway adds.
func requestHeader(in http.Header, drop map[string]bool, room int) http.Header {
	out := make(http.Header, len(in)+room)
	named := connectionNames(in)
	for name, values := range in {
		if hopByHop[name] || forged[name] || drop[name] || named[name] || hasForgedPrefix(name) {
			continue
		}
		// Servers that hand headers on as variables read "_" as "-": X_User_Id would
		// be X-User-Id there. No client of ours uses one.
		if strings.IndexByte(name, '_') >= 0 {
			continue
		}
		out[name] = values
	}
	return out
}

func hasForgedPrefix(name string) bool {
	if name[0] != 'X' {
		return false
	}
	for _, prefix := range forgedPrefixes {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// connectionNames are the headers that the sender ties to this connection; nil
// for the usual "close" and "keep-alive".
func connectionNames(h http.Header) map[string]bool {
	var named map[string]bool
	for _, line := range h["Connection"] {
		for _, name := range strings.Split(line, ",") {
			name = textproto.CanonicalMIMEHeaderKey(strings.Trim(name, " \t"))
			if name == "" || name == "Close" || name == "Keep-Alive" {
				continue
			}
			if named == nil {
				named = make(map[string]bool, 2)
			}
			named[name] = true
		}
	}
	return named
}

// hidden are what a service's answer may not tell, or what the gateway says itself.
var hidden = set("Server", "X-Powered-By", "Via", "Alt-Svc", "Set-Cookie", "Vary", "Ratelimit", "Ratelimit-Policy",
	"Strict-Transport-Security", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Permissions-Policy",
	"Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Cross-Origin-Embedder-Policy", "Content-Security-Policy",
	"Content-Security-Policy-Report-Only", "X-Xss-Protection", "X-Request-Id",
	"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Allow-Methods",
	"Access-Control-Allow-Headers", "Access-Control-Expose-Headers", "Access-Control-Max-Age")

// policies are the headers of a page that its own service may choose, where the
// class says so.
var policies = []string{"Content-Security-Policy", "Content-Security-Policy-Report-Only"}

// answerHeader adds a service's answer to the lines that the gateway has set.
func (p *Proxy) answerHeader(to, from http.Header) {
	named := connectionNames(from)
	for name, values := range from {
		if hopByHop[name] || hidden[name] || named[name] {
			continue
		}
		to[name] = values
	}
	if _, typed := from["Content-Type"]; !typed {
		to["Content-Type"] = nil // the server would guess one, and a guess can make a page of a file
	}
	addVary(to, from["Vary"])
	if p.KeepPolicy {
		for _, name := range policies {
			if values := from[name]; len(values) > 0 {
				to[name] = values
			}
		}
	}
	if p.Cookies {
		for _, line := range from["Set-Cookie"] {
			if p.RefuseCookie == nil || !p.RefuseCookie(line) {
				to["Set-Cookie"] = append(to["Set-Cookie"], line)
			}
		}
	}
}

// addVary keeps the gateway's own line and adds the service's.
func addVary(to http.Header, values []string) {
	if len(values) == 0 {
		return
	}
	lines := make([]string, 0, len(to["Vary"])+len(values))
	to["Vary"] = append(append(lines, to["Vary"]...), values...)
}
