package mail

import (
	"embed"
	"fmt"
	htmltemplate "html/template"
	"io"
	"net/url"
	"strings"
	texttemplate "text/template"
	"time"

	"golang.org/x/text/language"
)

//go:embed templates
var files embed.FS

// Template names a kind of letter. Its words are in templates/<language>/<name>.txt,
// written once for both forms: the first line is the subject, blank lines part
// paragraphs, and the line that begins with ">" is the button.
type Template string

// The kinds of letters.
const (
	VerifyEmail     Template = "verify-email"     // proves that the address is the reader's
	ResetPassword   Template = "reset-password"   // leads to choosing a new password
	AccountExists   Template = "account-exists"   // somebody tried to sign up with the reader's address
	PasswordChanged Template = "password-changed" // tells the reader, who may not have done it
)

// Data is what a letter's words refer to.
type Data struct {
	// Name is what the reader calls themself. One that could carry a message
	// or a link of somebody else's is left out.
	Name string
	// Link is where the button leads: an absolute http or https address.
	Link string
	// Valid is how long the link works; zero where the letter does not say it.
	Valid time.Duration
}

var (
	languages = language.NewMatcher([]language.Tag{language.English, language.German})
	folders   = []string{"en", "de"}

	textLayout = texttemplate.Must(texttemplate.ParseFS(files, "templates/layout.txt"))
	htmlLayout = htmltemplate.Must(htmltemplate.ParseFS(files, "templates/layout.html"))
	letters    = texttemplate.Must(parseLetters())
)

func parseLetters() (*texttemplate.Template, error) {
	all := texttemplate.New("letters").Option("missingkey=error")
	for _, folder := range folders {
		for _, kind := range []Template{VerifyEmail, ResetPassword, AccountExists, PasswordChanged} {
			words, err := files.ReadFile("templates/" + folder + "/" + string(kind) + ".txt")
			if err != nil {
				return nil, err
			}
			if _, err := all.New(folder + "/" + string(kind)).Parse(string(words)); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// Compose writes a letter. readerLanguage is a language tag or the value of an
// Accept-Language header; what is not spoken here becomes English.
func (t Template) Compose(id, to, readerLanguage string, d Data) (Message, error) {
	if u, err := url.Parse(d.Link); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return Message{}, fmt.Errorf("%w: its link is not an absolute http or https address", ErrMessage)
	}
	folder := speak(readerLanguage)
	letter := letters.Lookup(folder + "/" + string(t))
	if letter == nil {
		return Message{}, fmt.Errorf("%w: there is no template %q", ErrMessage, t)
	}
	words, err := render(letter, map[string]string{
		"Name": safeName(d.Name), "Valid": span(d.Valid, folder),
	})
	if err != nil {
		return Message{}, fmt.Errorf("compose %s: %w", t, err)
	}
	page := layOut(words, folder, d.Link)
	text, err := render(textLayout, page)
	if err != nil {
		return Message{}, fmt.Errorf("lay out %s: %w", t, err)
	}
	html, err := render(htmlLayout, page)
	if err != nil {
		return Message{}, fmt.Errorf("lay out %s: %w", t, err)
	}
	return Message{ID: id, To: to, Subject: page.Subject, Text: text, HTML: html}, nil
}

// speak gives the folder of the language that a reader understands best.
func speak(readerLanguage string) string {
	_, index := language.MatchStrings(languages, readerLanguage)
	return folders[index]
}

type executor interface {
	Execute(w io.Writer, data any) error
}

func render(t executor, data any) (string, error) {
	var b strings.Builder
	err := t.Execute(&b, data)
	return b.String(), err
}

// page is a letter's words, ready for both layouts.
type page struct {
	Language, Subject, Link string
	Parts                   []part
}

// part is a paragraph, or the button when Button is set.
type part struct {
	Text, Button string
}

func layOut(words, folder, link string) page {
	subject, body, _ := strings.Cut(words, "\n")
	p := page{Language: folder, Subject: subject, Link: link}
	for paragraph := range strings.SplitSeq(strings.TrimSpace(body), "\n\n") {
		if button, ok := strings.CutPrefix(paragraph, "> "); ok {
			p.Parts = append(p.Parts, part{Button: button})
		} else {
			p.Parts = append(p.Parts, part{Text: paragraph})
		}
	}
	return p
}
