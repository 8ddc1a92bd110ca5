package session

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/field"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// Cache is where live sessions are kept between queries; see cache.Sessions.
type Cache interface {
	Get(ctx context.Context, tokenHash []byte) (Live, bool, error)
	Fill(ctx context.Context, tokenHash []byte, value Live, version int64) error
	Outdate(ctx context.Context, version int64, tokenHashes ...[]byte) error
	Delete(ctx context.Context, tokenHashes ...[]byte) error
}

// Feed tells the gateways which sessions ended; see cache.Feed.
type Feed interface {
	Publish(ctx context.Context, r cache.Revocation) error
}

// Registry begins, finds and ends sessions.
type Registry struct {
	Store   Store
	Cache   Cache
	Feed    Feed // nil without Redis: tokens then live until their end
	Cookies Cookies
	Rules   Rules
	// Shape is what is shown of people.
	Shape *user.Shape
	// Fields are the members that SESSION_FIELDS adds.
	Fields field.Fields
	// Later tries again to tell everybody that sessions ended, when Redis could
	// not be told at once.
	Later func(ctx context.Context, ended []Ended) error
	// Key gives the session that stands for the API key of a call; nil: keys have none.
	Key func(ctx context.Context, c *wire.Call) (*Live, error)
	// Renewed adds to an answer that sends the cookie again; nil: nothing.
	Renewed func(h *wire.Headers, c *wire.Call, live *Live)
	// Succeeded moves what hangs on a session to the one in its place; nil: nothing does.
	Succeeded func(ctx context.Context, tx pgx.Tx, from, to string) error
	// TokenLife is how long an access token of an ended session would live.
	TokenLife time.Duration
	Now       func() time.Time
	Log       *slog.Logger
}

// Begin makes a session for a person, in a transaction where it is a step of
// more. The token is new at every call: one that a client brought along is never
// adopted (SES-01).
func (r *Registry) Begin(ctx context.Context, db database.Querier, u user.User, c *wire.Call, remember bool) (Live, error) {
	if u.Barred(r.Now()) {
		return Live{}, wire.ErrBanned
	}
	live := r.fresh(u, c, remember)
	return live, Store{DB: db}.Insert(ctx, live.Session)
}

// Succeed begins the session that takes the place of one that the transaction ended.
func (r *Registry) Succeed(ctx context.Context, tx pgx.Tx, ended *Live, u user.User, c *wire.Call) (Live, error) {
	next, err := r.Begin(ctx, tx, u, c, ended.Remember)
	if err != nil {
		return next, err
	}
	return next, r.Inherit(ctx, tx, ended.ID, next.ID)
}

// Inherit is for a session that takes the place of another and was begun otherwise.
func (r *Registry) Inherit(ctx context.Context, tx pgx.Tx, from, to string) error {
	if r.Succeeded == nil {
		return nil
	}
	return r.Succeeded(ctx, tx, from, to)
}

// Current gives the session that a call belongs to, or nil when there is none:
// no proof, a forged one, an ended session, or a person who is banned. A cached
// answer is good enough; it never outlives the session's end by more than the
// cache promises. A session that is due is extended, unless the call asks not to.
func (r *Registry) Current(ctx context.Context, c *wire.Call) (*Live, error) {
	return r.current(ctx, c, r.lookup)
}

// Stored is Current from the database, for calls that change something. Those
// who act for the person are refused unless the operation is open to them.
func (r *Registry) Stored(ctx context.Context, c *wire.Call) (*Live, error) {
	live, err := r.current(ctx, c, r.load)
	switch {
	case err != nil:
		return nil, err
	case live == nil:
		return nil, wire.ErrUnauthorized
	case live.onBehalf() && !c.OnBehalf:
		return nil, wire.ErrOnBehalf
	}
	return live, nil
}

func (r *Registry) current(ctx context.Context, c *wire.Call, find func(context.Context, []byte) (*Live, error)) (*Live, error) {
	if r.Key != nil && c.HasHeader(KeyHeader) {
		return r.Key(ctx, c)
	}
	p, ok := r.Cookies.find(c)
	if !ok {
		return nil, nil
	}
	live, err := r.judge(ctx, p, find)
	if live == nil || err != nil {
		return nil, err
	}
	if live.ImpersonatedBy != nil {
		c.ActorID = *live.ImpersonatedBy
	}
	switch due := r.Rules.Due(&live.Session, r.Now()) && c.Query("disableRefresh") != "true"; {
	case due && r.Rules.Deferred:
		live.Due = true
	case due:
		err = r.extend(ctx, live)
	}
	return live, err
}

// ByCookie gives the session behind the value of a session cookie, or nil. It
// neither extends the session nor renews the cookie: there is no browser to
// tell.
func (r *Registry) ByCookie(ctx context.Context, value string) (*Live, error) {
	p, ok := r.Cookies.open(value)
	if !ok {
		return nil, nil
	}
	return r.judge(ctx, p, r.lookup)
}

