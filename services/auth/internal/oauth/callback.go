package oauth

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/entrance"
	"github.com/codex-platform/codex/services/auth/internal/link"
	"github.com/codex-platform/codex/services/auth/internal/provider"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// members are what a provider's answer may hold.
var members = []string{"code", "error", "error_description", "state", "iss", "user", "device_id"}

// The codes with which a flow that failed leads on (contract §5).
const (
	noState       = "state_not_found"
	wrongState    = "state_mismatch"
	noCode        = "no_code"
	noProvider    = "oauth_provider_not_found"
	wrongIssuer   = "issuer_mismatch"
	wrongCode     = "invalid_code"
	noUserInfo    = "unable_to_get_user_info"
	noEmail       = "email_not_found"
	notLinked     = "account_not_linked"
	notVerified   = "email_not_verified"
	signUpClosed  = "signup_disabled"
	otherEmail    = "email_does_not_match"
	takenByOther  = "account_already_linked_to_different_user"
	linkForbidden = "unable_to_link_account"
	banned        = "banned"
)

// What is recorded of a provider's own words, which may be anybody's.
const (
	denied        = "access_denied"
	providerError = "provider_error"
)

// codeOf gives the code of a refusal; false for a fault.
func codeOf(err error) (code string, refused bool) {
	for _, r := range []struct {
		err  error
		code string
	}{
		{provider.ErrIssuer, wrongIssuer}, {provider.ErrCode, wrongCode}, {provider.ErrIdentity, noUserInfo},
		{link.ErrNoEmail, noEmail}, {link.ErrNotLinked, notLinked}, {link.ErrUnverified, notVerified}, {link.ErrClosed, signUpClosed},
		{link.ErrOtherEmail, otherEmail}, {link.ErrTaken, takenByOther}, {link.ErrForbidden, linkForbidden}, {wire.ErrBanned, banned},
	} {
		if errors.Is(err, r.err) {
			return r.code, true
		}
	}
	return "", false
}

// longest bounds what is passed on of a provider's own words, in bytes.
const longest = 500

type answerForm struct {
	Code             *string `json:"code"`
	Error            *string `json:"error"`
	ErrorDescription *string `json:"error_description"`
	State            *string `json:"state"`
	Issuer           *string `json:"iss"`
	User             *string `json:"user" doc:"Apple's, with the first answer: who the person is, as JSON"`
	DeviceID         *string `json:"device_id"`
}

// posted turns an answer that came as a form into one that comes with our cookies:
// browsers send them along with a redirect, not with another site's form.
func (h *Handler) posted(_ context.Context, c *wire.Call, in answerForm) (*wire.Page, error) {
	query := url.Values{}
	for name, text := range map[string]*string{
		"code": in.Code, "error": in.Error, "error_description": in.ErrorDescription, "state": in.State,
		"iss": in.Issuer, "user": in.User, "device_id": in.DeviceID,
	} {
		if value(text) != "" {
			query.Set(name, *text)
		}
	}
	return wire.Redirect(h.redirect(url.PathEscape(c.Param("id"))) + "?" + query.Encode()), nil
}

// callback takes a provider's answer, in the order of the contract.
func (h *Handler) callback(ctx context.Context, c *wire.Call) (*wire.Page, error) {
	state := c.Query("state")
	if state == "" {
		return h.stray(ctx, c, flow{}, noState)
	}
	f, own, err := h.take(ctx, h.DB, c, state)
	if err != nil {
		return nil, err
	}
	if !own {
		return h.stray(ctx, c, f, wrongState)
	}
	page, err := h.answered(ctx, c, f)
	if err != nil {
		return nil, err
	}
	h.Sessions.Cookies.Drop(&page.Headers, cookie)
	return page, nil
}

