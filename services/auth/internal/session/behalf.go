package session

import (
	"context"
	"time"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

const (
	// KeyHeader is where programs show an API key.
	KeyHeader = "X-Api-Key"
	// KeyTag begins the session id of whoever acts by an API key; the key's id follows.
	KeyTag = "key_"
)

// onBehalf tells whether somebody else than the person uses the session.
func (l *Live) onBehalf() bool { return l.ImpersonatedBy != nil || l.ByKey }

// AllTokens stands, among ended sessions, for every access token of a person,
// those of API keys too. Sessions whose rows are there go on.
func AllTokens(userID string) Ended { return Ended{UserID: userID} }

// OfAPIKey stands, among ended sessions, for the access tokens of an API key.
func OfAPIKey(keyID, userID string) Ended { return Ended{ID: KeyTag + keyID, UserID: userID} }

// Impersonation is an administrator's wish to act as somebody.
type Impersonation struct {
	By     string // the administrator
	Reason string
	Life   time.Duration
}

// Impersonate begins the session in which an administrator acts as a person. It
// ends with the browser, is never extended, and ends with the administrator's own
// sessions; see Store.DeleteOfUser.
func (r *Registry) Impersonate(ctx context.Context, db database.Querier, u user.User, c *wire.Call, i Impersonation) (Live, error) {
	if u.Barred(r.Now()) {
		return Live{}, wire.ErrBanned
	}
	live := r.fresh(u, c, false)
	live.ExpiresAt, live.ImpersonatedBy, live.ImpersonationReason = live.Session.CreatedAt.Add(i.Life), &i.By, &i.Reason
	return live, Store{DB: db}.Insert(ctx, live.Session)
}

// ByToken gives the session of a token that was kept elsewhere, or nil when it is
// over.
func (r *Registry) ByToken(ctx context.Context, token string) (*Live, error) {
	if !tokenShape(token) {
		return nil, nil
	}
	return r.judge(ctx, proof{token: token}, r.load)
}

// OfKey gives the session that stands for an API key; c is nil where the key came
// with no call of ours.
func (r *Registry) OfKey(u user.User, keyID, key string, c *wire.Call, until time.Time) *Live {
	live := r.fresh(u, c, true)
	live.ID, live.Handle, live.Token = KeyTag+keyID, KeyTag+keyID, key
	live.ExpiresAt, live.ByKey = until, true
	return &live
}

// fresh makes a session that nobody had before.
func (r *Registry) fresh(u user.User, c *wire.Call, remember bool) Live {
	now, token := wire.Moment(r.Now()), security.Token(32)
	ip, agent := "", ""
	if c != nil {
		ip, agent = c.IP(), c.UserAgent()
	}
	return Live{User: u, Token: token, Session: Session{
		ID: security.NewID(), UserID: u.ID, TokenHash: security.HashToken(token), Handle: security.Token(32),
		Remember: remember, IPAddress: ip, UserAgent: agent, Version: 1,
		CreatedAt: now, UpdatedAt: now, ExpiresAt: r.Rules.end(now, now, remember),
	}}
}
