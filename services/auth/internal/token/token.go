package token

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/user"
)

// ErrUnproven refuses a token whose subject would be an address that nobody proved.
var ErrUnproven = problem.New(http.StatusForbidden, "EMAIL_NOT_VERIFIED", "Email not verified")

// Issuer makes access tokens for sessions. A token is given again while at least
// two thirds of its life are left and nothing that it says has changed: signing
// costs more than all the rest of the answer.
type Issuer struct {
	Keys     *Keys
	Issuer   string
	Audience string
	Life     time.Duration
	// ByAddress makes the proven address the subject, in the place of the id.
	ByAddress bool
	// More gives what tokens hold beside who it is, as an object; nil: nothing.
	More func(live *session.Live) (json.RawMessage, error)
	Now  func() time.Time
	Log  *slog.Logger

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
	subject, err := i.subject(live.User)
	if err != nil {
		return Issued{}, err
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
	jwt, err := i.sign(ctx, signer, live, security.Claims{
		Subject: subject, SessionID: live.ID, Role: live.User.Role, EmailVerified: live.User.EmailVerified, Actor: actor(live),
		Issuer: i.Issuer, Audience: []string{i.Audience}, TokenID: security.NewID(), IssuedAt: now, ExpiresAt: ends,
	})
	if err != nil {
		return Issued{}, err
	}
	fresh := Issued{JWT: jwt, ExpiresAt: ends.Truncate(time.Second), version: version(live)}
	i.keep(live.ID, fresh)
	return fresh, nil
}

// subject names the person. An address that nobody proved may be somebody else's:
// it never becomes a subject.
func (i *Issuer) subject(u user.User) (string, error) {
	switch {
	case !i.ByAddress:
		return u.ID, nil
	case !u.EmailVerified:
		return "", ErrUnproven
	}
	return u.Email, nil
}

// mostJWT is the longest token, in bytes, that a browser surely keeps in a cookie.
const mostJWT = 3800

// sign adds what tokens hold beside the claims, as long as the token stays short
// enough for the gateway's cookie: without that people could not go on.
func (i *Issuer) sign(ctx context.Context, signer *security.Signer, live *session.Live, claims security.Claims) (string, error) {
	if i.More == nil {
		return signer.Sign(claims)
	}
	more, err := i.More(live)
	if err != nil {
		return "", err
	}
	jwt, err := signer.SignWith(claims, more)
	if err == nil && len(jwt) > mostJWT {
		i.Log.WarnContext(ctx, "access token without further claims: it would be too long for a cookie", "user_id", live.UserID, "bytes", len(jwt))
		return signer.Sign(claims)
	}
	return jwt, err
}

// version grows with everything that a token says.
func version(live *session.Live) int64 { return live.User.Version + live.Session.Version }

// JWT is For without the rest, for set-auth-jwt; "" for who gets none.
func (i *Issuer) JWT(ctx context.Context, live *session.Live) (string, error) {
	issued, err := i.For(ctx, live)
	if errors.Is(err, ErrUnproven) {
		return "", nil
	}
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
	return made, ok && made.version == version(live) && made.ExpiresAt.Sub(i.Now()) >= i.Life*2/3
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
