package config

import (
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"
)

// maxSecretFile bounds what a NAME_FILE variable may pull into memory, in bytes.
const maxSecretFile = 1 << 20

// Validator is implemented by settings that have rules beyond one variable's
// form. It is asked on the struct itself and on every struct inside it.
type Validator interface {
	Validate() []Fault
}

// Load fills a settings struct from an environment in the form of os.Environ.
// Its error is *Faults, which lists everything that is wrong.
func Load[S any](environ []string) (S, error) {
	return load[S](environ, nil)
}

// load is Load for a command that needs only some variables; nil means all.
// A fault of a variable that is neither needed nor set does not count.
func load[S any](environ, needs []string) (S, error) {
	var settings S
	source := sourceOf(environ)
	l := loader{source: source, development: source["APP_ENV"] == Development, needs: needs}
	target := reflect.ValueOf(&settings).Elem()
	if target.Kind() != reflect.Struct {
		return settings, fmt.Errorf("settings are a %s, not a struct", target.Kind())
	}
	for _, v := range variablesOf(target.Type()) {
		l.set(target.FieldByIndex(v.index), v)
	}
	for _, g := range groupsOf(target.Type(), nil) {
		l.fill(target.FieldByIndex(g.index), g)
	}
	l.validate(target)
	if len(l.faults) > 0 {
		return settings, &Faults{List: l.faults}
	}
	return settings, nil
}

type loader struct {
	source      map[string]string
	development bool
	needs       []string
	faults      []Fault
}

// fault notes a fault, once, unless nobody needs the variable.
func (l *loader) fault(f Fault) {
	needed := l.needs == nil || slices.Contains(l.needs, f.Name)
	set := l.source[f.Name] != "" || l.source[f.Name+"_FILE"] != ""
	if (needed || set) && !slices.Contains(l.faults, f) {
		l.faults = append(l.faults, f)
	}
}

func (l *loader) faulty(name string) bool {
	return slices.ContainsFunc(l.faults, func(f Fault) bool { return f.Name == name })
}

func (l *loader) set(field reflect.Value, v variable) {
	text, problem := l.text(v)
	switch {
	case problem != "":
		l.fault(Fault{v.name, problem, exampleOf(v)})
	case text == "" && v.required:
		l.fault(Fault{v.name, "is missing", exampleOf(v)})
	case text == "":
	default:
		if problem = parse(field, v, text); problem == "" {
			if f, ok := field.Addr().Interface().(*FollowedSecrets); ok {
				f.path, f.least, f.development = l.source[v.fileName()], v.min, l.development
			}
			problem = weakness(field.Interface(), v.min, l.development)
		}
		if problem == "" && v.listens() && !listenable(text) {
			problem = "is not an address to listen on, like :8080 or 127.0.0.1:8080"
		}
		if problem != "" {
			l.fault(Fault{v.name, problem, exampleOf(v)})
		}
	}
}

// text gives the value of a variable: its own, that of its file, or the default.
func (l *loader) text(v variable) (text, problem string) {
	own := l.source[v.name]
	path := l.source[v.fileName()]
	switch {
	case !v.secret() || path == "":
		if own == "" {
			own = v.def
		}
		return own, ""
	case own != "":
		return "", "is set, and so is " + v.fileName() + ": one of them too many"
	}
	return readSecret(path)
}

// readSecret reads a secret's file. One line end at its end is not part of the secret.
func readSecret(path string) (text, problem string) {
	f, err := os.Open(path)
	if err != nil {
		return "", "has a _FILE variable, but that file cannot be read"
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	switch {
	case err != nil:
		return "", "has a _FILE variable, but that file cannot be read"
	case len(b) > maxSecretFile:
		return "", "has a _FILE variable, but that file is larger than 1 MiB"
	}
	text = strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	if text == "" {
		return "", "has a _FILE variable, but that file is empty"
	}
	return text, ""
}

// parse turns the text of one variable into its Go type. caarlos0/env reports
// faults by the field's Go name, which need not be unique among embedded
// structs, so it is given one variable at a time.
func parse(field reflect.Value, v variable, text string) (problem string) {
	if field.Kind() == reflect.Slice && v.tag.Get("envSeparator") == "" {
		text = strings.Join(listOf(text), ",")
	}
	one := reflect.New(reflect.StructOf([]reflect.StructField{{
		Name: "Value",
		Type: v.typ,
		Tag:  reflect.StructTag(fmt.Sprintf(`env:"%s" envSeparator:"%s"`, v.name, v.tag.Get("envSeparator"))),
	}}))
	err := env.ParseWithOptions(one.Interface(), env.Options{Environment: map[string]string{v.name: text}})
	if err != nil {
		return problemOf(v, err)
	}
	field.Set(one.Elem().Field(0))
	return ""
}

// validate asks the struct and every struct inside it for faults of its own.
func (l *loader) validate(s reflect.Value) {
	if v, ok := s.Addr().Interface().(Validator); ok {
		for _, f := range v.Validate() {
			if !l.faulty(f.Name) {
				l.fault(f)
			}
		}
	}
	for i := range s.NumField() {
		if field := s.Field(i); field.Kind() == reflect.Struct && field.CanSet() && s.Type().Field(i).Tag.Get("env") == "" {
			l.validate(field)
		}
	}
}

// sourceOf turns os.Environ's form into a map; the last of two equal names wins.
func sourceOf(environ []string) map[string]string {
	m := make(map[string]string, len(environ))
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok {
			m[name] = value
		}
	}
	return m
}
