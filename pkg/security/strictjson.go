package security

import (
	"bytes"
	"encoding/json"
	"io"
	"unicode/utf8"
)

// strictObject reads one JSON object and refuses what two readers could read in
// two ways: a name given twice, data after the end, text that is not UTF-8.
func strictObject(raw []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(raw) {
		return nil, refuse("not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, refuse("not a JSON object")
	}
	members := make(map[string]json.RawMessage, 12)
	for d.More() {
		token, err := d.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, refuse("not a JSON object")
		}
		if _, twice := members[name]; twice {
			return nil, refuse("a member twice")
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, refuse("not a JSON object")
		}
		members[name] = value
	}
	if _, err := d.Token(); err != nil { // the closing brace
		return nil, refuse("not a JSON object")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, refuse("data after the end")
	}
	return members, nil
}
