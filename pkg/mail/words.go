package mail

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxGreeting is the longest name that a letter greets with, in code points.
const maxGreeting = 40

// maxMarks is how many signs stand on one letter at most: scripts need up to
// three, and more of them paint over the lines around.
const maxMarks = 4

// safeName gives a name that may stand in a letter, or "". Anybody can sign up
// with somebody else's address and a name of their choice: a name that is
// long, or has signs that make a link, an address or a line, is not a greeting.
func safeName(name string) string {
	name = strings.TrimSpace(name)
	if utf8.RuneCountInString(name) > maxGreeting || !utf8.ValidString(name) {
		return ""
	}
	marks := 0
	for _, r := range name {
		switch {
		case unicode.IsMark(r):
			if marks++; marks > maxMarks {
				return ""
			}
			continue
		case !unicode.IsLetter(r) && !strings.ContainsRune(" '’-", r):
			return ""
		}
		marks = 0
	}
	return name
}

// safeWords gives words such as "Firefox on Linux" that may stand in a letter,
// or "".
func safeWords(words string) string {
	if utf8.RuneCountInString(words) > 2*maxGreeting {
		return ""
	}
	for _, r := range words {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(" -,()", r) {
			return ""
		}
	}
	return words
}

// deviceWords says "Firefox on Linux" in the words of a language.
func deviceWords(words, folder string) string {
	if program, system, ok := strings.Cut(words, " on "); ok && folder == "de" {
		return program + " auf " + system
	}
	return words
}

// span says a duration in the words of a language, in its largest whole unit.
func span(d time.Duration, folder string) string {
	units := map[string][3][2]string{
		"en": {{"day", "days"}, {"hour", "hours"}, {"minute", "minutes"}},
		"de": {{"einen Tag", "Tage"}, {"eine Stunde", "Stunden"}, {"eine Minute", "Minuten"}},
	}[folder]
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute} {
		n := d / unit
		switch {
		case n == 0 || d%unit != 0 && unit != time.Minute:
		case n == 1 && folder == "de":
			return units[i][0]
		case n == 1:
			return "1 " + units[i][0]
		default:
			return fmt.Sprintf("%d %s", n, units[i][1])
		}
	}
	return fmt.Sprintf("%d %s", 0, units[2][1])
}
