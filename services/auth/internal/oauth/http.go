package oauth

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/problem"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/entrance"
	"github.com/codex-platform/codex/services/auth/internal/limit"
	"github.com/codex-platform/codex/services/auth/internal/link"
	"github.com/codex-platform/codex/services/auth/internal/once"
	"github.com/codex-platform/codex/services/auth/internal/provider"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// The refusals of the JSON doors.
var (
	ErrNoProvider = problem.New(http.StatusNotFound, "PROVIDER_NOT_FOUND", "Provider not found")
	ErrNoIDToken  = problem.New(http.StatusNotFound, "ID_TOKEN_NOT_SUPPORTED", "id_token not supported")
	ErrNoUserInfo = problem.New(http.StatusUnauthorized, "FAILED_TO_GET_USER_INFO", "Failed to get user info")
	ErrNoEmail    = problem.New(http.StatusUnauthorized, "USER_EMAIL_NOT_FOUND", "User email not found")
	ErrLink       = problem.New(http.StatusUnauthorized, "OAUTH_LINK_ERROR", "account not linked")
	ErrUnverified = problem.New(http.StatusForbidden, "EMAIL_NOT_VERIFIED", "Email not verified")
	ErrTaken      = problem.New(http.StatusConflict, "SOCIAL_ACCOUNT_ALREADY_LINKED", "Social account already linked")
	ErrForbidden  = problem.New(http.StatusUnauthorized, "LINKING_NOT_ALLOWED", "Account not linked - linking not allowed")
	ErrOtherEmail = problem.New(http.StatusUnauthorized, "LINKING_DIFFERENT_EMAILS_NOT_ALLOWED", "Account not linked - different emails not allowed")
	ErrLinking    = problem.New(http.StatusExpectationFailed, "LINKING_FAILED", "Account not linked - unable to create account")
	ErrAway       = problem.New(http.StatusServiceUnavailable, "PROVIDER_NOT_REACHABLE", "The provider cannot be reached. Please try again later.")
)

// Entry says who may become somebody by a provider.
type Entry string

// The values of Entry.
const (
	Open  Entry = "on"    // everybody who signs in
	Asked Entry = "asked" // who says requestSignUp
	Shut  Entry = "off"   // nobody
)

// Handler serves the way to providers and back.
type Handler struct {
	DB        database.Querier
	Links     *link.Links
	Providers map[string]*provider.Provider
	// SignUp tells who may sign up, by provider.
	SignUp   map[string]Entry
	Once     once.Secrets
	Sessions *session.Registry
	Entrance *entrance.Entrance
	Audit    *audit.Log
	Limits   *limit.Limits
	// Base is the public address of the contract's paths; Home is where a flow
	// leads that names no other place.
	Base string
	Home string
	Log  *slog.Logger
}

// Routes names every operation of this feature.
func (h *Handler) Routes(r *wire.Router) {
	wire.Post(r, wire.Op{ID: "signInSocial", Path: "/sign-in/social", Summary: "Where a provider asks its user; with an ID token, begin a session", Errors: []int{400, 401, 403, 404, 429, 503}}, h.signIn)
	wire.Post(r, wire.Op{ID: "linkSocial", Path: "/link-social", Summary: "The same for adding a provider's account to the caller", Session: true, Errors: []int{400, 401, 403, 404, 409, 417, 503}}, h.link)
	wire.GetPage(r, wire.Op{ID: "oauthCallback", Path: "/callback/{id}", Query: members, Summary: "A provider's answer"}, h.callback)
	wire.PostPage(r, wire.Op{ID: "oauthCallbackForm", Path: "/callback/{id}", Form: true, Summary: "A provider's answer as a form: on to the same address with it as query"}, h.posted)
}

type askForm struct {
	Provider           string          `json:"provider"`
	CallbackURL        *string         `json:"callbackURL" doc:"Where the browser goes in the end"`
	NewUserCallbackURL *string         `json:"newUserCallbackURL" doc:"Where it goes with somebody new"`
	ErrorCallbackURL   *string         `json:"errorCallbackURL" doc:"Where it goes when it did not work"`
	DisableRedirect    *bool           `json:"disableRedirect" doc:"The page goes there by itself"`
	Scopes             []string        `json:"scopes" doc:"Beside the usual ones"`
	RequestSignUp      *bool           `json:"requestSignUp" doc:"Somebody unknown wants to sign up"`
	LoginHint          *string         `json:"loginHint" max:"320"`
	AdditionalParams   json.RawMessage `json:"additionalParams" doc:"Of the address at the provider: an object of strings"`
	AdditionalData     json.RawMessage `json:"additionalData" doc:"Ignored"`
	IDToken            json.RawMessage `json:"idToken" doc:"That the client got by itself: {token, nonce, accessToken, refreshToken, expiresAt, user}"`
}

