package main

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/jobs"
	"github.com/codex-platform/codex/pkg/mail"

	"github.com/codex-platform/codex/services/auth/internal/account"
	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/deletion"
	"github.com/codex-platform/codex/services/auth/internal/device"
	"github.com/codex-platform/codex/services/auth/internal/entrance"
	"github.com/codex-platform/codex/services/auth/internal/mailer"
	"github.com/codex-platform/codex/services/auth/internal/once"
	"github.com/codex-platform/codex/services/auth/internal/page"
	"github.com/codex-platform/codex/services/auth/internal/profile"
	"github.com/codex-platform/codex/services/auth/internal/reset"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/sweep"
	"github.com/codex-platform/codex/services/auth/internal/token"
	"github.com/codex-platform/codex/services/auth/internal/verification"
)

const ledgerLife = 30 * 24 * time.Hour

// addMail is the way of letters.
func addMail(f *features) error {
	s, p := f.settings, f.parts
	f.letters = mailer.Outbox{Ring: f.ring, Now: p.now, Enqueue: func(ctx context.Context, tx pgx.Tx, job mailer.Job) error {
		return f.queue.jobs.InsertTx(ctx, tx, job, nil)
	}}
	letters, err := s.Mail.Letters()
	if err != nil {
		return err
	}
	ledger := mailer.Store{DB: p.pool}
	river.AddWorker(f.workers, &mailer.Worker{Store: ledger, Letters: letters, Ring: f.ring, Sender: p.sender, Now: p.now, Log: p.log, Links: f.links})
	f.sweeps["letters"] = func(ctx context.Context, n int) (int64, error) { return ledger.Sweep(ctx, p.now().Add(-ledgerLife), n) }
	signInPage := fixed(s.page(s.Accounts.SignInPage))
	f.links[mail.AccountExists], f.links[mail.PasswordChanged] = signInPage, signInPage
	securityPage := fixed(s.page(s.Accounts.SecurityPage))
	for _, kind := range []mail.Template{mail.NewDevice, mail.SecondFactorChanged, mail.PasskeyChanged, mail.WayAdded, mail.WayRemoved} {
		f.links[kind] = securityPage
	}
	return nil
}

// fixed is the link of letters that lead to a page and carry no proof.
func fixed(link string) mailer.Linker {
	return func(context.Context, mailer.Contents) (string, time.Duration, error) { return link, 0, nil }
}

// addSessions is how people come in, stay and leave.
func addSessions(f *features) error {
	s, p := f.settings, f.parts
	cached := cache.NewSessions[session.Live](p.redis, "auth", p.log)
	f.queue.watch = cached.Watch
	f.sessions = &session.Registry{
		Store: session.Store{DB: p.pool}, Cache: cached,
		Cookies: session.NewCookies(f.ring, s.cookies()), Rules: s.sessionRules(), Shape: s.shape(), Fields: s.Fields.OfSession, TokenLife: s.Tokens.Life, Now: p.now, Log: p.log,
		Later: func(ctx context.Context, ended []session.Ended) error {
			return f.queue.jobs.Insert(ctx, session.EndedJob{Ended: ended, Until: p.now().Add(s.Tokens.Life)}, nil)
		},
	}
	if p.redis != nil {
		f.sessions.Feed = cache.NewFeed(p.redis, p.log)
	}
	f.entrance = &entrance.Entrance{Sessions: f.sessions, Audit: f.audit, Page: s.page(s.Plugins.SecondFactorPage), Now: p.now}
	if s.Accounts.TellDevices {
		f.entrance.Companions = append(f.entrance.Companions, &device.Companion{Letters: f.letters, Now: p.now})
	}
	river.AddWorker(f.workers, &session.EndedWorker{Sessions: f.sessions})
	f.sweeps["sessions"] = func(ctx context.Context, n int) (int64, error) { return f.sessions.Store.Sweep(ctx, p.now(), n) }
	return nil
}

func addAccounts(f *features) error {
	s, p := f.settings, f.parts
	f.accounts = &account.Accounts{
		DB: p.pool, Store: account.Store{DB: p.pool}, Passwords: f.passwords, Sessions: f.sessions, Entrance: f.entrance, Audit: f.audit,
		Letters: f.letters, Limits: f.limits, Rules: s.accountRules(), Floor: s.Accounts.PasswordFloor, Now: p.now,
	}
	f.doors = append(f.doors, f.accounts)
	return nil
}

func addVerification(f *features) error {
	s, p := f.settings, f.parts
	v := &verification.Verification{
		DB: p.pool, Users: f.users, Sessions: f.sessions, Entrance: f.entrance, Audit: f.audit, Letters: f.letters, Limits: f.limits, Ring: f.ring,
		Base: s.at(s.BasePath.String()), Life: s.Accounts.VerifyLife, SignIn: s.Accounts.SignInAfterVerify, Floor: s.Accounts.AnswerFloor, Now: p.now,
		SameBrowser: s.sameBrowser(),
		Change:      verification.Change{On: s.Accounts.ChangeEmail, Confirm: s.Accounts.ConfirmChange},
	}
	f.doors = append(f.doors, v)
	f.links[mail.VerifyEmail], f.links[mail.ChangeEmailConfirm], f.links[mail.ChangeEmailVerify] = v.Link, v.ConfirmLink, v.ProveLink
	return nil
}

