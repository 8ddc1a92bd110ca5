package link

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/mail"
	"github.com/codex-platform/codex/pkg/problem"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/provider"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// The refusals of this feature.
var (
	ErrLast          = problem.New(http.StatusBadRequest, "FAILED_TO_UNLINK_LAST_ACCOUNT", "You can't unlink your last account")
	ErrNoAccount     = problem.New(http.StatusBadRequest, "ACCOUNT_NOT_FOUND", "Account not found")
	ErrNotSupported  = problem.New(http.StatusBadRequest, "PROVIDER_NOT_SUPPORTED", "Provider not supported")
	ErrNotConfigured = problem.New(http.StatusBadRequest, "PROVIDER_NOT_CONFIGURED", "Provider not configured")
	ErrNoAccess      = problem.New(http.StatusBadRequest, "ACCESS_TOKEN_NOT_FOUND", "Access token not found")
	ErrAccess        = problem.New(http.StatusBadRequest, "FAILED_TO_GET_ACCESS_TOKEN", "Failed to get a valid access token")
	ErrNoRefresh     = problem.New(http.StatusBadRequest, "REFRESH_TOKEN_NOT_FOUND", "Refresh token not found")
	ErrRefresh       = problem.New(http.StatusBadRequest, "FAILED_TO_REFRESH_ACCESS_TOKEN", "Failed to refresh access token")
	ErrNoUserInfo    = problem.New(http.StatusUnauthorized, "FAILED_TO_GET_USER_INFO", "Failed to get user info")
)

// Routes names every operation of this feature.
func (l *Links) Routes(r *wire.Router) {
	wire.Get(r, wire.Op{ID: "listAccounts", Path: "/list-accounts", Summary: "The caller's ways of signing in", Session: true, OnBehalf: true, Errors: []int{401}}, l.list)
	wire.Post(r, wire.Op{ID: "unlinkAccount", Path: "/unlink-account", Summary: "Take one of them away; needs a fresh session", Session: true, Errors: []int{400, 401, 403}}, l.unlink)
	wire.Post(r, wire.Op{ID: "getAccessToken", Path: "/get-access-token", Summary: "The provider's access token, renewed when it ends", Session: true, Errors: []int{400, 401}}, l.accessToken)
	wire.Post(r, wire.Op{ID: "refreshToken", Path: "/refresh-token", Summary: "Renew the provider's tokens", Session: true, Errors: []int{400, 401}}, l.refreshToken)
	wire.Get(r, wire.Op{ID: "accountInfo", Path: "/account-info", Query: []string{"accountId"}, Summary: "What the provider knows of the caller", Session: true, Errors: []int{400, 401}}, l.info)
}

// Listing is what is shown of an account: no token, no password.
type Listing struct {
	ID         string    `json:"id" doc:"Names the account in all calls"`
	ProviderID string    `json:"providerId"`
	AccountID  string    `json:"accountId" doc:"The subject: the person's id at the provider"`
	UserID     string    `json:"userId"`
	CreatedAt  wire.Time `json:"createdAt" format:"date-time"`
	UpdatedAt  wire.Time `json:"updatedAt" format:"date-time"`
	Scopes     []string  `json:"scopes"`
}

func (l *Links) list(ctx context.Context, c *wire.Call) (*wire.Answer[[]Listing], error) {
	live, err := l.Sessions.Stored(ctx, c)
	if err != nil {
		return nil, err
	}
	all, err := l.Store.All(ctx, live.UserID)
	if err != nil {
		return nil, err
	}
	answer := wire.OK([]Listing{})
	for _, a := range all {
		answer.Body = append(answer.Body, Listing{
			ID: a.ID, ProviderID: a.ProviderID, AccountID: a.AccountID, UserID: a.UserID,
			CreatedAt: wire.Time(a.CreatedAt), UpdatedAt: wire.Time(a.UpdatedAt), Scopes: a.scopes(),
		})
	}
	l.Sessions.Renew(&answer.Headers, c, live)
	return answer, nil
}

type unlinkForm struct {
	AccountID string `json:"accountId" doc:"The id that /list-accounts shows"`
}

