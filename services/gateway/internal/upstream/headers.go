package upstream

import (
	"net/http"
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
	"True-Client-Ip", "Cf-Connecting-Ip", "Fastly-Client-Ip", "Client-Ip", "Cluster-Client-Ip", "Fly-Client-Ip",
	"Cloudfront-Viewer-Address", "Client-Cert", "Client-Cert-Chain", "Ssl-Client-Cert", "Ssl-Client-Verify", "Ssl-Client-S-Dn", "Impersonate-User",
	"User-Id", "X-Uid", "X-Id-Token", "X-Access-Token", "Request-Id", "X-Trace-Id", "X-Request-Id", "X-Request-Timeout", "X-Correlation-Id", "X-Http-Method-Override", "X-Http-Method", "X-Method-Override",
	"X-Real-Ip", "X-Host", "X-Scheme", "X-Api-Version", "Front-End-Https",
	"X-Rewrite-Url", "X-Accel-Redirect", "X-Sendfile", "Host", "Content-Length", "Expect",
)

var forgedPrefixes = []string{
	"X-Forwarded", "X-Original", "X-User", "X-Auth", "X-Session", "X-Role", "X-Identity", "X-Email", "X-Account",
	"X-Tenant", "X-Admin", "X-Internal", "X-Codex", "X-Jwt", "X-Token", "X-Remote", "X-Envoy", "X-B3", "X-Amzn",
	"X-Ssl", "X-Client", "X-Cluster", "X-Webauth", "X-Service", "X-Impersonate", "X-Consumer", "X-Credential", "X-Goog",
	"X-Group", "X-Permission", "X-Scope", "X-Principal", "X-Subject", "X-Actor", "X-Claim", "X-Ms-", "X-Azure", "X-Arr-", "X-Appengine", "X-Vercel",
}

func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

// withheld holds for headers that no service sees of a client's.
func withheld(name string) bool {
	// Servers that hand headers on as variables read "_" as "-": X_User_Id would
	// be X-User-Id there. No client of ours uses one.
	return hopByHop[name] || forged[name] || name == "" || hasForgedPrefix(name) || strings.IndexByte(name, '_') >= 0
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

// hidden are what a service's answer may not tell, or what the gateway says itself.
var hidden = set("Server", "X-Powered-By", "Via", "Alt-Svc", "Set-Cookie", "Vary", "Ratelimit", "Ratelimit-Policy",
	"Strict-Transport-Security", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Permissions-Policy",
	"Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Cross-Origin-Embedder-Policy", "Content-Security-Policy",
	"Content-Security-Policy-Report-Only", "X-Xss-Protection", "X-Request-Id",
	"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Allow-Methods",
	"Access-Control-Allow-Headers", exposed, "Access-Control-Max-Age", "Access-Control-Allow-Private-Network", "Timing-Allow-Origin")

// exposed names what pages of other origins may read. It means nothing without the
// lines that share an answer, which are the gateway's alone.
const exposed = "Access-Control-Expose-Headers"

// Hides holds for a line of a service's answer that never passes.
func Hides(name string) bool { return hidden[name] }

// policies are the headers of a page that its own service may choose, where the
// class says so.
var policies = []string{"Content-Security-Policy", "Content-Security-Policy-Report-Only"}

// answerHeader adds a service's answer to the lines that the gateway has set.
func (p *Proxy) answerHeader(to http.Header, a *answer, method string) {
	var room [4]string
	named := room[:0]
	for _, f := range a.fields {
		if f.name == "Connection" {
			named = connectionNames(named, []string{f.value})
		}
	}
	values := make([]string, len(a.fields)) // one allocation for all lines
	typed := false
	for i, f := range a.fields {
		if contains(named, f.name) {
			continue
		}
		values[i] = f.value
		value := values[i : i+1 : i+1]
		switch {
		case f.name == "Vary":
			addVary(to, value)
		case f.name == "Set-Cookie":
			if p.Cookies && (p.RefuseCookie == nil || !p.RefuseCookie(f.value)) {
				to[f.name] = append(to[f.name], f.value)
			}
		case f.name == "Content-Length" && a.status == http.StatusNoContent:
		case f.name == exposed:
			if to[exposed] == nil { // with an answer that is shared goes the gateway's list
				add(to, a, i, value)
			}
		case p.KeepPolicy && contains(policies, f.name):
			add(to, a, i, value)
		case !hopByHop[f.name] && !hidden[f.name]:
			typed = typed || f.name == "Content-Type"
			add(to, a, i, value)
		}
	}
	if !typed {
		to["Content-Type"] = nil // the server would guess one, and a guess can make a page of a file
	}
	p.announce(to, a)
}

// add puts the service's line in place of the gateway's, behind other lines of the
// service's under that name. Equal lengths are one.
func add(to http.Header, a *answer, at int, value []string) {
	name := a.fields[at].name
	for _, earlier := range a.fields[:at] {
		if earlier.name == name {
			if name != "Content-Length" {
				to[name] = append(to[name], value...)
			}
			return
		}
	}
	to[name] = value
}

// announce names the trailers that are passed on: those that the service has
// announced and that could not change what the header says.
func (p *Proxy) announce(to http.Header, a *answer) {
	if !a.chunked {
		return
	}
	for _, f := range a.fields {
		if f.name != "Trailer" {
			continue
		}
		for _, name := range connectionNames(nil, []string{f.value}) {
			if _, set := to[name]; !set && token(name) && !hopByHop[name] && !hidden[name] && !forged[name] {
				to["Trailer"] = append(to["Trailer"], name)
			}
		}
	}
}

// addTrailers sends those that were announced.
func addTrailers(to http.Header, trailers []field) {
	for _, f := range trailers {
		if contains(to["Trailer"], f.name) {
			to[f.name] = append(to[f.name], f.value)
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
