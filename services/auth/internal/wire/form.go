package wire

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/codex-platform/codex/pkg/validation"
)

// The Go types a form's field may have: string, validation.Email and
// json.RawMessage with the tag required:"true" have to be there; *string, *bool,
// *int64, []string, Text and json.RawMessage (any value) may be left out.
var (
	emailType = reflect.TypeFor[validation.Email]()
	textType  = reflect.TypeFor[Text]()
	rawType   = reflect.TypeFor[json.RawMessage]()
)

// Text is a member that may be absent, null or a string, where null means "take it away".
type Text struct {
	Set   bool
	Value *string
}

// form is how a struct of type T is filled from a body's members.
type form struct {
	fields []field
}

type field struct {
	index    int
	name     string
	typ      reflect.Type
	shortest int // code points
	longest  int // code points; 0: any
	required bool
	picture  bool
}

// formOf reads a struct's tags: json names the member, min and max bound its
// code points, is:"picture" wants what Picture holds for.
func formOf(t reflect.Type) form {
	var f form
	for i := range t.NumField() {
		sf := t.Field(i)
		name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
		shortest, _ := strconv.Atoi(sf.Tag.Get("min"))
		longest, _ := strconv.Atoi(sf.Tag.Get("max"))
		f.fields = append(f.fields, field{i, name, sf.Type, shortest, longest, sf.Tag.Get("required") == "true", sf.Tag.Get("is") == "picture"})
	}
	return f
}

// fill sets the struct's fields and refuses all that do not fit at once, in the
// order of the struct: "[body.email] Invalid email address; [body.name] ...".
func (f form) fill(into reflect.Value, members Members) error {
	var faults []string
	for _, field := range f.fields {
		if fault := field.set(into.Field(field.index), members.Get(field.name)); fault != "" {
			faults = append(faults, "[body."+field.name+"] "+fault)
		}
	}
	if len(faults) > 0 {
		return ErrValidation.WithMessage(strings.Join(faults, "; "))
	}
	return nil
}

// set gives one field its value, or says what is wrong with it in the words of
// the reference's validator. What was sent is never repeated.
func (f field) set(into reflect.Value, raw json.RawMessage) (fault string) {
	if f.typ == rawType {
		if raw == nil && f.required {
			return "Invalid input: expected a value, received undefined"
		}
		into.SetBytes(raw)
		return ""
	}
	switch f.typ.Kind() {
	case reflect.Slice:
		return f.setTexts(into, raw)
	case reflect.String:
		text, fault := f.text(raw)
		if fault == "" {
			into.SetString(text)
		}
		return fault
	case reflect.Pointer:
		if raw == nil {
			return ""
		}
		if f.typ.Elem().Kind() == reflect.Bool {
			return f.setBool(into, raw)
		}
		if f.typ.Elem().Kind() == reflect.Int64 {
			return f.setNumber(into, raw)
		}
		text, fault := f.text(raw)
		if fault == "" {
			into.Set(reflect.ValueOf(&text))
		}
		return fault
	}
	return f.setText(into, raw)
}

func (f field) text(raw json.RawMessage) (text, fault string) {
	if kind := kindOf(raw); kind != "string" {
		return "", "Invalid input: expected string, received " + kind
	}
	if json.Unmarshal(raw, &text) != nil {
		return "", "Invalid input"
	}
	if f.typ == emailType {
		email, err := validation.ParseEmail(text)
		if err != nil {
			return "", "Invalid email address"
		}
		return email.String(), ""
	}
	if utf8.RuneCountInString(text) < f.shortest {
		return "", fmt.Sprintf("Too small: expected string to have >=%d characters", f.shortest)
	}
	if f.longest > 0 && utf8.RuneCountInString(text) > f.longest {
		return "", fmt.Sprintf("Too big: expected string to have <=%d characters", f.longest)
	}
	if f.longest > 0 && strings.ContainsFunc(text, control) {
		return "", "Invalid input: control characters are not allowed"
	}
	if f.picture && !Picture(text) {
		return "", "Invalid input: expected an https address or a path"
	}
	return text, ""
}

// control holds for what must not reach a mail, a log or the database (NUL).
func control(r rune) bool { return r < ' ' || r == 0x7f || r == 0x2028 || r == 0x2029 }

func (f field) setBool(into reflect.Value, raw json.RawMessage) (fault string) {
	switch string(raw) {
	case "true", `"true"`, `"on"`:
		yes := true
		into.Set(reflect.ValueOf(&yes))
	case "false", `"false"`:
		no := false
		into.Set(reflect.ValueOf(&no))
	default:
		return "Invalid input: expected boolean, received " + kindOf(raw)
	}
	return ""
}

// setNumber takes a whole number; null is as good as none.
func (f field) setNumber(into reflect.Value, raw json.RawMessage) (fault string) {
	kind := kindOf(raw)
	if kind == "null" {
		return ""
	}
	var n int64
	if kind != "number" {
		return "Invalid input: expected number, received " + kind
	}
	if json.Unmarshal(raw, &n) != nil {
		return "Invalid input: expected int, received number"
	}
	into.Set(reflect.ValueOf(&n))
	return ""
}

// setTexts takes a list of strings.
func (f field) setTexts(into reflect.Value, raw json.RawMessage) (fault string) {
	if raw == nil {
		return ""
	}
	var list []string
	if kindOf(raw) != "array" || json.Unmarshal(raw, &list) != nil {
		return "Invalid input: expected array of strings, received " + kindOf(raw)
	}
	into.Set(reflect.ValueOf(list))
	return ""
}

func (f field) setText(into reflect.Value, raw json.RawMessage) (fault string) {
	if raw == nil {
		return ""
	}
	if kindOf(raw) == "null" {
		into.Set(reflect.ValueOf(Text{Set: true}))
		return ""
	}
	text, fault := f.text(raw)
	if fault == "" {
		into.Set(reflect.ValueOf(Text{Set: true, Value: &text}))
	}
	return fault
}

// NotText refuses a member of a body that had to be a string.
func NotText(name string, value json.RawMessage) error {
	return Invalid("body."+name, "Invalid input: expected string, received "+kindOf(value))
}

// kindOf names a JSON value as JavaScript does.
func kindOf(raw json.RawMessage) string {
	if len(raw) == 0 {
		return "undefined"
	}
	switch raw[0] {
	case '"':
		return "string"
	case '{':
		return "object"
	case '[':
		return "array"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	return "number"
}
