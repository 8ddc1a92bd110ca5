package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/testkit"
)

const sessionCookie = "better-auth.session_token"

func TestGetSession_isThatOfTheContract(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	b := w.signUp(address(), goodPassword)
	r := b.get("/get-session")
	if r.status != http.StatusOK || r.header.Get("Cache-Control") != "no-store" || r.header.Get("Pragma") != "no-cache" {
		t.Errorf("%d %v", r.status, r.header)
	}
	want := map[string][]string{
		"session": {"expiresAt", "token", "createdAt", "updatedAt", "ipAddress", "userAgent", "userId", "id", "impersonatedBy"},
		"user": {
			"id", "name", "email", "emailVerified", "image", "createdAt", "updatedAt", "twoFactorEnabled", "role", "banned", "banReason", "banExpires",
			"username", "displayUsername",
		},
	}
	for object, names := range want {
		got, _ := r.body[object].(map[string]any)
		if len(got) != len(names) {
			t.Errorf("%s has %d members: %v", object, len(got), got)
		}
		for _, name := range names {
			if _, ok := got[name]; !ok {
				t.Errorf("%s.%s is missing", object, name)
			}
		}
	}
	if r.str("session", "userId") != r.str("user", "id") || r.str("session", "userAgent") != "tests" || r.str("session", "ipAddress") != "127.0.0.1" {
		t.Errorf("session = %v", r.body["session"])
	}
	if jwt := r.header.Get("Set-Auth-Jwt"); strings.Count(jwt, ".") != 2 || !strings.Contains(r.header.Get("Access-Control-Expose-Headers"), "set-auth-jwt") {
		t.Errorf("set-auth-jwt = %q", jwt)
	}
	if again := b.get("/get-session"); again.header.Get("Set-Auth-Jwt") != r.header.Get("Set-Auth-Jwt") {
		t.Error("a token is signed for each request")
	}
}

func TestGetSession_nobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	b := w.signUp(address(), goodPassword)
	signed := b.cookies[sessionCookie]
	b.post("/sign-out", map[string]any{})
	for name, tc := range map[string]struct {
		cookie  string
		cleared bool
	}{
		"without a cookie":         {"", false},
		"with an ended session":    {signed, true},
		"with a forged signature":  {signed[:len(signed)-8] + "AAAAA%3D", false},
		"with a bare token":        {strings.Split(signed, ".")[0], false},
		"with a broken encoding":   {"%zz", false},
		"with an enormous value":   {strings.Repeat("A", 5000), false},
		"with a signed non-token":  {ringOf(t).Sign("../../etc"), false},
		"with a signature of true": {security.EncodeCookieValue(ringOf(t).Sign("true")), false},
	} {
		b := w.browser()
		if tc.cookie != "" {
			b.cookies[sessionCookie] = tc.cookie
		}
		r := b.get("/get-session")
		if r.status != http.StatusOK || strings.TrimSpace(r.text) != "null" || (r.cookie(sessionCookie) != "") != tc.cleared {
			t.Errorf("%s: %d %q, Set-Cookie %q", name, r.status, r.text, r.header.Values("Set-Cookie"))
		}
	}
	if r := w.browser().post("/get-session", map[string]any{}); r.status != http.StatusMethodNotAllowed || r.code() != "METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED" {
		t.Errorf("POST: %d %s", r.status, r.text)
	}
}