func (l *Links) unlink(ctx context.Context, c *wire.Call, in unlinkForm) (*wire.Answer[wire.Status], error) {
	live, err := l.Sessions.Stored(ctx, c)
	if err != nil {
		return nil, err
	}
	if !l.Sessions.Rules.IsFresh(&live.Session, l.Now()) {
		return nil, wire.ErrNotFresh
	}
	if !wire.RowID(in.AccountID) {
		return nil, ErrNoAccount
	}
	if err := l.remove(ctx, c, live, in.AccountID); err != nil {
		return nil, err
	}
	answer := wire.OK(wire.Status{Status: true})
	l.Sessions.Renew(&answer.Headers, c, live)
	return answer, nil
}

// remove takes an account away, unless nothing would be left to sign in with
// (OAU-12). Two at once come one after the other.
func (l *Links) remove(ctx context.Context, c *wire.Call, live *session.Live, id string) error {
	return database.InTx(ctx, l.DB, func(tx pgx.Tx) error {
		if err := (user.Store{DB: tx}).Lock(ctx, live.UserID); err != nil {
			return err
		}
		all, others, err := Store{DB: tx}.Ways(ctx, live.UserID, id, slices.Collect(maps.Keys(l.Providers)))
		switch {
		case err != nil:
			return err
		case all <= 1 || others == 0:
			return ErrLast
		}
		name, err := Store{DB: tx}.Delete(ctx, live.UserID, id)
		if errors.Is(err, errNone) {
			return ErrNoAccount
		} else if err != nil {
			return err
		}
		if err := l.tell(ctx, tx, c, mail.WayRemoved, live.User, name); err != nil {
			return err
		}
		return l.Audit.Record(ctx, tx, c, audit.Event{
			Kind: audit.AccountUnlinked, UserID: live.UserID, SessionID: live.ID, Details: map[string]string{"provider": name},
		})
	})
}

type tokenForm struct {
	AccountID        *string `json:"accountId" doc:"The id that /list-accounts shows"`
	UseAccountCookie *bool   `json:"useAccountCookie" doc:"Refused: accounts are not kept in a cookie"`
}

// account gives the caller's account that a form names, and its provider.
func (l *Links) account(ctx context.Context, c *wire.Call, in tokenForm) (*session.Live, Account, *provider.Provider, error) {
	live, err := l.Sessions.Stored(ctx, c)
	if err != nil {
		return nil, Account{}, nil, err
	}
	for _, m := range c.Members() {
		if m.Name != "accountId" && m.Name != "useAccountCookie" {
			return nil, Account{}, nil, wire.Invalid("body", "Unrecognized key")
		}
	}
	cookie := in.UseAccountCookie != nil && *in.UseAccountCookie
	switch {
	case (in.AccountID != nil) == cookie:
		return nil, Account{}, nil, wire.Invalid("body.accountId", "Invalid input")
	case cookie:
		return nil, Account{}, nil, ErrNoAccount
	}
	a, p, err := l.find(ctx, live.UserID, *in.AccountID, ErrNotSupported)
	return live, a, p, err
}

func (l *Links) find(ctx context.Context, userID, id string, unknown error) (Account, *provider.Provider, error) {
	if !wire.RowID(id) {
		return Account{}, nil, ErrNoAccount
	}
	a, err := l.Store.OfUser(ctx, userID, id)
	if errors.Is(err, errNone) {
		return Account{}, nil, ErrNoAccount
	} else if err != nil {
		return Account{}, nil, err
	}
	p, served := l.Providers[a.ProviderID]
	if !served {
		return Account{}, nil, unknown
	}
	return a, p, nil
}

// AccessToken is what /get-access-token answers.
type AccessToken struct {
	AccessToken string     `json:"accessToken"`
	ExpiresAt   *wire.Time `json:"accessTokenExpiresAt,omitempty" format:"date-time"`
	Scopes      []string   `json:"scopes"`
	IDToken     string     `json:"idToken,omitempty"`
}

func (l *Links) accessToken(ctx context.Context, c *wire.Call, in tokenForm) (*wire.Answer[AccessToken], error) {
	live, a, p, err := l.account(ctx, c, in)
	if err != nil {
		return nil, err
	}
	t, err := l.current(ctx, p, a)
	switch {
	case err != nil:
		return nil, l.failed(ctx, a, err, ErrAccess)
	case t.Access == "": // it came with an ID token alone; the reference gives "" as the token
		return nil, ErrNoAccess.WithMessage("Access token not found: this account came without one. Link it by link-social, without idToken, to get one")
	}
	answer := wire.OK(AccessToken{AccessToken: t.Access, ExpiresAt: shown(t.AccessExpires), Scopes: t.Scopes, IDToken: t.ID})
	l.Sessions.Renew(&answer.Headers, c, live)
	return answer, nil
}

