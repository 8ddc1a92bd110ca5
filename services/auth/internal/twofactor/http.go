package twofactor

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/services/auth/internal/entrance"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// Routes names every operation of this feature.
func (t *TwoFactor) Routes(r *wire.Router) {
	change, code := []int{400, 401, 403, 429, 503}, []int{400, 401, 403, 429}
	wire.Post(r, wire.Op{ID: "enableTwoFactor", Path: "/two-factor/enable", Summary: "Begin to use a second factor", Session: true, Errors: change}, t.postEnable)
	wire.Post(r, wire.Op{ID: "disableTwoFactor", Path: "/two-factor/disable", Summary: "Use no second factor any more", Session: true, Errors: change}, t.postDisable)
	wire.Post(r, wire.Op{ID: "getTotpUri", Path: "/two-factor/get-totp-uri", Summary: "What an authenticator app reads", Session: true, Errors: change}, t.postURI)
	wire.Post(r, wire.Op{ID: "generateBackupCodes", Path: "/two-factor/generate-backup-codes", Summary: "Replace the backup codes", Session: true, Errors: change}, t.postBackupCodes)
	wire.Post(r, wire.Op{ID: "verifyTotp", Path: "/two-factor/verify-totp", Summary: "Give the code of an authenticator app", Errors: code}, t.postTOTP)
	wire.Post(r, wire.Op{ID: "sendTwoFactorOtp", Path: "/two-factor/send-otp", Summary: "Mail a code", Errors: code}, t.postSend)
	wire.Post(r, wire.Op{ID: "verifyTwoFactorOtp", Path: "/two-factor/verify-otp", Summary: "Give a mailed code", Errors: code}, t.postOTP)
	wire.Post(r, wire.Op{ID: "verifyBackupCode", Path: "/two-factor/verify-backup-code", Summary: "Give a backup code", Errors: code}, t.postBackupCode)
}

type enableForm struct {
	Password *string `json:"password" doc:"Of those who have one; the others need a fresh session"`
	Method   *string `json:"method" doc:"totp (default): an authenticator app. otp: codes by mail"`
	Issuer   *string `json:"issuer" min:"1" max:"64" doc:"What the app shows as the account's service"`
}

// Enabled is what beginning to use a second factor answers; with codes by mail
// it has the method alone.
type Enabled struct {
	Method      string   `json:"method"`
	TotpURI     string   `json:"totpURI,omitempty"`
	BackupCodes []string `json:"backupCodes,omitempty"`
}

func (t *TwoFactor) postEnable(ctx context.Context, c *wire.Call, in enableForm) (*wire.Answer[Enabled], error) {
	live, err := t.Sessions.Stored(ctx, c)
	if err != nil {
		return nil, err
	}
	method := methodTOTP
	if in.Method != nil {
		method = *in.Method
	}
	switch {
	case method != methodTOTP && method != methodOTP:
		return nil, wire.Invalid("body.method", `Invalid option: expected one of "totp"|"otp"`)
	case method == methodOTP && !t.Rules.Mailed:
		return nil, ErrNoMail
	}
	if _, err := t.prove(ctx, c, live, in.Password); err != nil {
		return nil, err
	}
	a := wire.OK(Enabled{Method: method})
	if method == methodOTP {
		if live.User.TwoFactorEnabled {
			t.Sessions.Renew(&a.Headers, c, live)
			return a, nil
		}
		done, err := t.mailOnly(ctx, c, live)
		if err != nil {
			return nil, err
		}
		return a, t.settle(ctx, c, &a.Headers, done)
	}
	secret, codes, err := t.enrol(ctx, live)
	if err != nil {
		return nil, err
	}
	issuer := t.Rules.Issuer
	if in.Issuer != nil {
		issuer = *in.Issuer
	}
	a.Body.TotpURI, a.Body.BackupCodes = keyURI(issuer, live.User.Email, secret), codes
	t.Sessions.Renew(&a.Headers, c, live)
	return a, nil
}

// settle tells of a change and gives the caller the new session.
func (t *TwoFactor) settle(ctx context.Context, c *wire.Call, h *wire.Headers, done change) error {
	t.Sessions.Hand(h, c, done.next)
	return t.tell(ctx, done.next.UserID, done)
}

