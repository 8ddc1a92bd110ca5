package security

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"strings"
)

// Origins are the origins whose pages may act here: the server's own and a list.
// An entry of the list is an exact origin ("https://app.example"), a pattern with
// * and ? with or without a scheme ("https://*.example.com", "*.example.com"), or
// an app's own scheme ("myapp://", "myapp://host/path"). In a pattern "*" as the
// first label stands for one or more whole labels; inside a label it stays inside.
// A pattern of digits and wildcards matches IPv4 addresses only.
type Origins struct {
	own      string
	exact    map[string]bool
	patterns []originPattern
	apps     []appScheme
}

type originPattern struct {
	scheme string // empty: http or https
	labels []string
	port   string // as in origin.port; "*" is any
	ipv4   bool
}

type appScheme struct {
	scheme, host, path string
	pattern            *originPattern // in the place of the host, when that has wildcards
}

// names tells whether an address has the scheme and host.
func (a appScheme) names(u *url.URL) bool {
	switch {
	case u.Scheme != a.scheme:
		return false
	case a.pattern != nil:
		return a.pattern.matches(origin{a.scheme, strings.ToLower(u.Hostname()), u.Port()})
	}
	return a.host == "" || strings.ToLower(u.Host) == a.host
}

// origin is a parsed http(s) origin in one canonical spelling.
type origin struct{ scheme, host, port string }

func (o origin) String() string {
	host := o.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if o.port == "" {
		return o.scheme + "://" + host
	}
	return o.scheme + "://" + host + ":" + o.port
}

// ParseOrigins reads the server's own base URL and the trusted list. The error
// names the entry that cannot be meant.
func ParseOrigins(own string, list []string) (Origins, error) {
	base, err := url.Parse(own)
	if err != nil {
		return Origins{}, fmt.Errorf("own origin: %w", err)
	}
	o, ok := originOf(base)
	if !ok {
		return Origins{}, fmt.Errorf("own origin %q is not http(s)://host", own)
	}
	s := Origins{own: o.String(), exact: map[string]bool{o.String(): true}}
	for _, entry := range list {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		if err := s.add(entry); err != nil {
			return Origins{}, err
		}
	}
	return s, nil
}

func (s *Origins) add(entry string) error {
	scheme, rest, hasScheme := strings.Cut(entry, "://")
	scheme = strings.ToLower(scheme)
	switch {
	case hasScheme && scheme != "http" && scheme != "https":
		host, dir, _ := strings.Cut(rest, "/")
		if !schemeName(scheme) || forbiddenText(rest) {
			return fmt.Errorf("trusted origin %q: not a scheme", entry)
		}
		app := appScheme{scheme: scheme, host: strings.ToLower(host), path: cleanDir(strings.TrimSuffix(strings.TrimRight(dir, "*"), "/"))}
		if strings.ContainsAny(host, "*?") {
			p, err := parsePattern(scheme, host)
			if err != nil {
				return fmt.Errorf("trusted origin %q: %w", entry, err)
			}
			app.pattern = &p
		}
		s.apps = append(s.apps, app)
		return nil
	case hasScheme && !strings.ContainsAny(rest, "*?"):
		u, err := url.Parse(entry)
		if err != nil {
			return fmt.Errorf("trusted origin %q: not an origin", entry)
		}
		o, ok := originOf(u)
		if !ok {
			return fmt.Errorf("trusted origin %q: not an origin", entry)
		}
		s.exact[o.String()] = true
		return nil
	case !hasScheme:
		scheme, rest = "", entry
	}
	p, err := parsePattern(scheme, rest)
	if err != nil {
		return fmt.Errorf("trusted origin %q: %w", entry, err)
	}
	s.patterns = append(s.patterns, p)
	return nil
}

func parsePattern(scheme, text string) (originPattern, error) {
	host, port, _ := strings.Cut(strings.ToLower(strings.TrimSuffix(text, "/")), ":")
	if host == "" || strings.ContainsAny(host, "/@\\#[] \t") || strings.ContainsAny(port, ":/") {
		return originPattern{}, fmt.Errorf("not a host pattern")
	}
	p := originPattern{scheme: scheme, labels: strings.Split(host, "."), port: dropDefaultPort(scheme, port)}
	p.ipv4 = strings.Trim(host, "0123456789.*?") == "" && strings.ContainsAny(host, "0123456789")
	if last := p.labels[len(p.labels)-1]; !p.ipv4 && strings.Trim(last, "*?") == "" {
		return originPattern{}, fmt.Errorf("it would trust every site: end the pattern with a name")
	}
	return p, nil
}

// Own is the server's own origin.
func (s Origins) Own() string { return s.own }

// Trusted tells whether an Origin header's value names a trusted origin. "null"
// and everything that is not exactly an origin is not.
func (s Origins) Trusted(value string) bool {
	if s.exact[value] { // as browsers write it
		return true
	}
	if value == "" || value == "null" || forbiddenText(value) {
		return false
	}
	u, err := url.Parse(value)
	if err != nil {
		return false
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return s.trustedApp(u)
	}
	o, ok := originOf(u)
	return ok && u.Path == "" && u.RawQuery == "" && !u.ForceQuery && !strings.Contains(value, "#") && s.trusted(o)
}

