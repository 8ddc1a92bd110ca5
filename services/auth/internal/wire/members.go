package wire

import (
	"bytes"
	"encoding/json"
)

// Member is one name of a body's object with its value.
type Member struct {
	Name  string
	Value json.RawMessage
}

// Members are a body's names in the order in which they were sent.
type Members []Member

// Get gives a member's value; nil when it was not sent.
func (m Members) Get(name string) json.RawMessage {
	for i := range m {
		if m[i].Name == name {
			return m[i].Value
		}
	}
	return nil
}

// Text gives a member that is a string; false when it is absent or anything else.
func (m Members) Text(name string) (string, bool) {
	raw := m.Get(name)
	var s string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", false
	}
	return s, true
}

// readObject lists the members of an object. The text was found to be one value
// without doubled names before it gets here.
func readObject(raw []byte) (Members, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return nil, nil
	}
	if raw[0] != '{' {
		return nil, Invalid("body", "Invalid input: expected object, received "+kindOf(raw))
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		return nil, errNotJSON
	}
	var out Members
	for d.More() {
		token, err := d.Token()
		name, ok := token.(string)
		var value json.RawMessage
		if err != nil || !ok || d.Decode(&value) != nil {
			return nil, errNotJSON
		}
		out = append(out, Member{name, value})
	}
	return out, nil
}
