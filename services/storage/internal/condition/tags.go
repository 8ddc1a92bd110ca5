package condition

import (
	"iter"
	"strings"
)

// tags gives the entity tags of a list, W/ and quotes included. It stops at the
// first thing that is not one; commas inside quotes belong to the tag.
func tags(list string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for {
			list = strings.TrimLeft(list, " \t,")
			tag, rest, ok := cutTag(list)
			if !ok || !yield(tag) {
				return
			}
			list = rest
		}
	}
}

func cutTag(s string) (tag, rest string, ok bool) {
	open := 0
	if strings.HasPrefix(s, "W/") {
		open = len("W/")
	}
	if len(s) <= open || s[open] != '"' {
		return "", "", false
	}
	length := strings.IndexByte(s[open+1:], '"')
	if length < 0 {
		return "", "", false
	}
	end := open + 1 + length + 1
	return s[:end], s[end:], true
}
