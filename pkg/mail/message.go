package mail

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/codex-platform/codex/pkg/validation"
)

// Message is one letter to one person.
type Message struct {
	// ID names the letter for good: sending it again is the same letter. The
	// kind and the id of its cause make a good one.
	ID string
	// To is the reader's address, without a name.
	To string
	// Subject is one line.
	Subject string
	// Text is the letter for programs without HTML.
	Text string
	// HTML is the same letter with layout. It may be empty.
	HTML string
}

// Sender hands over one letter. An error means that it may not have arrived;
// Permanent tells whether trying again is pointless.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// ErrMessage refuses a letter that cannot be sent as it is.
var ErrMessage = errors.New("message cannot be sent")

// check refuses what could become another header, another recipient or an
// empty letter. The values themselves stay out of the error.
func (m Message) check() error {
	_, err := validation.ParseEmail(m.To)
	switch {
	case m.ID == "":
		return fmt.Errorf("%w: it has no id", ErrMessage)
	case err != nil:
		return fmt.Errorf("%w: the recipient is not an address", ErrMessage)
	case m.Subject == "" || strings.ContainsFunc(m.Subject, unicode.IsControl):
		return fmt.Errorf("%w: the subject is not one line", ErrMessage)
	case m.Text == "":
		return fmt.Errorf("%w: it has no text", ErrMessage)
	}
	return nil
}

// messageID gives the Message-ID header's value without its angle brackets.
// The id is hashed because it may hold what a header may not, or tell more
// than a reader's provider should know.
func (m Message) messageID(fromDomain string) string {
	sum := sha256.Sum256([]byte(m.ID))
	return hex.EncodeToString(sum[:16]) + "@" + fromDomain
}
