package username

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/codex-platform/codex/services/auth/internal/account"
	"github.com/codex-platform/codex/services/auth/internal/entrance"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// Routes names every operation of this feature.
func (n *Names) Routes(r *wire.Router) {
	wire.Post(r, wire.Op{ID: "signInUsername", Path: "/sign-in/username", Summary: "Begin a session with user name and password", Errors: []int{400, 401, 403, 422, 429, 503}}, n.postSignIn)
	wire.Post(r, wire.Op{ID: "isUsernameAvailable", Path: "/is-username-available", Summary: "Whether a user name is free", Errors: []int{400, 422, 429}}, n.postAvailable)
}

type signInForm struct {
	Username    string  `json:"username"`
	Password    string  `json:"password"`
	CallbackURL *string `json:"callbackURL" doc:"Where the browser goes next"`
	RememberMe  *bool   `json:"rememberMe" doc:"false: the session ends with the browser"`
}

// postSignIn counts tries by the person's address, through whichever door they
// come, and costs the same for a name that nobody has.
func (n *Names) postSignIn(ctx context.Context, c *wire.Call, in signInForm) (*wire.Answer[entrance.Body], error) {
	if in.Username == "" || in.Password == "" {
		return nil, ErrCredentials
	}
	if p := n.check(in.Username); p != nil {
		return nil, p
	}
	began, name := time.Now(), strings.ToLower(in.Username)
	u, hash, err := n.Store.ByName(ctx, name)
	counted := u.Email
	switch {
	case errors.Is(err, user.ErrNone):
		counted = name
	case err != nil:
		return nil, err
	}
	if err := n.Limits.SignIn(ctx, c.Address, counted); err != nil {
		return nil, err
	}
	t := account.Attempt{
		Method: "username", Named: name, User: u, Hash: hash, Typed: in.Password, Remember: in.RememberMe == nil || *in.RememberMe,
	}
	if in.CallbackURL != nil {
		t.Callback = *in.CallbackURL
	}
	a, err := n.Accounts.SignIn(ctx, c, began, t)
	if errors.Is(err, account.ErrCredentials) {
		return nil, ErrCredentials
	}
	return a, err
}

type availableForm struct {
	Username string `json:"username"`
}

// Available tells whether a name is free.
type Available struct {
	Available bool `json:"available"`
}

func (n *Names) postAvailable(ctx context.Context, _ *wire.Call, in availableForm) (*wire.Answer[Available], error) {
	if in.Username == "" {
		return nil, ErrForm
	}
	if p := n.check(in.Username); p != nil {
		return nil, p
	}
	has, err := n.holder(ctx, strings.ToLower(in.Username))
	if err != nil {
		return nil, err
	}
	return wire.OK(Available{has == ""}), nil
}