func ringOf(t testing.TB) security.Keyring {
	t.Helper()
	ring, err := security.NewKeyring([]string{secret})
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// A forged cookie is refused before anything is looked up.
func TestGetSession_forgeriesCostNoQuery(t *testing.T) {
	t.Parallel()
	w := bareWorld(t, nil) // a query fails
	b := w.browser()
	b.cookies[sessionCookie] = security.Token(32) + ".JDK9kz1lz%2BpWLfbzcY0Ig3PD3LiBEzYQTb4BPrpz9Fo%3D"
	if r := b.get("/get-session"); r.status != http.StatusOK {
		t.Errorf("%d %s", r.status, r.text)
	}
	b.cookies[sessionCookie] = security.EncodeCookieValue(ringOf(t).Sign(security.Token(32)))
	if r := b.get("/get-session"); r.status != http.StatusServiceUnavailable {
		t.Errorf("a signed one did not ask the database: %d %s", r.status, r.text)
	}
}

// SES-07: a session that is not used ends after its idle time, at the server.
func TestSession_isExtendedOnceADay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{redis: testkit.Redis(t)})
	b := w.signUp(address(), goodPassword)
	ends := func(r reply) time.Time {
		at, err := time.Parse(time.RFC3339, r.str("session", "expiresAt"))
		if err != nil {
			t.Fatalf("%s: %v", r.text, err)
		}
		return at
	}
	first := ends(b.get("/get-session"))

	w.clock.Advance(24*time.Hour - time.Minute)
	if r := b.get("/get-session"); !ends(r).Equal(first) || r.cookie(sessionCookie) != "" {
		t.Errorf("extended before a day was over: %s", r.text)
	}
	w.clock.Advance(time.Minute)
	if r := b.get("/get-session?disableRefresh=true"); !ends(r).Equal(first) || r.cookie(sessionCookie) != "" {
		t.Errorf("extended although it was not to be: %s", r.text)
	}
	r := b.get("/get-session")
	if got := ends(r).Sub(first); got != 24*time.Hour || !strings.Contains(r.cookie(sessionCookie), "Max-Age=604800") || r.header.Get("Set-Auth-Token") == "" {
		t.Errorf("extended by %v, cookie %q", got, r.cookie(sessionCookie))
	}
	if r.str("session", "updatedAt") == r.str("session", "createdAt") {
		t.Error("updatedAt did not move")
	}
	if r := b.get("/get-session"); r.cookie(sessionCookie) != "" {
		t.Error("extended twice")
	}

	w.clock.Advance(7 * 24 * time.Hour)
	if r := b.get("/get-session"); strings.TrimSpace(r.text) != "null" || !strings.Contains(r.cookie(sessionCookie), "Max-Age=0") {
		t.Errorf("after its end: %s", r.text)
	}
}

// SES-07: one that is used every day ends all the same.
func TestSession_hasAnAbsoluteEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{redis: testkit.Redis(t)})
	b := w.signUp(address(), goodPassword)
	for day := range 30 {
		if !b.signedIn() {
			t.Fatalf("over on day %d although it was used every day", day)
		}
		w.clock.Advance(24 * time.Hour)
	}
	if b.signedIn() {
		t.Error("used after 30 days")
	}
}

func TestSession_ofABrowserLastsADayAndIsNotExtended(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	w.signUp(email, goodPassword)
	b := w.browser()
	r := b.post("/sign-in/email", map[string]any{"email": email, "password": goodPassword, "rememberMe": false})
	if line := r.cookie(sessionCookie); line == "" || strings.Contains(line, "Max-Age") {
		t.Errorf("Set-Cookie %q", line)
	}
	if line := r.cookie("better-auth.dont_remember"); !strings.HasPrefix(line, "better-auth.dont_remember=true.") || strings.Contains(line, "Max-Age") {
		t.Errorf("Set-Cookie %q", line)
	}
	w.clock.Advance(24*time.Hour - time.Second)
	if !b.signedIn() {
		t.Error("over before a day")
	}
	w.clock.Advance(time.Second)
	if b.signedIn() {
		t.Error("goes on after a day")
	}
	if r := b.post("/sign-out", map[string]any{}); r.cookie("better-auth.dont_remember") != "better-auth.dont_remember=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax" {
		t.Errorf("sign-out leaves %q", r.header.Values("Set-Cookie"))
	}
}

// SES-03: a cookie of an older secret works and is signed anew.
func TestSession_secretsRotate(t *testing.T) {
	t.Parallel()
	first := newWorld(t, options{})
	b := first.signUp(address(), goodPassword)
	before := b.cookies[sessionCookie]
	second := newWorld(t, options{pool: first.pool, env: map[string]string{"AUTH_SECRETS": "a-newer-secret-a-newer-secret-a-newer," + secret}})
	b.w = second
	r := b.get("/get-session")
	if r.body["user"] == nil || r.cookie(sessionCookie) == "" || b.cookies[sessionCookie] == before {
		t.Fatalf("old secret: %s, cookie %q", r.text, r.cookie(sessionCookie))
	}
	if r := b.get("/get-session"); r.body["user"] == nil || r.cookie(sessionCookie) != "" {
		t.Errorf("new secret: %s, cookie %q", r.text, r.cookie(sessionCookie))
	}
	third := newWorld(t, options{pool: first.pool, env: map[string]string{"AUTH_SECRETS": "another-secret-another-secret-another"}})
	b.w = third
	if b.signedIn() {
		t.Error("a secret that is gone still signs in")
	}
}

