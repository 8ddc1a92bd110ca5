package user_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/services/auth/internal/user"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

func TestBarred(t *testing.T) {
	t.Parallel()
	noon := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	later := noon.Add(time.Second)
	for name, tc := range map[string]struct {
		user user.User
		want bool
	}{
		"not banned":           {user.User{}, false},
		"banned for good":      {user.User{Banned: true}, true},
		"banned until later":   {user.User{Banned: true, BanExpiresAt: &later}, true},
		"banned until now":     {user.User{Banned: true, BanExpiresAt: &noon}, false},
		"an end without a ban": {user.User{BanExpiresAt: &later}, false},
	} {
		if got := tc.user.Barred(noon); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestProtected_findsEverySpelling(t *testing.T) {
	t.Parallel()
	for name, refused := range map[string]bool{
		"role": true, "emailVerified": true, "email_verified": true, "EMAILVERIFIED": true, "id": true, "createdAt": true, "updated_at": true,
		"banned": true, "banReason": true, "ban_expires": true, "twoFactorEnabled": true, "two_factor_enabled": true, "isAnonymous": true,
		"name": false, "image": false, "email": false, "callbackURL": false, "favouriteColour": false,
	} {
		err := user.Protected(wire.Members{{Name: "name", Value: json.RawMessage(`"x"`)}, {Name: name, Value: json.RawMessage("1")}})
		if (err != nil) != refused {
			t.Errorf("%s: %v", name, err)
		}
		if refused && (!errors.Is(err, wire.ErrFieldNotAllowed) || !strings.HasSuffix(err.Error(), name+" is not allowed to be set")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestProfile_hasTheContractsMembersOnly(t *testing.T) {
	t.Parallel()
	u := user.New("id", "Ada", "ada@example.test", nil, time.Date(2026, 11, 22, 23, 53, 9, 316_999_999, time.UTC))
	text, err := json.Marshal((*user.Shape)(nil).Profile(u))
	const want = `{"id":"id","name":"Ada","email":"ada@example.test","emailVerified":false,"image":null,"createdAt":"2026-11-22T23:53:09.316Z","updatedAt":"2026-11-22T23:53:09.316Z"}`
	if err != nil || string(text) != want {
		t.Errorf("Profile = %s, %v", text, err)
	}
}
