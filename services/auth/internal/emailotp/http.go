package emailotp

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/validation"

	"github.com/codex-platform/codex/services/auth/internal/entrance"
	"github.com/codex-platform/codex/services/auth/internal/owner"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// Routes names every operation of this feature.
func (k *Codes) Routes(r *wire.Router) {
	wire.Post(r, wire.Op{ID: "sendVerificationOTP", Path: "/email-otp/send-verification-otp", Summary: "Mail a code", Errors: []int{400, 403, 429}}, k.postSend)
	wire.Post(r, wire.Op{ID: "checkVerificationOTP", Path: "/email-otp/check-verification-otp", Summary: "Check a code without using it up", Errors: []int{400, 403, 429}}, k.postCheck)
	wire.Post(r, wire.Op{ID: "signInEmailOTP", Path: "/sign-in/email-otp", Summary: "Begin a session with a mailed code", Errors: []int{400, 403, 429}}, k.postSignIn)
	wire.Post(r, wire.Op{ID: "verifyEmailOTP", Path: "/email-otp/verify-email", Summary: "Prove an address with a mailed code", Errors: []int{400, 403, 429}}, k.postVerify)
	wire.Post(r, wire.Op{ID: "requestPasswordResetOTP", Path: "/email-otp/request-password-reset", Summary: "Mail a code for a new password", Errors: []int{400, 403, 429}}, k.postForgot)
	wire.Post(r, wire.Op{ID: "forgetPasswordOTP", Path: "/forget-password/email-otp", Summary: "The older name of request-password-reset", Errors: []int{400, 403, 429}}, k.postForgot)
	wire.Post(r, wire.Op{ID: "resetPasswordOTP", Path: "/email-otp/reset-password", Summary: "Set a new password with a mailed code", Errors: []int{400, 403, 429}}, k.postReset)
	wire.Post(r, wire.Op{ID: "requestEmailChangeOTP", Path: "/email-otp/request-email-change", Summary: "Mail a code to the caller's new address; needs a fresh session", Session: true, Errors: []int{400, 401, 403, 429}}, k.postRequestChange)
	wire.Post(r, wire.Op{ID: "changeEmailOTP", Path: "/email-otp/change-email", Summary: "Change the caller's address with the code mailed to the new one; needs a fresh session", Session: true, Errors: []int{400, 401, 403, 429}}, k.postChange)
}

type sendForm struct {
	Email string `json:"email"`
	Type  string `json:"type" doc:"sign-in, email-verification or forget-password"`
}

func (k *Codes) postSend(ctx context.Context, c *wire.Call, in sendForm) (*wire.Answer[wire.Success], error) {
	email, err := validation.ParseEmail(in.Email)
	if err != nil {
		return nil, ErrEmail
	}
	switch what := kind(in.Type); what {
	case signIn, verify, forgot:
		return k.send(ctx, c, what, email.String())
	default:
		return nil, ErrKind
	}
}

type forgotForm struct {
	Email string `json:"email"`
}

func (k *Codes) postForgot(ctx context.Context, c *wire.Call, in forgotForm) (*wire.Answer[wire.Success], error) {
	email, err := validation.ParseEmail(in.Email)
	if err != nil {
		return nil, ErrEmail
	}
	return k.send(ctx, c, forgot, email.String())
}

func (k *Codes) send(ctx context.Context, c *wire.Call, what kind, email string) (*wire.Answer[wire.Success], error) {
	began := time.Now()
	if err := k.Limits.Letter(ctx, email); err != nil {
		return nil, err
	}
	if err := k.write(ctx, c, what, email); err != nil {
		return nil, err
	}
	return wire.OK(wire.Success{Success: true}), wire.AtLeast(ctx, began, k.Floor)
}

type checkForm struct {
	Email string `json:"email"`
	Type  string `json:"type" doc:"sign-in, email-verification or forget-password"`
	OTP   string `json:"otp"`
}

