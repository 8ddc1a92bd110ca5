package admin

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/permission"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// adminCookie keeps the administrator's own session while the browser is in
// somebody else's: "<token>:<true when it ends with the browser>".
const adminCookie = "admin_session"

type impersonateForm struct {
	UserID string  `json:"userId"`
	Reason *string `json:"reason" max:"500" doc:"Why; kept in the record. IMPERSONATION_REASON says whether it has to be there"`
}

func (a *Admin) postImpersonate(ctx context.Context, c *wire.Call, in impersonateForm) (*wire.Answer[session.Both], error) {
	own, err := a.asking(ctx, c, permission.UserImpersonate, ErrImpersonate)
	if err != nil {
		return nil, err
	}
	reason := ""
	if in.Reason != nil {
		reason = strings.TrimSpace(*in.Reason)
	}
	if reason == "" && a.ReasonRequired {
		return nil, ErrReason
	}
	live, err := a.impersonate(ctx, Deed{c, own, ErrOfAdmins}, in.UserID, reason)
	if err != nil {
		return nil, err
	}
	out := wire.OK(session.Both{Session: a.Sessions.View(live.Session), User: a.Sessions.Shape.Profile(live.User)})
	kept := own.Token + ":"
	if !own.Remember {
		kept += "true"
	}
	a.Sessions.Cookies.Put(&out.Headers, adminCookie, kept, a.Sessions.CookieLife(own))
	a.Sessions.Cookies.Set(&out.Headers, c, live.Token, 0)
	return out, nil
}

// impersonate begins the session in which an administrator acts as somebody who
// is none.
func (a *Admin) impersonate(ctx context.Context, d Deed, id, reason string) (live session.Live, err error) {
	err = database.InTx(ctx, a.DB, func(tx pgx.Tx) error {
		target, err := Store{DB: tx}.Hold(ctx, id)
		if err != nil {
			return err
		}
		if len(a.Rules.Of(target)) > 0 && !a.Rules.May(d.By.User, permission.UserImpersonateAdmins) {
			return ErrOfAdmins
		}
		if err := a.may(d, target); err != nil {
			return err
		}
		live, err = a.Sessions.Impersonate(ctx, tx, target, d.Call, session.Impersonation{By: d.By.UserID, Reason: reason, Life: a.ImpersonationLife})
		if err != nil {
			return err
		}
		e := d.record(audit.Impersonated, target.ID, map[string]string{"reason": reason})
		e.SessionID = live.ID
		return a.Audit.Record(ctx, tx, d.Call, e)
	})
	return live, err
}

func (a *Admin) postStop(ctx context.Context, c *wire.Call, _ wire.None) (*wire.Answer[session.Both], error) {
	live, err := a.Sessions.Stored(ctx, c)
	if err != nil {
		return nil, err
	}
	if live.ImpersonatedBy == nil {
		return nil, ErrNotActing
	}
	if err := a.stop(ctx, c, live); err != nil {
		return nil, err
	}
	own, err := a.ownSession(ctx, c, *live.ImpersonatedBy)
	switch {
	case err != nil:
		return nil, err
	case own == nil:
		return nil, wire.ErrUnauthorized // the administrator's session is over: sign in again
	}
	out := wire.OK(session.Both{Session: a.Sessions.View(own.Session), User: a.Sessions.Shape.Profile(own.User)})
	a.Sessions.Cookies.Set(&out.Headers, c, own.Token, a.Sessions.CookieLife(own))
	a.Sessions.Cookies.Drop(&out.Headers, adminCookie)
	return out, nil
}

// stop ends a session in which an administrator acts as somebody.
func (a *Admin) stop(ctx context.Context, c *wire.Call, live *session.Live) error {
	var ended []session.Ended
	err := database.InTx(ctx, a.DB, func(tx pgx.Tx) (err error) {
		if ended, err = (session.Store{DB: tx}).DeleteByToken(ctx, security.HashToken(live.Token)); err != nil {
			return err
		}
		return a.Audit.Record(ctx, tx, c, audit.Event{Kind: audit.ImpersonationOver, UserID: live.UserID, SessionID: live.ID})
	})
	if err != nil {
		return err
	}
	return a.Sessions.Announce(ctx, ended, "impersonation stopped")
}

// ownSession finds the administrator's session in the cookie that was kept; nil
// when it is over, or is not that administrator's own.
func (a *Admin) ownSession(ctx context.Context, c *wire.Call, adminID string) (*session.Live, error) {
	kept, ok := a.Sessions.Cookies.Take(c, adminCookie)
	if !ok {
		return nil, nil
	}
	token, _, _ := strings.Cut(kept, ":")
	own, err := a.Sessions.ByToken(ctx, token)
	if err != nil || own == nil || own.UserID != adminID || own.ImpersonatedBy != nil {
		return nil, err
	}
	return own, nil
}
