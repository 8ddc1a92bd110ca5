package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"github.com/codex-platform/codex/migrations"
	"github.com/codex-platform/codex/pkg/mail"
	"github.com/codex-platform/codex/pkg/testkit"

	"github.com/codex-platform/codex/services/auth/internal/mailer"
	"github.com/codex-platform/codex/services/auth/internal/sweep"
)

func TestSweep_deletesWhatIsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	w.signUp(email, goodPassword)
	w.browser().post("/request-password-reset", map[string]any{"email": email})
	w.link(email)
	w.clock.Advance(31 * 24 * time.Hour)
	late := w.signIn(email, goodPassword)
	if err := w.service.jobs.Insert(t.Context(), sweep.Job{}, nil); err != nil {
		t.Fatal(err)
	}
	for table, left := range map[string]int{"sessions": 1, "verification_tokens": 0, "mail_ledger": 0, "users": 1} {
		eventually(t, table+" to be swept", func() bool { return w.count(`SELECT count(*) FROM better_auth.`+table) == left })
	}
	if !late.signedIn() {
		t.Error("a live session was swept")
	}
}

// outbox counts what is handed over, or refuses it.
type outbox struct {
	sent []mail.Message
	err  error
}

func (o *outbox) Send(_ context.Context, m mail.Message) error {
	if o.err == nil {
		o.sent = append(o.sent, m)
	}
	return o.err
}

func TestLetter_isHandedOverOnceHoweverOftenItsJobRuns(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t, migrations.Auth)
	out, now := &outbox{err: errors.New("mail server is away")}, time.Now()
	letters, err := mail.NewLetters(nil, mail.Brand{})
	if err != nil {
		t.Fatal(err)
	}
	worker := &mailer.Worker{
		Store: mailer.Store{DB: pool}, Letters: letters, Ring: ringOf(t), Sender: out, Now: time.Now, Log: discard,
		Links: map[mail.Template]mailer.Linker{mail.PasswordChanged: fixed(home + "/sign-in")},
	}
	sealed, err := ringOf(t).Encrypt([]byte(`{"user_id":"ada","to":"ada@example.test","name":"Ada","language":"de"}`))
	if err != nil {
		t.Fatal(err)
	}
	job := &river.Job[mailer.Job]{Args: mailer.Job{Template: string(mail.PasswordChanged), ObjectID: "ada", Cause: "1", Sealed: sealed}}
	if fresh, err := worker.Store.Note(t.Context(), job.Args.Template, "ada", "1", now); err != nil || !fresh {
		t.Fatal(fresh, err)
	}
	if fresh, err := worker.Store.Note(t.Context(), job.Args.Template, "ada", "1", now); err != nil || fresh {
		t.Errorf("one cause makes two letters: %v, %v", fresh, err)
	}

	if err := worker.Work(t.Context(), job); err == nil {
		t.Error("a letter that was not taken counts as sent")
	}
	out.err = nil
	for range 3 {
		if err := worker.Work(t.Context(), job); err != nil {
			t.Fatal(err)
		}
	}
	if len(out.sent) != 1 || out.sent[0].To != "ada@example.test" || out.sent[0].ID == "" {
		t.Errorf("handed over: %v", out.sent)
	}
}

// While secrets are rotated, a process that knows the new one seals letters that one
// from before cannot open: it leaves them to the others.
func TestLetter_ofAnotherSecretIsTriedAgain(t *testing.T) {
	t.Parallel()
	worker := &mailer.Worker{Store: mailer.Store{DB: testkit.Postgres(t, migrations.Auth)}, Ring: ringOf(t), Sender: &outbox{}, Now: time.Now, Log: discard}
	work := func(sealed string) error {
		return worker.Work(t.Context(), &river.Job[mailer.Job]{Args: mailer.Job{Template: string(mail.VerifyEmail), ObjectID: "ada", Cause: "1", Sealed: sealed}})
	}
	var given *river.JobCancelError
	if err := work(sealedBy(t, ring(t, strings.Repeat("n", 32)), "{}")); err == nil || errors.As(err, &given) {
		t.Errorf("a letter of another process: %v", err)
	}
	if err := work(sealedBy(t, ringOf(t), "no letter")); !errors.As(err, &given) {
		t.Errorf("no letter at all: %v", err)
	}
}

// A reset letter that waited until its link was over, or was overtaken, would
// only lead to an error.
func TestLetter_whoseLinkIsOverIsLeftOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	w.signUp(email, goodPassword)
	if err := w.mails.StopSMTP(); err != nil {
		t.Fatal(err)
	}
	w.browser().post("/request-password-reset", map[string]any{"email": email}) // its letter has to wait
	eventually(t, "a first attempt", func() bool {
		return w.count(`SELECT count(*) FROM better_auth.river_job WHERE kind = 'auth_mail' AND cardinality(errors) > 0`) == 1
	})
	w.browser().post("/request-password-reset", map[string]any{"email": email})
	if err := w.mails.StartSMTP(); err != nil {
		t.Fatal(err)
	}
	token := tokenOf(t, w.link(email))
	if r := w.stranger().post("/reset-password", map[string]any{"newPassword": "a-brand-new-passphrase-7", "token": token}); r.status != http.StatusOK {
		t.Errorf("the letter that came has a dead link: %d %s", r.status, r.text)
	}
	eventually(t, "both letters to be dealt with", func() bool {
		return w.count(`SELECT count(*) FROM better_auth.river_job WHERE kind = 'auth_mail' AND state NOT IN ('completed')`) == 0
	})
}
