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
func join(public string, documents []named) map[string]any {
	paths, components := map[string]any{}, map[string]any{}
	operations := map[string]bool{}
	var tags []any
	for _, d := range documents {
		renames := mergeComponents(components, d)
		for path, item := range object(d.document["paths"]) {
			if strings.HasPrefix(path, "/internal/") || !strings.HasPrefix(path, "/") || paths[path] != nil {
				continue
			}
			item = rename(item, renames)
			finish(object(item), d.name, operations)
			paths[path] = item
		}
		tags = append(tags, map[string]any{"name": d.name})
	}
	return map[string]any{
		"openapi":    "3.1.0",
		"info":       map[string]any{"title": "Codex", "version": "1", "description": "Joined from what the running services say of themselves."},
		"servers":    []any{map[string]any{"url": public}},
		"tags":       tags,
		"paths":      paths,
		"components": components,
	}
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

// finish marks each operation with its service and keeps operation ids unique.
func finish(item map[string]any, service string, seen map[string]bool) {
	for _, method := range []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"} {
		operation := object(item[method])
		if operation == nil {
			continue
		}
		operation["tags"] = []any{service}
		id, _ := operation["operationId"].(string)
		if id != "" && seen[id] {
			id = service + title(id)
			operation["operationId"] = id
		}
		seen[id] = true
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
