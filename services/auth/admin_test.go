package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/testkit"
)

// administrator gives a browser in which an administrator is signed in.
func (w *world) administrator() (b *browser, id string) {
	w.t.Helper()
	return w.withRole("admin")
}

func (w *world) withRole(role string) (b *browser, id string) {
	w.t.Helper()
	b, id = w.person()
	w.exec(`UPDATE better_auth.users SET role = $2, version = version + 1 WHERE id = $1`, id, role)
	return b, id
}

// person gives a browser in which somebody new is signed in.
func (w *world) person() (b *browser, id string) {
	w.t.Helper()
	b = w.signUp(address(), goodPassword)
	return b, b.get("/get-session").str("user", "id")
}

func (w *world) events(kind, userID string) int {
	w.t.Helper()
	return w.count(`SELECT count(*) FROM better_auth.audit_events WHERE kind = $1 AND user_id = $2`, kind, userID)
}

type members = map[string]any

func claimsOf(t *testing.T, jwt string) members {
	t.Helper()
	var claims members
	if err := json.Unmarshal([]byte(mustDecode(t, jwt)), &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// AUTH-15: who may not administrate is refused everywhere, and the try is recorded.
func TestAdmin_isForAdministratorsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	b, id := w.person()
	_, other := w.person()
	for path, code := range map[string]string{
		"GET /admin/list-users": "LIST_USERS", "GET /admin/get-user?id=" + other: "GET_USER", "GET /admin/audit-events": "LIST_AUDIT_EVENTS",
		"/admin/create-user": "CREATE_USERS", "/admin/update-user": "UPDATE_USERS", "/admin/set-role": "CHANGE_USERS_ROLE", "/admin/ban-user": "BAN_USERS",
		"/admin/unban-user": "BAN_USERS", "/admin/impersonate-user": "IMPERSONATE_USERS", "/admin/remove-user": "DELETE_USERS",
		"/admin/set-user-password": "SET_USERS_PASSWORD", "/admin/list-user-sessions": "LIST_USERS_SESSIONS",
		"/admin/revoke-user-sessions": "REVOKE_USERS_SESSIONS", "/admin/revoke-user-session": "REVOKE_USERS_SESSIONS",
	} {
		body := members{
			"userId": other, "role": "admin", "data": members{"role": "admin"}, "newPassword": "another-good-phrase-1", "sessionToken": "x",
			"email": address(), "name": "Ada",
		}
		ask := func(b *browser) reply {
			if get, ok := strings.CutPrefix(path, "GET "); ok {
				return b.get(get)
			}
			return b.post(path, body)
		}
		if r := ask(b); r.status != http.StatusForbidden || r.code() != "YOU_ARE_NOT_ALLOWED_TO_"+code {
			t.Errorf("%s by a user: %d %s", path, r.status, r.text)
		}
		if r := ask(w.browser()); r.status != http.StatusUnauthorized {
			t.Errorf("%s by nobody: %d %s", path, r.status, r.text)
		}
	}
	if w.events("admin_refused", id) < 13 {
		t.Errorf("%d refusals are recorded", w.events("admin_refused", id))
	}
	if w.count(`SELECT count(*) FROM better_auth.users WHERE role <> 'user'`) != 0 {
		t.Error("somebody got a role")
	}
}

func TestAdmin_listsSearchesAndFilters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	b, _ := w.administrator()
	for _, name := range []string{"Grace Hopper", "Grace 100%", "Ada_Byron", "Blaise Pascal"} {
		if r := b.post("/admin/create-user", members{"email": address(), "name": name}); r.status != http.StatusOK {
			t.Fatalf("%d %s", r.status, r.text)
		}
	}
	for query, want := range map[string]int{
		"":                                    5,
		"?searchField=name&searchValue=grace": 2,
		"?searchField=name&searchValue=%25":   1,
		"?searchField=name&searchValue=_":     1,
		"?searchField=name&searchValue=Pascal&searchOperator=ends_with":             1,
		"?searchField=name&searchValue=Pascal&searchOperator=starts_with":           0,
		"?filterField=role&filterValue=admin":                                       1,
		"?filterField=role&filterValue=admin&filterOperator=ne":                     4,
		"?filterField=role&filterValue=admin&filterValue=x&filterOperator=in":       1,
		"?filterField=emailVerified&filterValue=false":                              4,
		"?filterField=createdAt&filterOperator=lt&filterValue=2020-01-01T00:00:00Z": 0,
		"?filterField=createdAt&filterOperator=lt&filterValue=2020-01-01":           0,
		"?filterField=createdAt&filterOperator=lt&filterValue=1577836800000":        0,
		"?filterField=banReason&filterOperator=eq&filterValue=x":                    0,
	} {
		r := b.get("/admin/list-users" + query)
		users, _ := r.body["users"].([]any)
		if r.status != http.StatusOK || len(users) != want || r.body["total"] != float64(want) {
			t.Errorf("%s: %d, %d people, total %v, %s", query, r.status, len(users), r.body["total"], r.text)
		}
	}
	r := b.get("/admin/list-users?sortBy=name&sortDirection=asc&limit=2&offset=1")
	users, _ := r.body["users"].([]any)
	if len(users) != 2 || users[0].(members)["name"] != "Ada_Byron" || r.body["limit"] != 2.0 || r.body["offset"] != 1.0 || r.body["total"] != 5.0 {
		t.Errorf("sorted: %s", r.text)
	}
	if r := b.get("/admin/list-users?limit=100000"); r.body["limit"] != 100.0 {
		t.Errorf("limit: %s", r.text)
	}
	for _, wrong := range []string{
		"?sortBy=password", "?sortBy=id%3B--", "?filterField=version&filterValue=1", "?limit=x", "?offset=-1", "?filterField=banned&filterValue=maybe",
		"?filterField=name&filterOperator=like&filterValue=x", "?searchValue=x&searchField=id", "?searchValue=%00", "?searchValue=%ff", "?sortDirection=up",
		"?filterField=createdAt&filterValue=soon", "?filterField=createdAt&filterValue=9999999999999999999", "?filterField=createdAt&filterValue=999999999999999999",
		"?filterField=banned&filterOperator=contains&filterValue=true",
	} {
		if r := b.get("/admin/list-users" + wrong); r.status != http.StatusBadRequest || r.code() != "VALIDATION_ERROR" {
			t.Errorf("%s: %d %s", wrong, r.status, r.text)
		}
	}
}

