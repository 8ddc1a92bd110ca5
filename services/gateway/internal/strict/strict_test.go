package strict_test

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/codex-platform/codex/services/gateway/internal/strict"
)

func get(target string) *http.Request {
	return &http.Request{Method: http.MethodGet, RequestURI: target, Header: http.Header{}}
}

// GW-02
func TestCheck_refusesPathsWithTwoReadings(t *testing.T) {
	t.Parallel()
	for _, target := range []string{
		"/public/..%2fprivate", "/public/..%2Fprivate", "/a/%2e%2e/b", "/a/%2E%2e/b", "/a/.%2e/b", "/a/%2e/b", "/%2e%2e", "/a/..", "/a/.", "/a/./b", "/a/../b", "/..", "/.",
		"//private", "/a//b", "///", "/a//", "/private;x", "/a;/b", "/a/..;/b", "/a%3bb", "/a%00b", "/a%0ab", "/a%0d", "/a%1fb", "/a%7fb", "/a\\b", "/a%5cb", "/a%5Cb",
		"/%252e%252e/", "/a%25", "/a%2", "/a%", "/a%zz", "/a%g1", "/%u002e", "/a%c0%afb", "/a%c0%ae", "/a%ff", "/a%ed%a0%80", "/a%c2%80", "/a%c2%9f", "/a%E0%80%AF",
		"/%61dmin", "/a%41", "/%7euser", "/a%2db", "/a%5fb", "/a%30", "/a b", "/a\tb", "/a\x00b", "/a\x7fb", "/é", "/a\"b", "/a<b>", "/a^b", "/a`b", "/a{b}", "/a|b", "/a[b]",
		"/a#b", "", "*", "a", "http://x/", "x:80", "?x", "#", "/a?b c", "/a?b\x00", "/a?é", "/a?b#c", "/a?\x7f",
	} {
		if err := strict.Check(get(target)); !errors.Is(err, strict.ErrTarget) {
			t.Errorf("%q: %v, want ErrTarget", target, err)
		}
	}
}

func TestCheck_acceptsPlainPaths(t *testing.T) {
	t.Parallel()
	for _, target := range []string{
		"/", "/a", "/a/", "/api/auth/sign-in/email", "/a.b/..c/d..", "/...", "/a/.../b", "/.well-known/jwks.json", "/a-b_c~d", "/a!$&'()*+,=:@b",
		"/a%20b", "/%C3%A9", "/%e2%82%ac", "/a%22b%3Cc%3E", "/a%5Bb%5D", "/x?", "/x?a=%2f%5c%00&b=;&c=//../", "/x?a=%zz", "/x?" + strings.Repeat("a", 4000),
	} {
		if err := strict.Check(get(target)); err != nil {
			t.Errorf("%q: %v", target, err)
		}
	}
}

func TestCheck_boundsTheHead(t *testing.T) {
	t.Parallel()
	long := get("/" + strings.Repeat("a", strict.MaxTarget))
	if err := strict.Check(long); !errors.Is(err, strict.ErrTargetLong) {
		t.Errorf("long target: %v", err)
	}
	lines := get("/")
	for i := range strict.MaxLines {
		lines.Header.Set(fmt.Sprint("X-", i), "v")
	}
	if err := strict.Check(lines); err != nil {
		t.Errorf("%d lines: %v", strict.MaxLines, err)
	}
	lines.Header.Add("X-More", "v")
	if err := strict.Check(lines); !errors.Is(err, strict.ErrHeaders) {
		t.Errorf("a line more: %v", err)
	}
	wide := get("/")
	wide.Header.Set("X-A", strings.Repeat("a", strict.MaxHeaders))
	if err := strict.Check(wide); !errors.Is(err, strict.ErrHeaders) {
		t.Errorf("wide header: %v", err)
	}
}

func TestCheck_refusesWhatHasNoPlaceInARequest(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*http.Request)
		want   error
	}{
		"upgrade":             {func(r *http.Request) { r.Header.Set("Upgrade", "websocket") }, strict.ErrUpgrade},
		"HTTP2-Settings":      {func(r *http.Request) { r.Header.Set("HTTP2-Settings", "AA") }, strict.ErrUpgrade},
		"body on GET":         {func(r *http.Request) { r.ContentLength = 1 }, strict.ErrBody},
		"chunked GET":         {func(r *http.Request) { r.ContentLength = -1 }, strict.ErrBody},
		"two Authorizations":  {func(r *http.Request) { r.Header["Authorization"] = []string{"a", "b"} }, strict.ErrRepeated},
		"two Origins":         {func(r *http.Request) { r.Header["Origin"] = []string{"a", "b"} }, strict.ErrRepeated},
		"a length in letters": {func(r *http.Request) { r.Method = "POST"; r.Header["Content-Length"] = []string{"0x5"} }, strict.ErrLength},
		"two Cookie lines":    {func(r *http.Request) { r.Header["Cookie"] = []string{"a=b", "c=d"} }, nil}, // HTTP/2 splits them
	} {
		r := get("/")
		tc.change(r)
		if err := strict.Check(r); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
}

// What passes is read by Go's own parser as the same path, and stays itself when
// it is written down again.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{"/", "/a%20b", "/a/../b", "//", "/%2e", "/a;b", "/%C3%A9?x=y", "/a%2fb", "/a?b#c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		if strict.Check(get(target)) != nil {
			return
		}
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n")))
		if err != nil {
			t.Fatalf("%q passes and cannot be read: %v", target, err)
		}
		again := (&url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery, ForceQuery: r.URL.ForceQuery}).RequestURI()
		if again != target {
			t.Errorf("%q is written down as %q", target, again)
		}
		for _, segment := range strings.Split(r.URL.Path, "/") {
			if segment == "." || segment == ".." || strings.ContainsAny(segment, "\\\x00;") {
				t.Errorf("%q has the segment %q", target, segment)
			}
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	r := get("/api/storage/v1/files/0193d1f2-7c4a-7bbf-8c55-3f4f2c1d9a10/content?download=1")
	for _, name := range []string{"Accept", "User-Agent", "Authorization", "Cookie", "Accept-Encoding", "Sec-Fetch-Site"} {
		r.Header.Set(name, "some value of the usual length")
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := strict.Check(r); err != nil {
			b.Fatal(err)
		}
	}
}
