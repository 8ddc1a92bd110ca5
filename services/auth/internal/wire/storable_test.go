package wire_test

import (
	"encoding/json"
	"testing"

	"github.com/codex-platform/codex/services/auth/internal/wire"
)

func TestStorable(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`{"a": [1, "ä<b>", null, {"c": 1.5}]}`: `{"a":[1,"ä<b>",null,{"c":1.5}]}`,
		`{"a":"x\u0000y"}`:                     "",
		`{"a\u0000":1}`:                        "",
		`[[["\u0000"]]]`:                       "",
		`{"a":1e999999}`:                       "",
		`{"a":"\ud800"}`:                       "{\"a\":\"\ufffd\"}",
	} {
		got, ok := wire.Storable(json.RawMessage(raw))
		if ok != (want != "") || string(got) != want {
			t.Errorf("%s: %s %v", raw, got, ok)
		}
	}
}

func TestRedirect_isASCII(t *testing.T) {
	t.Parallel()
	if got := wire.Redirect("/ä\u2028?x=a b%20").Location; got != "/%C3%A4%E2%80%A8?x=a%20b%20" {
		t.Errorf("%s", got)
	}
}
