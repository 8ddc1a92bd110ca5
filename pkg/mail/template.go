package mail

import (
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"io/fs"
	"net/url"
	"regexp"
	"slices"
	"strings"
	texttemplate "text/template"
	"time"

	"golang.org/x/text/language"
)

//go:embed templates
var files embed.FS

// Data is what a letter's words refer to.
type Data struct {
	// Name is what the reader calls themself. One that could carry a message
	// or a link of somebody else's is left out.
	Name string
	// Link is where the button leads: an absolute http or https address; "" for
	// letters without a button.
	Link string
	// Code is what the reader types.
	Code string
	// Valid is how long the link or the code works; zero where the letter does
	// not say it.
	Valid time.Duration
	// What says more: one of the What constants, or a device such as "Firefox on
	// Linux". Words that could carry a link are left out.
	What string
	// Address is a mail address that the letter is about.
	Address string
	// At is when it happened; zero where the letter does not say it.
	At time.Time
}

// Brand is how letters look. The zero Brand is ours.
type Brand struct {
	Name    string // of the product; "" means Codex
	Color   string // of buttons: "#1f4fd8"
	Logo    string // an https address; "" for none
	Support string // where readers ask for help: an address; "" for none
}

// Letters writes letters of every kind.
type Letters struct {
	brand   Brand
	matcher language.Matcher
	folders []string // of languages, the first one is spoken when no other fits
	words   *texttemplate.Template
	text    *texttemplate.Template
	html    *htmltemplate.Template
}

var (
	languageFolder = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)
	color          = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)
)

// NewLetters reads the templates. mounted holds a team's own, with the same names
// (layout.html, layout.txt, en/verify-email.txt): each takes the place of ours,
// and a folder such as "fr" adds a language, which falls back to English where it
// has no file. nil stands for none. A template that cannot be used is an error.
func NewLetters(mounted fs.FS, b Brand) (*Letters, error) {
	ours, err := fs.Sub(files, "templates")
	if err != nil {
		return nil, fmt.Errorf("letters: %w", err)
	}
	if b.Name == "" {
		b.Name = "Codex"
	}
	if b.Color == "" {
		b.Color = "#1f4fd8"
	}
	if !color.MatchString(b.Color) {
		return nil, fmt.Errorf("letters: %q is not a color such as #1f4fd8", b.Color)
	}
	l := &Letters{brand: b, folders: []string{"en", "de"}}
	if mounted != nil {
		if err := l.addLanguages(mounted); err != nil {
			return nil, err
		}
	}
	read := func(name string) (string, error) {
		if mounted != nil {
			if text, err := fs.ReadFile(mounted, name); err == nil || !errors.Is(err, fs.ErrNotExist) {
				return string(text), err
			}
		}
		text, err := fs.ReadFile(ours, name)
		return string(text), err
	}
	if err := l.parseLayouts(read); err != nil {
		return nil, err
	}
	return l, l.parseWords(read)
}

// addLanguages finds the folders of languages that we do not have.
func (l *Letters) addLanguages(mounted fs.FS) error {
	entries, err := fs.ReadDir(mounted, ".")
	if err != nil {
		return fmt.Errorf("letters: %w", err)
	}
	for _, e := range entries {
		if e.IsDir() && languageFolder.MatchString(e.Name()) && !slices.Contains(l.folders, e.Name()) {
			l.folders = append(l.folders, e.Name())
		}
	}
	return nil
}

func (l *Letters) parseLayouts(read func(string) (string, error)) error {
	text, err := read("layout.txt")
	if err != nil {
		return fmt.Errorf("letters: %w", err)
	}
	html, err := read("layout.html")
	if err != nil {
		return fmt.Errorf("letters: %w", err)
	}
	if l.text, err = texttemplate.New("layout.txt").Parse(text); err != nil {
		return fmt.Errorf("letters: %w", err)
	}
	if l.html, err = htmltemplate.New("layout.html").Parse(html); err != nil {
		return fmt.Errorf("letters: %w", err)
	}
	return nil
}