type passwordForm struct {
	Password *string `json:"password" doc:"Of those who have one; the others need a fresh session"`
}

func (t *TwoFactor) postDisable(ctx context.Context, c *wire.Call, in passwordForm) (*wire.Answer[wire.Status], error) {
	live, err := t.Sessions.Stored(ctx, c)
	if err != nil {
		return nil, err
	}
	if _, err := t.prove(ctx, c, live, in.Password); err != nil {
		return nil, err
	}
	a := wire.OK(wire.Status{Status: true})
	if !live.User.TwoFactorEnabled { // an enrolment that began counted for nothing yet
		t.Sessions.Renew(&a.Headers, c, live)
		return a, t.Store.Abandon(ctx, live.UserID)
	}
	done, err := t.disable(ctx, c, live)
	if err != nil {
		return nil, err
	}
	t.Sessions.Cookies.Drop(&a.Headers, trustCookie)
	return a, t.settle(ctx, c, &a.Headers, done)
}

// URI is what an authenticator app reads.
type URI struct {
	TotpURI string `json:"totpURI"`
}

func (t *TwoFactor) postURI(ctx context.Context, c *wire.Call, in passwordForm) (*wire.Answer[URI], error) {
	live, err := t.Sessions.Stored(ctx, c)
	if err != nil {
		return nil, err
	}
	byPassword, err := t.prove(ctx, c, live, in.Password)
	if err != nil {
		return nil, err
	}
	f, err := t.Store.Find(ctx, live.UserID)
	switch {
	case err != nil:
		return nil, err
	case f.Secret == "":
		return nil, ErrNoTOTP
	case f.Verified && !byPassword: // a session alone does not show a secret that is in use (MFA-05)
		return nil, wire.ErrInvalidPassword
	}
	secret, err := t.Ring.Decrypt(f.Secret)
	if err != nil {
		return nil, err
	}
	a := wire.OK(URI{keyURI(t.Rules.Issuer, live.User.Email, string(secret))})
	t.Sessions.Renew(&a.Headers, c, live)
	return a, nil
}

// BackupCodes is a new set of them.
type BackupCodes struct {
	Status      bool     `json:"status"`
	BackupCodes []string `json:"backupCodes"`
}

func (t *TwoFactor) postBackupCodes(ctx context.Context, c *wire.Call, in passwordForm) (*wire.Answer[BackupCodes], error) {
	live, err := t.Sessions.Stored(ctx, c)
	if err != nil {
		return nil, err
	}
	if _, err := t.prove(ctx, c, live, in.Password); err != nil {
		return nil, err
	}
	if !live.User.TwoFactorEnabled {
		return nil, ErrNotEnabled
	}
	codes, err := t.renewCodes(ctx, c, live)
	if err != nil {
		return nil, err
	}
	a := wire.OK(BackupCodes{true, codes})
	t.Sessions.Renew(&a.Headers, c, live)
	return a, nil
}

type codeForm struct {
	Code  string `json:"code"`
	Trust *bool  `json:"trustDevice" doc:"Ask this browser for no second factor for a while"`
}

func (f codeForm) trust() bool { return f.Trust != nil && *f.Trust }

func (t *TwoFactor) postTOTP(ctx context.Context, c *wire.Call, in codeForm) (*wire.Answer[entrance.Body], error) {
	who, err := t.claimant(ctx, c)
	if err != nil {
		return nil, err
	}
	var p passed
	err = t.try(ctx, c, attempt{
		who: who, kind: methodTOTP, wrong: ErrCode,
		check: func(ctx context.Context, tx pgx.Tx, f Factor) (bool, error) {
			if f.Secret == "" || who.live == nil && !f.Verified {
				return false, ErrNoTOTP
			}
			return t.step(ctx, tx, f, typed(in.Code))
		},
		then: func(ctx context.Context, tx pgx.Tx, f Factor) (err error) {
			if f.Verified {
				p, err = t.pass(ctx, tx, c, who, methodTOTP, in.trust())
				return err
			}
			if err := (Store{DB: tx}).Verify(ctx, f.UserID, t.Now()); err != nil {
				return err
			}
			p.change, err = t.switchTo(ctx, tx, c, who.live, true, methodTOTP)
			p.live = p.change.next
			return err
		},
	})
	if err != nil {
		return nil, err
	}
	return t.answer(ctx, c, p, false)
}

// step checks the code of an authenticator and spends its time step.
func (t *TwoFactor) step(ctx context.Context, tx pgx.Tx, f Factor, code string) (bool, error) {
	secret, err := t.Ring.Decrypt(f.Secret)
	if err != nil {
		return false, err
	}
	now := t.Now()
	at, ok := stepOf(string(secret), code, now)
	if !ok {
		return false, nil
	}
	return Store{DB: tx}.Step(ctx, f.UserID, at, now)
}

type sendForm struct {
	Trust *bool `json:"trustDevice" doc:"Without effect here"`
}

func (t *TwoFactor) postSend(ctx context.Context, c *wire.Call, _ sendForm) (*wire.Answer[wire.Status], error) {
	who, err := t.claimant(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := t.send(ctx, c, who); err != nil {
		return nil, err
	}
	return wire.OK(wire.Status{Status: true}), nil
}

func (t *TwoFactor) postOTP(ctx context.Context, c *wire.Call, in codeForm) (*wire.Answer[entrance.Body], error) {
	who, err := t.claimant(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := t.takesMail(who); err != nil {
		return nil, err
	}
	var p passed
	err = t.try(ctx, c, attempt{
		who: who, kind: methodOTP, wrong: ErrCode,
		check: func(ctx context.Context, tx pgx.Tx, _ Factor) (bool, error) {
			return t.spend(ctx, tx, who, typed(in.Code))
		},
		then: func(ctx context.Context, tx pgx.Tx, _ Factor) (err error) {
			p, err = t.pass(ctx, tx, c, who, methodOTP, in.trust())
			return err
		},
	})
	if err != nil {
		return nil, err
	}
	return t.answer(ctx, c, p, false)
}

type backupCodeForm struct {
	Code    string `json:"code"`
	NoSet   *bool  `json:"disableSession" doc:"true: the session's token is in the body alone, no cookie is set"`
	Trusted *bool  `json:"trustDevice" doc:"Ask this browser for no second factor for a while"`
}

func (t *TwoFactor) postBackupCode(ctx context.Context, c *wire.Call, in backupCodeForm) (*wire.Answer[entrance.Body], error) {
	who, err := t.claimant(ctx, c)
	if err != nil {
		return nil, err
	}
	var p passed
	err = t.try(ctx, c, attempt{
		who: who, kind: "backup-code", wrong: ErrBackupCode,
		check: func(ctx context.Context, tx pgx.Tx, f Factor) (bool, error) {
			if f.BackupCodes == "" || who.live != nil && !who.live.User.TwoFactorEnabled {
				return false, ErrNoBackupCodes
			}
			left, found, err := t.without(f.BackupCodes, strings.TrimSpace(in.Code))
			if err != nil || !found {
				return false, err
			}
			return Store{DB: tx}.SwapCodes(ctx, f.UserID, f.BackupCodes, left, t.Now())
		},
		then: func(ctx context.Context, tx pgx.Tx, _ Factor) (err error) {
			p, err = t.pass(ctx, tx, c, who, "backup-code", in.Trusted != nil && *in.Trusted)
			return err
		},
	})
	if err != nil {
		return nil, err
	}
	return t.answer(ctx, c, p, in.NoSet != nil && *in.NoSet)
}

// answer tells the giver of a right code the session; quiet sets no cookie of it.
func (t *TwoFactor) answer(ctx context.Context, c *wire.Call, p passed, quiet bool) (*wire.Answer[entrance.Body], error) {
	profile := t.Sessions.Shape.Profile(p.live.User)
	a := wire.OK(entrance.Body{Token: &p.live.Token, User: &profile})
	switch {
	case p.change.next != nil:
		return a, t.settle(ctx, c, &a.Headers, p.change)
	case p.in == nil:
		t.Sessions.Renew(&a.Headers, c, p.live)
		return a, nil
	}
	t.Sessions.Cookies.Drop(&a.Headers, challengeCookie)
	a.SetCookie = append(a.SetCookie, p.trust.SetCookie...)
	if quiet {
		return a, nil
	}
	return a, t.Entrance.Admit(ctx, c, &a.Headers, p.in)
}
