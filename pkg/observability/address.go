package observability

import "strings"

// email looks at an "@": the address around it, or a log-in before a host.
func (z *scanner) email() bool {
	s := z.text
	from := z.i
	for from > z.kept && isLocalByte(s[from-1]) {
		from--
	}
	to := endOf(s, z.i+1, isDomainByte)
	switch {
	case from == z.i:
	case isMailDomain(s[z.i+1 : to]):
		z.mask(from, to, markEmail)
		return true
	case from > z.kept && s[from-1] == ':' && to > z.i+1 && !strings.HasPrefix(s[z.i+1:], "sha256:"):
		// user:password@host without a scheme
		for from > z.kept && (isLocalByte(s[from-1]) || s[from-1] == ':') {
			from--
		}
		z.mask(from, z.i, markRedacted)
		z.i = to
		return true
	}
	return false
}

// isLocalByte tells whether c belongs to what is before the "@" of an address.
// Signs that addresses may hold but hardly do, and that part things in texts
// (= / ? & | { } `), do not count.
func isLocalByte(c byte) bool {
	return isAlnum(c) || c >= 0x80 || strings.IndexByte("._%+-!#$*^~'", c) >= 0
}

func isDomainByte(c byte) bool { return isAlnum(c) || c >= 0x80 || c == '.' || c == '-' }

// isMailDomain tells whether a text can be the domain of an address: at least
// one dot, and letters at its end. So module@v1.2.3 is none.
func isMailDomain(domain string) bool {
	domain = strings.TrimRight(domain, ".-")
	if domain == "localhost" {
		return true
	}
	dot := strings.LastIndexByte(domain, '.')
	if dot < 1 || len(domain)-dot < 3 {
		return false
	}
	last := domain[dot+1:]
	if len(last) > 4 && strings.EqualFold(last[:4], "xn--") {
		return true
	}
	for i := range len(last) {
		if isDigit(last[i]) || last[i] == '-' {
			return false
		}
	}
	return true
}

// userinfo looks at a ":" that may begin "://": a log-in there is masked, and
// so is a password with a slash in it, which ends a URL's host for everybody else.
func (z *scanner) userinfo() bool {
	s := z.text
	if !strings.HasPrefix(s[z.i:], "://") {
		return false
	}
	from := z.i + len("://")
	if from < z.noUserinfo {
		return false
	}
	host := endOf(s, from, func(c byte) bool { return isURLByte(c) && c != '/' && c != '?' && c != '#' })
	if at := strings.LastIndexByte(s[from:host], '@'); at > 0 {
		z.mask(from, from+at, markRedacted)
		return true
	}
	if _, port, ok := strings.Cut(s[from:host], ":"); !ok || strings.Trim(port, "0123456789") == "" || s[from] == '[' {
		return false
	}
	end := endOf(s, host, isURLByte)
	at := strings.LastIndexByte(s[host:end], '@')
	if at < 0 {
		z.noUserinfo = end
		return false
	}
	z.mask(from, host+at, markRedacted)
	return true
}

func isURLByte(c byte) bool { return c > ' ' && strings.IndexByte("\"'<>`\\", c) < 0 }

// linkPath looks at a "/": the token of /reset-password/<token> is masked, the
// only secret that the authentication contract puts into a path.
func (z *scanner) linkPath() bool {
	const before = "reset-password"
	if z.word < 0 || z.text[z.word:z.i] != before {
		return false
	}
	to := endOf(z.text, z.i+1, isBase64URL)
	if to-z.i < 16 {
		return false
	}
	z.mask(z.i+1, to, markToken)
	return true
}
