package token

import (
	"context"
	"sync"
	"time"

	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/session"
)

// Issuer makes access tokens for sessions. A token is given again while at least
// two thirds of its life are left and nothing that it says has changed: signing
// costs more than all the rest of the answer.
type Issuer struct {
	Keys     *Keys
	Issuer   string
	Audience string
	Life     time.Duration
	Now      func() time.Time

	mu   sync.Mutex
	made map[string]Issued // by session id
}

// Issued is a token and what it was made from.
type Issued struct {
	JWT       string
	ExpiresAt time.Time
	version   int64
}

// KeyTokenLife bounds tokens that are made for API keys. A key that was switched
// off is refused by its session's id until the last of them ended, and one that is
// switched on again works from then on.
const KeyTokenLife = time.Minute

// maxMade bounds the memory for tokens that are given again: about 600 bytes each.
const maxMade = 20_000

// For gives an access token for a session that was just found to be live.
func (i *Issuer) For(ctx context.Context, live *session.Live) (Issued, error) {
	if again, ok := i.again(live); ok {
		return again, nil
	}
	signer, err := i.Keys.Signer(ctx)
	if err != nil {
		return Issued{}, err
	}
	now := i.Now()
	ends := now.Add(i.Life)
	if live.ExpiresAt.Before(ends) {
		ends = live.ExpiresAt // a token never outlives its session
	}
	if last := now.Add(KeyTokenLife); live.ByKey && last.Before(ends) {
		ends = last
	}
	jwt, err := signer.Sign(security.Claims{
		Subject: live.UserID, SessionID: live.ID, Role: live.User.Role, EmailVerified: live.User.EmailVerified, Actor: actor(live),
		Issuer: i.Issuer, Audience: []string{i.Audience}, TokenID: security.NewID(), IssuedAt: now, ExpiresAt: ends,
	})
	if err != nil {
		return Issued{}, err
	}
	fresh := Issued{JWT: jwt, ExpiresAt: ends.Truncate(time.Second), version: live.User.Version}
	i.keep(live.ID, fresh)
	return fresh, nil
}

// JWT is For without the rest, for set-auth-jwt.
func (i *Issuer) JWT(ctx context.Context, live *session.Live) (string, error) {
	issued, err := i.For(ctx, live)
	return issued.JWT, err
}

// actor gives who acts as the person; "" for the person.
func actor(live *session.Live) string {
	if live.ImpersonatedBy == nil {
		return ""
	}
	return *live.ImpersonatedBy
}

func (i *Issuer) again(live *session.Live) (Issued, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	made, ok := i.made[live.ID]
	return made, ok && made.version == live.User.Version && made.ExpiresAt.Sub(i.Now()) >= i.Life*2/3
}

func (i *Issuer) keep(sessionID string, issued Issued) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.made == nil {
		i.made = map[string]Issued{}
	}
	if len(i.made) >= maxMade {
		i.shrink()
	}
	i.made[sessionID] = issued
}

// shrink forgets the tokens that are not given again any more, or, when all are
// young, any half of them.
func (i *Issuer) shrink() {
	worthless := i.Now().Add(i.Life * 2 / 3)
	for id, issued := range i.made {
		if issued.ExpiresAt.Before(worthless) {
			delete(i.made, id)
		}
	}
	for id := range i.made {
		if len(i.made) <= maxMade/2 {
			return
		}
		delete(i.made, id)
	}
}
