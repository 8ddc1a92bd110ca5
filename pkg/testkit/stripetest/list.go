package stripetest

import (
	"slices"
	"strings"
)

const (
	pageDefault = 10
	pageMost    = 100
)

// page gives one page of a list: newest first, by limit, starting_after and ending_before.
func (c *call) page(all []object) (any, error) {
	limit := c.int("limit", pageDefault)
	if limit < 1 || limit > pageMost {
		return nil, invalid("limit", "This value must be between 1 and 100")
	}
	var more bool
	if before := c.str("ending_before"); before != "" {
		at := place(all, before)
		if at < 0 {
			return nil, invalid("ending_before", "No such object: '"+before+"'")
		}
		first := max(0, at-int(limit)) // the ones just newer than the cursor
		all, more = all[first:at], first > 0
	} else {
		if after := c.str("starting_after"); after != "" {
			at := place(all, after)
			if at < 0 {
				return nil, invalid("starting_after", "No such object: '"+after+"'")
			}
			all = all[at+1:]
		}
		last := min(len(all), int(limit))
		all, more = all[:last], len(all) > last
	}
	return listOf(c.path, all, more), nil
}

func place(all []object, id string) int {
	return slices.IndexFunc(all, func(o object) bool { return o.str("id") == id })
}

func listOf(url string, all []object, more bool) object {
	data := make([]any, len(all))
	for i, o := range all {
		data[i] = o
	}
	return object{"object": "list", "url": url, "has_more": more, "data": data}
}

// expand replaces ids by the objects that they name, along dotted paths, in a
// copy of the answer.
func (s *Server) expand(result any, paths []string) (any, error) {
	o := asObject(result)
	if o == nil {
		return result, nil
	}
	if o.str("object") == "list" {
		o = clone(o)
		for i, v := range o.list("data") {
			o.list("data")[i] = shown(asObject(v))
		}
	} else {
		o = includable(o, paths)
	}
	for _, p := range paths {
		if err := s.expandPath(o, strings.Split(p, "."), p); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// includable shows the lists that an object has only for those who ask.
func includable(o object, paths []string) object {
	out := shown(o)
	if slices.ContainsFunc(paths, func(p string) bool { return p == "line_items" || strings.HasPrefix(p, "line_items.") }) {
		if items := asObject(o["_line_items"]); items != nil {
			out["line_items"] = clone(items)
		}
	}
	return out
}

func (s *Server) expandPath(o object, keys []string, whole string) error {
	value, ok := o[keys[0]]
	if !ok {
		return invalid("expand", "This property cannot be expanded ("+whole+").")
	}
	if list, ok := value.([]any); ok {
		for _, item := range list {
			if err := s.expandPath(asObject(item), keys[1:], whole); err != nil {
				return err
			}
		}
		return nil
	}
	if id, ok := value.(string); ok {
		target, ok := s.state.Objects[id]
		if !ok {
			return invalid("expand", "This property cannot be expanded ("+whole+").")
		}
		value = shown(target)
		o[keys[0]] = value
	}
	if next := asObject(value); next != nil && len(keys) > 1 {
		return s.expandPath(next, keys[1:], whole)
	}
	return nil
}
