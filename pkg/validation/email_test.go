package validation_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/codex-platform/codex/pkg/validation"
)

func TestParseEmail_acceptsMailboxes(t *testing.T) {
	t.Parallel()
	label63 := strings.Repeat("d", 63)
	for text, want := range map[string]string{
		"a@x.test":                          "a@x.test",
		"Ada.Lovelace+Notes@X.TEST":         "ada.lovelace+notes@x.test",
		"o'brien_1@mail.example.co.uk":      "o'brien_1@mail.example.co.uk",
		"a@xn--bcher-kva.example":           "a@xn--bcher-kva.example",
		"!#$%&'*+-/=?^_`{|}~@x.test":        "!#$%&'*+-/=?^_`{|}~@x.test",
		"1@1.x1":                            "1@1.x1",
		strings.Repeat("l", 64) + "@x.test": strings.Repeat("l", 64) + "@x.test",
		"l@" + label63 + "." + label63 + "." + label63 + ".test": "l@" + label63 + "." + label63 + "." + label63 + ".test",
	} {
		if got, err := validation.ParseEmail(text); err != nil || got.String() != want {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
}

func TestParseEmail_refusesTheRest(t *testing.T) {
	t.Parallel()
	label60 := strings.Repeat("d", 60)
	for _, text := range []string{
		"", "a", "@", "a@", "@x.test", "a@x", "a@@x.test", "a@b@x.test", "a@x.test,b@x.test", "a@x.test\n", "a@x.test\r\nBcc: b@x.test",
		" a@x.test", "a@x.test ", "a b@x.test", "a@x .test", "a\x00@x.test", "a@x.test\x00", "a\t@x.test", "a\x7f@x.test",
		".a@x.test", "a.@x.test", "a..b@x.test", "a@.x.test", "a@x..test", "a@x.test.", "a@-x.test", "a@x-.test", "a@x_y.test",
		`"a b"@x.test`, "a@[127.0.0.1]", "a@127.0.0.1", "<a@x.test>", "Ada <a@x.test>", "ä@x.test", "a@ü.test", "K@x.test" + "\u212a",
		"a\u200b@x.test", "a@x.test\u2028", "\xff@x.test", "a;b@x.test", "a:b@x.test", `a\b@x.test`, "a(b)@x.test",
		strings.Repeat("l", 65) + "@x.test",
		"l@" + strings.Repeat("d", 64) + ".test",
		"lllllll@" + label60 + "." + label60 + "." + label60 + "." + label60 + ".tes", // 255 bytes
	} {
		if got, err := validation.ParseEmail(text); !errors.Is(err, validation.ErrEmail) || got != "" {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
}

func TestValues_readThemselvesFromJSON(t *testing.T) {
	t.Parallel()
	var in struct {
		Email    validation.Email    `json:"email"`
		Password validation.Password `json:"password"`
		Name     validation.FileName `json:"name"`
		User     validation.UserID   `json:"user"`
		Cursor   validation.Cursor   `json:"cursor"`
	}
	err := json.Unmarshal([]byte(`{"email":"A@x.test","password":"12345678","name":"../a.txt","user":"u1","cursor":"abc"}`), &in)
	if err != nil || in.Email != "a@x.test" || in.Password.Reveal() != "12345678" || in.Name != "a.txt" || in.User != "u1" || in.Cursor != "abc" {
		t.Errorf("got %+v, %v", in, err)
	}
	for _, body := range []string{`{"email":"a"}`, `{"password":"1"}`, `{"name":".."}`, `{"user":"a b"}`, `{"cursor":"="}`} {
		var wrong *validation.Error
		if err := json.Unmarshal([]byte(body), &in); !errors.As(err, &wrong) || wrong.Field == "" || wrong.Detail == "" {
			t.Errorf("%s: got %v", body, err)
		}
	}
}

func FuzzParseEmail(f *testing.F) {
	for _, seed := range []string{"a@x.test", "A@X.Test", "a@b@c.d", "a@x.test\n", "\x00@x.y", "a@x.test,b@x.test"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := validation.ParseEmail(text)
		if err != nil {
			return
		}
		if again, err := validation.ParseEmail(got.String()); err != nil || again != got {
			t.Errorf("%q became %q, which became %q, %v", text, got, again, err)
		}
		if strings.Count(got.String(), "@") != 1 || len(got) > 254 || strings.ContainsAny(got.String(), " \t\r\n\x00<>,;:\"\\()[]") {
			t.Errorf("%q passed as %q", text, got)
		}
	})
}
