package apikey

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

const (
	longestName   = 32
	longestPrefix = 32
	mostMetadata  = 4096
	mostListed    = 100
)

// Routes names every operation of this feature for the public.
func (k *Keys) Routes(r *wire.Router) {
	wire.Post(r, wire.Op{ID: "createApiKey", Path: "/api-key/create", Summary: "Make a key; its text is shown only here", Session: true, Errors: []int{400, 401}}, k.postCreate)
	wire.Get(r, wire.Op{
		ID: "listApiKeys", Path: "/api-key/list", Summary: "The caller's keys", Session: true, OnBehalf: true, Errors: []int{400, 401},
		Query: []string{"limit", "offset", "sortBy", "sortDirection", "configId"},
	}, k.list)
	wire.Get(r, wire.Op{ID: "getApiKey", Path: "/api-key/get", Summary: "One of the caller's keys", Session: true, OnBehalf: true, Query: []string{"id"}, Errors: []int{400, 401, 404}}, k.get)
	wire.Post(r, wire.Op{ID: "updateApiKey", Path: "/api-key/update", Summary: "Rename a key, switch it off or on, or change its end", Session: true, Errors: []int{400, 401, 404}}, k.postUpdate)
	wire.Post(r, wire.Op{ID: "deleteApiKey", Path: "/api-key/delete", Summary: "End a key for good", Session: true, Errors: []int{401, 404}}, k.postDelete)
}

// KeyView is the key object of the contract.
type KeyView struct {
	ID                  string          `json:"id"`
	ConfigID            string          `json:"configId"`
	Name                *string         `json:"name"`
	Start               *string         `json:"start" doc:"How the key begins"`
	Prefix              *string         `json:"prefix"`
	ReferenceID         string          `json:"referenceId" doc:"The owner"`
	RefillInterval      *int64          `json:"refillInterval" doc:"Milliseconds"`
	RefillAmount        *int64          `json:"refillAmount"`
	LastRefillAt        *wire.Time      `json:"lastRefillAt" format:"date-time"`
	Enabled             bool            `json:"enabled"`
	RateLimitEnabled    bool            `json:"rateLimitEnabled"`
	RateLimitTimeWindow int64           `json:"rateLimitTimeWindow" doc:"Milliseconds"`
	RateLimitMax        int64           `json:"rateLimitMax"`
	RequestCount        int64           `json:"requestCount"`
	Remaining           *int64          `json:"remaining"`
	LastRequest         *wire.Time      `json:"lastRequest" format:"date-time"`
	ExpiresAt           *wire.Time      `json:"expiresAt" format:"date-time"`
	CreatedAt           wire.Time       `json:"createdAt" format:"date-time"`
	UpdatedAt           wire.Time       `json:"updatedAt" format:"date-time"`
	Permissions         json.RawMessage `json:"permissions"`
	Metadata            json.RawMessage `json:"metadata"`
}

// View gives what is shown of a key.
func (k Key) View() KeyView {
	return KeyView{
		ID: k.ID, ConfigID: k.ConfigID, Name: k.Name, Start: k.Start, Prefix: k.Prefix, ReferenceID: k.UserID,
		RefillInterval: k.RefillInterval, RefillAmount: k.RefillAmount, LastRefillAt: (*wire.Time)(k.LastRefillAt), Enabled: k.Enabled,
		RateLimitEnabled: k.RateLimitEnabled, RateLimitTimeWindow: k.RateLimitWindow, RateLimitMax: k.RateLimitMax, RequestCount: k.RequestCount,
		Remaining: k.Remaining, LastRequest: (*wire.Time)(k.LastRequestAt), ExpiresAt: (*wire.Time)(k.ExpiresAt),
		CreatedAt: wire.Time(k.CreatedAt), UpdatedAt: wire.Time(k.UpdatedAt), Permissions: k.Permissions, Metadata: k.Metadata,
	}
}

// MadeKey is a key with its text.
type MadeKey struct {
	KeyView
	Key string `json:"key" doc:"The key itself; it is not shown again"`
}

// owner gives the caller.
func (k *Keys) owner(ctx context.Context, c *wire.Call) (*session.Live, error) {
	live, err := k.Sessions.Stored(ctx, c)
	if errors.Is(err, wire.ErrUnauthorized) {
		return nil, ErrNoSession
	}
	return live, err
}

func answer[B any](k *Keys, c *wire.Call, live *session.Live, body B) *wire.Answer[B] {
	out := wire.OK(body)
	k.Sessions.Renew(&out.Headers, c, live)
	return out
}

