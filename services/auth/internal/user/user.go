// Package user owns people: what is known of one, what others may see of it,
// and what its owner may change.
package user

import (
	"encoding/json"
	"time"

	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// RoleUser is the role of everybody who was not given another one.
const RoleUser = "user"

// User is one person's row.
type User struct {
	ID            string
	Name          string
	Email         string
	EmailVerified bool
	Image         *string
	// Role is a list with commas.
	Role         string
	Banned       bool
	BanReason    *string
	BanExpiresAt *time.Time
	// TwoFactorEnabled: a password alone does not sign in.
	TwoFactorEnabled bool
	Username         *string // lower case
	DisplayUsername  *string // as it was typed
	IsAnonymous      bool
	// Extra holds the members that USER_FIELDS adds, as a JSON object.
	Extra     json.RawMessage
	Version   int64
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Barred tells whether the person is banned now. A ban past its end counts for
// nothing.
func (u *User) Barred(now time.Time) bool {
	return u.Banned && (u.BanExpiresAt == nil || now.Before(*u.BanExpiresAt))
}

// New makes a person who has not proven the address yet.
func New(id, name, email string, image *string, now time.Time) User {
	now = wire.Moment(now)
	return User{
		ID: id, Name: name, Email: email, Image: image, Role: RoleUser, Extra: json.RawMessage("{}"), Version: 1,
		CreatedAt: now, UpdatedAt: now,
	}
}