func (s Origins) trusted(o origin) bool {
	if s.exact[o.String()] {
		return true
	}
	for _, p := range s.patterns {
		if p.matches(o) {
			return true
		}
	}
	return false
}

func (s Origins) trustedApp(u *url.URL) bool {
	if u.Opaque != "" || u.User != nil {
		return false
	}
	for _, app := range s.apps {
		dir := cleanDir(u.Path)
		if app.names(u) && (app.path == "/" || dir == app.path || strings.HasPrefix(dir, app.path+"/")) {
			return true
		}
	}
	return false
}

// SafeRedirect tells whether an answer may lead a browser to this address: a path
// on our own origin, or an absolute address on a trusted one.
func (s Origins) SafeRedirect(raw string) bool {
	if raw == "" || len(raw) > 2048 || forbiddenText(raw) {
		return false
	}
	if raw[0] == '/' {
		return safeRelative(raw)
	}
	u, err := url.Parse(raw)
	if err != nil || u.Opaque != "" || u.User != nil {
		return false
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return strings.Contains(raw, "://") && s.trustedApp(u)
	}
	o, ok := originOf(u)
	return ok && s.trusted(o)
}

// safeRelative refuses whatever a browser, or a proxy that decodes once more,
// could read as another host. Encodings are peeled off until nothing changes.
func safeRelative(raw string) bool {
	if _, err := url.Parse(raw); err != nil {
		return false
	}
	at, _, _ := strings.Cut(raw, "#")
	at, _, _ = strings.Cut(at, "?")
	for range 4 {
		low := strings.ToLower(at)
		if strings.HasPrefix(at, "//") || forbiddenText(strings.ReplaceAll(at, " ", "")) || strings.Contains(low, "%2f") || strings.Contains(low, "%5c") {
			return false
		}
		next, err := url.PathUnescape(at)
		if err != nil {
			return false
		}
		if next == at {
			return path.Clean(at) == at || path.Clean(at)+"/" == at
		}
		at = next
	}
	return false
}

// forbiddenText holds for what browsers drop or turn into a slash: control
// characters, blanks, backslashes; and for what is not ASCII-safe to compare.
func forbiddenText(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == '\\' || s[i] == 0x7f {
			return true
		}
	}
	return false
}

// originOf reads scheme, host and port of an http(s) URL without user or odd host.
func originOf(u *url.URL) (origin, bool) {
	scheme, host, port := strings.ToLower(u.Scheme), strings.ToLower(u.Hostname()), u.Port()
	if scheme != "http" && scheme != "https" || host == "" || u.User != nil || u.Opaque != "" {
		return origin{}, false
	}
	if strings.HasSuffix(u.Host, ":") || !hostName(host) {
		return origin{}, false
	}
	return origin{scheme, host, dropDefaultPort(scheme, port)}, true
}

// hostName allows names in ASCII (international ones in their xn-- form) and
// addresses; a trailing dot would be a second spelling.
func hostName(host string) bool {
	if net.ParseIP(host) != nil {
		return true
	}
	for i := range len(host) {
		c := host[i]
		if c != '-' && c != '.' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return !strings.HasSuffix(host, ".") && !strings.HasPrefix(host, ".") && !strings.Contains(host, "..")
}

func dropDefaultPort(scheme, port string) string {
	if scheme == "http" && port == "80" || scheme == "https" && port == "443" {
		return ""
	}
	return port
}

func schemeName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (i == 0 || (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	switch s {
	case "", "javascript", "data", "vbscript", "file", "blob", "about":
		return false
	}
	return true
}

func cleanDir(dir string) string { return path.Clean("/" + dir) }

func (p originPattern) matches(o origin) bool {
	if p.scheme != "" && p.scheme != o.scheme || p.port != "*" && p.port != o.port {
		return false
	}
	addr, err := netip.ParseAddr(o.host)
	if isAddr := err == nil; isAddr != p.ipv4 || isAddr && !addr.Is4() {
		return false
	}
	labels := strings.Split(o.host, ".")
	if !p.ipv4 && p.labels[0] == "*" && len(labels) > len(p.labels) {
		labels = labels[len(labels)-len(p.labels):]
	}
	if len(labels) != len(p.labels) {
		return false
	}
	for i, want := range p.labels {
		if !glob(want, labels[i]) {
			return false
		}
	}
	return true
}

// glob matches one label; * is any run, ? one character. Linear: only the last
// star can be returned to.
func glob(pattern, s string) bool {
	pi, si, star, mark := 0, 0, -1, 0
	for si < len(s) {
		switch {
		case pi < len(pattern) && pattern[pi] == '*':
			star, mark = pi, si
			pi++
		case pi < len(pattern) && (pattern[pi] == '?' || pattern[pi] == s[si]):
			pi++
			si++
		case star >= 0:
			mark++
			pi, si = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[pi:], "*") == ""
}