// answered goes on with a flow that is the caller's and is spent by now.
func (h *Handler) answered(ctx context.Context, c *wire.Call, f flow) (*wire.Page, error) {
	p, served := h.Providers[c.Param("id")]
	switch {
	case c.Query("error") != "":
		page := h.lead(f, cut(c.Query("error")))
		if words := c.Query("error_description"); words != "" {
			page.Location = wire.AddQuery(page.Location, "error_description", cut(words))
		}
		reason := providerError
		if c.Query("error") == denied {
			reason = denied
		}
		return page, h.note(ctx, c, f, reason)
	case c.Query("code") == "":
		return h.lead(f, noCode), h.note(ctx, c, f, noCode)
	case !served:
		return h.lead(f, noProvider), h.note(ctx, c, f, noProvider)
	case p.ID != f.Provider:
		return h.lead(f, wrongState), h.note(ctx, c, f, wrongState)
	}
	who, tokens, err := p.Complete(ctx, provider.Reply{
		Code: c.Query("code"), Issuer: c.Query("iss"), Verifier: f.Verifier, Nonce: f.Nonce, Redirect: h.redirect(p.ID), Scopes: f.Scopes,
	})
	if err != nil {
		h.Log.WarnContext(ctx, "provider failed", "provider", p.ID, "err", err)
		return h.refused(ctx, c, f, err)
	}
	claim := h.claimOf(p, who, tokens, c.Query("user"), f.SignUp)
	if f.Link != nil {
		if err := h.Links.Add(ctx, c, claim, *f.Link); err != nil {
			return h.refused(ctx, c, f, err)
		}
		return wire.Redirect(f.To), nil
	}
	return h.admit(ctx, c, f, claim)
}

// admit lets the person of a claim in and leads on.
func (h *Handler) admit(ctx context.Context, c *wire.Call, f flow, claim link.Claim) (*wire.Page, error) {
	var in *entrance.Entered
	err := h.Links.InTx(ctx, func(tx pgx.Tx) (err error) {
		in, err = h.enter(ctx, tx, c, claim)
		return err
	})
	if err != nil {
		return h.refused(ctx, c, f, err)
	}
	to := f.To
	if in.New {
		to = cmp.Or(f.NewTo, f.To)
	}
	page := wire.Redirect(h.Entrance.Onward(in, to))
	return page, h.Entrance.Admit(ctx, c, &page.Headers, in)
}

// enter finds or makes the person of a claim and begins the session.
func (h *Handler) enter(ctx context.Context, tx pgx.Tx, c *wire.Call, claim link.Claim) (*entrance.Entered, error) {
	found, err := h.Links.SignIn(ctx, tx, c, claim)
	if err != nil {
		return nil, err
	}
	in, err := h.Entrance.Enter(ctx, tx, c, entrance.Arrival{User: found.User, Method: claim.Provider, Remember: true, New: found.New})
	if err != nil {
		return nil, err
	}
	in.Ended = append(in.Ended, found.Ended...)
	return in, nil
}

// refused records a refusal and leads to where the flow wants failures; a fault
// is given back.
func (h *Handler) refused(ctx context.Context, c *wire.Call, f flow, err error) (*wire.Page, error) {
	code, refused := codeOf(err)
	if !refused {
		return nil, err
	}
	return h.lead(f, code), h.note(ctx, c, f, code)
}

// stray refuses an answer to a question that this browser did not leave with. Anybody
// can send such, as many as they like, so that not each is recorded.
func (h *Handler) stray(ctx context.Context, c *wire.Call, f flow, code string) (*wire.Page, error) {
	page := h.lead(f, code)
	if !h.Limits.MayRecord(ctx, c.Address) {
		return page, nil
	}
	id := c.Param("id")
	if _, served := h.Providers[id]; !served {
		id = ""
	}
	return page, h.record(ctx, c, id, "", code)
}

// note records that a flow failed.
func (h *Handler) note(ctx context.Context, c *wire.Call, f flow, reason string) error {
	userID := ""
	if f.Link != nil {
		userID = f.Link.UserID
	}
	return h.record(ctx, c, f.Provider, userID, reason)
}

// record writes down that a claim was refused; userID is who wanted to link it.
func (h *Handler) record(ctx context.Context, c *wire.Call, providerID, userID, reason string) error {
	e := audit.Event{Kind: audit.SignedIn, Failed: true, Details: map[string]string{"method": providerID, "reason": reason}}
	if userID != "" {
		e.Kind, e.UserID = audit.AccountLinked, userID
	}
	return h.Audit.Record(ctx, h.DB, c, e)
}

// lead goes to where a flow wants failures, or to the error page.
func (h *Handler) lead(f flow, code string) *wire.Page {
	return wire.Redirect(wire.AddQuery(cmp.Or(f.ErrorTo, h.Base+"/error"), "error", code))
}

func cut(words string) string {
	if len(words) > longest {
		words = words[:longest]
	}
	return strings.ToValidUTF8(words, "")
}
