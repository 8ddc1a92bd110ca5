package mail_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/codex-platform/codex/pkg/mail"
)

func TestLetters_areATeamsOwnWhereItMountsThem(t *testing.T) {
	t.Parallel()
	l, err := mail.NewLetters(fstest.MapFS{
		"en/magic-link.txt": {Data: []byte("Come in to {{.Brand}}\n\nHi{{with .Name}} {{.}}{{end}},\n\n> In\n")},
		"fr/magic-link.txt": {Data: []byte("Votre lien\n\nBonjour,\n\n> Entrer\n")},
		"layout.txt":        {Data: []byte("{{range .Parts}}{{.Text}}{{.Button}}|{{end}}{{.Link}}")},
		"notes.md":          {Data: []byte("{{")},
	}, mail.Brand{Name: "Acme", Color: "#aabbcc", Logo: "https://acme.test/l.png", Support: "help@acme.test"})
	if err != nil {
		t.Fatal(err)
	}
	for speech, want := range map[string]string{"en": "Come in to Acme", "fr-CA": "Votre lien", "de": "Dein Anmeldelink"} {
		m, err := l.Compose(mail.MagicLink, "id", "ada@x.test", speech, mail.Sample(mail.MagicLink))
		if err != nil || m.Subject != want {
			t.Errorf("%s: %q, %v", speech, m.Subject, err)
		}
		for _, part := range []string{"background:#aabbcc", `src="https://acme.test/l.png"`, "help@acme.test"} {
			if !strings.Contains(m.HTML, part) {
				t.Errorf("%s lacks %s", speech, part)
			}
		}
	}
	m, err := l.Compose(mail.AccountDeleted, "id", "ada@x.test", "fr", mail.Sample(mail.AccountDeleted))
	if err != nil || m.Subject != "Your account was deleted" || !strings.Contains(m.Text, "write to help@acme.test") {
		t.Errorf("a language without this letter: %+v, %v", m, err)
	}
}

func TestLetters_thatCannotBeUsedAreRefusedAtStart(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"en/magic-link.txt":   "Subject\n\n{{.Unknown}}\n\n> In\n",
		"de/sign-in-code.txt": "Subject\n\n{{if}}\n",
		"layout.html":         "{{.Nothing}}",
		"layout.txt":          "{{",
		"en/verify-email.txt": "Subject\n\nNo button.\n",
	} {
		if _, err := mail.NewLetters(fstest.MapFS{name: {Data: []byte(text)}}, mail.Brand{}); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if _, err := mail.NewLetters(nil, mail.Brand{Color: "red;x:y"}); err == nil {
		t.Error("a color that is none was accepted")
	}
}

func TestPreview_showsEveryLetter(t *testing.T) {
	t.Parallel()
	get := func(target string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		letters.Preview().ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		return w
	}
	list := get("/letters").Body.String()
	for _, kind := range mail.Kinds {
		if !strings.Contains(list, "?kind="+string(kind)+"&amp;language=de") {
			t.Errorf("%s is not listed", kind)
		}
		if w := get("/letters?language=de&kind=" + string(kind)); w.Code != 200 || !strings.Contains(w.Body.String(), `lang="de"`) {
			t.Errorf("%s: %d", kind, w.Code)
		}
	}
	if w := get("/letters?kind=magic-link&form=text"); !strings.HasPrefix(w.Body.String(), "Subject: Your sign-in link\n\nHello Ada Lovelace,") {
		t.Errorf("%s", w.Body.String())
	}
	if !strings.Contains(list, "?kind=second-factor-changed&amp;language=de&amp;what=backup-codes") {
		t.Error("new backup codes are not listed")
	}
	if w := get("/letters?kind=second-factor-changed&what=backup-codes&form=text"); !strings.HasPrefix(w.Body.String(), "Subject: You have new backup codes") {
		t.Errorf("%s", w.Body.String())
	}
	if w := get("/letters?kind=none"); w.Code != 404 || strings.Contains(w.Header().Get("Content-Type"), "html") {
		t.Errorf("unknown: %d", w.Code)
	}
}
