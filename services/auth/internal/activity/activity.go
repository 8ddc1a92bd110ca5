// Package activity owns reading the record of what happened: administrators search
// it, and everybody sees what happened to the own account.
package activity

import (
	"context"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/codex-platform/codex/pkg/validation"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/device"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

const (
	usualPage   = 20
	longestPage = 100
)

// The parameters of both lists.
var (
	ofPages  = []string{"limit", "cursor"}
	ofSearch = append([]string{"kind", "userId", "actorId", "requestId", "outcome", "from", "to"}, ofPages...)
)

// Handler serves the record.
type Handler struct {
	Events   audit.Reader
	Sessions *session.Registry
	// Searcher gives the caller, who must be allowed to search; nil: nobody can.
	Searcher func(ctx context.Context, c *wire.Call) (*session.Live, error)
}

// Routes names every operation of this feature.
func (h *Handler) Routes(r *wire.Router) {
	wire.Get(r, wire.Op{
		ID: "recentActivity", Path: "/recent-activity", Summary: "What happened to the caller's account, the newest first", Session: true, OnBehalf: true,
		Query: ofPages, Errors: []int{400, 401},
	}, h.own)
	if h.Searcher != nil {
		wire.Get(r, wire.Op{
			ID: "adminAuditEvents", Path: "/admin/audit-events", Summary: "What happened to all accounts, the newest first", Session: true,
			Query: ofSearch, Errors: []int{400, 401, 403},
		}, h.search)
	}
}

// OwnEvent is one event as the person sees it whose account it was.
type OwnEvent struct {
	ID      string    `json:"id"`
	At      wire.Time `json:"at" format:"date-time"`
	Kind    string    `json:"kind"`
	Outcome string    `json:"outcome" enum:"success,failure"`
	// Who is "you", or what somebody else is to the person.
	Who       string `json:"who" enum:"you,administrator,somebody" doc:"Who did it; somebody: whoever it was did not prove to be you"`
	Method    string `json:"method,omitempty" doc:"The way of signing in"`
	IPAddress string `json:"ipAddress"`
	UserAgent string `json:"userAgent"`
	Device    string `json:"device" doc:"The browser and its system, in words"`
	Current   bool   `json:"current" doc:"In the session that asks"`
}

// OwnPage is a page of the caller's events.
type OwnPage struct {
	Events []OwnEvent        `json:"events"`
	Next   validation.Cursor `json:"nextCursor,omitempty"`
}

func (h *Handler) own(ctx context.Context, c *wire.Call) (*wire.Answer[OwnPage], error) {
	live, err := h.Sessions.Stored(ctx, c)
	if err != nil {
		return nil, err
	}
	q, err := page(c, ofPages)
	if err != nil {
		return nil, err
	}
	q.UserID = live.UserID
	found, next, err := h.Events.Find(ctx, q)
	if err != nil {
		return nil, err
	}
	body := OwnPage{Events: []OwnEvent{}, Next: next}
	for _, e := range found {
		body.Events = append(body.Events, own(e, live))
	}
	out := wire.OK(body)
	h.Sessions.Renew(&out.Headers, c, live)
	return out, nil
}

// own leaves out what is another person's: who exactly acted, and from where.
func own(e audit.Record, live *session.Live) OwnEvent {
	o := OwnEvent{ID: e.ID, At: wire.Time(e.At), Kind: e.Kind, Outcome: e.Outcome, Who: "you", Method: e.Details["method"]}
	switch {
	case audit.Anybody(audit.Kind(e.Kind), e.Outcome == "failure", e.SessionID):
		o.Who = "somebody"
	case e.ActorID != "" && e.ActorID != live.UserID:
		o.Who = "administrator"
		return o
	}
	o.IPAddress, o.UserAgent, o.Device = e.IPAddress, e.UserAgent, device.Name(e.UserAgent)
	o.Current = e.SessionID != "" && e.SessionID == live.ID
	return o
}

// AuditEvent is one event as administrators see it.
type AuditEvent struct {
	ID        string            `json:"id"`
	At        wire.Time         `json:"at" format:"date-time"`
	Kind      string            `json:"kind"`
	Outcome   string            `json:"outcome" enum:"success,failure"`
	ActorID   string            `json:"actorId" doc:"Who did it: a person, command-line, or service; empty where anybody may have done it"`
	UserID    string            `json:"userId" doc:"Whom it is about"`
	SessionID string            `json:"sessionId"`
	IPAddress string            `json:"ipAddress"`
	UserAgent string            `json:"userAgent"`
	RequestID string            `json:"requestId"`
	Details   map[string]string `json:"details"`
}

// AuditPage is a page of all events.
type AuditPage struct {
	Events []AuditEvent      `json:"events"`
	Next   validation.Cursor `json:"nextCursor,omitempty"`
}

func (h *Handler) search(ctx context.Context, c *wire.Call) (*wire.Answer[AuditPage], error) {
	live, err := h.Searcher(ctx, c)
	if err != nil {
		return nil, err
	}
	q, err := page(c, ofSearch)
	if err != nil {
		return nil, err
	}
	if err := filter(c, &q); err != nil {
		return nil, err
	}
	found, next, err := h.Events.Find(ctx, q)
	if err != nil {
		return nil, err
	}
	body := AuditPage{Events: []AuditEvent{}, Next: next}
	for _, e := range found {
		body.Events = append(body.Events, AuditEvent{
			ID: e.ID, At: wire.Time(e.At), Kind: e.Kind, Outcome: e.Outcome, ActorID: e.ActorID, UserID: e.UserID, SessionID: e.SessionID,
			IPAddress: e.IPAddress, UserAgent: e.UserAgent, RequestID: e.RequestID, Details: e.Details,
		})
	}
	out := wire.OK(body)
	h.Sessions.Renew(&out.Headers, c, live)
	return out, nil
}

// page reads which part of the list is wanted. A parameter that is not known would
// be one that does not narrow the search, though it was meant to.
func page(c *wire.Call, known []string) (q audit.Query, err error) {
	for _, name := range c.QueryNames() {
		if !slices.Contains(known, name) {
			return q, wire.Invalid("query."+name, "Unrecognized key")
		}
	}
	q.Limit = usualPage
	if text := c.Query("limit"); text != "" {
		if q.Limit, err = strconv.Atoi(text); err != nil || q.Limit < 1 || q.Limit > longestPage {
			return q, wire.Invalid("query.limit", "Invalid input: expected number between 1 and "+strconv.Itoa(longestPage))
		}
	}
	if q.After, err = audit.ReadCursor(c.Query("cursor")); err != nil {
		return q, wire.Invalid("query.cursor", "Invalid input: not a cursor of this list")
	}
	return q, nil
}

func filter(c *wire.Call, q *audit.Query) error {
	for name, to := range map[string]*string{
		"kind": &q.Kind, "userId": &q.UserID, "actorId": &q.ActorID, "requestId": &q.RequestID, "outcome": &q.Outcome,
	} {
		if *to = c.Query(name); len(*to) > 128 || !clean(*to) {
			return wire.Invalid("query."+name, "Invalid input")
		}
	}
	if q.Kind != "" && !audit.Known(audit.Kind(q.Kind)) {
		return wire.Invalid("query.kind", "Invalid option: not a kind of event")
	}
	if q.Outcome != "" && q.Outcome != "success" && q.Outcome != "failure" {
		return wire.Invalid("query.outcome", "Invalid option: expected one of success, failure")
	}
	for name, to := range map[string]*time.Time{"from": &q.From, "to": &q.To} {
		text := c.Query(name)
		if text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return wire.Invalid("query."+name, "Invalid ISO datetime")
		}
		*to = at
	}
	return nil
}

// clean holds for text that a database takes.
func clean(text string) bool {
	for _, r := range text {
		if r < ' ' || r == utf8.RuneError {
			return false
		}
	}
	return true
}
