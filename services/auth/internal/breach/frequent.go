// Package breach knows passwords that are known: the ones that everybody tries
// first, which are built in, and leaked ones in a filter that is mounted or in a
// range service that is asked. A password never leaves this package, nor does
// its whole hash.
package breach

import (
	_ "embed"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

//go:generate go run ./generate

// common are frequent passwords, sorted, in lower case.
//
//go:embed common.txt
var commonText string

// wordsText are the words that people hang digits and signs on.
//
//go:embed words.txt
var wordsText string

var (
	common = strings.Fields(commonText)
	words  = wordList(wordsText)
)

func wordList(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") {
			all = append(all, strings.Fields(line)...)
		}
	}
	slices.Sort(all)
	return all
}

// mostHung is how many digits and signs around a word do not make a password of it.
const mostHung = 6

// Common tells whether a password is one that is tried first: on the list in
// whatever case and with whatever letters written as digits, or such a word with
// little around it.
func Common(password string) bool {
	folded := strings.ToLower(password)
	for _, form := range spellings(folded) {
		if listed(common, form) {
			return true
		}
	}
	stem := strings.TrimFunc(folded, notLetter)
	if utf8.RuneCountInString(folded)-utf8.RuneCountInString(stem) > mostHung {
		return false
	}
	for _, form := range spellings(stem) {
		if listed(words, form) {
			return true
		}
	}
	return false
}

func listed(list []string, word string) bool {
	_, found := slices.BinarySearch(list, word)
	return found
}

func notLetter(r rune) bool { return !unicode.IsLetter(r) }

// The digits and signs that stand for letters; a one for either of two.
var (
	asI = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "8", "b", "@", "a", "$", "s", "!", "i", "|", "i")
	asL = strings.NewReplacer("0", "o", "1", "l", "3", "e", "4", "a", "5", "s", "7", "t", "8", "b", "@", "a", "$", "s", "!", "l", "|", "l")
)

// spellings are a text as it is and with its digits read as letters.
func spellings(text string) []string {
	return []string{text, asI.Replace(text), asL.Replace(text)}
}

// leastOwn is how much of a password must be left without the words that belong
// to its owner or to the service.
const leastOwn = 4

// Personal tells whether hardly anything is left of a password without these
// words: an address, a name, the service's own name. Words of fewer than four
// signs do not count.
func Personal(password string, about ...string) bool {
	rest := strings.ToLower(password)
	before := len(rest)
	for _, word := range longestFirst(about) {
		rest = strings.ReplaceAll(rest, word, "")
	}
	if len(rest) == before {
		return false
	}
	return utf8.RuneCountInString(strings.Map(lettersOnly, rest)) < leastOwn
}

func lettersOnly(r rune) rune {
	if notLetter(r) {
		return -1
	}
	return r
}

// longestFirst gives the texts and the words in them.
func longestFirst(about []string) []string {
	var all []string
	for _, text := range about {
		text = strings.ToLower(text)
		all = append(all, text)
		all = append(all, strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })...)
	}
	all = slices.DeleteFunc(all, func(w string) bool { return utf8.RuneCountInString(w) < 4 })
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return all
}
