package stripetest

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// params are a request's parameters: Stripe's form encoding read into a tree, so
// that line_items[0][price]=x becomes a list of objects. Leaves are strings.
type params object

func (p params) str(key string) string   { return object(p).str(key) }
func (p params) has(key string) bool     { _, ok := p[key]; return ok }
func (p params) child(key string) params { return params(asObject(p[key])) }
func (p params) flag(key string) bool    { return p.str(key) == "true" }

func (p params) int(key string, otherwise int64) int64 {
	n, err := strconv.ParseInt(p.str(key), 10, 64)
	if err != nil {
		return otherwise
	}
	return n
}

// children reads a list of objects.
func (p params) children(key string) []params {
	var out []params
	for _, v := range object(p).list(key) {
		out = append(out, params(asObject(v)))
	}
	return out
}

// strings reads a list of strings.
func (p params) strings(key string) []string {
	var out []string
	for _, v := range object(p).list(key) {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// metadata reads the pairs that a caller may attach to an object.
func (p params) metadata() object {
	out := object{}
	for k, v := range p.child("metadata") {
		out[k] = v
	}
	return out
}

// only refuses parameters that are not named.
func (p params) only(known ...string) error {
	for key := range p {
		if key != "expand" && !slices.Contains(known, key) {
			return &apiError{status: 400, code: "parameter_unknown", param: key, message: "Received unknown parameter: " + key}
		}
	}
	return nil
}

// need refuses a request without these parameters.
func (p params) need(names ...string) error {
	for _, name := range names {
		if !p.has(name) || p[name] == "" {
			return &apiError{status: 400, code: "parameter_missing", param: name, message: "Missing required param: " + name + "."}
		}
	}
	return nil
}

// parseParams reads a query or a form body.
func parseParams(encoded string) (params, error) {
	values, err := url.ParseQuery(encoded)
	if err != nil {
		return nil, invalid("", "The request's parameters cannot be read")
	}
	root := branch{}
	for key, all := range values {
		for _, value := range all {
			root.put(path(key), value)
		}
	}
	return params(root.object()), nil
}

// path takes line_items[0][price] apart: line_items, 0, price.
func path(key string) []string {
	head, rest, found := strings.Cut(key, "[")
	out := []string{head}
	for found {
		var part string
		part, rest, _ = strings.Cut(rest, "]")
		out = append(out, part)
		rest, found = strings.CutPrefix(rest, "[")
	}
	return out
}

// branch is a node of the tree while it grows: strings and branches.
type branch map[string]any

func (b branch) put(keys []string, value string) {
	key := keys[0]
	if key == "" { // a[]=x&a[]=y
		key = strconv.Itoa(len(b))
	}
	if len(keys) == 1 {
		b[key] = value
		return
	}
	next, ok := b[key].(branch)
	if !ok {
		next = branch{}
		b[key] = next
	}
	next.put(keys[1:], value)
}

func (b branch) object() object {
	out := object{}
	for k, v := range b {
		out[k] = settle(v)
	}
	return out
}

// settle turns a branch whose keys are all numbers into a list.
func settle(v any) any {
	b, ok := v.(branch)
	if !ok {
		return v
	}
	var places []int
	for k := range b {
		n, err := strconv.Atoi(k)
		if err != nil {
			return b.object()
		}
		places = append(places, n)
	}
	slices.Sort(places)
	list := make([]any, len(places))
	for i, n := range places {
		list[i] = settle(b[strconv.Itoa(n)])
	}
	return list
}
