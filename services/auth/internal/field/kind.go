package field

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// Kind is a field's type, in the reference's words.
type Kind string

// The kinds.
const (
	Text    Kind = "string"
	Number  Kind = "number"
	Boolean Kind = "boolean"
	Date    Kind = "date" // RFC 3339 in JSON, or a day; stored and shown in UTC with milliseconds
	Texts   Kind = "string[]"
	Numbers Kind = "number[]"
)

var kinds = []Kind{Text, Number, Boolean, Date, Texts, Numbers}

// longestList bounds a list's members.
const longestList = 100

var null = json.RawMessage("null")

// Value reads a value in JSON; null takes away what is not required. The fault
// says what does not fit, and never what was sent.
func (f Field) Value(raw json.RawMessage) (value json.RawMessage, fault string) {
	if string(raw) == "null" {
		if f.Required {
			return nil, "Invalid input: expected " + string(f.Kind) + ", received null"
		}
		return null, ""
	}
	wrong := "Invalid input: expected " + string(f.Kind)
	var checked any
	switch f.Kind {
	case Text:
		var text string
		if json.Unmarshal(raw, &text) != nil {
			return nil, wrong
		}
		checked, fault = text, f.fits(text)
	case Number:
		return number(raw, wrong)
	case Boolean:
		var yes bool
		if json.Unmarshal(raw, &yes) != nil {
			return nil, wrong
		}
		checked = yes
	case Date:
		at, ok := moment(raw)
		if !ok {
			return nil, wrong
		}
		return wire.Time(at).AppendJSON(nil), ""
	case Texts:
		var list []string
		if json.Unmarshal(raw, &list) != nil {
			return nil, wrong
		}
		for _, text := range list {
			if fault = f.fits(text); fault != "" {
				break
			}
		}
		checked, fault = list, bounded(len(list), fault)
	case Numbers:
		return numbers(raw, wrong)
	}
	if fault != "" {
		return nil, fault
	}
	value, err := json.Marshal(checked)
	if err != nil {
		return nil, wrong
	}
	return value, ""
}

// moment reads a time, or a day as forms send it, which begins in UTC.
func moment(raw json.RawMessage) (at time.Time, ok bool) {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return at, false
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		at, err = time.Parse(time.DateOnly, text)
	}
	return at, err == nil && at.Year() >= 1 && at.Year() <= 9999
}

// number takes a number as it was written.
func number(raw json.RawMessage, wrong string) (json.RawMessage, string) {
	var n float64
	if json.Unmarshal(raw, &n) != nil {
		return nil, wrong
	}
	return slices.Clone(raw), ""
}

func numbers(raw json.RawMessage, wrong string) (json.RawMessage, string) {
	var list []float64
	if json.Unmarshal(raw, &list) != nil {
		return nil, wrong
	}
	if fault := bounded(len(list), ""); fault != "" {
		return nil, fault
	}
	value, err := json.Marshal(list)
	if err != nil {
		return nil, wrong
	}
	return value, ""
}

func bounded(n int, fault string) string {
	if n > longestList {
		return fmt.Sprintf("Too big: expected array to have <=%d items", longestList)
	}
	return fault
}

// fits tells what is wrong with a text. Line breaks are fine; other control
// characters, which a database or a terminal would obey, are not.
func (f Field) fits(text string) string {
	if utf8.RuneCountInString(text) > f.Longest {
		return fmt.Sprintf("Too big: expected string to have <=%d characters", f.Longest)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f }) {
		return "Invalid input: control characters are not allowed"
	}
	return ""
}