func TestBearer_standsForTheCookie(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	w.signUp(email, goodPassword)
	in := w.stranger().post("/sign-in/email", map[string]any{"email": email, "password": goodPassword})
	signed, bare := in.header.Get("Set-Auth-Token"), in.str("token")
	for name, tc := range map[string]struct {
		bearer string
		works  bool
	}{
		"signed":                  {signed, true},
		"signed, percent-encoded": {security.EncodeCookieValue(signed), true},
		"bare":                    {bare, true},
		"a wrong signature":       {bare + ".AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", false},
		"made up":                 {security.Token(32), false},
		"an access token":         {w.stranger().bearer(signed).get("/token").str("token"), false},
	} {
		b := w.stranger().bearer(tc.bearer)
		if b.signedIn() != tc.works {
			t.Errorf("%s: signed in: %v", name, !tc.works)
		}
		// A wrong bearer token is no session, whatever cookie comes with it.
		b.cookies[sessionCookie] = security.EncodeCookieValue(signed)
		if b.signedIn() != tc.works {
			t.Errorf("%s, with a good cookie: signed in: %v", name, !tc.works)
		}
	}
	b := w.stranger().bearer(signed)
	if r := b.post("/sign-out", map[string]any{}); r.status != http.StatusOK {
		t.Errorf("a bearer client needs an Origin: %d %s", r.status, r.text)
	}
	if b.signedIn() {
		t.Error("signed out and still there")
	}

	strict := newWorld(t, options{pool: w.pool, env: map[string]string{"BEARER_REQUIRE_SIGNATURE": "true"}})
	in = strict.stranger().post("/sign-in/email", map[string]any{"email": email, "password": goodPassword})
	if strict.stranger().bearer(in.str("token")).signedIn() || !strict.stranger().bearer(in.header.Get("Set-Auth-Token")).signedIn() {
		t.Error("BEARER_REQUIRE_SIGNATURE does not hold")
	}

	off := newWorld(t, options{pool: w.pool, mails: w.mails, env: map[string]string{"BEARER": "off"}})
	page := off.browser()
	in = page.post("/sign-in/email", map[string]any{"email": email, "password": goodPassword})
	if in.status != http.StatusOK || in.header.Get("Set-Auth-Token") != "" || off.stranger().bearer(in.str("token")).signedIn() {
		t.Errorf("BEARER=off does not hold: %d %v", in.status, in.header)
	}
	if !page.bearer(in.str("token") + "x").signedIn() {
		t.Error("BEARER=off: an Authorization header hides the cookie")
	}
}

func (b *browser) bearer(token string) *browser {
	b.headers["Authorization"] = "Bearer " + token
	return b
}

// SES-08: the list shows device, address and time, and nothing in it signs in.
func TestListSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	email := address()
	w.signUp(email, goodPassword)
	w.clock.Advance(time.Minute)
	second := w.signIn(email, goodPassword)
	r := second.get("/list-sessions")
	var list []map[string]any
	if err := json.Unmarshal([]byte(r.text), &list); err != nil || len(list) != 2 {
		t.Fatalf("%d %s", r.status, r.text)
	}
	own := second.get("/get-session").str("session", "token")
	if list[0]["token"] != own || list[1]["token"] == own {
		t.Errorf("the caller's session is not recognisable: own %s, list %s", own, r.text)
	}
	for _, s := range list {
		if s["userAgent"] != "tests" || s["ipAddress"] != "127.0.0.1" {
			t.Errorf("%v", s)
		}
		for name, value := range s {
			text, _ := value.(string)
			for _, try := range []string{text, security.EncodeCookieValue(text)} {
				b := w.browser()
				b.cookies[sessionCookie] = try
				if b.signedIn() || w.stranger().bearer(try).signedIn() {
					t.Errorf("%s of the list signs in", name)
				}
			}
		}
	}
	if r := w.browser().get("/list-sessions"); r.status != http.StatusUnauthorized || r.code() != "UNAUTHORIZED" || r.message() != "Unauthorized" {
		t.Errorf("nobody: %d %s", r.status, r.text)
	}
	w.clock.Advance(24 * time.Hour)
	if r := second.get("/list-sessions"); r.status != http.StatusForbidden || r.code() != "SESSION_NOT_FRESH" {
		t.Errorf("a day old: %d %s", r.status, r.text)
	}
}

