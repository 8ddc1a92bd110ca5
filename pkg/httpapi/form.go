package httpapi

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/codex-platform/codex/pkg/problem"
)

// formToJSON turns a form into the JSON object that the operation's input is
// made for, so that one set of rules checks both.
func formToJSON(body []byte, schema *huma.Schema) ([]byte, error) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, problem.Malformed.WithMessage("The body is not a form")
	}
	object := make(map[string]any, len(values))
	for name, all := range values {
		if !utf8.ValidString(name) || !utf8.ValidString(strings.Join(all, " ")) {
			return nil, errNotUTF8
		}
		of := property(schema, name)
		switch {
		case of != nil && of.Type == huma.TypeArray:
			object[name] = formValues(all, of.Items)
		case len(all) > 1:
			return nil, errDuplicate
		default:
			object[name] = formValue(all[0], of)
		}
	}
	out, err := json.Marshal(object)
	if err != nil {
		return nil, errNotJSON
	}
	return out, checkJSON(out)
}

func property(schema *huma.Schema, name string) *huma.Schema {
	if schema == nil {
		return nil
	}
	return schema.Properties[name]
}

// formValues makes a list of a name that may be repeated.
func formValues(all []string, of *huma.Schema) []any {
	list := make([]any, len(all))
	for i, text := range all {
		list[i] = formValue(text, of)
	}
	return list
}

// formValue gives a text the type that the schema wants, or leaves it a text
// for the schema to refuse.
func formValue(text string, schema *huma.Schema) any {
	if schema == nil {
		return text
	}
	switch schema.Type {
	case huma.TypeBoolean:
		if text == "true" || text == "false" {
			return text == "true"
		}
	case huma.TypeInteger:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n
		}
	case huma.TypeNumber:
		if _, err := strconv.ParseFloat(text, 64); err == nil && json.Valid([]byte(text)) {
			return json.Number(text) // as it was written
		}
	}
	return text
}
