package config

import (
	"path"
	"strings"
)

// BasePath is where an API begins below its address: /api/auth. It can be put
// before a path, and is never the whole address or the services' own /internal.
type BasePath string

// UnmarshalText reads a path.
func (p *BasePath) UnmarshalText(text []byte) error {
	s := string(text)
	switch {
	case len(s) < 2 || s[0] != '/' || path.Clean(s) != s || strings.ContainsFunc(s, notInPath):
		return formError("is not a path such as /api/auth: plain letters, digits and -_., no slash at its end")
	case s == "/internal", strings.HasPrefix(s, "/internal/"):
		return formError("is /internal, where services call each other")
	}
	*p = BasePath(s)
	return nil
}

// notInPath holds for what needs coding in an address, or is a router's own.
func notInPath(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("/-_.", r)
}

// String gives the path as text.
func (p BasePath) String() string { return string(p) }
