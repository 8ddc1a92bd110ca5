package openapi

import (
	"reflect"
	"strings"
	"unicode"
)

type named struct {
	name     string
	document map[string]any
}

// join puts descriptions into one. Two components of one name are one when they
// are equal; else the later one gets its service's name in front, and what refers
// to it follows. Paths of one service only are public: internal ones are left out.
func (f Frame) join(public string, documents []named, missing, stale []string) map[string]any {
	paths, components, operations := map[string]any{}, f.components(), map[string]bool{}
	var tags []any
	for _, d := range documents {
		renames := mergeComponents(components, d)
		for path, item := range object(d.document["paths"]) {
			if strings.HasPrefix(path, "/internal/") || !strings.HasPrefix(path, "/") || paths[path] != nil {
				continue
			}
			item = rename(item, renames)
			f.finish(path, object(item), d, renames, operations)
			paths[path] = item
		}
		tags = append(tags, map[string]any{"name": d.name})
	}
	joined := map[string]any{
		"openapi":    "3.1.0",
		"info":       map[string]any{"title": "Codex", "version": "1", "description": "Joined from what the running services say of themselves."},
		"servers":    []any{map[string]any{"url": public}},
		"tags":       tags,
		"paths":      paths,
		"components": components,
	}
	for name, services := range map[string][]string{"x-missing": missing, "x-stale": stale} {
		if len(services) > 0 {
			joined[name] = services
		}
	}
	return joined
}

func (f Frame) components() map[string]any {
	if f.Rules == nil {
		return map[string]any{}
	}
	schemes := map[string]any{}
	for name, scheme := range f.Schemes {
		schemes[name] = scheme
	}
	return ownComponents(schemes)
}

// mergeComponents adds a document's components and returns which references have
// to change.
func mergeComponents(all map[string]any, d named) map[string]string {
	renames := map[string]string{}
	sections := object(d.document["components"])
	for section, entries := range sections {
		merged := object(all[section])
		if merged == nil {
			merged = map[string]any{}
			all[section] = merged
		}
		for name, entry := range object(entries) {
			if other, taken := merged[name]; taken && !reflect.DeepEqual(other, entry) {
				renames["#/components/"+section+"/"+name] = "#/components/" + section + "/" + title(d.name) + name
			}
		}
	}
	for section, entries := range sections {
		for name, entry := range object(entries) {
			if to, changed := renames["#/components/"+section+"/"+name]; changed {
				name = to[strings.LastIndexByte(to, '/')+1:]
			}
			object(all[section])[name] = rename(entry, renames)
		}
	}
	return renames
}

var methods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"}

// finish marks each operation with its service, says what the gateway asks for,
// and keeps operation ids unique.
func (f Frame) finish(path string, item map[string]any, d named, renames map[string]string, seen map[string]bool) {
	for _, method := range methods {
		operation := object(item[method])
		if operation == nil {
			continue
		}
		operation["tags"] = []any{d.name}
		if operation["security"] == nil && d.document["security"] != nil {
			operation["security"] = d.document["security"] // of the whole service
		}
		renameSchemes(operation, renames)
		if id, _ := operation["operationId"].(string); id != "" {
			if seen[id] {
				id = d.name + title(id)
				operation["operationId"] = id
			}
			seen[id] = true
		}
		if f.Rules == nil {
			continue
		}
		if rule, ok := f.Rules(strings.ToUpper(method), path); ok {
			rule.apply(strings.ToUpper(method), operation)
		}
	}
}

// renameSchemes follows security schemes to their new names: an operation names
// them without a reference.
func renameSchemes(operation map[string]any, renames map[string]string) {
	requirements, _ := operation["security"].([]any)
	renamed := make([]any, 0, len(requirements))
	for _, requirement := range requirements {
		out := map[string]any{}
		for name, scopes := range object(requirement) {
			if to, ok := renames["#/components/securitySchemes/"+name]; ok {
				name = to[strings.LastIndexByte(to, '/')+1:]
			}
			out[name] = scopes
		}
		renamed = append(renamed, out)
	}
	if operation["security"] != nil {
		operation["security"] = renamed
	}
}

// rename copies a value with its references changed.
func rename(value any, renames map[string]string) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, inner := range v {
			out[key] = rename(inner, renames)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			out[i] = rename(inner, renames)
		}
		return out
	case string:
		if to, ok := renames[v]; ok {
			return to
		}
	}
	return value
}

func object(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

func title(s string) string {
	r := []rune(s)
	if len(r) > 0 {
		r[0] = unicode.ToUpper(r[0])
	}
	return string(r)
}
