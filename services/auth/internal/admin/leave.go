package admin

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/entrance"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// Begun is a companion's; see entrance.
func (*Admin) Begun(context.Context, pgx.Tx, *wire.Call, *entrance.Entered) error { return nil }

// Admitted is a companion's; see entrance.
func (*Admin) Admitted(context.Context, *wire.Call, *wire.Headers, *entrance.Entered) error {
	return nil
}

// Left ends the administrator's own session too, which a browser keeps while it is
// in somebody else's: whoever signs out there leaves nothing behind.
func (a *Admin) Left(ctx context.Context, c *wire.Call, h *wire.Headers) error {
	kept, ok := a.Sessions.Cookies.Take(c, adminCookie)
	token, _, ours := strings.Cut(kept, ":")
	if !ok || !ours {
		return nil
	}
	a.Sessions.Cookies.Drop(h, adminCookie)
	ended, err := a.Sessions.Store.DeleteByToken(ctx, security.HashToken(token))
	if err != nil {
		return err
	}
	for _, e := range ended {
		if err := a.Audit.Record(ctx, a.Sessions.Store.DB, c, audit.Event{Kind: audit.SignedOut, UserID: e.UserID, SessionID: e.ID}); err != nil {
			return err
		}
	}
	return a.Sessions.Announce(ctx, ended, "signed out")
}
