package user

import (
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/codex-platform/codex/services/auth/internal/field"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// Shape is which members a person's object has beside those of the core: a
// plugin that is off shows nothing of itself. The zero Shape is the core alone.
type Shape struct {
	TwoFactor bool
	Admin     bool
	Username  bool
	Anonymous bool
	// Fields are the members that USER_FIELDS adds.
	Fields field.Fields
}

// Profile is the user object of the contract: what is shown of a person.
type Profile struct {
	User  User
	shape *Shape
}

// Profile gives what is shown of a person. A nil Shape is the core alone.
func (s *Shape) Profile(u User) Profile { return Profile{u, s} }

// MarshalJSON writes the members that the shape has.
func (p Profile) MarshalJSON() ([]byte, error) {
	u, s := &p.User, p.shape
	if s == nil {
		s = &Shape{}
	}
	b := make([]byte, 0, 512)
	b = text(b, `{"id":`, &u.ID)
	b = text(b, `,"name":`, &u.Name)
	b = text(b, `,"email":`, &u.Email)
	b = flag(b, `,"emailVerified":`, u.EmailVerified)
	b = text(b, `,"image":`, u.Image)
	b = moment(b, `,"createdAt":`, &u.CreatedAt)
	b = moment(b, `,"updatedAt":`, &u.UpdatedAt)
	if s.TwoFactor {
		b = flag(b, `,"twoFactorEnabled":`, u.TwoFactorEnabled)
	}
	if s.Admin {
		b = text(b, `,"role":`, &u.Role)
		b = flag(b, `,"banned":`, u.Banned)
		b = text(b, `,"banReason":`, u.BanReason)
		b = moment(b, `,"banExpires":`, u.BanExpiresAt)
	}
	if s.Username {
		b = text(b, `,"username":`, u.Username)
		b = text(b, `,"displayUsername":`, u.DisplayUsername)
	}
	if s.Anonymous {
		b = flag(b, `,"isAnonymous":`, u.IsAnonymous)
	}
	b, err := s.Fields.Append(b, u.Extra)
	if err != nil {
		return nil, err
	}
	return append(b, '}'), nil
}

func text(b []byte, name string, value *string) []byte {
	b = append(b, name...)
	if value == nil {
		return append(b, "null"...)
	}
	return wire.AppendText(b, *value)
}

func flag(b []byte, name string, value bool) []byte {
	b = append(b, name...)
	if value {
		return append(b, "true"...)
	}
	return append(b, "false"...)
}

func moment(b []byte, name string, value *time.Time) []byte {
	b = append(b, name...)
	if value == nil {
		return append(b, "null"...)
	}
	return wire.Time(*value).AppendJSON(b)
}

// Schema describes the object for the OpenAPI document: members of plugins are
// there when the plugin is on.
func (Profile) Schema(huma.Registry) *huma.Schema {
	str, yes := func() *huma.Schema { return &huma.Schema{Type: huma.TypeString} }, func() *huma.Schema { return &huma.Schema{Type: huma.TypeBoolean} }
	date := func() *huma.Schema { return &huma.Schema{Type: huma.TypeString, Format: "date-time"} }
	maybe := func(s *huma.Schema) *huma.Schema { s.Nullable = true; return s }
	s := &huma.Schema{
		Type: huma.TypeObject, AdditionalProperties: true,
		Required: []string{"id", "name", "email", "emailVerified", "image", "createdAt", "updatedAt"},
		Properties: map[string]*huma.Schema{
			"id": str(), "name": str(), "email": {Type: huma.TypeString, Format: "email"}, "emailVerified": yes(), "image": maybe(str()),
			"createdAt": date(), "updatedAt": date(), "twoFactorEnabled": yes(), "role": str(), "banned": yes(), "banReason": maybe(str()),
			"banExpires": maybe(date()), "username": maybe(str()), "displayUsername": maybe(str()), "isAnonymous": yes(),
		},
	}
	s.PrecomputeMessages()
	return s
}