// serverOnly are the members that owners cannot set.
var serverOnly = []string{
	"remaining", "refillAmount", "refillInterval", "rateLimitMax", "rateLimitTimeWindow", "rateLimitEnabled", "permissions", "userId",
}

// ours refuses members that are for services, or for what there is none of.
func ours(c *wire.Call) error {
	for _, name := range serverOnly {
		if raw := c.Members().Get(name); raw != nil && string(raw) != "null" {
			return ErrServerOnly
		}
	}
	if id, sent := c.Members().Text("configId"); sent && id != "default" {
		return wire.Invalid("body.configId", "Invalid option: expected default")
	}
	if c.Members().Get("organizationId") != nil {
		return wire.Invalid("body.organizationId", "Invalid input: keys belong to people")
	}
	return nil
}

type createForm struct {
	Name      *string         `json:"name"`
	Prefix    *string         `json:"prefix"`
	ExpiresIn json.RawMessage `json:"expiresIn" doc:"Seconds; without it there is no end"`
	Metadata  json.RawMessage `json:"metadata" doc:"An object that is kept with the key"`
}

func (k *Keys) postCreate(ctx context.Context, c *wire.Call, in createForm) (*wire.Answer[MadeKey], error) {
	live, err := k.owner(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := ours(c); err != nil {
		return nil, err
	}
	key := Key{UserID: live.UserID, Name: in.Name, Prefix: in.Prefix}
	if key.Prefix == nil && k.Rules.Prefix != "" {
		key.Prefix = &k.Rules.Prefix
	}
	if err := key.check(); err != nil {
		return nil, err
	}
	if key.ExpiresAt, err = k.end(in.ExpiresIn); err != nil {
		return nil, err
	}
	if key.Metadata, err = k.metadata(in.Metadata); err != nil {
		return nil, err
	}
	made, text, err := k.create(ctx, c, key, live)
	if err != nil {
		return nil, err
	}
	return answer(k, c, live, MadeKey{made.View(), text}), nil
}

// check bounds the texts that the owner chose.
func (k Key) check() error {
	if k.Name != nil {
		if err := checkName(*k.Name); err != nil {
			return err
		}
	}
	if k.Prefix == nil {
		return nil
	}
	if *k.Prefix == "" || len(*k.Prefix) > longestPrefix {
		return ErrPrefixLength
	}
	if !PrefixFits(*k.Prefix) {
		return wire.Invalid("body.prefix", "Invalid prefix format, must be alphanumeric and contain only underscores and hyphens.")
	}
	return nil
}

// PrefixFits tells whether keys may begin with a text.
func PrefixFits(prefix string) bool {
	return len(prefix) <= longestPrefix && !strings.ContainsFunc(prefix, odd)
}

func odd(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

func checkName(name string) error {
	if n := utf8.RuneCountInString(name); n < 1 || n > longestName {
		return ErrNameLength
	}
	for _, r := range name {
		if r < ' ' || r == 0x7f {
			return wire.Invalid("body.name", "Invalid input: control characters are not allowed")
		}
	}
	return nil
}

// end reads expiresIn, in seconds; nil for a key without an end.
func (k *Keys) end(raw json.RawMessage) (*time.Time, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var seconds int64
	if json.Unmarshal(raw, &seconds) != nil {
		return nil, wire.Invalid("body.expiresIn", "Invalid input: expected number")
	}
	switch {
	case seconds < int64(k.Rules.Shortest.Seconds()):
		return nil, ErrTooSoon
	case seconds > int64(k.Rules.Longest.Seconds()):
		return nil, ErrTooLate
	}
	end := wire.Moment(k.Now().Add(time.Duration(seconds) * time.Second))
	return &end, nil
}

// metadata takes an object where metadata is on.
func (k *Keys) metadata(raw json.RawMessage) (json.RawMessage, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var object map[string]json.RawMessage
	switch {
	case !k.Rules.Metadata:
		return nil, ErrNoMetadata
	case json.Unmarshal(raw, &object) != nil:
		return nil, ErrMetadata
	case len(raw) > mostMetadata:
		return nil, wire.Invalid("body.metadata", "Too big: expected at most "+strconv.Itoa(mostMetadata)+" bytes")
	}
	kept, ok := wire.Storable(raw)
	if !ok {
		return nil, wire.Invalid("body.metadata", "Invalid input: it holds what cannot be kept")
	}
	return kept, nil
}

// KeyPage is a page of keys.
type KeyPage struct {
	Keys   []KeyView `json:"apiKeys"`
	Total  int64     `json:"total" doc:"How many there are on all pages"`
	Limit  int       `json:"limit,omitempty"`
	Offset *int      `json:"offset,omitempty"`
}

func (k *Keys) list(ctx context.Context, c *wire.Call) (*wire.Answer[KeyPage], error) {
	live, err := k.Sessions.Stored(ctx, c)
	if err != nil {
		return nil, err
	}
	if c.Query("organizationId") != "" {
		return nil, wire.Invalid("query.organizationId", "Invalid input: keys belong to people")
	}
	page, err := readPage(c)
	if err != nil {
		return nil, err
	}
	var found []Key
	var total int64
	if id := c.Query("configId"); id == "" || id == "default" { // no key has another one
		if found, total, err = k.Store.List(ctx, live.UserID, page); err != nil {
			return nil, err
		}
	}
	body := KeyPage{Keys: []KeyView{}, Total: total}
	if c.Query("offset") != "" {
		body.Offset = &page.offset
	}
	if c.Query("limit") != "" {
		body.Limit = page.limit
	}
	for _, key := range found {
		body.Keys = append(body.Keys, key.View())
	}
	return answer(k, c, live, body), nil
}

func readPage(c *wire.Call) (p Page, err error) {
	p = Page{sort: c.Query("sortBy"), limit: mostListed}
	if _, ok := sorts[p.sort]; !ok {
		return p, wire.Invalid("query.sortBy", "Invalid option: not a field that can be sorted by")
	}
	p.descending = c.Query("sortDirection") == "desc"
	if text := c.Query("limit"); text != "" {
		if p.limit, err = strconv.Atoi(text); err != nil || p.limit < 1 {
			return p, wire.Invalid("query.limit", "Invalid input: expected number")
		}
		p.limit = min(p.limit, mostListed)
	}
	if text := c.Query("offset"); text != "" {
		if p.offset, err = strconv.Atoi(text); err != nil || p.offset < 0 || p.offset > 1_000_000 {
			return p, wire.Invalid("query.offset", "Invalid input: expected number")
		}
	}
	return p, nil
}

func (k *Keys) get(ctx context.Context, c *wire.Call) (*wire.Answer[KeyView], error) {
	live, err := k.Sessions.Stored(ctx, c)
	if err != nil {
		return nil, err
	}
	id, err := c.MustQuery("id")
	if err != nil {
		return nil, err
	}
	if !wire.RowID(id) {
		return nil, ErrUnknown
	}
	key, err := k.Store.Get(ctx, live.UserID, id)
	if err != nil {
		return nil, err
	}
	return answer(k, c, live, key.View()), nil
}

type updateForm struct {
	KeyID     string          `json:"keyId"`
	Name      *string         `json:"name"`
	Enabled   *bool           `json:"enabled"`
	ExpiresIn json.RawMessage `json:"expiresIn" doc:"Seconds from now; null: no end"`
	Metadata  json.RawMessage `json:"metadata"`
}

func (k *Keys) postUpdate(ctx context.Context, c *wire.Call, in updateForm) (*wire.Answer[KeyView], error) {
	live, err := k.owner(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := ours(c); err != nil {
		return nil, err
	}
	change := Change{Name: in.Name, Enabled: in.Enabled, SetExpires: in.ExpiresIn != nil, SetMetadata: in.Metadata != nil}
	if in.Name == nil && in.Enabled == nil && !change.SetExpires && !change.SetMetadata {
		return nil, ErrNothing
	}
	if in.Name != nil {
		if err := checkName(*in.Name); err != nil {
			return nil, err
		}
	}
	if change.ExpiresAt, err = k.end(in.ExpiresIn); err != nil {
		return nil, err
	}
	if change.Metadata, err = k.metadata(in.Metadata); err != nil {
		return nil, err
	}
	if !wire.RowID(in.KeyID) {
		return nil, ErrUnknown
	}
	key, err := k.update(ctx, c, live.UserID, in.KeyID, change, live)
	if err != nil {
		return nil, err
	}
	return answer(k, c, live, key.View()), nil
}

type deleteForm struct {
	KeyID string `json:"keyId"`
}

func (k *Keys) postDelete(ctx context.Context, c *wire.Call, in deleteForm) (*wire.Answer[wire.Success], error) {
	live, err := k.owner(ctx, c)
	if err != nil {
		return nil, err
	}
	if !wire.RowID(in.KeyID) {
		return nil, ErrUnknown
	}
	if err := k.remove(ctx, c, live.UserID, in.KeyID, live); err != nil {
		return nil, err
	}
	return answer(k, c, live, wire.Success{Success: true}), nil
}
