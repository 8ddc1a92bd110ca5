package stripetest

import (
	"encoding/json"
	"maps"
	"reflect"
	"strconv"
)

// object is one thing of Stripe's, or a part of one, in its JSON form.
type object map[string]any

func (o object) str(key string) string {
	s, _ := o[key].(string)
	return s
}

// num reads an integer, also one that came back from the state's file.
func (o object) num(key string) int64 {
	switch n := o[key].(type) {
	case int:
		return int64(n)
	case int64:
		return n
	case json.Number:
		i, _ := n.Int64()
		return i
	}
	return 0
}

func (o object) flag(key string) bool {
	b, _ := o[key].(bool)
	return b
}

func (o object) child(key string) object { return asObject(o[key]) }

func (o object) list(key string) []any {
	l, _ := o[key].([]any)
	return l
}

func asObject(v any) object {
	switch m := v.(type) {
	case object:
		return m
	case map[string]any:
		return m
	}
	return nil
}

// clone copies an object to its leaves: what was sent or stored never changes later.
func clone(o object) object {
	out := make(object, len(o))
	for k, v := range o {
		out[k] = cloneValue(v)
	}
	return out
}

func cloneValue(v any) any {
	if m := asObject(v); m != nil {
		return clone(m)
	}
	if l, ok := v.([]any); ok {
		out := make([]any, len(l))
		for i := range l {
			out[i] = cloneValue(l[i])
		}
		return out
	}
	return v
}

// previous gives the members of old that differ in now, as an event's
// previous_attributes do; a member that is new shows as null.
func previous(old, now object) object {
	keys := maps.Clone(now)
	maps.Copy(keys, old)
	diff := object{}
	for k := range keys {
		was, is := asObject(old[k]), asObject(now[k])
		switch {
		case was != nil && is != nil:
			if d := previous(was, is); len(d) > 0 {
				diff[k] = d
			}
		case !same(old[k], now[k]):
			diff[k] = old[k]
		}
	}
	return diff
}

// same compares two values by what they are on the wire.
func same(a, b any) bool {
	if reflect.DeepEqual(a, b) {
		return true
	}
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// nullable gives null for the empty string, as Stripe does.
func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
