// Package mailer owns the way from a decision to a letter: the decision and the
// letter's job are written in one transaction, so that no letter is lost and none
// goes out for something that did not happen. The ledger makes one letter of one
// cause; the job carries the letter sealed, because the queue lies in the
// database and a database must not hold links that work.
package mailer

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/mail"
	"github.com/codex-platform/codex/pkg/security"
)

// Letter is a decision to write to somebody.
type Letter struct {
	Kind mail.Template
	// UserID is whom it is about, and Cause what it is for: together with the
	// kind they name the letter. A second one with the same name is not written.
	UserID string
	Cause  string

	Contents
}

// Contents is what the letter will say.
type Contents struct {
	UserID   string `json:"user_id"`
	To       string `json:"to"`
	Name     string `json:"name"`
	Language string `json:"language"`           // as the reader's browser asked for it
	Token    string `json:"token,omitempty"`    // of a link that works once
	Callback string `json:"callback,omitempty"` // where the link leads on to
	Code     string `json:"code,omitempty"`     // that the reader types
	What     string `json:"what,omitempty"`     // see mail.Data
	Address  string `json:"address,omitempty"`  // that the letter is about
	// At is when what the letter tells happened.
	At time.Time `json:"at,omitzero"`
	// Until is when a code is over, and Life how long it works; a letter with a
	// code that is over is left out.
	Until time.Time     `json:"until,omitzero"`
	Life  time.Duration `json:"life,omitempty"`
}

// Job is a letter in the queue.
type Job struct {
	Template string `json:"template"`
	ObjectID string `json:"object_id"`
	Cause    string `json:"cause"`
	Sealed   string `json:"sealed"`
}

// Kind names the job in the queue.
func (Job) Kind() string { return "auth_mail" }

// Outbox takes letters.
type Outbox struct {
	Ring security.Keyring
	// Enqueue inserts the job in the transaction.
	Enqueue func(ctx context.Context, tx pgx.Tx, job Job) error
	Now     func() time.Time
}

// Put writes the letter into the ledger and the queue, in the transaction of
// what it tells about. A letter that the ledger has already is left out, and one
// that nobody could read: people without an address have one that ends in
// .invalid, which RFC 6761 keeps from being anybody's.
func (o Outbox) Put(ctx context.Context, tx pgx.Tx, l Letter) error {
	if strings.HasSuffix(l.Contents.To, ".invalid") {
		return nil
	}
	l.Contents.UserID = l.UserID
	fresh, err := Store{DB: tx}.Note(ctx, string(l.Kind), l.UserID, l.Cause, o.Now())
	if err != nil || !fresh {
		return err
	}
	text, err := json.Marshal(l.Contents)
	if err != nil {
		return fmt.Errorf("seal letter: %w", err)
	}
	sealed, err := o.Ring.Encrypt(text)
	if err != nil {
		return fmt.Errorf("seal letter: %w", err)
	}
	return o.Enqueue(ctx, tx, Job{Template: string(l.Kind), ObjectID: l.UserID, Cause: l.Cause, Sealed: sealed})
}
