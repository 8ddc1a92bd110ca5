package mail_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/mail"
)

var letters = func() *mail.Letters {
	l, err := mail.NewLetters(nil, mail.Brand{})
	if err != nil {
		panic(err)
	}
	return l
}()

const link = `https://app.test/verify?token=a&next="<b>"`

func TestCompose_writesBothForms(t *testing.T) {
	t.Parallel()
	got, err := letters.Compose(mail.VerifyEmail, "id", "ada@x.test", "en", mail.Data{Name: "Ada", Link: link, Valid: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if got.ID != "id" || got.To != "ada@x.test" || got.Subject != "Confirm your e-mail address" {
		t.Errorf("got %+v", got)
	}
	for _, want := range []string{"Hello Ada,\n", "valid for 1 hour.", "Confirm address:\n" + link + "\n"} {
		if !strings.Contains(got.Text, want) {
			t.Errorf("%q is missing in %q", want, got.Text)
		}
	}
	for _, want := range []string{`<html lang="en">`, "<p>Hello Ada,</p>", `href="https://app.test/verify?token=a&amp;next=%22%3cb%3e%22"`} {
		if !strings.Contains(got.HTML, want) {
			t.Errorf("%q is missing in %s", want, got.HTML)
		}
	}
	if strings.Contains(got.HTML, "<b>") {
		t.Error("the link became markup")
	}
}

func TestCompose_speaksTheReadersLanguage(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]string{
		"":                           "Choose a new password",
		"en":                         "Choose a new password",
		"de":                         "Wähle ein neues Passwort",
		"de-AT,de;q=0.9,en;q=0.5":    "Wähle ein neues Passwort",
		"fr-FR,de;q=0.5":             "Wähle ein neues Passwort",
		"fr":                         "Choose a new password",
		"en-GB,de;q=0.5":             "Choose a new password",
		";;;,,\r\nX: y":              "Choose a new password",
		strings.Repeat("de,", 10000): "Wähle ein neues Passwort",
	} {
		got, err := letters.Compose(mail.ResetPassword, "id", "ada@x.test", accept, mail.Data{Link: link})
		if err != nil || got.Subject != want {
			t.Errorf("%.30q: got %q, %v", accept, got.Subject, err)
		}
	}
}

func TestCompose_everyTemplateInEveryLanguage(t *testing.T) {
	t.Parallel()
	for _, template := range mail.Kinds {
		for _, speech := range []string{"en", "de"} {
			sample := mail.Sample(template)
			sample.Name, sample.Valid = "Ada", 24*time.Hour
			if sample.Link != "" {
				sample.Link = link
			}
			got, err := letters.Compose(template, "id", "ada@x.test", speech, sample)
			if err != nil || strings.Contains(got.Text+got.HTML+got.Subject, "{{") || strings.Contains(got.Text, "<no value>") ||
				strings.Count(got.Text, link) != strings.Count(sample.Link, link) || !strings.Contains(got.Text, sample.Code) || strings.Contains(got.Text, "\n\n\n") || strings.ContainsAny(got.Subject, "\r\n") || !strings.Contains(got.Text, " Ada,") {
				t.Errorf("%s in %s: %+v, %v", template, speech, got, err)
			}
		}
	}
}

func TestCompose_greetsOnlyWithNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Ada Lovelace":                    "Hello Ada Lovelace,",
		"Zoë O’Brien-Müller":              "Hello Zoë O’Brien-Müller,",
		"李小龍":                             "Hello 李小龍,",
		"":                                "Hello,",
		"Win at evil.test":                "Hello,",
		"http://evil.test":                "Hello,",
		"a@evil.test":                     "Hello,",
		"Ada\r\nBcc: x":                   "Hello,",
		"<b>Ada</b>":                      "Hello,",
		"{{.Link}}":                       "Hello,",
		strings.Repeat("Ada", 14):         "Hello,",
		"\xff":                            "Hello,",
		"عائشة بنت أبي بكر":               "Hello عائشة بنت أبي بكر,",
		"Nguye\u0302\u0303n":              "Hello Nguye\u0302\u0303n,",
		"Ada 😀":                           "Hello,",
		"Ada\u202e":                       "Hello,",
		"A" + strings.Repeat("\u0335", 5): "Hello,",
	} {
		got, err := letters.Compose(mail.VerifyEmail, "id", "ada@x.test", "en", mail.Data{Name: name, Link: link})
		if err != nil || !strings.HasPrefix(got.Text, want+"\n") {
			t.Errorf("%q: got %.60q, %v", name, got.Text, err)
		}
	}
}

func TestCompose_saysTheDeviceInTheReadersWords(t *testing.T) {
	t.Parallel()
	for speech, want := range map[string]string{"en": "place: Firefox on Linux, 2030-01-02 15:04 UTC.", "de": "angemeldet: Firefox auf Linux, 2030-01-02 15:04 UTC."} {
		got, err := letters.Compose(mail.NewDevice, "id", "ada@x.test", speech, mail.Sample(mail.NewDevice))
		if err != nil || !strings.Contains(got.Text, want) {
			t.Errorf("%s: %q, %v", speech, got.Text, err)
		}
	}
}

func TestCompose_saysWhereHelpIs(t *testing.T) {
	t.Parallel()
	for support, want := range map[string]string{"": "If it was not you, answer this e-mail.", "help@x.test": "If it was not you, write to help@x.test."} {
		l, err := mail.NewLetters(nil, mail.Brand{Support: support})
		if err != nil {
			t.Fatal(err)
		}
		got, err := l.Compose(mail.AccountDeleted, "id", "ada@x.test", "en", mail.Sample(mail.AccountDeleted))
		if err != nil || !strings.Contains(got.Text, want) {
			t.Errorf("%q, %v", got.Text, err)
		}
	}
}

func TestCompose_saysHowLongTheLinkIsValid(t *testing.T) {
	t.Parallel()
	for valid, want := range map[time.Duration][2]string{
		time.Hour:        {"1 hour", "eine Stunde"},
		2 * time.Hour:    {"2 hours", "2 Stunden"},
		24 * time.Hour:   {"1 day", "einen Tag"},
		168 * time.Hour:  {"7 days", "7 Tage"},
		90 * time.Minute: {"90 minutes", "90 Minuten"},
		time.Minute:      {"1 minute", "eine Minute"},
		90 * time.Second: {"1 minute", "eine Minute"},
	} {
		for i, speech := range []string{"en", "de"} {
			got, err := letters.Compose(mail.ResetPassword, "id", "ada@x.test", speech, mail.Data{Link: link, Valid: valid})
			if err != nil || !strings.Contains(got.Text, want[i]) {
				t.Errorf("%v: got %q, %v", valid, got.Text, err)
			}
		}
	}
}

func TestCompose_refusesALinkThatIsNone(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "/verify", "javascript:alert(1)", "ftp://x.test", "https://", "https://[", "x.test"} {
		if _, err := letters.Compose(mail.VerifyEmail, "id", "ada@x.test", "en", mail.Data{Link: bad}); !errors.Is(err, mail.ErrMessage) {
			t.Errorf("%q: got %v", bad, err)
		}
	}
	if _, err := letters.Compose("unknown", "id", "ada@x.test", "en", mail.Data{Link: link}); !errors.Is(err, mail.ErrMessage) {
		t.Errorf("an unknown template: %v", err)
	}
}