// revocations collects what gateways would hear.
func (w *world) revocations() chan cache.Revocation {
	heard := make(chan cache.Revocation, 100)
	go cache.NewFeed(w.redis, discard).Tail(w.t.Context(), func(r cache.Revocation) { heard <- r })
	return heard
}

func heardOf(t *testing.T, heard chan cache.Revocation, sessionID string) cache.Revocation {
	t.Helper()
	end := time.After(5 * time.Second)
	for {
		select {
		case r := <-heard:
			if r.SessionID == sessionID {
				return r
			}
		case <-end:
			t.Fatal("the gateways were not told")
		}
	}
}

// SES-04, SES-06: an end counts at once in every replica, and gateways hear of it.
func TestRevocation_reachesReplicasAndGateways(t *testing.T) {
	t.Parallel()
	one := newWorld(t, options{redis: testkit.Redis(t)})
	two := newWorld(t, options{pool: one.pool, redis: one.redis, mails: one.mails})
	heard := one.revocations()
	for name, end := range map[string]func(victim, other *browser) reply{
		"signing out": func(v, _ *browser) reply { return v.post("/sign-out", map[string]any{}) },
		"revoking one": func(v, o *browser) reply {
			return o.post("/revoke-session", map[string]any{"token": v.get("/get-session").str("session", "token")})
		},
		"revoking one by its real token": func(v, o *browser) reply {
			return o.post("/revoke-session", map[string]any{"token": v.sessionToken()})
		},
		"revoking the others": func(_, o *browser) reply { return o.post("/revoke-other-sessions", map[string]any{}) },
		"revoking all":        func(_, o *browser) reply { return o.post("/revoke-sessions", map[string]any{}) },
		"changing the password": func(_, o *browser) reply {
			return o.post("/change-password", map[string]any{"currentPassword": goodPassword, "newPassword": goodPassword, "revokeOtherSessions": true})
		},
	} {
		email := address()
		victim := one.signUp(email, goodPassword)
		other := one.signIn(email, goodPassword)
		elsewhere := &browser{w: two, cookies: victim.cookies, headers: victim.headers}
		kept := victim.cookies[sessionCookie]
		if !victim.signedIn() || !elsewhere.signedIn() { // both have it in their caches now
			t.Fatal(name, ": not signed in")
		}
		id := victim.get("/get-session").str("session", "id")
		if r := end(victim, other); r.status != http.StatusOK {
			t.Errorf("%s: %d %s", name, r.status, r.text)
		}
		victim.cookies[sessionCookie], elsewhere.cookies = kept, map[string]string{sessionCookie: kept}
		if victim.signedIn() || elsewhere.signedIn() {
			t.Errorf("%s: the session goes on", name)
		}
		if r := elsewhere.get("/token"); r.status != http.StatusUnauthorized {
			t.Errorf("%s: still gives access tokens: %d", name, r.status)
		}
		r := heardOf(t, heard, id)
		if left := r.Until.Sub(r.At); left != 15*time.Minute {
			t.Errorf("%s: the revocation counts for %v", name, left)
		}
	}
}

func TestRevokeSession_ofOneselfClearsTheCookies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	b := w.signUp(address(), goodPassword)
	r := b.post("/revoke-session", map[string]any{"token": b.get("/get-session").str("session", "token")})
	if r.status != http.StatusOK || r.text != `{"status":true}`+"\n" || len(r.header.Values("Set-Cookie")) != 3 {
		t.Errorf("%d %s %q", r.status, r.text, r.header.Values("Set-Cookie"))
	}
}

