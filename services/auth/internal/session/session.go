// Package session owns signed-in people: how a session begins, how long it
// lasts, how a request is found to belong to one, and how it ends everywhere.
//
// The token that proves a session is known to its client only; its SHA-256 is
// stored. What listings and get-session show as "token" is the session's handle,
// which can end the session and do nothing else: a page, or a list, that leaks
// signs nobody in. The token itself is in the answer that begins the session,
// in the cookie and in set-auth-token.
package session

import (
	"encoding/json"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/codex-platform/codex/services/auth/internal/field"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// Session is one row.
type Session struct {
	ID        string
	UserID    string
	TokenHash []byte
	Handle    string
	Remember  bool
	IPAddress string
	UserAgent string
	Version   int64
	CreatedAt time.Time
	UpdatedAt time.Time
	ExpiresAt time.Time
	// ImpersonatedBy is the administrator who acts as the person, and
	// ImpersonationReason why.
	ImpersonatedBy      *string
	ImpersonationReason *string
	// Extra holds the members that SESSION_FIELDS adds, as a JSON object.
	Extra json.RawMessage
}

// Live is a session that a request belongs to, with its person.
type Live struct {
	Session
	User user.User

	// Token is what the client sent.
	Token string `json:"-"`
	// Resend says that the cookie must be sent again: the session was extended,
	// or the cookie was signed with an older secret.
	Resend bool `json:"-"`
	// Due says that the session would have been extended, were that not deferred.
	Due bool `json:"-"`
	// ByKey says that an API key acts as the person; there is no row of a session.
	ByKey bool `json:"-"`
}

// version grows with every change of the session or the person.
func (l *Live) version() int64 { return l.Session.Version + l.User.Version }

// Rules are how long sessions last.
type Rules struct {
	Lifetime  time.Duration // of a remembered session after it was last extended
	UpdateAge time.Duration // a session is extended when it is at least this old since
	Absolute  time.Duration // nothing extends a session beyond this age
	Browser   time.Duration // of a session that is not remembered; never extended
	Fresh     time.Duration // how long a session counts as just begun; 0: always
	// Fixed: nothing extends a session.
	Fixed bool
	// Deferred: nothing but a POST to get-session does, so that reading never writes.
	Deferred bool
}

// end gives the moment at which a session that is begun or extended now is over.
func (r Rules) end(created, now time.Time, remember bool) time.Time {
	if !remember {
		return created.Add(r.Browser)
	}
	end, last := now.Add(r.Lifetime), created.Add(r.Absolute)
	if end.After(last) {
		return last
	}
	return end
}

// Over tells whether a session has ended by itself. The absolute limit is
// applied here too, so that a shorter setting reaches sessions that exist.
func (r Rules) Over(s *Session, now time.Time) bool {
	return !now.Before(s.ExpiresAt) || !now.Before(s.CreatedAt.Add(r.Absolute))
}

// left is how long a session goes on if nothing extends it.
func (r Rules) left(s *Session, now time.Time) time.Duration {
	return min(s.ExpiresAt.Sub(now), s.CreatedAt.Add(r.Absolute).Sub(now))
}

// Due tells whether a session is to be extended: it is remembered, was last
// extended at least UpdateAge ago, and would gain by it.
func (r Rules) Due(s *Session, now time.Time) bool {
	return !r.Fixed && s.Remember && !s.ExpiresAt.Add(r.UpdateAge-r.Lifetime).After(now) &&
		r.end(s.CreatedAt, now, true).After(s.ExpiresAt)
}

// IsFresh tells whether a session began recently enough for what needs it.
func (r Rules) IsFresh(s *Session, now time.Time) bool {
	return r.Fresh == 0 || now.Sub(s.CreatedAt) < r.Fresh
}

// View is the session object of the contract: what is shown of a session.
type View struct {
	Session Session
	fields  field.Fields
}

// View gives what is shown of a session.
func (r *Registry) View(s Session) View { return View{s, r.Fields} }

// MarshalJSON writes the contract's members and those of SESSION_FIELDS. What it
// calls the token is the handle.
func (v View) MarshalJSON() ([]byte, error) {
	s := &v.Session
	b := make([]byte, 0, 512)
	text := func(name, value string) { b = wire.AppendText(append(b, name...), value) }
	moment := func(name string, at time.Time) { b = wire.Time(at).AppendJSON(append(b, name...)) }
	moment(`{"expiresAt":`, s.ExpiresAt)
	text(`,"token":`, s.Handle)
	moment(`,"createdAt":`, s.CreatedAt)
	moment(`,"updatedAt":`, s.UpdatedAt)
	text(`,"ipAddress":`, s.IPAddress)
	text(`,"userAgent":`, s.UserAgent)
	text(`,"userId":`, s.UserID)
	text(`,"id":`, s.ID)
	if s.ImpersonatedBy == nil {
		b = append(b, `,"impersonatedBy":null`...)
	} else {
		text(`,"impersonatedBy":`, *s.ImpersonatedBy)
	}
	b, err := v.fields.Append(b, s.Extra)
	if err != nil {
		return nil, err
	}
	return append(b, '}'), nil
}

// Schema describes the object for the OpenAPI document.
func (View) Schema(huma.Registry) *huma.Schema {
	str := func() *huma.Schema { return &huma.Schema{Type: huma.TypeString} }
	date := func() *huma.Schema { return &huma.Schema{Type: huma.TypeString, Format: "date-time"} }
	handle, actor := str(), str()
	handle.Description = "A handle: it ends the session (revoke-session) and cannot sign in"
	actor.Nullable = true
	s := &huma.Schema{
		Type: huma.TypeObject, AdditionalProperties: true,
		Required: []string{"expiresAt", "token", "createdAt", "updatedAt", "ipAddress", "userAgent", "userId", "id", "impersonatedBy"},
		Properties: map[string]*huma.Schema{
			"expiresAt": date(), "token": handle, "createdAt": date(), "updatedAt": date(), "ipAddress": str(), "userAgent": str(),
			"userId": str(), "id": str(), "impersonatedBy": actor,
		},
	}
	s.PrecomputeMessages()
	return s
}
