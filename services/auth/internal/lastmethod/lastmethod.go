// Package lastmethod owns the hint, kept in the browser alone, by which way
// somebody signed in there the last time.
package lastmethod

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/services/auth/internal/entrance"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

const (
	cookie = "last_used_login_method"
	life   = 30 * 24 * time.Hour
)

// Companion writes the hint. A page's scripts read it.
type Companion struct {
	Cookies session.Cookies
}

// Begun is entrance.Companion's.
func (Companion) Begun(context.Context, pgx.Tx, *wire.Call, *entrance.Entered) error { return nil }

// Admitted is entrance.Companion's. What nobody chooses on a sign-in page is no
// hint.
func (m Companion) Admitted(_ context.Context, _ *wire.Call, h *wire.Headers, e *entrance.Entered) error {
	switch e.Method {
	case "anonymous":
	case "email-verification":
		m.Cookies.Show(h, cookie, "email", life)
	default:
		m.Cookies.Show(h, cookie, e.Method, life)
	}
	return nil
}

// Left is entrance.Companion's.
func (Companion) Left(context.Context, *wire.Call, *wire.Headers) error { return nil }
