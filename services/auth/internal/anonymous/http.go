package anonymous

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"

	"github.com/codex-platform/codex/services/auth/internal/entrance"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// Routes names every operation of this feature.
func (p *People) Routes(r *wire.Router) {
	wire.Post(r, wire.Op{ID: "signInAnonymous", Path: "/sign-in/anonymous", Summary: "Begin a session without an address", Errors: []int{400, 403, 429}}, p.postSignIn)
	wire.Post(r, wire.Op{ID: "deleteAnonymousUser", Path: "/delete-anonymous-user", Summary: "Delete the caller, who has no address", Session: true, Errors: []int{400, 401, 403}}, p.postDelete)
}

func (p *People) postSignIn(ctx context.Context, c *wire.Call, _ wire.None) (*wire.Answer[entrance.Body], error) {
	live, err := p.Sessions.Current(ctx, c)
	switch {
	case err != nil:
		return nil, err
	case live != nil && live.User.IsAnonymous:
		return nil, ErrAgain
	case p.Closed:
		return nil, ErrClosed
	}
	in, err := p.enter(ctx, c)
	if err != nil {
		return nil, err
	}
	a := wire.OK(p.Entrance.Body(in))
	return a, p.Entrance.Admit(ctx, c, &a.Headers, in)
}

func (p *People) postDelete(ctx context.Context, c *wire.Call, _ wire.None) (*wire.Answer[wire.Success], error) {
	live, err := p.Sessions.Stored(ctx, c)
	switch {
	case err != nil:
		return nil, err
	case !p.Leave:
		return nil, ErrStays
	case !live.User.IsAnonymous:
		return nil, ErrNot
	}
	var ended []session.Ended
	err = database.InTx(ctx, p.DB, func(tx pgx.Tx) error {
		ended, err = p.remove(ctx, tx, c, live.User)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := p.Sessions.Announce(ctx, ended, "account deleted"); err != nil {
		return nil, err
	}
	a := wire.OK(wire.Success{Success: true})
	p.Sessions.Cookies.Clear(&a.Headers)
	return a, nil
}