func TestAdmin_createsAndChangesPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	b, _ := w.administrator()
	email := address()
	r := b.post("/admin/create-user", members{"email": email, "name": "Grace", "password": goodPassword, "role": []string{"user", "admin"}, "data": members{"emailVerified": true}})
	id := r.str("user", "id")
	if r.status != http.StatusOK || r.str("user", "role") != "user,admin" || !w.signIn(email, goodPassword).signedIn() {
		t.Fatalf("%d %s", r.status, r.text)
	}
	for name, tc := range map[string]struct {
		path   string
		body   members
		status int
		code   string
	}{
		"a known address":     {"create", members{"email": email, "name": "x"}, 400, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL"},
		"an unknown role":     {"create", members{"email": address(), "name": "x", "role": "owner"}, 400, "YOU_ARE_NOT_ALLOWED_TO_SET_NON_EXISTENT_VALUE"},
		"a weak password":     {"create", members{"email": address(), "name": "x", "password": "short"}, 400, "PASSWORD_TOO_SHORT"},
		"no data":             {"update", members{"userId": id, "data": members{}}, 400, "NO_DATA_TO_UPDATE"},
		"a password in data":  {"update", members{"userId": id, "data": members{"password": "x"}}, 400, "PASSWORD_CANNOT_BE_UPDATED_VIA_UPDATE_USER"},
		"an id in data":       {"update", members{"userId": id, "data": members{"id": "x"}}, 400, "USER_ID_CANNOT_BE_UPDATED"},
		"a ban in data":       {"update", members{"userId": id, "data": members{"banned": true}}, 400, "FIELD_NOT_ALLOWED"},
		"a script as picture": {"update", members{"userId": id, "data": members{"image": "javascript:alert(1)"}}, 400, "VALIDATION_ERROR"},
		"nobody":              {"update", members{"userId": "nobody", "data": members{"name": "x"}}, 404, "USER_NOT_FOUND"},
		"an id with a NUL":    {"update", members{"userId": "a\x00b", "data": members{"name": "x"}}, 404, "USER_NOT_FOUND"},
		"a role in data":      {"update", members{"userId": id, "data": members{"role": "owner"}}, 400, "YOU_ARE_NOT_ALLOWED_TO_SET_NON_EXISTENT_VALUE"},
	} {
		if r := b.post("/admin/"+tc.path+"-user", tc.body); r.status != tc.status || r.code() != tc.code {
			t.Errorf("%s: %d %s", name, r.status, r.text)
		}
	}
	next := address()
	r = b.post("/admin/update-user", members{"userId": id, "data": members{"name": "Grace Hopper", "email": next, "role": "user", "image": "https://x.test/a.png"}})
	if r.status != http.StatusOK || r.str("name") != "Grace Hopper" || r.str("email") != next || r.body["emailVerified"] != false || r.str("role") != "user" {
		t.Errorf("%d %s", r.status, r.text)
	}
	if m := w.letter(email); !strings.Contains(m.Text, next) && m.Subject == "" {
		t.Errorf("the old address reads %q", m.Subject)
	}
	for kind, want := range map[string]int{"user_create": 1, "user_update": 1, "role_change": 1} {
		if got := w.events(kind, id); got != want {
			t.Errorf("%d events %s", got, kind)
		}
	}
}

