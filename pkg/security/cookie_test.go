package security_test

import (
	"net/http"
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
