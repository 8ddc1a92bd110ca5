package mailer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"

	"github.com/codex-platform/codex/pkg/mail"
	"github.com/codex-platform/codex/pkg/security"
)

// ErrStale says that a letter is no longer worth sending: its link would not
// work, or what it tells is not so any more.
var ErrStale = errors.New("letter is stale")

// Linker makes a letter's link at the moment of sending, and says how long the
// link works; zero where the letter does not say it.
type Linker func(ctx context.Context, c Contents) (link string, valid time.Duration, err error)

// Worker sends letters.
type Worker struct {
	river.WorkerDefaults[Job]

	Store  Store
	Ring   security.Keyring
	Sender mail.Sender
	// Letters writes them.
	Letters *mail.Letters
	// Links are the linkers of the kinds that have a button.
	Links map[mail.Template]Linker
	Now   func() time.Time
	Log   *slog.Logger
}

// Timeout bounds one run: one attempt at the mail server and its entry.
func (*Worker) Timeout(*river.Job[Job]) time.Duration { return 30 * time.Second }

// Work sends a letter unless that was done by a run that was killed after it.
// One that is killed between the two sends it again: the same Message-ID lets
// the reader's program see one letter.
func (w *Worker) Work(ctx context.Context, job *river.Job[Job]) error {
	j := job.Args
	sent, err := w.Store.Sent(ctx, j.Template, j.ObjectID, j.Cause)
	if err != nil || sent {
		return err
	}
	message, err := w.compose(ctx, j)
	switch {
	case errors.Is(err, ErrStale):
		w.Log.InfoContext(ctx, "letter left out", "kind", j.Template, "user_id", j.ObjectID)
		return nil
	case err != nil:
		return err
	}
	if err := w.Sender.Send(ctx, message); err != nil {
		if mail.Permanent(err) {
			return river.JobCancel(fmt.Errorf("send letter: %w", err))
		}
		return fmt.Errorf("send letter: %w", err)
	}
	w.Log.InfoContext(ctx, "letter sent", "kind", j.Template, "user_id", j.ObjectID)
	return w.Store.MarkSent(ctx, j.Template, j.ObjectID, j.Cause, w.Now())
}

func (w *Worker) compose(ctx context.Context, j Job) (mail.Message, error) {
	var c Contents
	text, err := w.Ring.Decrypt(j.Sealed)
	if err != nil { // another process may have the secret that sealed it: they are rotated one after the other
		return mail.Message{}, fmt.Errorf("open letter: %w", err)
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return mail.Message{}, river.JobCancel(fmt.Errorf("read letter: %w", err))
	}
	if !c.Until.IsZero() && !w.Now().Before(c.Until) {
		return mail.Message{}, ErrStale
	}
	kind := mail.Template(j.Template)
	data := mail.Data{Name: c.Name, Code: c.Code, What: c.What, Address: c.Address, At: c.At, Valid: c.Life}
	if linker := w.Links[kind]; linker != nil {
		if data.Link, data.Valid, err = linker(ctx, c); err != nil {
			return mail.Message{}, err
		}
	}
	id := j.Template + ":" + j.ObjectID + ":" + j.Cause
	message, err := w.Letters.Compose(kind, id, c.To, c.Language, data)
	if errors.Is(err, mail.ErrMessage) {
		return mail.Message{}, river.JobCancel(err)
	}
	return message, err
}
