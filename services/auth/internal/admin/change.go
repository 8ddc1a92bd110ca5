package admin

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/mail"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/account"
	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/mailer"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// names lists the members that change, without their values.
func (c Change) names() string {
	var names []string
	for _, m := range []struct {
		name string
		set  bool
	}{
		{"name", c.Name != nil}, {"image", c.SetImage}, {"email", c.Email != nil}, {"emailVerified", c.EmailVerified != nil},
		{"role", c.Role != nil}, {"username", c.Username != nil || c.Display != nil}, {"fields", len(c.Extra) > 0},
	} {
		if m.set {
			names = append(names, m.name)
		}
	}
	return strings.Join(names, " ")
}

func (c Change) onlyRole() bool { return c.names() == "role" }

// addressChanged tells the old address, and makes what was mailed to it worthless.
func (a *Admin) addressChanged(ctx context.Context, tx pgx.Tx, before, now user.User) error {
	if err := (account.Store{DB: tx}).ForgetResets(ctx, now.ID); err != nil {
		return err
	}
	return a.Letters.Put(ctx, tx, mailer.Letter{Kind: mail.EmailChanged, UserID: now.ID, Cause: security.NewID(),
		Contents: mailer.Contents{To: before.Email, Name: before.Name, Address: now.Email}})
}

// Newcomer is whom an administrator makes an account for.
type Newcomer struct {
	Name          string
	Email         string
	EmailVerified bool
	Image         *string
	Role          string
	Username      *string
	Display       *string
	Extra         map[string]json.RawMessage
	// Hash is of the password; "" for somebody who chooses one by a reset, or
	// signs in another way.
	Hash string
}

// Create makes an account. also is what else belongs to it; it may be nil.
func (a *Admin) Create(ctx context.Context, d Deed, n Newcomer, also func(tx pgx.Tx, u user.User) error) (user.User, error) {
	if err := a.mayGrant(d, n.Role); err != nil {
		return user.User{}, err
	}
	u := user.New(security.NewID(), n.Name, n.Email, n.Image, a.Now())
	u.EmailVerified, u.Role, u.Username, u.DisplayUsername = n.EmailVerified, n.Role, n.Username, n.Display
	err := database.InTx(ctx, a.DB, func(tx pgx.Tx) error {
		inserted, err := user.Store{DB: tx}.Insert(ctx, u)
		switch {
		case err != nil:
			return err
		case !inserted:
			return ErrExists
		}
		if n.Hash != "" {
			if err := (account.Store{DB: tx}).Insert(ctx, u.ID, n.Hash, u.CreatedAt); err != nil {
				return err
			}
		}
		if len(n.Extra) > 0 {
			if u, err = (Store{DB: tx}).Update(ctx, u.ID, Change{Extra: n.Extra}, u.UpdatedAt); err != nil {
				return err
			}
		}
		if also != nil {
			if err := also(tx, u); err != nil {
				return err
			}
		}
		return a.Audit.Record(ctx, tx, d.Call, d.record(audit.UserCreated, u.ID, map[string]string{"role": u.Role}))
	})
	return u, err
}

// ParseRoles reads a role, or several with commas; every one has to be there.
func (a *Admin) ParseRoles(list ...string) (string, error) {
	var names []string
	for _, part := range list {
		for name := range strings.SplitSeq(part, ",") {
			name = strings.TrimSpace(name)
			if !a.Rules.Roles.Has(name) {
				return "", ErrNoSuchRole
			}
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "", wire.Invalid("body.role", "Invalid input: expected at least one role")
	}
	return strings.Join(names, ","), nil
}
