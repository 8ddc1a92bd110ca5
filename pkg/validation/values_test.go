package validation_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/codex-platform/codex/pkg/validation"
)

func TestParsePassword_countsCodePoints(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		strings.Repeat("a", 7):             validation.ErrPasswordTooShort,
		strings.Repeat("a", 8):             nil,
		strings.Repeat("a", 64):            nil,
		strings.Repeat("a", 128):           nil,
		strings.Repeat("a", 129):           validation.ErrPasswordTooLong,
		strings.Repeat("🎉", 8):             nil,
		strings.Repeat("🎉", 7):             validation.ErrPasswordTooShort,
		strings.Repeat("ä", 128):           nil,
		"        ":                         nil,
		"\xff\xff\xff\xff\xff\xff\xff\xff": validation.ErrPasswordText,
		"":                                 validation.ErrPasswordTooShort,
	} {
		got, err := validation.ParsePassword(text)
		if !errors.Is(err, want) || err == nil && got.Reveal() != text {
			t.Errorf("%q: got %q, %v, want %v", text, got.Reveal(), err, want)
		}
	}
	if _, err := (validation.PasswordLimits{Min: 15, Max: 20}).Parse("fourteen signs"); !errors.Is(err, validation.ErrPasswordTooShort) {
		t.Errorf("own limits: %v", err)
	}
}

func TestPassword_printsAsRedacted(t *testing.T) {
	t.Parallel()
	p := validation.Password("correct horse")
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "p", p)
	asJSON, err := json.Marshal(map[string]any{"p": p})
	if err != nil {
		t.Fatal(err)
	}
	if all := log.String() + string(asJSON) + fmt.Sprintf("%v %s %q %#v %+v", p, p, p, p, struct{ P validation.Password }{p}); strings.Contains(all, "horse") {
		t.Errorf("got %s", all)
	}
}

func TestCleanFileName(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a.txt":                              "a.txt",
		"../../x":                            "x",
		`..\\x`:                              "x",
		`C:\Users\ada\Letter.docx`:           "Letter.docx",
		"/etc/passwd":                        "passwd",
		"con":                                "con",
		"a\x00b\r\n.txt":                     "ab.txt",
		"invoice\u202egnp.exe":               "invoicegnp.exe",
		"\ufeff\u200ba\u2028b.txt":           "ab.txt",
		"  a b .txt ":                        "a b .txt",
		"e\u0301.txt":                        "\u00e9.txt", // NFC
		"e\u200b\u0301.txt":                  "\u00e9.txt", // also across what is removed
		"👩\u200d👩\u200d👧.png":                "👩\u200d👩\u200d👧.png",
		"a\xff.txt":                          "a.txt",
		".gitignore":                         ".gitignore",
		"a<b>:\"|?*'.txt":                    "a<b>:\"|?*'.txt",
		"Grüße 你好.txt":                       "Grüße 你好.txt",
		strings.Repeat("a", 10<<10) + ".txt": strings.Repeat("a", 251) + ".txt",
		strings.Repeat("ä", 200) + ".txt":    strings.Repeat("ä", 125) + ".txt",
		strings.Repeat("a", 300):             strings.Repeat("a", 255),
		"a." + strings.Repeat("b", 300):      "a." + strings.Repeat("b", 253),
		strings.Repeat("a", 250) + " b c d e f.txt": strings.Repeat("a", 250) + ".txt",
	} {
		if got, err := validation.CleanFileName(text); err != nil || got.String() != want {
			t.Errorf("%.40q: got %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"", ".", "..", "...", "a/", `a\`, "a/..", " ", "\x00", "\u202e", "/", "\xff"} {
		if got, err := validation.CleanFileName(text); !errors.Is(err, validation.ErrFileName) {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
}

func FuzzCleanFileName(f *testing.F) {
	for _, seed := range []string{"a.txt", "../../x", `..\x`, "con", "\u202e", strings.Repeat("ä", 200) + ".tar.gz", "\xff.", "e\u200b\u0301"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := validation.CleanFileName(text)
		if err != nil {
			return
		}
		name := got.String()
		if name == "" || len(name) > 255 || !utf8.ValidString(name) || !norm.NFC.IsNormalString(name) || strings.ContainsAny(name, `/\`) ||
			strings.ContainsFunc(name, unicode.IsControl) || strings.Trim(name, ".") == "" {
			t.Errorf("%q became %q", text, name)
		}
		if again, err := validation.CleanFileName(name); err != nil || again != got {
			t.Errorf("%q became %q, which is not clean: %q, %v", text, name, again, err)
		}
	})
}

func TestParseUserID(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"1", "Zk4fQ0pB1xYv7mNc2aTdWq8LsE5hRj3u", "550e8400-e29b-41d4-a716-446655440000", "auth0|a.b:c~d", strings.Repeat("a", 64)} {
		if got, err := validation.ParseUserID(text); err != nil || got.String() != text {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", strings.Repeat("a", 65), "a b", "a/b", `a\b`, "a?b", "a#b", "a%b", "a\x00", "ä", "a\n", ".", "..", "\x7f"} {
		if _, err := validation.ParseUserID(text); !errors.Is(err, validation.ErrUserID) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

type place struct {
	At time.Time `json:"at"`
	ID string    `json:"id"`
}

func TestCursor_comesBackAsItWent(t *testing.T) {
	t.Parallel()
	want := place{time.Date(2030, 1, 1, 12, 0, 0, 123456000, time.UTC), "<&>ä"}
	c, err := validation.EncodeCursor(want)
	if err != nil {
		t.Fatal(err)
	}
	var read validation.Cursor
	if err := read.UnmarshalText([]byte(c.String())); err != nil {
		t.Fatal(err)
	}
	if got, err := validation.DecodeCursor[place](read); err != nil || got != want {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := validation.EncodeCursor(func() {}); err == nil {
		t.Error("a function became a cursor")
	}
}

func TestCursor_refusesWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	encode := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	for _, text := range []string{
		"", "x", "a=", "a b", "a\n", encode(""), encode("{}"), encode("null"), encode("[]"), encode(`{"at":"2030-01-01T12:00:00Z","id":"1"} `),
		encode(`{"at":"2030-01-01T12:00:00Z","id":"1","more":1}`), encode(`{"id":"1","at":"2030-01-01T12:00:00Z"}`),
		encode(`{"at":"never","id":"1"}`), strings.Repeat("a", 1025), encode(`{"at":"2030-01-01T12:00:00Z","id":"` + strings.Repeat("a", 1024) + `"}`),
	} {
		var c validation.Cursor
		err := c.UnmarshalText([]byte(text))
		if err == nil {
			_, err = validation.DecodeCursor[place](c)
		}
		if !errors.Is(err, validation.ErrCursor) {
			t.Errorf("%.60q: got %v", text, err)
		}
		if _, err := validation.DecodeCursor[place](validation.Cursor(text)); !errors.Is(err, validation.ErrCursor) {
			t.Errorf("%.60q unread: got %v", text, err)
		}
	}
}

func FuzzDecodeCursor(f *testing.F) {
	for _, seed := range []string{"", "e30", "bnVsbA", "eyJhdCI6IjIwMzAtMDEtMDFUMTI6MDA6MDBaIiwiaWQiOiIxIn0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := validation.DecodeCursor[place](validation.Cursor(text))
		if err != nil {
			return
		}
		if again, err := validation.EncodeCursor(got); err != nil || again.String() != text {
			t.Errorf("%q is another spelling of %q, %v", text, again, err)
		}
	})
}
