package oauth

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"

	"github.com/codex-platform/codex/services/auth/internal/entrance"
	"github.com/codex-platform/codex/services/auth/internal/link"
	"github.com/codex-platform/codex/services/auth/internal/once"
	"github.com/codex-platform/codex/services/auth/internal/provider"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// stayPurpose keeps which provider a session began with, under the session's id.
const stayPurpose = "provider-session"

// Farewell leads who leaves to the provider they came by, so that their session
// there ends too (OpenID Connect RP-Initiated Logout 1.0).
type Farewell struct {
	DB    database.Querier
	Links *link.Links
	Once  once.Secrets
	// Providers are those that are told, by id.
	Providers map[string]*provider.Provider
	Own       string        // our origin, where a relative address leads back to
	Life      time.Duration // of the longest session
	Log       *slog.Logger
}

// Begun is entrance.Companion's: it notes who came by a provider that is told.
func (f *Farewell) Begun(ctx context.Context, tx pgx.Tx, _ *wire.Call, e *entrance.Entered) error {
	if f.Providers[e.Method] == nil {
		return nil
	}
	return f.Once.Put(ctx, tx, once.Entry{Purpose: stayPurpose, Key: e.Live.ID, UserID: e.User.ID, Value: e.Method, Life: f.Life})
}

// Admitted is entrance.Companion's.
func (*Farewell) Admitted(context.Context, *wire.Call, *wire.Headers, *entrance.Entered) error {
	return nil
}

// Left is entrance.Companion's.
func (*Farewell) Left(context.Context, *wire.Call, *wire.Headers) error { return nil }

// Follow is session.Registry.Succeeded: who came by a provider still did.
func (f *Farewell) Follow(ctx context.Context, tx pgx.Tx, from, to string) error {
	return f.Once.Rename(ctx, tx, stayPurpose, from, to)
}

// Lead gives where the browser of a session that was just ended goes at its
// provider, and from there to an address; "" for nowhere. A provider that is away
// keeps nobody from leaving.
func (f *Farewell) Lead(ctx context.Context, ended session.Ended, to, state string) (string, error) {
	kept, err := f.Once.Take(ctx, f.DB, stayPurpose, ended.ID)
	if errors.Is(err, once.ErrNone) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	var id string
	if err := kept.Read(&id); err != nil {
		return "", err
	}
	p := f.Providers[id]
	if p == nil { // it is not told any more
		return "", nil
	}
	hint, err := f.Links.IDToken(ctx, ended.UserID, id)
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(to, "/") {
		to = f.Own + to
	}
	address, err := p.Leave(ctx, hint, to, state)
	if err != nil {
		f.Log.WarnContext(ctx, "provider not told of a sign-out", "provider", id, "err", err)
		return "", nil
	}
	return address, nil
}
