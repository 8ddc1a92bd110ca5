package stripe

import (
	"encoding/json"
	"errors"
)

// maxName bounds every name in an envelope, in bytes.
const maxName = 255

// ErrEnvelope refuses a body that is no event of Stripe's.
var ErrEnvelope = errors.New("not an event")

// Envelope is what an event says of itself, beside the object that it carries.
type Envelope struct {
	ID         string
	Type       string
	APIVersion string
	Account    string // the connected account; empty for our own
	Created    int64  // Stripe's clock, in seconds
	Livemode   bool
	// ObjectKind and ObjectID name what the event is about; the id is empty where
	// the object has none (invoice.upcoming).
	ObjectKind string
	ObjectID   string
}

// ParseEnvelope reads six members of an event and checks that each is what may
// stand in a text column and in a log line: printable ASCII of at most 255 bytes.
func ParseEnvelope(body []byte) (Envelope, error) {
	var wire struct {
		ID         string  `json:"id"`
		Object     string  `json:"object"`
		Type       string  `json:"type"`
		APIVersion *string `json:"api_version"`
		Account    *string `json:"account"`
		Created    int64   `json:"created"`
		Livemode   bool    `json:"livemode"`
		Data       struct {
			Object struct {
				ID     string `json:"id"`
				Object string `json:"object"`
			} `json:"object"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &wire); err != nil {
		return Envelope{}, ErrEnvelope
	}
	e := Envelope{
		ID: wire.ID, Type: wire.Type, APIVersion: value(wire.APIVersion), Account: value(wire.Account), Created: wire.Created,
		Livemode: wire.Livemode, ObjectKind: wire.Data.Object.Object, ObjectID: wire.Data.Object.ID,
	}
	if e.ID == "" || e.Type == "" || e.Created <= 0 {
		return Envelope{}, ErrEnvelope
	}
	for _, name := range []string{e.ID, e.Type, e.APIVersion, e.Account, e.ObjectKind, e.ObjectID} {
		if !plain(name) {
			return Envelope{}, ErrEnvelope
		}
	}
	return e, nil
}

// Payload gives the object that an event carries, as it came.
func Payload(body []byte) (json.RawMessage, error) {
	var wire struct {
		Data struct {
			Object json.RawMessage `json:"object"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &wire); err != nil || len(wire.Data.Object) == 0 {
		return nil, ErrEnvelope
	}
	return wire.Data.Object, nil
}

func plain(s string) bool {
	if len(s) > maxName {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
