package admin

import (
	"context"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/permission"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// SessionViews is what list-user-sessions answers.
type SessionViews struct {
	Sessions []session.View `json:"sessions"`
}

func (a *Admin) postSessions(ctx context.Context, c *wire.Call, in userForm) (*wire.Answer[SessionViews], error) {
	live, err := a.asking(ctx, c, permission.SessionList, ErrListSessions)
	if err != nil {
		return nil, err
	}
	u, err := a.Store.Get(ctx, in.UserID)
	if err != nil {
		return nil, err
	}
	found, err := a.SessionsOf(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	body := SessionViews{Sessions: []session.View{}}
	for i := range found {
		body.Sessions = append(body.Sessions, a.Sessions.View(found[i]))
	}
	return answer(a, c, live, body), nil
}

// SessionsOf lists a person's sessions that are not over, also those in which
// administrators act as the person.
func (a *Admin) SessionsOf(ctx context.Context, id string) ([]session.Session, error) {
	now := a.Now()
	all, err := a.Sessions.Store.OfUser(ctx, id, now)
	if err != nil {
		return nil, err
	}
	var open []session.Session
	for i := range all {
		if !a.Sessions.Rules.Over(&all[i], now) {
			open = append(open, all[i])
		}
	}
	return open, nil
}

type sessionForm struct {
	Token string `json:"sessionToken" max:"128" doc:"As listed by /admin/list-user-sessions"`
}

func (a *Admin) postRevoke(ctx context.Context, c *wire.Call, in sessionForm) (*wire.Answer[wire.Success], error) {
	live, err := a.asking(ctx, c, permission.SessionRevoke, ErrRevokeSessions)
	if err != nil {
		return nil, err
	}
	owner, err := a.Store.SessionOwner(ctx, in.Token, security.HashToken(in.Token))
	if err != nil {
		return nil, err
	}
	if owner != "" { // one that is gone needs no more
		if _, err := a.Revoke(ctx, Deed{c, live, ErrRevokeSessions}, owner, in.Token); err != nil {
			return nil, err
		}
	}
	return answer(a, c, live, wire.Success{Success: true}), nil
}

func (a *Admin) postRevokeAll(ctx context.Context, c *wire.Call, in userForm) (*wire.Answer[wire.Success], error) {
	live, err := a.asking(ctx, c, permission.SessionRevoke, ErrRevokeSessions)
	if err != nil {
		return nil, err
	}
	if _, err := a.Revoke(ctx, Deed{c, live, ErrRevokeSessions}, in.UserID, ""); err != nil {
		return nil, err
	}
	return answer(a, c, live, wire.Success{Success: true}), nil
}

// Revoke ends one session of a person, named by its handle or its token, or all
// when none is named, and gives how many.
func (a *Admin) Revoke(ctx context.Context, d Deed, id, named string) (n int, err error) {
	_, err = a.act(ctx, d, id, "revoked by an administrator", func(tx pgx.Tx, target user.User) (user.User, []session.Ended, error) {
		sessions := session.Store{DB: tx}
		var ended []session.Ended
		var err error
		if named == "" {
			ended, err = sessions.DeleteOfUser(ctx, id, "")
		} else {
			ended, err = sessions.DeleteNamed(ctx, id, named, security.HashToken(named))
		}
		if err != nil {
			return user.User{}, nil, err
		}
		n = len(ended)
		details := map[string]string{"reason": "administrator", "sessions": strconv.Itoa(n)}
		if named == "" {
			details["reason"] = "all revoked by an administrator"
		}
		return target, ended, a.Audit.Record(ctx, tx, d.Call, d.record(audit.SessionRevoked, id, details))
	})
	return n, err
}
