// Package permission owns what people may do to others: which roles there are,
// what each allows, and that nobody acts upon somebody who may more.
package permission

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/codex-platform/codex/services/auth/internal/user"
)

// The permissions. Their names are those of the contract; audit is ours.
const (
	UserCreate            = "user:create"
	UserList              = "user:list"
	UserGet               = "user:get"
	UserUpdate            = "user:update"
	UserSetRole           = "user:set-role"
	UserBan               = "user:ban"
	UserImpersonate       = "user:impersonate"
	UserImpersonateAdmins = "user:impersonate-admins"
	UserDelete            = "user:delete"
	UserSetPassword       = "user:set-password"
	UserSetEmail          = "user:set-email"
	UserSetPhone          = "user:set-phone"
	SessionList           = "session:list"
	SessionRevoke         = "session:revoke"
	SessionDelete         = "session:delete"
	AuditList             = "audit:list"
)

// usual is what "*" allows: all but acting as other administrators, which has to
// be named.
var usual = []string{
	UserCreate, UserList, UserGet, UserUpdate, UserSetRole, UserBan, UserImpersonate, UserDelete, UserSetPassword, UserSetEmail,
	UserSetPhone, SessionList, SessionRevoke, SessionDelete, AuditList,
}

// Set is a number of permissions.
type Set map[string]bool

// Covers tells whether everything in the other set is in this one too.
func (s Set) Covers(other Set) bool {
	for name := range other {
		if !s[name] {
			return false
		}
	}
	return true
}

func (s Set) add(names ...string) {
	for _, name := range names {
		s[name] = true
	}
}

// Roles are the roles that people may be given beside "user", which may nothing.
type Roles map[string]Set

// UnmarshalText reads roles as the environment writes them, with ";" between:
// "admin; support=user:list,user:get; editor=". A role alone may everything that
// administrators usually may, "*" says the same in a list.
func (r *Roles) UnmarshalText(text []byte) error {
	roles := Roles{}
	for entry := range strings.SplitSeq(string(text), ";") {
		name, list, listed := strings.Cut(strings.TrimSpace(entry), "=")
		if name == "" || strings.ContainsFunc(name, notInRole) {
			return errors.New("holds a role whose name is not of a-z, 0-9, - and _")
		}
		if !listed {
			list = "*"
		}
		set, err := parse(list)
		if err != nil {
			return fmt.Errorf("role %s: %w", name, err)
		}
		roles[name] = set
	}
	*r = roles
	return nil
}

func parse(list string) (Set, error) {
	set := Set{}
	for name := range strings.SplitSeq(list, ",") {
		switch name = strings.TrimSpace(name); {
		case name == "":
		case name == "*":
			set.add(usual...)
		case name == UserImpersonateAdmins, slices.Contains(usual, name):
			set.add(name)
		default:
			return nil, errors.New("a permission that does not exist")
		}
	}
	return set, nil
}

func notInRole(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

// Has tells whether there is such a role.
func (r Roles) Has(name string) bool {
	_, ok := r[name]
	return ok || name == user.RoleUser
}

// Rules decide who may what. The zero Rules allow nothing.
type Rules struct {
	Roles Roles
	// AdminIDs are people who may what administrators usually may, whatever
	// their role.
	AdminIDs []string
}

// Of gives what a person may.
func (r Rules) Of(u user.User) Set {
	set := r.OfRole(u.Role)
	if slices.Contains(r.AdminIDs, u.ID) {
		set.add(usual...)
	}
	return set
}

// OfRole gives what a list of roles allows. A role that is not known allows nothing.
func (r Rules) OfRole(list string) Set {
	set := Set{}
	for name := range strings.SplitSeq(list, ",") {
		for permission := range r.Roles[strings.TrimSpace(name)] {
			set.add(permission)
		}
	}
	return set
}

// May tells whether a person has a permission.
func (r Rules) May(u user.User, permission string) bool { return r.Of(u)[permission] }

// MayActUpon tells whether an actor may do something to somebody: only to who may
// nothing that the actor may not. Without that, a role that sets passwords would be
// worth as much as the highest one.
func (r Rules) MayActUpon(actor, target user.User) bool { return r.Of(actor).Covers(r.Of(target)) }
