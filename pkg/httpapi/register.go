package httpapi

import (
	"context"
	"encoding"
	"maps"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/codex-platform/codex/pkg/problem"
)

// Marks in an operation's Metadata.
const (
	metaRegistered = "codex.registered"
	metaForm       = "codex.form"
	metaStream     = "codex.stream"
)

// Register adds an operation. It is huma.Register, and also parses value types
// (validation.Token and the like) in path, query and header parameters: huma
// itself copies text into any type that is a string underneath, unchecked.
// Operations that were added without it are refused when the process starts.
func Register[I, O any](api huma.API, op huma.Operation, handler func(context.Context, *I) (*O, error)) {
	values := parsedParams(reflect.TypeFor[I](), nil)
	huma.Register(api, mark(op, metaRegistered), func(ctx context.Context, in *I) (*O, error) {
		if faults := values.parse(reflect.ValueOf(in).Elem()); len(faults) > 0 {
			return nil, problem.Invalid.WithFields(faults...)
		}
		return handler(ctx, in)
	})
}

// AcceptForm lets an operation take application/x-www-form-urlencoded beside
// JSON. Each member may come once and becomes a string, a number or a boolean,
// as the input's schema wants it.
func AcceptForm(op huma.Operation) huma.Operation { return mark(op, metaForm) }

func mark(op huma.Operation, key string) huma.Operation {
	op.Metadata = maps.Clone(op.Metadata)
	if op.Metadata == nil {
		op.Metadata = map[string]any{}
	}
	op.Metadata[key] = true
	return op
}

func marked(op *huma.Operation, key string) bool {
	on, _ := op.Metadata[key].(bool)
	return on
}

var textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()

// param is one parameter whose text huma copied into a value type.
type param struct {
	place string // "query/cursor"
	index []int
}

type params []param

// parsedParams finds the parameters of an input struct, also inside embedded
// structs, that are strings underneath and know how to parse themselves.
func parsedParams(t reflect.Type, index []int) params {
	var found params
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(index[:len(index):len(index)], i)
		place := paramPlace(f)
		switch {
		case !f.IsExported():
		case place == "" && f.Anonymous && f.Type.Kind() == reflect.Struct:
			found = append(found, parsedParams(f.Type, at)...)
		case place != "" && textValue(f.Type):
			found = append(found, param{place, at})
		}
	}
	return found
}

func paramPlace(f reflect.StructField) string {
	for _, in := range []string{"path", "query", "header", "cookie"} {
		if name := f.Tag.Get(in); name != "" {
			return in + "/" + nameOf(name)
		}
	}
	return ""
}

func textValue(t reflect.Type) bool {
	if t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t.Kind() == reflect.String && reflect.PointerTo(t).Implements(textUnmarshaler)
}

// parse lets each given parameter read itself and lists those that cannot.
func (ps params) parse(in reflect.Value) []problem.Field {
	var faults []problem.Field
	for _, p := range ps {
		if detail := parseValue(in.FieldByIndex(p.index)); detail != "" {
			faults = append(faults, problem.Field{Pointer: p.place, Detail: detail})
		}
	}
	return faults
}

func parseValue(v reflect.Value) (detail string) {
	if v.Kind() == reflect.Slice {
		for i := range v.Len() {
			if detail := parseValue(v.Index(i)); detail != "" {
				return detail
			}
		}
		return ""
	}
	if v.String() == "" {
		return "" // not given; a required one was refused before
	}
	reader, ok := v.Addr().Interface().(encoding.TextUnmarshaler)
	if !ok {
		return ""
	}
	if err := reader.UnmarshalText([]byte(v.String())); err != nil {
		return detailOf(err)
	}
	return ""
}