// postCheck answers alike for every address: a code that matches was read in its
// mail.
func (k *Codes) postCheck(ctx context.Context, c *wire.Call, in checkForm) (*wire.Answer[wire.Success], error) {
	email, err := validation.ParseEmail(in.Email)
	if err != nil {
		return nil, ErrEmail
	}
	what := kind(in.Type)
	if what != signIn && what != verify && what != forgot {
		return nil, ErrKind
	}
	if err := k.match(ctx, c, what, email.String(), email.String(), in.OTP); err != nil {
		return nil, err
	}
	return wire.OK(wire.Success{Success: true}), k.Once.Spare(ctx, k.DB, what.purpose(), email.String())
}

type signInForm struct {
	Email string    `json:"email"`
	OTP   string    `json:"otp"`
	Name  *string   `json:"name" max:"200" doc:"Of somebody who has no account yet"`
	Image wire.Text `json:"image" max:"2048" is:"picture" doc:"Of somebody who has no account yet"`
}

func (k *Codes) postSignIn(ctx context.Context, c *wire.Call, in signInForm) (*wire.Answer[entrance.Body], error) {
	if err := user.Protected(c.Members()); err != nil {
		return nil, err
	}
	email, err := validation.ParseEmail(in.Email)
	if err != nil {
		return nil, ErrEmail
	}
	if err := k.Limits.SignIn(ctx, c.Address, email.String()); err != nil {
		return nil, err
	}
	if err := k.match(ctx, c, signIn, email.String(), email.String(), in.OTP); err != nil {
		return nil, err
	}
	n := owner.Newcomer{Image: in.Image.Value}
	if in.Name != nil {
		n.Name = *in.Name
	}
	entered, err := k.enter(ctx, c, email.String(), in.OTP, n)
	if err != nil {
		return nil, err
	}
	a := wire.OK(k.Entrance.Body(entered))
	return a, k.Entrance.Admit(ctx, c, &a.Headers, entered)
}

type verifyForm struct {
	Email string `json:"email"`
	OTP   string `json:"otp"`
}

// Verified is what proving an address answers; the token is null where that does
// not sign in, or a second factor is asked for.
type Verified struct {
	Status            bool         `json:"status"`
	Token             *string      `json:"token"`
	User              user.Profile `json:"user"`
	TwoFactorRedirect bool         `json:"twoFactorRedirect,omitempty" doc:"A second factor is asked for, there is no session yet"`
	TwoFactorMethods  []string     `json:"twoFactorMethods,omitempty"`
}

func (k *Codes) postVerify(ctx context.Context, c *wire.Call, in verifyForm) (*wire.Answer[Verified], error) {
	email, err := validation.ParseEmail(in.Email)
	if err != nil {
		return nil, ErrEmail
	}
	if err := k.match(ctx, c, verify, email.String(), email.String(), in.OTP); err != nil {
		return nil, err
	}
	got, err := k.prove(ctx, c, email.String(), in.OTP)
	if err != nil {
		return nil, err
	}
	a := wire.OK(Verified{Status: true, User: k.Sessions.Shape.Profile(got.user)})
	if got.in == nil {
		return a, nil
	}
	body := k.Entrance.Body(got.in)
	a.Body.Token, a.Body.TwoFactorRedirect, a.Body.TwoFactorMethods = body.Token, body.TwoFactorRedirect, body.TwoFactorMethods
	return a, k.Entrance.Admit(ctx, c, &a.Headers, got.in)
}

type resetForm struct {
	Email    string `json:"email"`
	OTP      string `json:"otp"`
	Password string `json:"password"`
}

func (k *Codes) postReset(ctx context.Context, c *wire.Call, in resetForm) (*wire.Answer[wire.Success], error) {
	email, err := validation.ParseEmail(in.Email)
	if err != nil {
		return nil, ErrEmail
	}
	chosen, err := k.Passwords.Choose(in.Password, email.String())
	if err != nil {
		return nil, err
	}
	// A guess costs a look-up, not a hash.
	if err := k.match(ctx, c, forgot, email.String(), email.String(), in.OTP); err != nil {
		return nil, err
	}
	hash, err := k.Passwords.Hash(ctx, chosen)
	if err != nil {
		return nil, err
	}
	return wire.OK(wire.Success{Success: true}), k.Reset.Replace(ctx, c, hash, func(tx pgx.Tx) (string, error) {
		return k.forgotten(ctx, tx, email.String(), in.OTP)
	})
}
