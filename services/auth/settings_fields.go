package main

import (
	"encoding/json"
	"errors"
	"slices"

	"github.com/codex-platform/codex/pkg/config"

	"github.com/codex-platform/codex/services/auth/internal/field"
	"github.com/codex-platform/codex/services/auth/internal/session"
	"github.com/codex-platform/codex/services/auth/internal/user"
)

// fieldSettings say what a team keeps of its people beside what the contract has,
// and what access tokens tell of them.
type fieldSettings struct {
	OfUser    field.Fields  `env:"USER_FIELDS" example:"plan:string,input=false,default=free,claim; age:number,required" help:"further members of people, with ; between: name:kind of string, number, boolean, date, string[] or number[], then options: required (at sign-up with a password), input=false (only administrators set it), returned=false (never shown), default=…, max=… (characters, else 255), claim (in access tokens)"`
	OfSession field.Fields  `env:"SESSION_FIELDS" example:"theme:string,max=20" help:"further members of sessions, in the same form, which their owner writes by update-session"`
	Claims    claimsSetting `env:"JWT_CLAIMS" envDefault:"small" example:"small" help:"what access tokens tell of a person: small (id, role, whether the address is proven), or whole (all that get-session shows)"`
}

// The values of JWT_CLAIMS.
const (
	smallClaims claimsSetting = "small"
	wholeClaims claimsSetting = "whole"
)

type claimsSetting string

// UnmarshalText reads the setting.
func (c *claimsSetting) UnmarshalText(text []byte) error {
	if *c = claimsSetting(text); *c != smallClaims && *c != wholeClaims {
		return errors.New("not small or whole")
	}
	return nil
}

func (x fieldSettings) faults() []config.Fault {
	if slices.ContainsFunc(x.OfSession, func(f field.Field) bool { return f.Required }) {
		return []config.Fault{{Name: "SESSION_FIELDS", Problem: "has a required field, but a session begins without any", Example: "theme:string,default=light"}}
	}
	if slices.ContainsFunc(x.OfUser, func(f field.Field) bool { return f.Required && f.Closed && f.Default == nil }) {
		return []config.Fault{{Name: "USER_FIELDS", Problem: "has a required field with input=false and no default: nobody could sign up", Example: "plan:string,input=false,default=free"}}
	}
	return nil
}

// claims gives what access tokens hold beside who it is; nil for nothing.
func (x fieldSettings) claims(shape *user.Shape) func(*session.Live) (json.RawMessage, error) {
	claimed := func(f field.Field) bool { return f.Claim }
	if x.Claims == smallClaims && !slices.ContainsFunc(slices.Concat(x.OfUser, x.OfSession), claimed) {
		return nil
	}
	return func(live *session.Live) (json.RawMessage, error) {
		all := map[string]json.RawMessage{}
		if x.Claims == wholeClaims {
			text, err := json.Marshal(shape.Profile(live.User))
			if err != nil {
				return nil, err
			}
			if err := json.Unmarshal(text, &all); err != nil {
				return nil, err
			}
		}
		of, err := x.OfUser.Claims(live.User.Extra)
		if err != nil {
			return nil, err
		}
		also, err := x.OfSession.Claims(live.Session.Extra)
		if err != nil {
			return nil, err
		}
		for _, m := range append(of, also...) {
			all[m.Name] = m.Value
		}
		return json.Marshal(all)
	}
}
