// Package device owns from where people sign in: a sign-in from a browser, system
// and network that a person never used before is told by mail, because it may be
// somebody else's.
package device

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/mileusna/useragent"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/mail"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/entrance"
	"github.com/codex-platform/codex/services/auth/internal/mailer"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// Name says a User-Agent in words, such as "Firefox on Linux"; "" when it is none
// that people know.
func Name(agent string) string {
	ua := useragent.Parse(agent)
	switch {
	case ua.Name == "" || ua.Bot:
		return ""
	case ua.OS == "":
		return ua.Name
	}
	return ua.Name + " on " + ua.OS
}

// Companion remembers from where people come in, and writes to them when that is new.
type Companion struct {
	Letters mailer.Outbox
	Now     func() time.Time
}

// Begun is entrance.Companion's: it notes the device in the transaction that
// begins the session. The first device of a person is no news.
func (d *Companion) Begun(ctx context.Context, tx pgx.Tx, c *wire.Call, e *entrance.Entered) error {
	if e.User.IsAnonymous {
		return nil
	}
	now := wire.Moment(d.Now())
	news, err := note(ctx, tx, e.User.ID, fingerprint(c), now)
	if err != nil || !news {
		return err
	}
	return d.Letters.Put(ctx, tx, letter(e.User, c, now))
}

// Admitted is entrance.Companion's.
func (*Companion) Admitted(context.Context, *wire.Call, *wire.Headers, *entrance.Entered) error {
	return nil
}

// Left is entrance.Companion's.
func (*Companion) Left(context.Context, *wire.Call, *wire.Headers) error { return nil }

func letter(u user.User, c *wire.Call, now time.Time) mailer.Letter {
	return mailer.Letter{
		Kind: mail.NewDevice, UserID: u.ID, Cause: security.NewID(),
		Contents: mailer.Contents{To: u.Email, Name: u.Name, Language: c.Header("Accept-Language"), What: Name(c.UserAgent()), At: now},
	}
}

// fingerprint is the same for one browser in one network: the version, and the
// last part of the address, change too often to be news.
func fingerprint(c *wire.Call) []byte {
	return security.HashToken(Name(c.UserAgent()) + "|" + network(c.Address))
}

// network is the /16 of an IPv4 address, the /32 of an IPv6 one.
func network(addr netip.Addr) string {
	bits := 32
	if addr = addr.Unmap(); addr.Is4() {
		bits = 16
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return ""
	}
	return prefix.String()
}

// note enters a device and tells whether it is news: it was not seen before, and
// another one was.
func note(ctx context.Context, db database.Querier, userID string, fingerprint []byte, now time.Time) (news bool, err error) {
	err = db.QueryRow(ctx, `
		WITH before AS (SELECT count(*) AS n FROM better_auth.devices WHERE user_id = $1),
		     noted AS (
			INSERT INTO better_auth.devices (user_id, fingerprint, first_seen_at, last_seen_at)
			VALUES ($1, $2, $3, $3)
			ON CONFLICT (user_id, fingerprint) DO UPDATE SET last_seen_at = EXCLUDED.last_seen_at
			RETURNING (xmax = 0) AS inserted)
		SELECT noted.inserted AND before.n > 0 FROM noted, before`, userID, fingerprint, now).Scan(&news)
	if err != nil {
		return false, fmt.Errorf("note device: %w", err)
	}
	return news, nil
}