// SES-04: a ban ends every session at once, tells the gateways, and is lifted by its end.
func TestAdmin_bansForAWhile(t *testing.T) {
	t.Parallel()
	rdb := testkit.Redis(t)
	const words = "Closed: write to help@example.test"
	w := newWorld(t, options{redis: rdb, env: map[string]string{"BANNED_MESSAGE": words}})
	b, adminID := w.administrator()
	them, id := w.person()
	email := them.get("/get-session").str("user", "email")

	if r := b.post("/admin/ban-user", members{"userId": adminID}); r.code() != "YOU_CANNOT_BAN_YOURSELF" {
		t.Errorf("%d %s", r.status, r.text)
	}
	r := b.post("/admin/ban-user", members{"userId": id, "banExpiresIn": 3600})
	if user, _ := r.body["user"].(members); r.status != http.StatusOK || user["banned"] != true || user["banReason"] != "No reason" || user["banExpires"] == nil {
		t.Fatalf("%d %s", r.status, r.text)
	}
	if them.signedIn() {
		t.Error("a banned person's session goes on")
	}
	if r := w.browser().post("/sign-in/email", members{"email": email, "password": goodPassword}); r.status != http.StatusForbidden || r.code() != "BANNED_USER" || r.message() != words {
		t.Errorf("sign-in: %d %s", r.status, r.text)
	}
	all, err := rdb.XRange(t.Context(), "codex:revocations", "-", "+").Result()
	whole := false
	for _, e := range all {
		whole = whole || e.Values["sid"] == "" && e.Values["uid"] == id
	}
	if err != nil || !whole {
		t.Errorf("gateways are not told of all tokens: %v %v", all, err)
	}
	w.clock.Advance(time.Hour)
	if !w.signIn(email, goodPassword).signedIn() {
		t.Error("a ban past its end holds")
	}
	b.post("/admin/ban-user", members{"userId": id, "banReason": "spam"})
	if r := b.post("/admin/unban-user", members{"userId": id}); r.status != http.StatusOK || r.body["user"].(members)["banned"] != false {
		t.Errorf("%d %s", r.status, r.text)
	}
	if !w.signIn(email, goodPassword).signedIn() {
		t.Error("an unbanned person cannot sign in")
	}
}

