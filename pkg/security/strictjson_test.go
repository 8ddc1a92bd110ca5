package security_test

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"
	"unicode/utf8"

	"github.com/codex-platform/codex/pkg/security"
)

// slowly reads an object member by member, as strictObject must without.
func slowly(raw []byte) bool {
	d := json.NewDecoder(bytes.NewReader(raw))
	if open, err := d.Token(); err != nil || open != json.Delim('{') || !utf8.Valid(raw) {
		return false
	}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		name, ok := token.(string)
		var value json.RawMessage
		if err != nil || !ok || seen[name] || d.Decode(&value) != nil {
			return false
		}
		seen[name] = true
	}
	if _, err := d.Token(); err != nil {
		return false
	}
	_, err := d.Token()
	return err == io.EOF
}

func FuzzStrictObject(f *testing.F) {
	for _, text := range []string{
		`{}`, ` { } `, `{"a":1}`, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"a":{"a":1,"b":[1,2,{"c":3}]},"b":"x,\"y\\","c":[]}`,
		`{"":""}`, `{"":"","":""}`, `[]`, `null`, `"x"`, ``, `{"a":1}{`, `{"a":1,}`, `{,}`, "{\"a\":\"\xff\"}", `{"\ud800":1,"\udc00":2}`, `{"a":"\\\"","b":1}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		members, err := security.StrictObject(raw)
		if (err == nil) != slowly(raw) {
			t.Fatalf("%q: %v %v", raw, members, err)
		}
	})
}
