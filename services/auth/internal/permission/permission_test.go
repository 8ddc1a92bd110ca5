package permission_test

import (
	"testing"

	"github.com/codex-platform/codex/services/auth/internal/permission"
	"github.com/codex-platform/codex/services/auth/internal/user"
)

func roles(t *testing.T, text string) permission.Roles {
	t.Helper()
	var r permission.Roles
	if err := r.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRoles_areRead(t *testing.T) {
	t.Parallel()
	r := roles(t, "admin; root=*,user:impersonate-admins; support=user:list, user:get;editor=")
	for name, count := range map[string]int{"admin": 15, "root": 16, "support": 2, "editor": 0} {
		if len(r[name]) != count || !r.Has(name) {
			t.Errorf("%s: %v", name, r[name])
		}
	}
	if r["admin"][permission.UserImpersonateAdmins] || !r.Has("user") || r.Has("owner") {
		t.Errorf("roles = %v", r)
	}
	for _, wrong := range []string{"", ";", "Admin", "a b", "admin;", "support=user:fly", "support=user", "=user:list"} {
		if err := new(permission.Roles).UnmarshalText([]byte(wrong)); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	rules := permission.Rules{Roles: roles(t, "admin;root=*,user:impersonate-admins;support=user:set-password;writer="), AdminIDs: []string{"ada"}}
	of := func(id, role string) user.User { return user.User{ID: id, Role: role} }
	for name, tc := range map[string]struct {
		who user.User
		may bool
	}{
		"nobody special":         {of("x", "user"), false},
		"an administrator":       {of("x", "admin"), true},
		"one of several roles":   {of("x", "user, admin"), true},
		"a role without rights":  {of("x", "writer"), false},
		"an unknown role":        {of("x", "administrator"), false},
		"a role in capitals":     {of("x", "ADMIN"), false},
		"no role":                {of("x", ""), false},
		"named by the setting":   {of("ada", "user"), true},
		"another in its writing": {of("Ada", "user"), false},
	} {
		if got := rules.May(tc.who, permission.UserBan); got != tc.may {
			t.Errorf("%s: %v", name, got)
		}
	}
	for name, tc := range map[string]struct {
		actor, target string
		may           bool
	}{
		"support upon a user":           {"support", "user", true},
		"support upon support":          {"support", "support", true},
		"support upon an administrator": {"support", "admin", false},
		"an administrator upon support": {"admin", "support", true},
		"an administrator upon another": {"admin", "admin", true},
		"an administrator upon root":    {"admin", "user,root", false},
		"root upon an administrator":    {"root", "admin", true},
	} {
		if got := rules.MayActUpon(of("x", tc.actor), of("y", tc.target)); got != tc.may {
			t.Errorf("%s: %v", name, got)
		}
	}
	if rules.MayActUpon(of("x", "support"), of("ada", "user")) {
		t.Error("support acts upon an administrator by setting")
	}
	if (permission.Rules{}).May(of("x", "admin"), permission.UserList) {
		t.Error("no rules allow something")
	}
}
