package inbox

import (
	"slices"
	"strings"
)

// search returns the mails that every word of the query fits, newest first. A word may be to:, from: or subject: with a
// value, which may be in quotes; a word without one is looked for in addresses, subject and text. Case does not matter.
func (s *store) search(query string) []Message {
	want := words(strings.ToLower(query))
	return slices.DeleteFunc(s.list(), func(m Message) bool {
		return slices.ContainsFunc(want, func(w string) bool { return !m.fits(w) })
	})
}

func (m Message) fits(word string) bool {
	field, value, ok := strings.Cut(word, ":")
	switch {
	case ok && field == "to":
		return slices.ContainsFunc(m.recipients(), func(a Address) bool { return contains(a.String(), value) })
	case ok && field == "from":
		return contains(m.From.String(), value)
	case ok && field == "subject":
		return contains(m.Subject, value)
	}
	return m.fits("to:"+word) || m.fits("from:"+word) || contains(m.Subject, word) || contains(m.Text, word)
}

func contains(s, lower string) bool { return strings.Contains(strings.ToLower(s), lower) }

// words splits at spaces outside of double quotes and drops the quotes.
func words(query string) []string {
	quoted := false
	list := strings.FieldsFunc(query, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return r == ' ' && !quoted
	})
	for i := range list {
		list[i] = strings.ReplaceAll(list[i], `"`, "")
	}
	return list
}
