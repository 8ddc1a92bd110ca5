package deletion

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/services/auth/internal/account"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// Routes names every operation of this feature.
func (d *Deletion) Routes(r *wire.Router) {
	wire.Post(r, wire.Op{ID: "deleteUser", Path: "/delete-user", Summary: "Delete the caller's account", Session: true, Errors: []int{400, 401, 404, 429}}, d.post)
	wire.GetPage(r, wire.Op{ID: "deleteUserCallback", Path: "/delete-user/callback", Query: []string{"token", "callbackURL"}, Summary: "Open the link of a deletion letter", Errors: []int{403, 404}}, d.open)
}

type deleteForm struct {
	Password    *string `json:"password"`
	Token       *string `json:"token" doc:"Of a letter"`
	CallbackURL *string `json:"callbackURL" doc:"Where the link of the letter leads on to"`
}

// Outcome is what deleting answers.
type Outcome struct {
	Success bool   `json:"success"`
	Message string `json:"message"`
}

var (
	deleted = Outcome{true, "User deleted"}
	mailed  = Outcome{true, "Verification email sent"}
)

func (d *Deletion) post(ctx context.Context, c *wire.Call, in deleteForm) (*wire.Answer[Outcome], error) {
	live, err := d.Sessions.Stored(ctx, c)
	if err != nil {
		return nil, err
	}
	answer := wire.OK(deleted)
	if in.Token != nil && *in.Token != "" {
		return answer, d.end(ctx, c, &answer.Headers, live, *in.Token)
	}
	if in.Password != nil {
		if _, err := d.Accounts.Prove(ctx, c, live, *in.Password, account.ErrNoCredential); err != nil {
			return nil, err
		}
	}
	switch {
	case d.ByMail:
		return d.mail(ctx, c, live, in.CallbackURL)
	case in.Password == nil && !d.Sessions.Rules.IsFresh(&live.Session, d.Sessions.Now()):
		return nil, ErrExpired
	}
	if err := d.leave(ctx, c, live, func(pgx.Tx) error { return nil }); err != nil {
		return nil, err
	}
	d.Sessions.Cookies.Clear(&answer.Headers)
	return answer, nil
}

func (d *Deletion) mail(ctx context.Context, c *wire.Call, live *session.Live, callback *string) (*wire.Answer[Outcome], error) {
	if err := d.Limits.Letter(ctx, live.User.Email); err != nil {
		return nil, err
	}
	to := ""
	if callback != nil {
		to = *callback
	}
	return wire.OK(mailed), d.write(ctx, c, live, to)
}

// end deletes by the token of a letter, in the session of its reader.
func (d *Deletion) end(ctx context.Context, c *wire.Call, h *wire.Headers, live *session.Live, token string) error {
	err := d.leave(ctx, c, live, func(tx pgx.Tx) error { return d.spend(ctx, tx, live, token) })
	if err == nil {
		d.Sessions.Cookies.Clear(h)
	}
	return err
}

func (d *Deletion) open(ctx context.Context, c *wire.Call) (*wire.Page, error) {
	token, err := c.MustQuery("token")
	if err != nil {
		return nil, err
	}
	live, err := d.Sessions.Stored(ctx, c)
	if errors.Is(err, wire.ErrUnauthorized) {
		return nil, ErrNobody
	} else if err != nil {
		return nil, err
	}
	page := wire.JSON(deleted)
	if to := c.Query("callbackURL"); to != "" {
		page = wire.Redirect(to)
	}
	return page, d.end(ctx, c, &page.Headers, live, token)
}