// AUTH-13: an administrator who acts as somebody sees what they see, and changes nothing that is theirs alone.
func TestAdmin_impersonates(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	b, adminID := w.administrator()
	before := b.sessionToken()
	_, id := w.person()
	_, otherAdmin := w.administrator()

	if r := b.post("/admin/impersonate-user", members{"userId": otherAdmin}); r.status != http.StatusForbidden || r.code() != "YOU_CANNOT_IMPERSONATE_ADMINS" {
		t.Errorf("an administrator: %d %s", r.status, r.text)
	}
	if r := b.post("/admin/stop-impersonating", members{}); r.status != http.StatusBadRequest || r.code() != "YOU_ARE_NOT_IMPERSONATING_ANYONE" {
		t.Errorf("%d %s", r.status, r.text)
	}
	r := b.post("/admin/impersonate-user", members{"userId": id, "reason": "ticket 7"})
	if r.status != http.StatusOK || r.str("user", "id") != id || r.str("session", "impersonatedBy") != adminID {
		t.Fatalf("%d %s", r.status, r.text)
	}
	if line := r.cookie(sessionCookie); strings.Contains(line, "Max-Age") || !strings.Contains(r.cookie("better-auth.admin_session"), "%3A.") || b.sessionToken() == before {
		t.Errorf("cookies %q", r.header.Values("Set-Cookie"))
	}
	claims := claimsOf(t, b.get("/token").str("token"))
	if act, _ := claims["act"].(members); claims["sub"] != id || act["sub"] != adminID {
		t.Errorf("claims %v", claims)
	}
	if w.count(`SELECT count(*) FROM better_auth.sessions WHERE impersonated_by = $1 AND impersonation_reason = 'ticket 7' AND expires_at = created_at + interval '1 hour'`, adminID) != 1 {
		t.Error("the session does not say who acts and why, or lasts longer than an hour")
	}
	for path, op := range w.service.api.Huma().OpenAPI().Paths {
		path, ours := strings.CutPrefix(path, base)
		if !ours || op.Post == nil || len(op.Post.Security) == 0 || path == "/admin/stop-impersonating" || path == "/admin/has-permission" {
			continue
		}
		r := b.post(path, members{
			"userId": id, "newPassword": "another-good-phrase-1", "currentPassword": goodPassword, "password": goodPassword, "newEmail": address(),
			"name": "x", "keyId": "x", "id": "x", "token": "x", "code": "123456", "data": members{"name": "x"}, "role": "admin", "email": address(),
			"sessionToken": "x", "accountId": "x", "provider": "google", "response": members{}, "revokeOtherSessions": true, "otp": "123456", "providerId": "x",
			"callbackURL": "/",
		})
		if r.status == http.StatusOK || r.status >= 500 || r.status != http.StatusForbidden && r.status != http.StatusBadRequest {
			t.Errorf("%s while impersonating: %d %s", path, r.status, r.text)
		}
	}
	for _, path := range []string{"/change-password", "/delete-user", "/api-key/create", "/admin/ban-user", "/update-user"} {
		r := b.post(path, members{"newPassword": "another-good-phrase-1", "currentPassword": goodPassword, "userId": id, "name": "x"})
		if r.status != http.StatusForbidden || r.code() != "NOT_ON_BEHALF_OF_ANOTHER" {
			t.Errorf("%s: %d %s", path, r.status, r.text)
		}
	}
	r = b.post("/admin/stop-impersonating", members{})
	if r.status != http.StatusOK || r.str("user", "id") != adminID || b.sessionToken() != before || b.cookies["better-auth.admin_session"] != "" {
		t.Errorf("%d %s %v", r.status, r.text, b.cookies)
	}
	if w.count(`SELECT count(*) FROM better_auth.audit_events WHERE kind IN ('impersonation_start', 'impersonation_stop') AND actor_id = $1 AND user_id = $2`, adminID, id) != 2 {
		t.Error("not recorded")
	}
}

// SES-04: the administrator's own session, which waits in the browser, ends too.
func TestAdmin_signingOutLeavesNothingOfAnImpersonation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"MULTI_SESSION": "off"}})
	b, adminID := w.administrator()
	_, id := w.person()
	b.post("/admin/impersonate-user", members{"userId": id})
	if r := b.post("/sign-out", members{}); r.status != http.StatusOK || !strings.Contains(r.cookie("better-auth.admin_session"), "Max-Age=0") {
		t.Errorf("%d %q", r.status, r.header.Values("Set-Cookie"))
	}
	if n := w.count(`SELECT count(*) FROM better_auth.sessions WHERE user_id IN ($1, $2)`, adminID, id); n != 1 {
		t.Errorf("%d sessions are left, the person's own among them", n)
	}
}

func TestAdmin_impersonationEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"IMPERSONATION_REASON": "required"}})
	b, _ := w.administrator()
	_, id := w.person()
	if r := b.post("/admin/impersonate-user", members{"userId": id, "reason": " "}); r.code() != "IMPERSONATION_REASON_REQUIRED" {
		t.Errorf("%d %s", r.status, r.text)
	}
	b.post("/admin/impersonate-user", members{"userId": id, "reason": "x"})
	w.clock.Advance(time.Hour - time.Second)
	if !b.signedIn() {
		t.Error("over before an hour")
	}
	w.clock.Advance(time.Second)
	if b.signedIn() {
		t.Error("goes on after an hour")
	}

	b, adminID := w.administrator()
	other, _ := w.administrator()
	b.post("/admin/impersonate-user", members{"userId": id, "reason": "x"})
	if r := other.post("/admin/ban-user", members{"userId": adminID}); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.text)
	}
	if b.signedIn() {
		t.Error("goes on after its administrator was banned")
	}
}

