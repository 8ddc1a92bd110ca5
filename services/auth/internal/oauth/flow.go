// Package oauth owns the way to a provider and back: the question that a browser
// leaves with, the state that binds the answer to it, and the answer itself. Whom
// a provider vouches for is provider's to find out, whose account that is link's.
package oauth

import (
	"context"
	"crypto/subtle"
	"errors"
	"time"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/link"
	"github.com/codex-platform/codex/services/auth/internal/once"
	"github.com/codex-platform/codex/services/auth/internal/provider"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

const (
	purpose    = "oauth-state"
	cookie     = "state"
	stateLife  = 10 * time.Minute
	cookieLife = 5 * time.Minute

	stateLength    = 32  // 190 bits
	verifierLength = 128 // the most that PKCE allows
)

// flow is what is kept of a question until its answer comes: sealed, under the
// hash of the state, for one use.
type flow struct {
	Provider string     `json:"provider"` // no other one may answer (OAU-04)
	Verifier string     `json:"verifier"`
	Nonce    string     `json:"nonce"`
	Scopes   []string   `json:"scopes,omitempty"`
	To       string     `json:"to"`
	NewTo    string     `json:"new_to,omitempty"`
	ErrorTo  string     `json:"error_to,omitempty"`
	SignUp   bool       `json:"sign_up"`
	Link     *link.Wish `json:"link,omitempty"` // nil: it signs in
}

// begin keeps a flow and gives the address to ask at. The state also goes into a
// cookie: only the browser that left with it can come back with it (OAU-01).
func (h *Handler) begin(ctx context.Context, headers *wire.Headers, p *provider.Provider, f flow, q provider.Question) (string, error) {
	f.Provider, f.Verifier, f.Nonce, f.Scopes = p.ID, security.Token(verifierLength), security.Token(stateLength), q.Scopes
	q.State, q.Nonce, q.Verifier, q.Redirect = security.Token(stateLength), f.Nonce, f.Verifier, h.redirect(p.ID)
	address, err := p.Ask(ctx, q)
	if err != nil {
		h.Log.WarnContext(ctx, "provider failed", "provider", p.ID, "err", err)
		return "", ErrAway
	}
	userID := ""
	if f.Link != nil {
		userID = f.Link.UserID
	}
	if err := h.Once.Put(ctx, h.DB, once.Entry{Purpose: purpose, Key: q.State, UserID: userID, Value: f, Life: stateLife}); err != nil {
		return "", err
	}
	h.Sessions.Cookies.Put(headers, cookie, q.State, cookieLife)
	return address, nil
}

// take spends the flow of a state that this browser left with. That of another
// browser is left to it; then, and only then, the flow that is given is not the
// caller's, and tells where the failure goes.
func (h *Handler) take(ctx context.Context, db database.Querier, c *wire.Call, state string) (f flow, own bool, err error) {
	left, ok := h.Sessions.Cookies.Take(c, cookie)
	own = ok && subtle.ConstantTimeCompare([]byte(left), []byte(state)) == 1
	find := h.Once.Peek
	if own {
		find = h.Once.Take
	}
	kept, err := find(ctx, db, purpose, state)
	if errors.Is(err, once.ErrNone) {
		return flow{}, false, nil
	} else if err != nil {
		return flow{}, false, err
	}
	return f, own, kept.Read(&f)
}

// redirect is our address for a provider's answers.
func (h *Handler) redirect(id string) string { return h.Base + "/callback/" + id }
