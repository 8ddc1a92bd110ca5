// Package field owns the members that a team adds to its people and their
// sessions by configuration, as better-auth's additionalFields does: which there
// are, what fits in them, and how they are shown.
package field

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/codex-platform/codex/pkg/problem"

	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// ErrMissing refuses a sign-up without a member that it needs.
var ErrMissing = problem.New(http.StatusBadRequest, "MISSING_FIELD", "A required field is missing")

// Field is one such member.
type Field struct {
	Name string
	Kind Kind
	// Required: whoever signs up with a password must give it.
	Required bool
	// Hidden: it is never in an answer.
	Hidden bool
	// Closed: its owner cannot set it; administrators can.
	Closed bool
	// Claim: access tokens hold it.
	Claim bool
	// Longest bounds a text in code points, and each text of a list.
	Longest int
	// Default is what somebody has who was given none, as JSON; nil: null.
	Default json.RawMessage
}

// Fields are all of them, in the order in which they are shown.
type Fields []Field

// Member is a field's value.
type Member struct {
	Name  string
	Value json.RawMessage
}

// Given reads the fields of a body in which somebody makes the row that has them:
// a sign-up. What is stored is an object of those that were given.
func (f Fields) Given(m wire.Members) (json.RawMessage, error) {
	given, err := f.read(m)
	if err != nil {
		return nil, err
	}
	for _, one := range f {
		if _, there := given[one.Name]; one.Required && one.Default == nil && !there {
			return nil, ErrMissing.WithMessage(one.Name + " is required")
		}
	}
	return object(given)
}

// Changed reads the fields of a body that changes some; nil when it has none.
func (f Fields) Changed(m wire.Members) (json.RawMessage, error) {
	given, err := f.read(m)
	if err != nil || len(given) == 0 {
		return nil, err
	}
	return object(given)
}

// read takes what the owner may set out of a body.
func (f Fields) read(m wire.Members) (map[string]json.RawMessage, error) {
	given := map[string]json.RawMessage{}
	for _, one := range f {
		raw := m.Get(one.Name)
		switch {
		case raw == nil:
			continue
		case one.Closed:
			return nil, wire.FieldNotAllowed(one.Name)
		}
		value, fault := one.Value(raw)
		if fault != "" {
			return nil, wire.Invalid("body."+one.Name, fault)
		}
		given[one.Name] = value
	}
	return given, nil
}

func object(values map[string]json.RawMessage) (json.RawMessage, error) {
	text, err := json.Marshal(values)
	if err != nil {
		return nil, fmt.Errorf("write fields: %w", err)
	}
	return text, nil
}

// Named gives the field of this name.
func (f Fields) Named(name string) (Field, bool) {
	for _, one := range f {
		if one.Name == name {
			return one, true
		}
	}
	return Field{}, false
}

// Append adds those that are shown to an object that is being written, each behind
// a comma.
func (f Fields) Append(b []byte, stored json.RawMessage) ([]byte, error) {
	shown, err := f.pick(stored, func(one Field) bool { return !one.Hidden })
	if err != nil {
		return nil, err
	}
	for _, m := range shown {
		b = wire.AppendText(append(b, ','), m.Name)
		b = append(append(b, ':'), m.Value...)
	}
	return b, nil
}

// Claims are those that access tokens hold.
func (f Fields) Claims(stored json.RawMessage) ([]Member, error) {
	return f.pick(stored, func(one Field) bool { return one.Claim })
}

func (f Fields) pick(stored json.RawMessage, wanted func(Field) bool) ([]Member, error) {
	if len(f) == 0 {
		return nil, nil
	}
	var values map[string]json.RawMessage
	if len(bytes.TrimSpace(stored)) > 0 {
		if err := json.Unmarshal(stored, &values); err != nil {
			return nil, fmt.Errorf("read fields: %w", err)
		}
	}
	var out []Member
	for _, one := range f {
		if !wanted(one) {
			continue
		}
		value, there := values[one.Name]
		switch {
		case there:
		case one.Default != nil:
			value = one.Default
		default:
			value = null
		}
		out = append(out, Member{one.Name, value})
	}
	return out, nil
}

// spelling is a name as it is compared: email_verified is emailVerified.
func spelling(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }
