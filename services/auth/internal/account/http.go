package account

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/validation"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/entrance"
	"github.com/codex-platform/codex/services/auth/internal/limit"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// Routes names every operation of this feature.
func (a *Accounts) Routes(r *wire.Router) {
	wire.Post(r, wire.Op{ID: "signUpEmail", Path: "/sign-up/email", Summary: "Make an account", Form: true, Members: a.Sessions.Shape.Fields.Schema(), Errors: []int{400, 403, 422, 429}}, a.postSignUp)
	wire.Post(r, wire.Op{ID: "signInEmail", Path: "/sign-in/email", Summary: "Begin a session with address and password", Form: true, Errors: []int{400, 401, 403, 429, 503}}, a.postSignIn)
	wire.Post(r, wire.Op{ID: "changePassword", Path: "/change-password", Summary: "Change the caller's password", Session: true, Errors: []int{400, 401, 429}}, a.postChangePassword)
	wire.Post(r, wire.Op{ID: "verifyPassword", Path: "/verify-password", Summary: "Check the caller's password", Session: true, Errors: []int{400, 401, 429}}, a.postVerifyPassword)
}

type signUpForm struct {
	Name        string           `json:"name" max:"200"`
	Email       validation.Email `json:"email"`
	Password    string           `json:"password" min:"1"`
	Image       wire.Text        `json:"image" max:"2048" is:"picture"`
	CallbackURL *string          `json:"callbackURL" doc:"Where the verification link leads on to"`
	RememberMe  *bool            `json:"rememberMe"`
}

// SignUp is what signing up answers; the token is null when the address must be
// proven first.
type SignUp struct {
	Token *string      `json:"token"`
	User  user.Profile `json:"user"`
}

func (a *Accounts) postSignUp(ctx context.Context, c *wire.Call, form signUpForm) (*wire.Answer[SignUp], error) {
	if err := user.Protected(c.Members()); err != nil {
		return nil, err
	}
	if a.Rules.Closed {
		return nil, ErrClosed
	}
	began := time.Now()
	u := user.New(security.NewID(), form.Name, form.Email.String(), form.Image.Value, a.Now())
	var err error
	if u.Extra, err = a.Sessions.Shape.Fields.Given(c.Members()); err != nil {
		return nil, err
	}
	if a.Names != nil {
		if u.Username, u.DisplayUsername, err = a.Names.Chosen(ctx, c.Members()); err != nil {
			return nil, err
		}
	}
	chosen, err := a.Passwords.Choose(form.Password, form.Email.String(), form.Name)
	if err != nil {
		return nil, err
	}
	hash, err := a.Passwords.Hash(ctx, chosen) // for a known address too: the work must not tell
	if err != nil {
		return nil, err
	}
	n := newcomer{
		user: u, hash: hash, language: c.Header("Accept-Language"), callback: value(form.CallbackURL), remember: yes(form.RememberMe),
	}
	in, err := a.signUp(ctx, c, n)
	if err != nil {
		return nil, err
	}
	answer := wire.OK(SignUp{User: a.Sessions.Shape.Profile(n.user)})
	if in == nil {
		if a.Rules.SameBrowser {
			a.markBrowser(&answer.Headers, u.ID)
		}
		return answer, wire.AtLeast(ctx, began, a.Floor)
	}
	answer.Body.Token = &in.Live.Token
	return answer, a.Entrance.Admit(ctx, c, &answer.Headers, in)
}

type signInForm struct {
	Email       string  `json:"email"`
	Password    string  `json:"password"`
	CallbackURL *string `json:"callbackURL" doc:"Where the browser goes next"`
	RememberMe  *bool   `json:"rememberMe" doc:"false: the session ends with the browser"`
}

func (a *Accounts) postSignIn(ctx context.Context, c *wire.Call, form signInForm) (*wire.Answer[entrance.Body], error) {
	email, err := validation.ParseEmail(form.Email)
	if err != nil {
		return nil, ErrEmail
	}
	if err := a.Limits.SignIn(ctx, c.Address, email.String()); err != nil {
		return nil, err
	}
	began := time.Now()
	u, hash, err := a.Store.ByEmail(ctx, email.String())
	if err != nil && !errors.Is(err, user.ErrNone) {
		return nil, err
	}
	return a.SignIn(ctx, c, began, Attempt{
		Method: "email", Named: email.String(), User: u, Hash: hash, Typed: form.Password, Remember: yes(form.RememberMe), Callback: value(form.CallbackURL),
	})
}

// SignIn is what every door does that asks for a password, once it knows whose. A
// refusal takes the same time for everybody, from when the door began.
func (a *Accounts) SignIn(ctx context.Context, c *wire.Call, began time.Time, t Attempt) (*wire.Answer[entrance.Body], error) {
	in, err := a.signIn(ctx, c, t)
	if errors.Is(err, ErrCredentials) {
		return nil, cmp.Or(wire.AtLeast(ctx, began, a.Floor), err)
	} else if err != nil {
		return nil, err
	}
	return a.answer(ctx, c, in, t.Callback)
}

// answer tells who signed in with a password what became of it, and where to go.
func (a *Accounts) answer(ctx context.Context, c *wire.Call, in *entrance.Entered, to string) (*wire.Answer[entrance.Body], error) {
	answer := wire.OK(a.Entrance.Body(in))
	if in.Live != nil {
		redirect := to != ""
		answer.Body.Redirect, answer.Body.URL, answer.Location = &redirect, to, to
	}
	return answer, a.Entrance.Admit(ctx, c, &answer.Headers, in)
}

type changePasswordForm struct {
	NewPassword     string `json:"newPassword"`
	CurrentPassword string `json:"currentPassword"`
	RevokeOthers    *bool  `json:"revokeOtherSessions"`
}

// PasswordChange is what changing a password answers; the token is null unless
// the other sessions were ended.
type PasswordChange struct {
	Token *string      `json:"token"`
	User  user.Profile `json:"user"`
}

func (a *Accounts) postChangePassword(ctx context.Context, c *wire.Call, in changePasswordForm) (*wire.Answer[PasswordChange], error) {
	live, err := a.Sessions.Stored(ctx, c)
	if err != nil {
		return nil, err
	}
	chosen, err := a.Passwords.Choose(in.NewPassword, live.User.Email, live.User.Name)
	if err != nil {
		return nil, err
	}
	old, err := a.Prove(ctx, c, live, in.CurrentPassword, ErrNoCredential)
	if err != nil {
		return nil, err
	}
	hash, err := a.Passwords.Hash(ctx, chosen)
	if err != nil {
		return nil, err
	}
	next, err := a.changePassword(ctx, c, live, old, hash, in.RevokeOthers != nil && *in.RevokeOthers)
	if err != nil {
		return nil, err
	}
	answer := wire.OK(PasswordChange{User: a.Sessions.Shape.Profile(live.User)})
	if next == nil {
		a.Sessions.Renew(&answer.Headers, c, live)
		return answer, nil
	}
	answer.Body.Token = &next.Token
	a.Sessions.Hand(&answer.Headers, c, next)
	return answer, nil
}

type verifyPasswordForm struct {
	Password string `json:"password"`
}

func (a *Accounts) postVerifyPassword(ctx context.Context, c *wire.Call, in verifyPasswordForm) (*wire.Answer[wire.Status], error) {
	live, err := a.Sessions.Stored(ctx, c)
	if err != nil {
		return nil, err
	}
	if _, err := a.Prove(ctx, c, live, in.Password, wire.ErrInvalidPassword); err != nil {
		return nil, err
	}
	answer := wire.OK(wire.Status{Status: true})
	a.Sessions.Renew(&answer.Headers, c, live)
	return answer, nil
}

// Prove checks the caller's own password and gives its hash. Guesses are limited
// by account: a stolen session must not be a way to find the password.
func (a *Accounts) Prove(ctx context.Context, c *wire.Call, live *session.Live, typed string, without error) (hash string, err error) {
	if err := a.Limits.Password(ctx, live.UserID); err != nil {
		return "", err
	}
	stored, err := a.Store.Password(ctx, live.UserID)
	if err != nil {
		return "", err
	}
	// Counted apart from signing in: guesses from outside do not keep the owner from this.
	ok, _, err := a.match(ctx, c, limit.Guess{From: c.Address, Account: "own:" + live.UserID, UserID: live.UserID, Password: typed}, stored)
	switch {
	case err != nil:
		return "", err
	case stored == nil:
		return "", without
	case !ok:
		if err := a.Audit.Record(ctx, a.Store.DB, c, audit.Event{Kind: audit.PasswordChecked, UserID: live.UserID, SessionID: live.ID, Failed: true}); err != nil {
			return "", err
		}
		return "", wire.ErrInvalidPassword
	}
	return *stored, nil
}

// yes is the default of a switch that is on unless it was sent as false.
func yes(b *bool) bool { return b == nil || *b }

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