func TestAdmin_lesserRolesCannotReachGreaterOnes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"ADMIN_ROLES": "admin; support=user:set-password,user:ban,user:set-role,user:update,session:revoke,user:delete; editor="}})
	b, _ := w.withRole("support")
	_, boss := w.administrator()
	_, id := w.person()
	for path, body := range map[string]members{
		"set-user-password": {"newPassword": "another-good-phrase-1"}, "ban-user": {}, "set-role": {"role": "user"}, "remove-user": {},
		"update-user": {"data": members{"name": "x"}}, "revoke-user-sessions": {},
	} {
		body["userId"] = boss
		if r := b.post("/admin/"+path, body); r.status != http.StatusForbidden {
			t.Errorf("%s upon an administrator: %d %s", path, r.status, r.text)
		}
	}
	if r := b.post("/admin/set-role", members{"userId": id, "role": "admin"}); r.status != http.StatusForbidden || r.code() != "YOU_ARE_NOT_ALLOWED_TO_CHANGE_USERS_ROLE" {
		t.Errorf("granting more than one has: %d %s", r.status, r.text)
	}
	if r := b.post("/admin/set-role", members{"userId": id, "role": "editor"}); r.status != http.StatusOK {
		t.Errorf("%d %s", r.status, r.text)
	}
	if r := b.post("/admin/update-user", members{"userId": id, "data": members{"email": address()}}); r.code() != "YOU_ARE_NOT_ALLOWED_TO_SET_USERS_EMAIL" {
		t.Errorf("%d %s", r.status, r.text)
	}
	for asked, want := range map[string]bool{"ban": true, "list": false} {
		if r := b.post("/admin/has-permission", members{"permissions": members{"user": []string{asked}}}); r.body["success"] != want {
			t.Errorf("%s: %s", asked, r.text)
		}
	}
}

func TestAdmin_sessionsPasswordsAndRemoval(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	b, adminID := w.administrator()
	them, id := w.person()
	email := them.get("/get-session").str("user", "email")
	second := w.signIn(email, goodPassword)

	r := b.post("/admin/list-user-sessions", members{"userId": id})
	sessions, _ := r.body["sessions"].([]any)
	if len(sessions) != 2 || strings.Contains(r.text, them.sessionToken()) {
		t.Fatalf("%d %s", r.status, r.text)
	}
	handle := them.get("/get-session").str("session", "token")
	if r := b.post("/admin/revoke-user-session", members{"sessionToken": handle}); r.status != http.StatusOK || r.body["success"] != true {
		t.Errorf("%d %s", r.status, r.text)
	}
	if them.signedIn() || !second.signedIn() {
		t.Error("not that one session was ended")
	}
	if r := b.post("/admin/revoke-user-sessions", members{"userId": id}); r.status != http.StatusOK || second.signedIn() {
		t.Errorf("%d %s", r.status, r.text)
	}
	third := w.signIn(email, goodPassword)
	if r := b.post("/admin/set-user-password", members{"userId": id, "newPassword": "a-quite-different-phrase-8"}); r.status != http.StatusOK || r.body["status"] != true {
		t.Fatalf("%d %s", r.status, r.text)
	}
	if third.signedIn() || !w.signIn(email, "a-quite-different-phrase-8").signedIn() {
		t.Error("the old session goes on, or the new password does not work")
	}
	if r := b.post("/admin/remove-user", members{"userId": adminID}); r.code() != "YOU_CANNOT_REMOVE_YOURSELF" {
		t.Errorf("%d %s", r.status, r.text)
	}
	if r := b.post("/admin/remove-user", members{"userId": id}); r.status != http.StatusOK || r.body["success"] != true {
		t.Fatalf("%d %s", r.status, r.text)
	}
	if w.count(`SELECT count(*) FROM better_auth.users WHERE id = $1`, id) != 0 || w.events("account_delete", id) != 1 {
		t.Error("not removed, or not recorded")
	}
	if r := b.get("/admin/get-user?id=" + id); r.status != http.StatusNotFound || r.code() != "USER_NOT_FOUND" {
		t.Errorf("%d %s", r.status, r.text)
	}
}

