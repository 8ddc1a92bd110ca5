package config

import (
	"errors"
	"log/slog"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

var durationType = reflect.TypeFor[time.Duration]()

// exampleOf gives a value to show for a variable: its own, its default, or one of its type.
func exampleOf(v variable) string {
	switch {
	case v.example != "":
		return v.example
	case v.secret() && v.typ != dsnType:
		return "$(openssl rand -hex 32)"
	case v.typ == dsnType:
		return "scheme://user:password@host:port/name"
	case v.def != "":
		return v.def
	}
	_, example := describe(v.typ)
	return example
}

// ours begins the import path of the types whose words can be used.
const ours = "github.com/codex-platform/codex/"

// problemOf says why a text does not fit a type. It uses the words of our own
// types' UnmarshalText, a program's among them, which do not repeat the value; others' do.
func problemOf(v variable, err error) string {
	var parse env.ParseError // has no Unwrap
	if errors.As(err, &parse) {
		err = parse.Err
	}
	var own formError
	switch {
	case errors.As(err, &own):
		return string(own)
	case strings.HasPrefix(v.typ.PkgPath(), ours), v.typ.PkgPath() == "main":
		return "is not valid: " + err.Error()
	}
	words, _ := describe(v.typ)
	return "is not " + words
}

// formError is what our own types say about a text that does not fit, without the text.
type formError string

func (e formError) Error() string { return string(e) }

// describe names a type in words, with an example.
func describe(t reflect.Type) (words, example string) {
	switch t {
	case durationType:
		return "a duration", "30s"
	case reflect.TypeFor[slog.Level]():
		return "debug, info, warn or error", "info"
	case reflect.TypeFor[Size]():
		return "a size", "64MiB"
	case reflect.TypeFor[URL](), reflect.TypeFor[url.URL]():
		return "a URL", "https://example.com"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false", "true"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number", "10"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number of 0 or more", "10"
	case reflect.Float32, reflect.Float64:
		return "a number", "0.5"
	case reflect.Slice:
		return "a list of the right things, separated by commas", ""
	case reflect.String:
		return "text", "text"
	}
	return "in the form that is wanted here", ""
}
