package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/codex-platform/codex/pkg/problem"
)

// maxDepth bounds how deep arrays and objects may lie in each other (AUTH-16).
const maxDepth = 32

// The ways in which a body is not one strict JSON value.
var (
	errNotUTF8   = problem.Malformed.WithMessage("The body is not UTF-8")
	errNotJSON   = problem.Malformed.WithMessage("The body is not JSON")
	errTrailing  = problem.Malformed.WithMessage("The body goes on after its JSON value")
	errDuplicate = problem.Malformed.WithMessage("An object in the body has the same member twice")
	errTooDeep   = problem.Malformed.WithMessage("The body is nested too deep")
)

// checkJSON refuses what encoding/json would let pass: bytes that are not UTF-8,
// members that come twice (two readers would see two different values), values
// after the value, and nesting without end. Two names are the same when they
// differ in case only, because encoding/json takes either for a field's name.
func checkJSON(body []byte) error {
	if !utf8.Valid(body) {
		return errNotUTF8
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := checkValue(d, 0); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errTrailing
	}
	return nil
}

func checkValue(d *json.Decoder, depth int) error {
	token, err := d.Token()
	if err != nil {
		return errNotJSON
	}
	open, nested := token.(json.Delim)
	switch {
	case !nested:
		return nil
	case depth == maxDepth:
		return errTooDeep
	case open == '{':
		err = checkMembers(d, depth+1)
	default:
		for err == nil && d.More() {
			err = checkValue(d, depth+1)
		}
	}
	if err != nil {
		return err
	}
	if _, err = d.Token(); err != nil { // the closing one
		return errNotJSON
	}
	return nil
}

func checkMembers(d *json.Decoder, depth int) error {
	var seen map[string]bool
	for d.More() {
		token, err := d.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return errNotJSON
		}
		if seen == nil {
			seen = map[string]bool{}
		}
		if name = fold(name); seen[name] {
			return errDuplicate
		}
		seen[name] = true
		if err := checkValue(d, depth); err != nil {
			return err
		}
	}
	return nil
}

// fold gives one spelling for all names that encoding/json takes for the same.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		for {
			next := unicode.SimpleFold(r)
			if next <= r {
				return next // the smallest of the circle
			}
			r = next
		}
	}, name)
}

// decode is how huma reads an admitted body. When a member's own type refuses
// its text, all members that do are named, not only "the body".
func decode(data []byte, v any) error {
	err := json.Unmarshal(data, v)
	if err == nil {
		return nil
	}
	fields := refused(data, reflect.TypeOf(v).Elem(), "")
	if len(fields) == 0 {
		fields = []problem.Field{{Detail: "is not valid"}}
	}
	return packFields(fields)
}

// maxFields bounds how many members one answer names.
const maxFields = 32

// refused finds the innermost values that do not fit their types.
func refused(data []byte, t reflect.Type, pointer string) []problem.Field {
	err := json.Unmarshal(data, reflect.New(t).Interface())
	if err == nil {
		return nil
	}
	var fields []problem.Field
	inside := func(data []byte, t reflect.Type, name string) {
		if len(fields) < maxFields {
			fields = append(fields, refused(data, t, pointer+"/"+escapePointer(name))...)
		}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return refused(data, t.Elem(), pointer)
	case reflect.Struct:
		eachMember(data, t, inside)
	case reflect.Slice, reflect.Array:
		var items []json.RawMessage
		_ = json.Unmarshal(data, &items)
		for i, item := range items {
			inside(item, t.Elem(), strconv.Itoa(i))
		}
	}
	if len(fields) == 0 {
		fields = []problem.Field{{Pointer: pointer, Detail: detailOf(err)}}
	}
	return fields
}

func eachMember(data []byte, t reflect.Type, f func(data []byte, t reflect.Type, name string)) {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(data, &members)
	for i := range t.NumField() {
		field := t.Field(i)
		name := nameOf(field.Tag.Get("json"))
		if name == "" {
			name = field.Name
		}
		if value, given := members[name]; given && field.IsExported() {
			f(value, field.Type, name)
		}
	}
}

// nameOf gives the name in a tag such as `json:"name,omitempty"`.
func nameOf(tag string) string {
	name, _, _ := strings.Cut(tag, ",")
	return name
}

func escapePointer(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// huma keeps only the text of an error of decode, so the places travel in it.
const packed = "\x00fields\x00"

func packFields(fields []problem.Field) error {
	text, err := json.Marshal(fields)
	if err != nil {
		return errNotJSON
	}
	return errors.New(packed + string(text))
}

func unpackFields(message string) (fields []problem.Field, ok bool) {
	text, ok := strings.CutPrefix(message, packed)
	if !ok {
		return nil, false
	}
	return fields, json.Unmarshal([]byte(text), &fields) == nil
}