// RefreshedTokens is what /refresh-token answers.
type RefreshedTokens struct {
	AccessToken      string     `json:"accessToken"`
	RefreshToken     string     `json:"refreshToken"`
	AccessExpiresAt  *wire.Time `json:"accessTokenExpiresAt" format:"date-time"`
	RefreshExpiresAt *wire.Time `json:"refreshTokenExpiresAt" format:"date-time"`
	Scope            string     `json:"scope" doc:"A list with commas"`
	IDToken          *string    `json:"idToken"`
	ProviderID       string     `json:"providerId"`
	AccountID        string     `json:"accountId" doc:"The id that /list-accounts shows"`
}

func (l *Links) refreshToken(ctx context.Context, c *wire.Call, in tokenForm) (*wire.Answer[RefreshedTokens], error) {
	live, a, p, err := l.account(ctx, c, in)
	switch {
	case err != nil:
		return nil, err
	case a.RefreshToken == nil:
		return nil, ErrNoRefresh
	}
	t, err := l.renew(ctx, p, a)
	if err != nil {
		return nil, l.failed(ctx, a, err, ErrRefresh)
	}
	answer := wire.OK(RefreshedTokens{
		AccessToken: t.Access, RefreshToken: t.Refresh, AccessExpiresAt: shown(t.AccessExpires), RefreshExpiresAt: shown(t.RefreshExpires),
		Scope: strings.Join(t.Scopes, ","), ProviderID: a.ProviderID, AccountID: a.ID,
	})
	if t.ID != "" {
		answer.Body.IDToken = &t.ID
	}
	l.Sessions.Renew(&answer.Headers, c, live)
	return answer, nil
}

// Info is what /account-info answers.
type Info struct {
	User    InfoUser        `json:"user"`
	Data    json.RawMessage `json:"data" doc:"What the provider said"`
	Account InfoAccount     `json:"account"`
}

// InfoUser is the person, as the provider has it.
type InfoUser struct {
	Name          string  `json:"name"`
	Email         string  `json:"email"`
	Image         *string `json:"image,omitempty"`
	EmailVerified bool    `json:"emailVerified"`
}

// InfoAccount names the account.
type InfoAccount struct {
	ID         string `json:"id"`
	ProviderID string `json:"providerId"`
	AccountID  string `json:"accountId"`
}

func (l *Links) info(ctx context.Context, c *wire.Call) (*wire.Answer[Info], error) {
	live, err := l.Sessions.Stored(ctx, c)
	if err != nil {
		return nil, err
	}
	id, err := c.MustQuery("accountId")
	if err != nil {
		return nil, err
	}
	a, p, err := l.find(ctx, live.UserID, id, ErrNotConfigured)
	switch {
	case err != nil:
		return nil, err
	case a.AccessToken == nil:
		return nil, ErrNoAccess
	}
	t, err := l.current(ctx, p, a)
	if err != nil {
		return nil, l.failed(ctx, a, err, ErrAccess)
	}
	who, err := p.Profile(ctx, t)
	if err != nil || who.Subject != a.AccountID {
		return nil, l.failed(ctx, a, err, ErrNoUserInfo)
	}
	answer := wire.OK(Info{
		User: InfoUser{who.Name, who.Email, who.Image, who.EmailVerified}, Data: who.Claims,
		Account: InfoAccount{a.ID, a.ProviderID, a.AccountID},
	})
	l.Sessions.Renew(&answer.Headers, c, live)
	return answer, nil
}

// failed notes why a provider did not do what it was asked for, and gives the
// refusal that the caller sees.
func (l *Links) failed(ctx context.Context, a Account, err error, refusal *problem.Problem) error {
	l.Log.WarnContext(ctx, "provider failed", "provider", a.ProviderID, "user_id", a.UserID, "err", err)
	return refusal
}

func shown(t *time.Time) *wire.Time {
	if t == nil {
		return nil
	}
	at := wire.Time(*t)
	return &at
}
