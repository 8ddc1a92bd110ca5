package admin

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/codex-platform/codex/pkg/validation"

	"github.com/codex-platform/codex/services/auth/internal/permission"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

type createForm struct {
	Email    validation.Email `json:"email"`
	Name     string           `json:"name" max:"200"`
	Password *string          `json:"password"`
	Role     json.RawMessage  `json:"role" doc:"One role, or a list of them"`
	Data     json.RawMessage  `json:"data" doc:"Further members"`
}

func (a *Admin) postCreate(ctx context.Context, c *wire.Call, in createForm) (*wire.Answer[OnePerson], error) {
	live, err := a.asking(ctx, c, permission.UserCreate, ErrCreateUsers)
	if err != nil {
		return nil, err
	}
	n := Newcomer{Name: in.Name, Email: in.Email.String(), Role: user.RoleUser}
	if in.Role != nil {
		if n.Role, err = a.readRole(in.Role); err != nil {
			return nil, err
		}
		if n.Role != user.RoleUser && !a.Rules.May(live.User, permission.UserSetRole) {
			return nil, a.refused(ctx, c, live, permission.UserSetRole, ErrChangeRole)
		}
	}
	if in.Data != nil {
		change, err := a.readData(ctx, in.Data, "")
		if err != nil {
			return nil, err
		}
		if change.Email != nil || change.Name != nil || change.Role != nil {
			return nil, wire.Invalid("body.data", "Invalid input: email, name and role stand beside data")
		}
		n.Image, n.Username, n.Display, n.Extra = change.Image, change.Username, change.Display, change.Extra
		n.EmailVerified = change.EmailVerified != nil && *change.EmailVerified
	}
	if in.Password != nil {
		chosen, err := a.Passwords.Choose(*in.Password, n.Email, n.Name)
		if err != nil {
			return nil, err
		}
		if n.Hash, err = a.Passwords.Hash(ctx, chosen); err != nil {
			return nil, err
		}
	}
	u, err := a.Create(ctx, Deed{c, live, ErrCreateUsers}, n, nil)
	if err != nil {
		return nil, err
	}
	return a.one(c, live, u), nil
}

type updateForm struct {
	UserID string          `json:"userId"`
	Data   json.RawMessage `json:"data" required:"true" doc:"The members to change"`
}

func (a *Admin) postUpdate(ctx context.Context, c *wire.Call, in updateForm) (*wire.Answer[user.Profile], error) {
	live, err := a.asking(ctx, c, permission.UserUpdate, ErrUpdateUsers)
	if err != nil {
		return nil, err
	}
	change, err := a.readData(ctx, in.Data, in.UserID)
	if err != nil {
		return nil, err
	}
	if change.names() == "" {
		return nil, ErrNoData
	}
	if err := a.mayChange(ctx, c, live, change); err != nil {
		return nil, err
	}
	u, err := a.Update(ctx, Deed{c, live, ErrUpdateUsers}, in.UserID, change)
	if err != nil {
		return nil, err
	}
	return answer(a, c, live, a.Sessions.Shape.Profile(u)), nil
}

// mayChange asks for the permissions that some members need beside that to update.
func (a *Admin) mayChange(ctx context.Context, c *wire.Call, live *session.Live, change Change) error {
	switch {
	case change.Role != nil && !a.Rules.May(live.User, permission.UserSetRole):
		return a.refused(ctx, c, live, permission.UserSetRole, ErrChangeRole)
	case (change.Email != nil || change.EmailVerified != nil) && !a.Rules.May(live.User, permission.UserSetEmail):
		return a.refused(ctx, c, live, permission.UserSetEmail, ErrSetEmail)
	}
	return nil
}

// readData reads the members of "data"; userID is "" for a person who is to be
// made. A new address counts as not proven unless the data says so.
func (a *Admin) readData(ctx context.Context, raw json.RawMessage, userID string) (c Change, err error) {
	var members map[string]json.RawMessage
	var names wire.Members
	if json.Unmarshal(raw, &members) != nil {
		return c, wire.Invalid("body.data", "Invalid input: expected object")
	}
	for name, value := range members {
		switch name {
		case "name":
			c.Name, err = text(name, value, 200)
		case "image":
			c.SetImage = true
			if string(value) != "null" {
				c.Image, err = image(value)
			}
		case "email":
			c.Email, err = address(value)
		case "emailVerified":
			err = into(name, value, &c.EmailVerified)
		case "role":
			var role string
			role, err = a.readRole(value)
			c.Role = &role
		case "username", "displayUsername":
			if a.Names == nil {
				err = wire.FieldNotAllowed(name)
			}
			names = append(names, wire.Member{Name: name, Value: value})
		case "password":
			err = ErrPasswordInData
		case "id", "userId":
			err = ErrIDInData
		default:
			err = a.readExtra(&c, name, value)
		}
		if err != nil {
			return c, err
		}
	}
	if c.Email != nil && c.EmailVerified == nil {
		c.EmailVerified = new(bool)
	}
	switch {
	case names == nil:
	case userID == "":
		c.Username, c.Display, err = a.Names.Chosen(ctx, names)
	default:
		c.Username, c.Display, err = a.Names.Changed(ctx, names, userID)
	}
	return c, err
}

func into[T any](name string, raw json.RawMessage, to *T) error {
	if string(raw) == "null" || json.Unmarshal(raw, to) != nil {
		return wire.Invalid("body.data."+name, "Invalid input")
	}
	return nil
}

func text(name string, raw json.RawMessage, most int) (*string, error) {
	var s string
	if err := into(name, raw, &s); err != nil {
		return nil, err
	}
	if len([]rune(s)) > most || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return nil, wire.Invalid("body.data."+name, "Invalid input")
	}
	return &s, nil
}

func image(raw json.RawMessage) (*string, error) {
	s, err := text("image", raw, 2048)
	if err == nil && !wire.Picture(*s) {
		return nil, wire.Invalid("body.data.image", "Invalid input: expected an https address or a path")
	}
	return s, err
}

func address(raw json.RawMessage) (*string, error) {
	var s string
	if err := into("email", raw, &s); err != nil {
		return nil, err
	}
	email, err := validation.ParseEmail(s)
	if err != nil {
		return nil, wire.Invalid("body.data.email", "Invalid email address")
	}
	text := email.String()
	return &text, nil
}

// readExtra takes a member that USER_FIELDS adds.
func (a *Admin) readExtra(c *Change, name string, raw json.RawMessage) error {
	one, known := a.Sessions.Shape.Fields.Named(name)
	if !known {
		return wire.FieldNotAllowed(name)
	}
	value, fault := one.Value(raw)
	if fault != "" {
		return wire.Invalid("body.data."+name, fault)
	}
	if c.Extra == nil {
		c.Extra = map[string]json.RawMessage{}
	}
	c.Extra[name] = value
	return nil
}
