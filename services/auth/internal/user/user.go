// Package user owns people: what is known of one, what others may see of it,
// and what its owner may change.
package user

import (
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
	Role          string
	Banned        bool
	BanExpiresAt  *time.Time
	Version       int64
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// Barred tells whether the person is banned now. A ban past its end counts for
// nothing.
func (u *User) Barred(now time.Time) bool {
	return u.Banned && (u.BanExpiresAt == nil || now.Before(*u.BanExpiresAt))
}

// Profile is the user object of the contract.
type Profile struct {
	ID            string    `json:"id" maxLength:"64"`
	Name          string    `json:"name"`
	Email         string    `json:"email" format:"email"`
	EmailVerified bool      `json:"emailVerified"`
	Image         *string   `json:"image"`
	CreatedAt     wire.Time `json:"createdAt" format:"date-time"`
	UpdatedAt     wire.Time `json:"updatedAt" format:"date-time"`
}

// Profile gives what is shown of a person.
func (u *User) Profile() Profile {
	return Profile{
		ID: u.ID, Name: u.Name, Email: u.Email, EmailVerified: u.EmailVerified, Image: u.Image,
		CreatedAt: wire.Time(u.CreatedAt), UpdatedAt: wire.Time(u.UpdatedAt),
	}
}

// New makes a person who has not proven the address yet.
func New(id, name, email string, image *string, now time.Time) User {
	now = wire.Moment(now)
	return User{
		ID: id, Name: name, Email: email, Image: image, Role: RoleUser, Version: 1,
		CreatedAt: now, UpdatedAt: now,
	}
}
