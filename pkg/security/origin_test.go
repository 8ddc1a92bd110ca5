package security_test

import (
	"testing"

	"github.com/codex-platform/codex/pkg/security"
)

func origins(t testing.TB, list ...string) security.Origins {
	t.Helper()
	o, err := security.ParseOrigins("https://good.example", list)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// OAU-09: a pattern stands for whole labels, one scheme and one port.
func TestOrigins_Trusted(t *testing.T) {
	t.Parallel()
	o := origins(t, "https://app.other.example:8443", "https://*.app.test", "*.any.test", "http://localhost:*", "192.168.?.*", "myapp://", "tool://host/dir", "https://pre-*.one.test")
	for origin, want := range map[string]bool{
		"https://good.example":            true,
		"https://good.example:443":        true,
		"https://GOOD.example":            true,
		"http://good.example":             false,
		"https://good.example:8443":       false,
		"https://good.example.evil.test":  false,
		"https://evilgood.example":        false,
		"https://good.exampl":             false,
		"https://good.example.":           false,
		"https://good.example/":           false, // an origin has no path
		"https://good.example/x":          false,
		"https://good.example?x":          false,
		"https://good.example#x":          false,
		"https://user@good.example":       false,
		"https://good.example@evil.test":  false,
		"https://good.example, null":      false,
		"https://good.example\thttps://x": false,
		" https://good.example":           false,
		"null":                            false,
		"":                                false,
		"file://":                         false,
		"https://":                        false,
		"https:good.example":              false,
		"//good.example":                  false,
		"good.example":                    false,

		"https://app.other.example:8443": true,
		"https://app.other.example":      false,

		"https://a.app.test":           true,
		"https://a.b.app.test":         true,
		"https://app.test":             false,
		"https://evilapp.test":         false,
		"http://a.app.test":            false,
		"https://a.app.test.evil.test": false,
		"https://a.app.test:444":       false,
		"https://.app.test":            false,
		"https://a..app.test":          false,

		"https://x.any.test":       true,
		"http://x.any.test":        true,
		"https://x.any.test.com":   false,
		"https://pre-x.one.test":   true,
		"https://pre-.one.test":    true,
		"https://x.one.test":       false,
		"https://pre-a.b.one.test": false,

		"http://localhost:3000":           true,
		"http://localhost":                true,
		"https://localhost:3000":          false,
		"http://localhost.evil.test:3000": false,

		"http://192.168.1.20":       true,
		"http://192.168.12.20":      false,
		"http://192.168.1.evil.com": false,
		"http://192.168.1.a":        false,
		"http://[::ffff:c0a8:101]":  false,

		"myapp://":              true,
		"myapp://anything":      true,
		"myapps://":             false,
		"tool://host/dir":       true,
		"tool://host/dir/x":     true,
		"tool://host/dir/../x":  false,
		"tool://host/directory": false,
		"tool://other/dir":      false,
		"javascript://x":        false,
	} {
		if got := o.Trusted(origin); got != want {
			t.Errorf("Trusted(%q) = %v, want %v", origin, got, want)
		}
	}
}

// OAU-08: what browsers read as another host is refused, however it is spelt.
func TestOrigins_SafeRedirect(t *testing.T) {
	t.Parallel()
	o := origins(t, "https://*.app.test", "myapp://")
	for target, want := range map[string]bool{
		"/":                                     true,
		"/dashboard":                            true,
		"/dashboard?next=/x&y=%2F":              true,
		"/files/#top":                           true,
		"/a%20b":                                true,
		"https://good.example":                  true,
		"https://good.example/x?y=1#z":          true,
		"https://a.app.test/x":                  true,
		"myapp://open/file":                     true,
		"":                                      false,
		"dashboard":                             false,
		"//x":                                   false,
		"///x":                                  false,
		"/\\x":                                  false,
		"\\\\x":                                 false,
		"/%5cx":                                 false,
		"/%5Cx":                                 false,
		"/%2fx":                                 false,
		"/%2F/x":                                false,
		"/%252fx":                               false,
		"/%255cx":                               false,
		"/%25252fx":                             false,
		"/x//y":                                 false,
		"/../x":                                 false,
		"/./x":                                  false,
		"/%2e%2e/x":                             false,
		"/%0d%0aLocation:x":                     false,
		"/x\r\nSet-Cookie: a=b":                 false,
		"/\tx":                                  false,
		"/ x":                                   false,
		"/%zz":                                  false,
		"\n/x":                                  false,
		"https:x":                               false,
		"https:/good.example":                   false,
		"https:///good.example":                 false,
		"https://good@x":                        false,
		"https://good.example@evil.test":        false,
		"https://good.example:pw@evil.test/":    false,
		"https://good.x":                        false,
		"https://good.example.evil.test":        false,
		"https://good.example\\.evil.test":      false,
		"https://good.example%2f@evil.test":     false,
		"http://good.example":                   false,
		"HTTPS://GOOD.EXAMPLE/x":                true,
		"javascript:alert(1)":                   false,
		"java\nscript:alert(1)":                 false,
		"javascript://good.example/%0aalert(1)": false,
		"data:text/html,x":                      false,
		"vbscript:x":                            false,
		"myapp:open":                            false,
		"mailto:a@b.example":                    false,
	} {
		if got := o.SafeRedirect(target); got != want {
			t.Errorf("SafeRedirect(%q) = %v, want %v", target, got, want)
		}
	}
}

func TestParseOrigins_refusesEntriesThatTrustTooMuch(t *testing.T) {
	t.Parallel()
	for _, entry := range []string{"*", "https://*", "*.*", "https://*.?", "javascript://", "data://x", "https://user@x.example", "https://x.example\\y", "://", "https://", "a b"} {
		if _, err := security.ParseOrigins("https://good.example", []string{entry}); err == nil {
			t.Errorf("%q was accepted", entry)
		}
	}
	for _, own := range []string{"", "good.example", "ftp://good.example", "https://"} {
		if _, err := security.ParseOrigins(own, nil); err == nil {
			t.Errorf("own origin %q was accepted", own)
		}
	}
}

func FuzzSafeRedirect(f *testing.F) {
	f.Add("/%5cx")
	f.Add("https://good@x")
	f.Add("//evil.test")
	o := origins(f)
	f.Fuzz(func(t *testing.T, target string) {
		if o.SafeRedirect(target) && target[0] == '/' && len(target) > 1 && (target[1] == '/' || target[1] == '\\') {
			t.Errorf("%q leads away", target)
		}
	})
}

// Apps in development are at addresses that change: their hosts may have
// wildcards too, of one scheme.
func TestOrigins_hostsOfAppsMayBePatterns(t *testing.T) {
	t.Parallel()
	o := origins(t, "exp://192.168.*.*:*/**", "tool://*.one.test/in/*")
	for address, want := range map[string]bool{
		"exp://192.168.1.5:8081/--/in":     true,
		"exp://192.168.1.5:19000":          true,
		"exp://10.0.0.1:8081/--/in":        false,
		"exp://192.168.1.5.evil.test:8081": false,
		"exp://evil.test/192.168.1.5":      false,
		"http://192.168.1.5:8081/":         false,
		"tool://a.one.test/in/x":           true,
		"tool://a.one.test/out":            false,
		"tool://one.test.evil.test/in/x":   false,
	} {
		if got := o.SafeRedirect(address); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
	if _, err := security.ParseOrigins("https://app.test", []string{"exp://*"}); err == nil {
		t.Error("a scheme of every host by a wildcard is taken")
	}
}