func (h *Handler) signIn(ctx context.Context, c *wire.Call, in askForm) (*wire.Answer[entrance.Body], error) {
	p, err := h.provider(in.Provider)
	if err != nil {
		return nil, err
	}
	if in.IDToken != nil {
		return h.signInByToken(ctx, c, p, in)
	}
	answer := wire.OK(entrance.Body{})
	answer.Body.URL, answer.Body.Redirect, err = h.ask(ctx, &answer.Headers, p, in, flow{SignUp: h.admits(p.ID, in.RequestSignUp)})
	return answer, err
}

// Linked is what /link-social answers.
type Linked struct {
	URL      string `json:"url"`
	Redirect bool   `json:"redirect"`
	Status   *bool  `json:"status,omitempty"`
}

func (h *Handler) link(ctx context.Context, c *wire.Call, in askForm) (*wire.Answer[Linked], error) {
	live, err := h.Sessions.Stored(ctx, c)
	if err != nil {
		return nil, err
	}
	p, err := h.provider(in.Provider)
	if err != nil {
		return nil, err
	}
	wish := link.Wish{UserID: live.UserID, SessionID: live.ID}
	answer := wire.OK(Linked{})
	h.Sessions.Renew(&answer.Headers, c, live)
	if in.IDToken != nil {
		yes := true
		answer.Body.Status = &yes
		return answer, h.linkByToken(ctx, c, p, in, wish)
	}
	var redirect *bool
	if answer.Body.URL, redirect, err = h.ask(ctx, &answer.Headers, p, in, flow{Link: &wish}); err != nil {
		return nil, err
	}
	answer.Body.Redirect = *redirect
	return answer, nil
}

func (h *Handler) provider(id string) (*provider.Provider, error) {
	if p, served := h.Providers[id]; served {
		return p, nil
	}
	return nil, ErrNoProvider
}

// admits tells whether somebody unknown may sign up.
func (h *Handler) admits(id string, requested *bool) bool {
	return h.SignUp[id] == Open || h.SignUp[id] == Asked && requested != nil && *requested
}

// ask begins a flow with what a form says about it.
func (h *Handler) ask(ctx context.Context, headers *wire.Headers, p *provider.Provider, in askForm, f flow) (address string, redirect *bool, err error) {
	params, err := in.params()
	if err != nil {
		return "", nil, err
	}
	if len(in.Scopes) > maxScopes {
		return "", nil, wire.Invalid("body.scopes", fmt.Sprintf("Too big: expected array to have <=%d items", maxScopes))
	}
	for _, scope := range in.Scopes {
		if !scopeForm.MatchString(scope) {
			return "", nil, wire.Invalid("body.scopes", "Invalid input")
		}
	}
	f.To, f.NewTo, f.ErrorTo = cmp.Or(value(in.CallbackURL), h.Home), value(in.NewUserCallbackURL), value(in.ErrorCallbackURL)
	address, err = h.begin(ctx, headers, p, f, provider.Question{Scopes: in.Scopes, Hint: value(in.LoginHint), Params: params})
	if err != nil {
		return "", nil, err
	}
	goes := in.DisableRedirect == nil || !*in.DisableRedirect
	if goes {
		headers.Location = address
	}
	return address, &goes, nil
}

// scopeForm is that of RFC 6749 §3.3, and of a length that makes sense.
var scopeForm = regexp.MustCompile(`^[\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]{1,200}$`)

// What a stranger may have kept with a flow, and put into an address.
const (
	maxScopes    = 50
	maxParams    = 20
	longestParam = 2000 // bytes of a name and its value
)

// params reads the client's own parameters. None may touch what binds an answer
// to its question.
func (in askForm) params() (map[string]string, error) {
	if in.AdditionalParams == nil {
		return nil, nil
	}
	var params map[string]string
	if json.Unmarshal(in.AdditionalParams, &params) != nil || len(params) > maxParams {
		return nil, wire.Invalid("body.additionalParams", "Invalid input: expected an object of strings")
	}
	for name, value := range params {
		switch {
		case provider.ReservedParam(name):
			return nil, wire.Invalid("body.additionalParams", "Invalid input: a parameter is reserved")
		case len(name)+len(value) > longestParam:
			return nil, wire.Invalid("body.additionalParams", "Too big: a parameter is too long")
		}
	}
	return params, nil
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