// AUTH-20: events are found by request id, kind and person; everybody sees the own ones only.
func TestActivity(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	b, adminID := w.administrator()
	them, id := w.person()
	them.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	them.headers["X-Request-Id"] = "walk-through-0123456789"
	w.clock.Advance(time.Second)
	them.post("/verify-password", members{"password": "wrong-wrong-wrong"})
	w.clock.Advance(time.Second)
	b.post("/admin/impersonate-user", members{"userId": id, "reason": "secret reason"})
	w.clock.Advance(time.Second)
	b.post("/admin/stop-impersonating", members{})

	r := them.get("/recent-activity?limit=2")
	events, _ := r.body["events"].([]any)
	if len(events) != 2 || events[0].(members)["kind"] != "impersonation_stop" || events[0].(members)["who"] != "administrator" || events[0].(members)["ipAddress"] != "" ||
		strings.Contains(r.text, adminID) || strings.Contains(r.text, "secret reason") {
		t.Fatalf("%d %s", r.status, r.text)
	}
	r = them.get("/recent-activity?limit=50&cursor=" + r.str("nextCursor"))
	events, _ = r.body["events"].([]any)
	if len(events) < 3 || r.body["nextCursor"] != nil || events[0].(members)["kind"] != "password_check" || events[0].(members)["outcome"] != "failure" ||
		events[0].(members)["device"] != "Firefox on Linux" || events[0].(members)["current"] != true {
		t.Errorf("%d %s", r.status, r.text)
	}
	for query, want := range map[string]int{
		"?kind=password_check&userId=" + id: 1, "?requestId=walk-through-0123456789": 1, "?actorId=" + adminID + "&userId=" + id: 2, "?outcome=failure&userId=" + id: 1,
		"?from=2999-01-01T00:00:00Z": 0, "?userId=" + id + "&to=2000-01-01T00:00:00Z": 0,
	} {
		r := b.get("/admin/audit-events" + query)
		if events, _ := r.body["events"].([]any); r.status != http.StatusOK || len(events) != want {
			t.Errorf("%s: %d %s", query, r.status, r.text)
		}
	}
	for wrong, member := range map[string]string{
		"?cursor=xx": "cursor", "?from=yesterday": "from", "?limit=0": "limit", "?limit=100000": "limit", "?kind=%00": "kind", "?kind=sign_inn": "kind",
		"?outcome=maybe": "outcome", "?userID=" + id: "userID", "?kind=sign_in&page=2": "page",
	} {
		if r := b.get("/admin/audit-events" + wrong); r.status != http.StatusBadRequest || r.code() != "VALIDATION_ERROR" || !strings.HasPrefix(r.message(), "[query."+member+"]") {
			t.Errorf("%s: %d %s", wrong, r.status, r.text)
		}
	}
	if r := them.get("/recent-activity?kind=sign_in"); r.status != http.StatusBadRequest {
		t.Errorf("a parameter that does nothing: %d %s", r.status, r.text)
	}
	if r := w.browser().get("/recent-activity"); r.status != http.StatusUnauthorized {
		t.Errorf("nobody: %d %s", r.status, r.text)
	}
}

// AUTH-20: what anybody can do to an account is nobody's deed, and a link that is
// refused leaves a record too.
func TestAudit_doesNotNameTheOwnerForStrangers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"NEW_DEVICE_MAIL": "false"}})
	email := address()
	b := w.signUp(email, goodPassword)
	w.stranger().post("/sign-in/email", members{"email": email, "password": "wrong-password-1"})
	w.stranger().post("/request-password-reset", members{"email": email})
	var own struct {
		Events []struct{ Kind, Outcome, Who, IPAddress string }
	}
	if err := json.Unmarshal([]byte(b.get("/recent-activity").text), &own); err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, e := range own.Events {
		seen[e.Kind+" "+e.Outcome] = e.Who
	}
	for event, who := range map[string]string{"sign_in failure": "somebody", "password_reset_request success": "somebody", "email_verify success": "you", "sign_in success": "you"} {
		if seen[event] != who {
			t.Errorf("%s was done by %q, want %q: %v", event, seen[event], who, seen)
		}
	}
	if n := w.count(`SELECT count(*) FROM better_auth.audit_events WHERE actor_id IS NULL AND user_id = $1`, w.id(email)); n != 2 {
		t.Errorf("%d records without an actor", n)
	}
	w.stranger().post("/reset-password", members{"newPassword": "another-good-phrase-1", "token": "nobodys"})
	w.stranger().get("/verify-email?token=nobodys")
	w.stranger().get("/magic-link/verify?token=nobodys")
	for _, kind := range []string{"password_reset", "email_verify", "sign_in"} {
		if n := w.count(`SELECT count(*) FROM better_auth.audit_events WHERE kind = $1 AND outcome = 'failure' AND user_id IS NULL AND details->>'reason' = 'INVALID_TOKEN' AND request_id <> ''`, kind); n != 1 {
			t.Errorf("%d records of a link refused: %s", n, kind)
		}
	}
}