// In is the registry as it is seen in a transaction.
func (r *Registry) In(tx database.Querier) *Registry {
	in := *r
	in.Store = Store{DB: tx}
	return &in
}

// judge finds a proof's session and whether it still counts.
func (r *Registry) judge(ctx context.Context, p proof, find func(context.Context, []byte) (*Live, error)) (*Live, error) {
	live, err := find(ctx, security.HashToken(p.token))
	switch now := r.Now(); {
	case errors.Is(err, errNone):
		return nil, nil
	case err != nil:
		return nil, err
	case r.Rules.Over(&live.Session, now), live.User.Barred(now):
		return nil, nil
	}
	live.Token, live.Resend = p.token, p.stale && p.cookie
	return live, nil
}

// lookup asks the cache, then the database. A cache that is away is a miss.
func (r *Registry) lookup(ctx context.Context, hash []byte) (*Live, error) {
	if live, ok, _ := r.Cache.Get(ctx, hash); ok && bytes.Equal(live.TokenHash, hash) {
		return &live, nil
	}
	live, err := r.load(ctx, hash)
	if err == nil {
		_ = r.Cache.Fill(ctx, hash, *live, live.version()) // the next one asks the database again
	}
	return live, err
}

func (r *Registry) load(ctx context.Context, hash []byte) (*Live, error) {
	return r.Store.ByToken(ctx, hash)
}

// extend moves the session's end. When another request was faster, or the
// database cannot write now, the session is as good as it was before.
func (r *Registry) extend(ctx context.Context, live *Live) error {
	now := wire.Moment(r.Now())
	until := r.Rules.end(live.Session.CreatedAt, now, true)
	version, err := r.Store.Extend(ctx, live.ID, until, now)
	switch {
	case errors.Is(err, errNone):
		return nil
	case err != nil:
		r.Log.WarnContext(ctx, "session not extended", "session_id", live.ID, "err", err)
		return nil
	}
	live.ExpiresAt, live.Session.UpdatedAt, live.Session.Version, live.Resend = until, now, version, true
	_ = r.Cache.Fill(ctx, live.TokenHash, *live, live.version()) // an older entry asks to extend once more: harmless
	return nil
}

// Renew puts the cookie into an answer when it is to be sent again.
func (r *Registry) Renew(h *wire.Headers, c *wire.Call, live *Live) {
	if live.Resend {
		r.Hand(h, c, live)
	}
}

// Hand puts the cookie of a session into an answer that goes on in the place of the
// caller's, or that is the caller's own.
func (r *Registry) Hand(h *wire.Headers, c *wire.Call, live *Live) {
	r.Cookies.Set(h, c, live.Token, r.CookieLife(live))
	if r.Renewed != nil {
		r.Renewed(h, c, live)
	}
}

// CookieLife is how long the cookie of a session lasts, in whole seconds: as long
// as the session; 0 when it ends with the browser.
func (r *Registry) CookieLife(live *Live) time.Duration {
	if !live.Remember {
		return 0
	}
	left := r.Rules.left(&live.Session, r.Now()) + time.Second - time.Nanosecond
	return max(time.Second, min(r.Cookies.maxAge, left.Truncate(time.Second)))
}

// Changed makes caches forget a person's old profile after a change was committed.
func (r *Registry) Changed(ctx context.Context, userID string) error {
	all, err := r.Store.versions(ctx, userID)
	if err != nil {
		return err
	}
	for _, v := range all {
		_ = r.Cache.Outdate(ctx, v.Version, v.TokenHash) // over by itself within a minute
	}
	return nil
}

// announceTime bounds the telling; the row is gone already.
const announceTime = 2 * time.Second

// Announce makes the end of sessions known once their rows are gone: first the
// cache, then the gateways. It does not depend on the client's patience, and
// what cannot be told now is told by a job.
func (r *Registry) Announce(ctx context.Context, ended []Ended, reason string) error {
	if len(ended) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), announceTime)
	defer cancel()
	for _, e := range ended {
		r.Log.InfoContext(ctx, "session ended", "session_id", e.ID, "user_id", e.UserID, "reason", reason)
	}
	if r.Tell(ctx, ended) != nil {
		return r.Later(ctx, ended)
	}
	return nil
}

// Tell empties the cache and publishes the ends. It may be repeated.
func (r *Registry) Tell(ctx context.Context, ended []Ended) error {
	var hashes [][]byte
	for _, e := range ended {
		if e.TokenHash != nil { // see AllTokens
			hashes = append(hashes, e.TokenHash)
		}
	}
	if err := r.Cache.Delete(ctx, hashes...); err != nil || r.Feed == nil {
		return err
	}
	now := r.Now()
	for _, e := range ended {
		gone := cache.Revocation{SessionID: e.ID, UserID: e.UserID, At: now, Until: now.Add(r.TokenLife)}
		if err := r.Feed.Publish(ctx, gone); err != nil {
			return err
		}
	}
	return nil
}