func addReset(f *features) error {
	s, p := f.settings, f.parts
	r := &reset.Reset{
		DB: p.pool, Store: reset.Store{DB: p.pool}, Passwords: f.passwords, Sessions: f.sessions, Audit: f.audit, Letters: f.letters, Limits: f.limits,
		Base: s.at(s.BasePath.String()), Origin: f.origins.Own(), Page: string(s.Accounts.ResetPage), Life: s.Accounts.ResetLife, EndSessions: s.Accounts.EndOnReset,
		Floor: s.Accounts.AnswerFloor, Now: p.now,
	}
	f.reset = r
	f.doors = append(f.doors, r)
	f.links[mail.ResetPassword], f.links[mail.AccountMade] = r.Link, r.Link
	f.sweeps["tokens"] = func(ctx context.Context, n int) (int64, error) { return r.Store.Sweep(ctx, p.now(), n) }
	return nil
}

func addProfile(f *features) error {
	h := &profile.Handler{
		DB: f.parts.pool, Users: f.users, Sessions: f.sessions, Audit: f.audit, Services: f.services, Now: f.parts.now, Log: f.parts.log,
	}
	if f.names != nil {
		h.Names = f.names.Changed
	}
	f.doors, f.backDoors = append(f.doors, h), append(f.backDoors, h)
	return nil
}

// addDeletion is the end of accounts. Administrators end them too, whether or not
// people can themselves.
func addDeletion(f *features) error {
	s, p := f.settings, f.parts
	targets := s.Deletion.targets()
	f.deletion = &deletion.Deletion{
		DB: p.pool, Read: p.pool, Accounts: f.accounts, Sessions: f.sessions, Audit: f.audit, Letters: f.letters, Limits: f.limits, Once: f.once,
		Base: s.at(s.BasePath.String()), ByMail: s.Deletion.ByMail, Tell: slices.Sorted(maps.Keys(targets)),
		Call: func(ctx context.Context, tx pgx.Tx, call jobs.Call) error {
			return f.queue.jobs.InsertTx(ctx, tx, call, nil)
		},
	}
	river.AddWorker(f.workers, jobs.NewCaller(targets, f.services))
	f.links[mail.DeleteAccount] = f.deletion.Link
	if s.Deletion.On {
		f.doors = append(f.doors, f.deletion)
	}
	return nil
}

// addTokens is access tokens, their keys, and the door to sessions, which gives
// tokens too.
func addTokens(f *features) error {
	s, p := f.settings, f.parts
	keys := &token.Keys{
		DB: p.pool, Read: p.pool, Ring: f.ring, Alg: s.Signing.Alg, Lifetime: s.Tokens.KeyLifetime, Lead: s.Tokens.KeyLead, Grace: s.Tokens.KeyGrace,
		Now: p.now, Log: p.log,
		Published: func(ctx context.Context, tx pgx.Tx) error {
			return f.audit.Record(ctx, tx, nil, audit.Event{Kind: audit.SigningKeyRotated, ActorID: audit.Schedule})
		},
	}
	f.issuer = &token.Issuer{Keys: keys, Issuer: s.issuer(), Audience: s.audience(), Life: s.Tokens.Life, ByAddress: s.Signing.Subject == subjectEmail, More: s.Fields.claims(s.shape()), Now: p.now, Log: p.log}
	h := &token.Handler{Issuer: f.issuer, Sessions: f.sessions, Services: f.services, Public: bool(s.Plugins.Tokens)}
	sessions := &session.Handler{Sessions: f.sessions, Audit: f.audit, Leave: f.entrance.Leave}
	if f.farewell != nil {
		sessions.Farewell = f.farewell.Lead
	}
	if h.Public && s.Tokens.InSession {
		sessions.Token = f.issuer.JWT
	}
	f.doors, f.backDoors = append(f.doors, sessions, h), append(f.backDoors, h)
	return nil
}

func addPages(f *features) error {
	s := f.settings
	h := &page.Handler{Home: s.PublicURL.String(), SignIn: s.page(s.Accounts.SignInPage)}
	if s.Accounts.ErrorPage != "" {
		h.Own = s.page(s.Accounts.ErrorPage)
	}
	f.doors = append(f.doors, h)
	return nil
}

// addSweep is the job that all features share.
func addSweep(f *features) error {
	p := f.parts
	f.sweeps["one-time secrets"] = func(ctx context.Context, n int) (int64, error) { return once.Sweep(ctx, p.pool, p.now(), n) }
	f.sweeps["audit events"] = func(ctx context.Context, n int) (int64, error) {
		return audit.Sweep(ctx, p.pool, p.now().Add(-f.settings.Plugins.AuditLife), n)
	}
	river.AddWorker(f.workers, &sweep.Worker{Tend: f.issuer.Keys.Tend, Log: p.log, Tasks: f.sweeps})
	return nil
}
