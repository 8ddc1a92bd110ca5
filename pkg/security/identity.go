package security

import "context"

// Identity is who makes a request, as its verified token says it.
type Identity struct {
	UserID        string // opaque, at most 64 ASCII bytes
	SessionID     string // the session that the token was made for
	Role          string // "user", "admin" or empty
	EmailVerified bool
	ActorID       string // the administrator who acts as the user; empty: the user
}

type identityKey struct{}

// WithIdentity hands the caller's identity on to the rules below.
func WithIdentity(ctx context.Context, id Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, id)
}

// IdentityOf returns who makes this request; false where nobody signed in.
func IdentityOf(ctx context.Context) (Identity, bool) {
	id, ok := ctx.Value(identityKey{}).(Identity)
	return id, ok
}
