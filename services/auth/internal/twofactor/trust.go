package twofactor

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/once"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// device is what is kept of a trusted one.
type device struct {
	Mark string `json:"mark"`
}

// trust makes the device skip the second step from now on: its cookie is bound to
// the person by the record that it names, and works for one sign-in, which
// renews it.
func (t *TwoFactor) trust(ctx context.Context, tx pgx.Tx, h *wire.Headers, userID, mark string) error {
	id := "trust-device-" + security.Token(32)
	if err := t.Once.Put(ctx, tx, once.Entry{
		Purpose: purposeTrust, Key: id, UserID: userID, Value: device{mark}, Life: t.Rules.Trust,
	}); err != nil {
		return err
	}
	mac := base64.RawURLEncoding.EncodeToString(t.Ring.MAC(userID + "!" + id))
	t.Sessions.Cookies.Put(h, trustCookie, mac+"!"+id, t.Rules.Trust)
	return nil
}

// trusted spends the device's cookie and tells whether it was good for this
// person with this password. Somebody else's is left alone. The cookie's first
// half is for servers that share the secret; the record says whose device it is.
func (t *TwoFactor) trusted(ctx context.Context, tx pgx.Tx, c *wire.Call, userID, mark string) (bool, error) {
	value, ok := t.Sessions.Cookies.Take(c, trustCookie)
	_, id, found := strings.Cut(value, "!")
	if !ok || !found {
		return false, nil
	}
	kept, err := t.Once.Peek(ctx, tx, purposeTrust, id)
	if err == nil && kept.UserID == userID {
		kept, err = t.Once.Take(ctx, tx, purposeTrust, id)
	}
	switch {
	case errors.Is(err, once.ErrNone):
		return false, nil
	case err != nil:
		return false, err
	case kept.UserID != userID:
		return false, nil
	}
	var d device
	err = kept.Read(&d)
	return err == nil && d.Mark == mark, err
}

// remember trusts the device of somebody who just gave a second factor.
func (t *TwoFactor) remember(ctx context.Context, tx pgx.Tx, c *wire.Call, h *wire.Headers, who claim) error {
	if err := t.trust(ctx, tx, h, who.userID, who.asked.Mark); err != nil {
		return err
	}
	return t.Audit.Record(ctx, tx, c, audit.Event{Kind: audit.DeviceTrusted, UserID: who.userID})
}
