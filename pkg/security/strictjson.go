package security

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// strictObject reads one JSON object and refuses what two readers could read in
// two ways: a name given twice, in whatever spelling, data after the end, text
// that is not UTF-8.
func strictObject(raw []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(raw) {
		return nil, refuse("not UTF-8")
	}
	var members map[string]json.RawMessage
	if !bytes.HasPrefix(bytes.TrimLeft(raw, " \t\r\n"), []byte("{")) || json.Unmarshal(raw, &members) != nil {
		return nil, refuse("not a JSON object")
	}
	if len(members) != countMembers(raw) {
		return nil, refuse("a member twice")
	}
	return members, nil
}

// countMembers counts an object's members as they are written. The object is known
// to be good JSON.
func countMembers(raw []byte) int {
	n, depth, empty := 1, 0, true
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ',':
			if depth == 1 {
				n++
			}
		case '"':
			empty = false
			for i++; raw[i] != '"'; i++ {
				if raw[i] == '\\' {
					i++
				}
			}
		}
	}
	if empty {
		return 0
	}
	return n
}
