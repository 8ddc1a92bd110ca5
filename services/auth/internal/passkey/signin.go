package passkey

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/entrance"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

func (p *Passkeys) getSignIn(ctx context.Context, c *wire.Call) (*wire.Answer[RequestOptions], error) {
	live, err := p.Sessions.Current(ctx, c)
	if err != nil {
		return nil, err
	}
	a := wire.OK(RequestOptions{RPID: p.Party.Config.RPID, Timeout: timeout, UserVerification: p.verification()})
	userID := ""
	if live != nil {
		existing, err := p.Store.OfUser(ctx, live.UserID)
		if err != nil {
			return nil, err
		}
		if len(existing) > 0 {
			userID, a.Body.AllowCredentials = live.UserID, descriptors(existing)
		}
	}
	a.Body.Challenge, err = p.begin(ctx, &a.Headers, signingIn, userID, ceremony{})
	return a, err
}

type signInForm struct {
	Response json.RawMessage `json:"response" required:"true" doc:"AuthenticationResponseJSON"`
}

func (p *Passkeys) postSignIn(ctx context.Context, c *wire.Call, in signInForm) (*wire.Answer[session.Both], error) {
	userID, x, err := p.end(ctx, c, signingIn)
	if err != nil {
		return nil, err
	}
	answer, err := protocol.ParseCredentialRequestResponseBytes(in.Response)
	if err != nil {
		return nil, p.refuse(ctx, c, audit.Event{Kind: audit.SignedIn}, err, ErrAuthentication)
	}
	k, err := p.Store.ByCredential(ctx, answer.RawID)
	switch {
	case errors.Is(err, errNone):
		return nil, p.refuse(ctx, c, audit.Event{Kind: audit.SignedIn}, errNobodys, ErrUnknown)
	case err != nil:
		return nil, err
	}
	attempt := audit.Event{Kind: audit.SignedIn, UserID: k.UserID}
	if userID != "" && userID != k.UserID {
		return nil, p.refuse(ctx, c, attempt, errOthers, ErrAuthentication)
	}
	counter, backedUp, err := p.asserted(answer, x, k)
	if err != nil {
		return nil, p.refuse(ctx, c, attempt, err, ErrAuthentication)
	}
	entered, err := p.enter(ctx, c, k, counter, backedUp)
	if errors.Is(err, errCounter) {
		return nil, p.refuse(ctx, c, attempt, err, ErrAuthentication)
	} else if err != nil {
		return nil, p.Entrance.Turned(ctx, c, k.UserID, "passkey", err)
	}
	a := wire.OK(session.Both{Session: p.Sessions.View(entered.Live.Session), User: p.Sessions.Shape.Profile(entered.Live.User)})
	p.Sessions.Cookies.Drop(&a.Headers, challengeCookie)
	return a, p.Entrance.Admit(ctx, c, &a.Headers, entered)
}

// What an answer is refused for beside what go-webauthn finds.
var (
	errCounter = &protocol.Error{Type: "counter", Details: "the counter of the passkey did not go on"}
	errNobodys = &protocol.Error{Type: "unknown", Details: "nobody has this passkey"}
	errOthers  = &protocol.Error{Type: "owner", Details: "the challenge was for the passkeys of the person signed in"}
)

// enter lets the owner of a passkey in. The proof is as good as two: what the
// person has, and what unlocks it.
func (p *Passkeys) enter(ctx context.Context, c *wire.Call, k Passkey, counter int64, backedUp bool) (*entrance.Entered, error) {
	var entered *entrance.Entered
	err := database.InTx(ctx, p.DB, func(tx pgx.Tx) error {
		used, err := Store{DB: tx}.Use(ctx, k.ID, counter, backedUp, p.Now())
		switch {
		case err != nil:
			return err
		case !used:
			return errCounter
		}
		u, err := user.Store{DB: tx}.ByID(ctx, k.UserID)
		if err != nil {
			return err
		}
		entered, err = p.Entrance.Enter(ctx, tx, c, entrance.Arrival{User: u, Method: "passkey", Remember: true, Strong: true})
		return err
	})
	return entered, err
}

// refuse records an answer that does not hold, and says no more than that.
func (p *Passkeys) refuse(ctx context.Context, c *wire.Call, e audit.Event, why, refusal error) error {
	reason := "malformed"
	var fault *protocol.Error
	if errors.As(why, &fault) {
		reason = fault.Type
	}
	e.Failed, e.Details = true, map[string]string{"method": "passkey", "reason": reason}
	if err := p.Audit.Record(ctx, p.Store.DB, c, e); err != nil {
		return err
	}
	return refusal
}