func (l *Letters) parseWords(read func(string) (string, error)) error {
	l.words = texttemplate.New("letters").Option("missingkey=error")
	tags := make([]language.Tag, 0, len(l.folders))
	for _, folder := range l.folders {
		tag, err := language.Parse(folder)
		if err != nil {
			return fmt.Errorf("letters: %q is not a language: %w", folder, err)
		}
		tags = append(tags, tag)
		for _, kind := range Kinds {
			words, err := read(folder + "/" + string(kind) + ".txt")
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err == nil {
				_, err = l.words.New(folder + "/" + string(kind)).Parse(words)
			}
			if err != nil {
				return fmt.Errorf("letters: %s/%s.txt: %w", folder, kind, err)
			}
		}
	}
	l.matcher = language.NewMatcher(tags)
	return l.try()
}

// try writes every letter once, so that a template that cannot be used is found
// when the program starts.
func (l *Letters) try() error {
	for _, folder := range l.folders {
		for _, kind := range Kinds {
			if _, err := l.Compose(kind, "id", "reader@example.com", folder, Sample(kind)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Compose writes a letter. readerLanguage is a language tag or the value of an
// Accept-Language header; what is not spoken here becomes English.
func (l *Letters) Compose(kind Template, id, to, readerLanguage string, d Data) (Message, error) {
	if d.Link != "" {
		if u, err := url.Parse(d.Link); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return Message{}, fmt.Errorf("%w: its link is not an absolute http or https address", ErrMessage)
		}
	}
	folder := l.speak(readerLanguage)
	letter := l.words.Lookup(folder + "/" + string(kind))
	if letter == nil {
		folder = "en"
		letter = l.words.Lookup("en/" + string(kind))
	}
	if letter == nil {
		return Message{}, fmt.Errorf("%w: there is no template %q", ErrMessage, kind)
	}
	at := ""
	if !d.At.IsZero() {
		at = d.At.UTC().Format("2006-01-02 15:04 UTC")
	}
	what := safeWords(d.What)
	if kind == NewDevice {
		what = deviceWords(what, folder)
	}
	words, err := render(letter, map[string]string{
		"Name": safeName(d.Name), "Valid": span(d.Valid, folder), "Code": d.Code, "What": what, "Address": d.Address, "At": at,
		"Brand": l.brand.Name, "Support": l.brand.Support,
	})
	if err != nil {
		return Message{}, fmt.Errorf("compose %s: %w", kind, err)
	}
	p := layOut(words, folder, d.Link, l.brand)
	if p.buttons > 0 != (d.Link != "") {
		return Message{}, fmt.Errorf("%w: a letter %q has a link for its button, and no other one", ErrMessage, kind)
	}
	text, err := render(l.text, p)
	if err != nil {
		return Message{}, fmt.Errorf("lay out %s: %w", kind, err)
	}
	html, err := render(l.html, p)
	if err != nil {
		return Message{}, fmt.Errorf("lay out %s: %w", kind, err)
	}
	return Message{ID: id, To: to, Subject: p.Subject, Text: text, HTML: html}, nil
}

// speak gives the folder of the language that a reader understands best.
func (l *Letters) speak(readerLanguage string) string {
	_, index := language.MatchStrings(l.matcher, readerLanguage)
	return l.folders[index]
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
	Brand                   Brand
	Parts                   []part
	buttons                 int
}

// part is a paragraph, the button when Button is set, or a code when Code is.
type part struct {
	Text, Button, Code string
}

func layOut(words, folder, link string, b Brand) page {
	subject, body, _ := strings.Cut(words, "\n")
	p := page{Language: folder, Subject: subject, Link: link, Brand: b}
	for paragraph := range strings.SplitSeq(strings.TrimSpace(body), "\n\n") {
		if button, ok := strings.CutPrefix(paragraph, "> "); ok {
			p.Parts = append(p.Parts, part{Button: button})
			p.buttons++
		} else if code, ok := strings.CutPrefix(paragraph, "= "); ok {
			p.Parts = append(p.Parts, part{Code: code})
		} else if paragraph = strings.TrimSpace(paragraph); paragraph != "" {
			p.Parts = append(p.Parts, part{Text: paragraph})
		}
	}
	return p
}
