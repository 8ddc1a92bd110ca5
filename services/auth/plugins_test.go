package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// What is switched off is not there: its paths are 404 without a body, whoever asks,
// and its members are not shown.
func TestPlugins_off(t *testing.T) {
	t.Parallel()
	on := newWorld(t, options{env: map[string]string{"ANONYMOUS": "on"}})
	off := newWorld(t, options{pool: on.pool, mails: on.mails, env: map[string]string{
		"TWO_FACTOR": "off", "PASSKEYS": "off", "MAGIC_LINK": "off", "EMAIL_CODES": "off", "USERNAMES": "off", "ANONYMOUS": "off", "MULTI_SESSION": "off",
		"ADMIN": "off", "API_KEYS": "off", "JWT": "off", "BEARER": "off",
	}})
	there := func(w *world) (list []string) {
		for path, item := range w.service.api.Huma().OpenAPI().Paths {
			if item.Get != nil {
				list = append(list, "GET "+path)
			}
			if item.Post != nil {
				list = append(list, "POST "+path)
			}
		}
		slices.Sort(list)
		return list
	}
	left := there(off)
	for _, path := range left {
		for _, plugin := range []string{"two-factor", "passkey", "magic-link", "otp", "username", "anonymous", "multi-session", "/admin/", "api-key", "GET /api/auth/token"} {
			if strings.Contains(path, plugin) {
				t.Errorf("%s is there", path)
			}
		}
	}
	b, id := off.person()
	on.exec(`UPDATE better_auth.users SET role = 'admin', version = version + 1 WHERE id = $1`, id)
	n := 0
	for _, op := range there(on) {
		if slices.Contains(left, op) {
			continue
		}
		n++
		method, path, _ := strings.Cut(op, " ")
		path = strings.TrimPrefix(path, base)
		for _, who := range []*browser{b, off.stranger(), off.asService()} {
			r, err := who.try(method, path, "application/json", "{}")
			if err != nil || r.status != http.StatusNotFound || r.text != "" && !strings.HasPrefix(path, "/internal") {
				t.Errorf("%s: %d %s %v", op, r.status, r.text, err)
			}
		}
	}
	if n < 45 {
		t.Errorf("%d operations were switched off", n)
	}
	r := b.get("/get-session")
	for _, member := range []string{"twoFactorEnabled", "role", "banned", "username", "isAnonymous"} {
		if strings.Contains(r.text, `"`+member+`"`) {
			t.Errorf("%s is shown: %s", member, r.text)
		}
	}
	if r.header.Get("Set-Auth-Jwt") != "" {
		t.Error("a token comes with the session")
	}
}
