package wire

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Storable gives a JSON value as the database's jsonb takes it, false when it does
// not: no NUL, no half of a surrogate pair, no number beyond a double's.
func Storable(raw json.RawMessage) (json.RawMessage, bool) {
	var value any
	if json.Unmarshal(raw, &value) != nil { // a number that is too large
		return nil, false
	}
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	if out.Encode(value) != nil || holdsNUL(value) {
		return nil, false
	}
	return bytes.TrimSpace(b.Bytes()), true
}

func holdsNUL(value any) bool {
	switch v := value.(type) {
	case string:
		return strings.ContainsRune(v, 0)
	case []any:
		for _, one := range v {
			if holdsNUL(one) {
				return true
			}
		}
	case map[string]any:
		for name, one := range v {
			if strings.ContainsRune(name, 0) || holdsNUL(one) {
				return true
			}
		}
	}
	return false
}

// RowID tells whether a text can be the id of a row at all: others need not be
// looked for, and may not even be text for a database.
func RowID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return false
		}
	}
	return true
}
