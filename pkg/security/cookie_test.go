package security_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/codex-platform/codex/pkg/security"
)

func TestCookieValue_isWrittenAsTheContractsVector(t *testing.T) {
	t.Parallel()
	const (
		value = "PQPKui8RmRc2t2oHdp17vy4x6vzd3aKT.JDK9kz1lz+pWLfbzcY0Ig3PD3LiBEzYQTb4BPrpz9Fo="
		want  = "PQPKui8RmRc2t2oHdp17vy4x6vzd3aKT.JDK9kz1lz%2BpWLfbzcY0Ig3PD3LiBEzYQTb4BPrpz9Fo%3D"
	)
	if got := security.EncodeCookieValue(value); got != want {
		t.Errorf("EncodeCookieValue = %s", got)
	}
	if got, ok := security.DecodeCookieValue(want); !ok || got != value {
		t.Errorf("DecodeCookieValue = %s, %v", got, ok)
	}
	if _, ok := security.DecodeCookieValue("%zz"); ok {
		t.Error("broken coding was decoded")
	}
	if got, _ := security.DecodeCookieValue("a+b"); got != "a+b" {
		t.Errorf("a plus became %q", got)
	}
}

func TestReadCookie(t *testing.T) {
	t.Parallel()
	h := http.Header{"Cookie": {`a=1; codex.jwt=first; x="quoted"`, "codex.jwt=second; empty="}}
	for name, want := range map[string]string{"a": "1", "codex.jwt": "first", "x": "quoted", "empty": ""} {
		if got, ok := security.ReadCookie(h, name); !ok || got != want {
			t.Errorf("%s = %q, %v; want %q", name, got, ok, want)
		}
	}
	for _, name := range []string{"A", "codex", "jwt", "", "Codex.JWT"} {
		if got, ok := security.ReadCookie(h, name); ok {
			t.Errorf("%q = %q, want none", name, got)
		}
	}
}

// FuzzReadCookie compares with net/http, which reads values in fewer letters.
func FuzzReadCookie(f *testing.F) {
	for _, line := range []string{
		"codex.jwt=a.b.c", "a=b; codex.jwt=x; codex.jwt=y", `codex.jwt="q"`, " codex.jwt = x", "codex.jwt", "codex.jwt=", ";;;=;codex.jwt=1", "codex.jwt=a=b", "x=codex.jwt=1", "codex.jwt=\x00", "CODEX.JWT=1",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		h := http.Header{"Cookie": {line}}
		got, ok := security.ReadCookie(h, "codex.jwt")
		if ok && !strings.Contains(line, got) {
			t.Fatalf("%q: made up %q", line, got)
		}
		if strings.ContainsAny(line, "\r\n") {
			return // no header holds one; net/http would trim it
		}
		if theirs, err := (&http.Request{Header: h}).Cookie("codex.jwt"); ok && err == nil && strings.Count(line, "codex.jwt") == 1 && strings.Trim(got, `"`) != strings.Trim(theirs.Value, `"`) {
			t.Fatalf("%q: %q, net/http says %q", line, got, theirs.Value)
		}
	})
}
