package stripe

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Facts are what we keep of one object: Customer, Price, Subscription, Invoice,
// InvoicePayment, Payment, Charge, Dispute or Session.
type Facts interface {
	// Key is the object's id.
	Key() string
	// Terminal tells whether this state is never left again.
	Terminal() bool
	// Progress is a number that only grows over the object's life, or zero: of two
	// states in one second the one with more of it is the later.
	Progress() int64
}

// ErrIncomplete means that facts which we need are neither where our API version
// has them nor where newer ones do: the object has to be fetched.
var ErrIncomplete = errors.New("incomplete")

// ErrNotKept is for kinds of objects that we do not keep.
var ErrNotKept = errors.New("not kept")

// Decode reads an object of any API version. deleted is what the event's type
// says (Deletes): the object itself need not.
func Decode(kind string, raw []byte, deleted bool) (Facts, error) {
	switch kind {
	case KindCustomer:
		return decodeCustomer(raw, deleted)
	case KindPrice:
		return decodePrice(raw, deleted)
	case KindSubscription:
		return decodeSubscription(raw)
	case KindInvoice:
		return decodeInvoice(raw)
	case KindInvoicePayment:
		return decodeInvoicePayment(raw)
	case KindPayment:
		return decodePayment(raw)
	case KindCharge:
		return decodeCharge(raw)
	case KindDispute:
		return decodeDispute(raw)
	case KindSession:
		return decodeSession(raw)
	}
	return nil, ErrNotKept
}

// Digest tells whether two states are one to us.
func Digest(f Facts) []byte {
	text, _ := json.Marshal(f) // plain fields: it cannot fail
	sum := sha256.Sum256(text)
	return sum[:]
}

// read decodes an object. One that does not fit is incomplete, not a fault: the
// API version that we know may have it in another form.
func read[T any](raw []byte) (T, error) {
	var wire T
	if err := json.Unmarshal(raw, &wire); err != nil {
		return wire, fmt.Errorf("%w: %T", ErrIncomplete, wire)
	}
	return wire, nil
}

// need names the facts that are missing.
func need(kind string, present map[string]bool) error {
	var missing []string
	for name, there := range present {
		if !there {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s without %s", ErrIncomplete, kind, strings.Join(missing, ", "))
}

// text is a string that a text column can hold; null is empty.
type text string

// UnmarshalJSON leaves out NUL, which JSON may hold and PostgreSQL may not.
func (t *text) UnmarshalJSON(raw []byte) error {
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil {
		return err
	}
	*t = text(strings.ReplaceAll(value(s), "\x00", ""))
	return nil
}

// ref is another object, by its id or expanded.
type ref string

// UnmarshalJSON takes the id of either form.
func (r *ref) UnmarshalJSON(raw []byte) error {
	if !bytes.HasPrefix(raw, []byte("{")) {
		return (*text)(r).UnmarshalJSON(raw)
	}
	var expanded struct {
		ID text `json:"id"`
	}
	if err := json.Unmarshal(raw, &expanded); err != nil {
		return err
	}
	*r = ref(expanded.ID)
	return nil
}

// first gives the first that is not empty.
func first[T comparable](values ...T) T {
	var zero T
	for _, v := range values {
		if v != zero {
			return v
		}
	}
	return zero
}

// moment reads Stripe's seconds; nil for none.
func moment(seconds int64) *time.Time {
	if seconds == 0 {
		return nil
	}
	t := time.Unix(seconds, 0).UTC()
	return &t
}