// SES-09: nobody ends somebody else's session.
func TestRevokeSession_ofSomebodyElseDoesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	victim, eve := w.signUp(address(), goodPassword), w.signUp(address(), goodPassword)
	s := victim.get("/get-session")
	for _, token := range []string{s.str("session", "token"), s.str("session", "id"), victim.sessionToken(), "unknown", "", "no\x00text", "no\ntoken"} {
		if r := eve.post("/revoke-session", map[string]any{"token": token}); r.status != http.StatusOK || r.body["status"] != true {
			t.Errorf("%d %s", r.status, r.text)
		}
	}
	if !victim.signedIn() || !eve.signedIn() {
		t.Error("a session ended")
	}
}

func TestSignOut_withoutASessionIsFine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	r := w.browser().post("/sign-out", map[string]any{})
	if r.status != http.StatusOK || r.body["success"] != true || len(r.header.Values("Set-Cookie")) != 3 {
		t.Errorf("%d %s %q", r.status, r.text, r.header.Values("Set-Cookie"))
	}
	if r := w.browser().send(http.MethodPost, "/sign-out", "", ""); r.status != http.StatusOK {
		t.Errorf("without a body: %d %s", r.status, r.text)
	}
}

// A change of the profile shows at once although sessions are cached.
func TestUpdateUser(t *testing.T) {
	t.Parallel()
	one := newWorld(t, options{redis: testkit.Redis(t)})
	two := newWorld(t, options{pool: one.pool, redis: one.redis, mails: one.mails})
	b := one.signUp(address(), goodPassword)
	elsewhere := &browser{w: two, cookies: b.cookies, headers: b.headers}
	for _, name := range []string{"Augusta", "Ada 🦊 King-Noel"} {
		elsewhere.signedIn() // fills the cache
		r := b.post("/update-user", map[string]any{"name": name, "image": "https://example.test/a.png", "unknown": 1})
		if r.status != http.StatusOK || r.body["status"] != true || !strings.HasPrefix(r.cookie(sessionCookie), sessionCookie+"="+b.sessionToken()) || r.header.Get("Set-Auth-Token") == "" {
			t.Fatalf("%d %s %q", r.status, r.text, r.header)
		}
		if got := elsewhere.get("/get-session"); got.str("user", "name") != name || got.str("user", "image") != "https://example.test/a.png" {
			t.Errorf("elsewhere: %s", got.text)
		}
	}
	b.post("/update-user", map[string]any{"image": nil})
	if got := elsewhere.get("/get-session"); got.body["user"].(map[string]any)["image"] != nil || got.str("user", "name") != "Ada 🦊 King-Noel" {
		t.Errorf("after taking the picture away: %s", got.text)
	}
	before := b.get("/get-session").text
	for name, tc := range map[string]struct {
		body          map[string]any
		code, message string
	}{
		"an address":     {map[string]any{"email": "eve@example.test"}, "EMAIL_CAN_NOT_BE_UPDATED", "Email can not be updated"},
		"a role":         {map[string]any{"name": "x", "role": "admin"}, "FIELD_NOT_ALLOWED", "role is not allowed to be set"},
		"emailVerified":  {map[string]any{"emailVerified": false}, "FIELD_NOT_ALLOWED", "emailVerified is not allowed to be set"},
		"email_verified": {map[string]any{"email_verified": false}, "FIELD_NOT_ALLOWED", "email_verified is not allowed to be set"},
		"updatedAt":      {map[string]any{"updatedAt": "2020-01-01"}, "FIELD_NOT_ALLOWED", "updatedAt is not allowed to be set"},
		"nothing":        {map[string]any{}, "NO_FIELDS_TO_UPDATE", "No fields to update"},
		"a number":       {map[string]any{"name": 7}, "VALIDATION_ERROR", "[body.name] Invalid input: expected string, received number"},
	} {
		if r := b.post("/update-user", tc.body); r.status != http.StatusBadRequest || r.code() != tc.code || r.message() != tc.message {
			t.Errorf("%s: %d %s", name, r.status, r.text)
		}
	}
	if after := b.get("/get-session").text; after != before {
		t.Errorf("a refused change shows:\n%s\n%s", before, after)
	}
	if r := one.browser().post("/update-user", map[string]any{"name": "x"}); r.status != http.StatusUnauthorized {
		t.Errorf("nobody: %d", r.status)
	}
}
