package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/testkit/oidc"
)

// withProviders starts a world with two providers, "acme" and "other".
func withProviders(t *testing.T, env map[string]string) (w *world, acme, other *oidc.Server) {
	t.Helper()
	now := func() time.Time {
		if w == nil {
			return time.Now()
		}
		return w.clock.Now()
	}
	acme, other = oidc.Start(t, oidc.Options{Now: now}), oidc.Start(t, oidc.Options{Now: now})
	all := map[string]string{
		"OIDC_PROVIDERS":   "acme,other",
		"OIDC_ACME_ISSUER": acme.URL, "OIDC_ACME_CLIENT_ID": "codex", "OIDC_ACME_CLIENT_SECRET": acme.Secret,
		"OIDC_OTHER_ISSUER": other.URL, "OIDC_OTHER_CLIENT_ID": "codex", "OIDC_OTHER_CLIENT_SECRET": other.Secret,
	}
	maps.Copy(all, env)
	w = newWorld(t, options{env: all})
	return w, acme, other
}

// leave asks where a provider asks its user.
func (b *browser) leave(path string, body map[string]any) string {
	b.w.t.Helper()
	form := map[string]any{"provider": "acme", "callbackURL": "/home", "newUserCallbackURL": "/welcome", "errorCallbackURL": "/oops"}
	maps.Copy(form, body)
	r := b.post(path, form)
	if r.status != http.StatusOK || r.str("url") == "" {
		b.w.t.Fatalf("%s: %d %s", path, r.status, r.text)
	}
	return r.str("url")
}

// approve lets the provider answer at once, and gives the address of the answer.
func (w *world) approve(question string) string {
	w.t.Helper()
	res, err := plain.Get(question)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	back := res.Header.Get("Location")
	if !strings.HasPrefix(back, w.home+w.base+"/callback/") {
		w.t.Fatalf("the provider answers %d, to %q", res.StatusCode, back)
	}
	return back
}

// social goes to a provider and comes back.
func (b *browser) social(body map[string]any) reply {
	b.w.t.Helper()
	return b.follow(b.w.approve(b.leave("/sign-in/social", body)))
}

// linkSocial does the same to add an account to the browser's person.
func (b *browser) linkSocial(body map[string]any) reply {
	b.w.t.Helper()
	return b.follow(b.w.approve(b.leave("/link-social", body)))
}

// person gives somebody for a provider to sign in.
func person(email string, verified bool) oidc.Person {
	return oidc.Person{Subject: "sub of " + email, Email: email, Verified: verified, Name: "Ada Lovelace", Picture: "https://cdn.example.test/ada.png"}
}

// leads complains unless an answer is a redirect to this address.
func leads(t *testing.T, r reply, to string) {
	t.Helper()
	if r.status != http.StatusFound || r.header.Get("Location") != to {
		t.Errorf("got %d to %q, want %q: %s", r.status, r.header.Get("Location"), to, r.text)
	}
}

// account gives the row id of a browser's account with a provider.
func (b *browser) account(providerID string) string {
	b.w.t.Helper()
	var all []map[string]any
	if err := json.Unmarshal([]byte(b.get("/list-accounts").text), &all); err != nil {
		b.w.t.Fatal(err)
	}
	for _, a := range all {
		if a["providerId"] == providerID {
			return a["id"].(string)
		}
	}
	return ""
}

// OAU-02, OAU-10: who comes by a provider becomes somebody, and somebody known the
// next time; the provider's tokens lie sealed in the table and in no answer.
func TestSocial_signsUpAndIn(t *testing.T) {
	t.Parallel()
	w, acme, _ := withProviders(t, nil)
	email := address()
	acme.Be(person(email, true))
	b := w.browser()
	asked := b.post("/sign-in/social", map[string]any{"provider": "acme", "callbackURL": "/home", "newUserCallbackURL": "/welcome"})
	question, _ := url.Parse(asked.str("url"))
	q := question.Query()
	if asked.body["redirect"] != true || asked.header.Get("Location") != asked.str("url") || q.Get("redirect_uri") != home+base+"/callback/acme" ||
		q.Get("code_challenge_method") != "S256" || len(q.Get("state")) != 32 || len(q.Get("nonce")) != 32 || q.Get("scope") != "openid email profile" {
		t.Fatalf("asked %s", asked.text)
	}
	if line := asked.cookie("better-auth.state"); !strings.HasPrefix(line, "better-auth.state="+q.Get("state")+".") || !strings.HasSuffix(line, "; Max-Age=300; Path=/; HttpOnly; SameSite=Lax") {
		t.Errorf("Set-Cookie: %s", line)
	}
	r := b.follow(w.approve(asked.str("url")))
	leads(t, r, "/welcome")
	if !strings.Contains(r.cookie("better-auth.state"), "Max-Age=0") || r.cookie("better-auth.session_token") == "" || r.header.Get("Set-Auth-Token") == "" {
		t.Errorf("headers %v", r.header)
	}
	who := b.get("/get-session")
	if who.str("user", "email") != email || who.body["user"].(map[string]any)["emailVerified"] != true || who.str("user", "image") == "" {
		t.Errorf("signed in as %s", who.text)
	}
	b = w.browser()
	leads(t, b.social(nil), "/home")
	accounts := b.get("/list-accounts").text
	for _, want := range []string{`"providerId":"acme"`, `"accountId":"sub of ` + email, `"scopes":["openid","email","profile"]`} {
		if !strings.Contains(accounts, want) {
			t.Errorf("%s is not in %s", want, accounts)
		}
	}
	if n := w.count(`SELECT count(*) FROM better_auth.users WHERE email = $1`, email); n != 1 {
		t.Errorf("%d people", n)
	}
	clear := b.post("/get-access-token", map[string]any{"accountId": b.account("acme")}).str("accessToken")
	if clear == "" || strings.Contains(accounts, clear) || strings.Contains(b.get("/get-session").text, clear) {
		t.Errorf("access token %q", clear)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.accounts WHERE access_token IS NOT NULL AND refresh_token IS NOT NULL AND id_token IS NOT NULL
		AND access_token <> $1 AND id_token NOT LIKE 'ey%' AND access_token ~ '^[0-9a-f]+$'`, clear); n != 1 {
		t.Errorf("%d accounts with sealed tokens", n)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.audit_events WHERE kind IN ('sign_up', 'sign_in') AND details->>'method' = 'acme' AND outcome = 'success'`); n != 3 {
		t.Errorf("%d records", n)
	}
}

// OAU-01: a state is worth something once, for ten minutes, and in the browser
// that left with it.
func TestSocial_stateIsBoundToBrowserAndUse(t *testing.T) {
	t.Parallel()
	w, acme, _ := withProviders(t, nil)
	acme.Be(person(address(), true))

	owner, thief := w.browser(), w.browser()
	back := w.approve(owner.leave("/sign-in/social", nil))
	leads(t, w.browser().follow(back), "/oops?error=state_mismatch") // no cookie
	thief.leave("/sign-in/social", nil)
	leads(t, thief.follow(back), "/oops?error=state_mismatch") // another state's
	if thief.signedIn() {
		t.Error("signed in by somebody else's answer")
	}
	leads(t, owner.follow(back), "/welcome") // neither spent it
	owner.cookies["better-auth.state"] = ""
	leads(t, owner.follow(back), home+base+"/error?error=state_mismatch")

	late := w.browser()
	back = w.approve(late.leave("/sign-in/social", nil))
	w.clock.Advance(11 * time.Minute)
	leads(t, late.follow(back), home+base+"/error?error=state_mismatch")
	leads(t, late.get("/callback/acme?code=x&state=unknown"), home+base+"/error?error=state_mismatch")
	leads(t, late.get("/callback/acme?code=x"), home+base+"/error?error=state_not_found")
	if late.signedIn() {
		t.Error("signed in by an answer that is over")
	}
}

// OAU-01: of 20 parallel uses of one state one signs in.
func TestSocial_stateWorksOnceInParallel(t *testing.T) {
	t.Parallel()
	w, acme, _ := withProviders(t, nil)
	acme.Be(person(address(), true))
	b := w.browser()
	back := w.approve(b.leave("/sign-in/social", nil))
	var wait sync.WaitGroup
	var mu sync.Mutex
	got := map[string]int{}
	for range 20 {
		twin := w.browser()
		twin.cookies = maps.Clone(b.cookies)
		wait.Go(func() {
			r := twin.follow(back)
			mu.Lock()
			defer mu.Unlock()
			got[r.header.Get("Location")]++
		})
	}
	wait.Wait()
	if got["/welcome"] != 1 || w.count(`SELECT count(*) FROM better_auth.sessions`) != 1 {
		t.Errorf("got %v", got)
	}
}

// OAU-03, OAU-05: every failure has its code and leads to where the flow wants it.
func TestSocial_failures(t *testing.T) {
	t.Parallel()
	w, acme, _ := withProviders(t, nil)
	acme.Be(person(address(), true))
	for name, tc := range map[string]struct {
		faults oidc.Faults
		change func(url.Values)
		to     string
	}{
		"refused": {change: func(q url.Values) {
			q.Del("code")
			q.Set("error", "access_denied")
			q.Set("error_description", "not & now")
		}, to: "/oops?error=access_denied&error_description=not+%26+now"},
		"no code":       {change: func(q url.Values) { q.Del("code") }, to: "/oops?error=no_code"},
		"other issuer":  {faults: oidc.Faults{AnswerIssuer: "https://other.example"}, to: "/oops?error=issuer_mismatch"},
		"no issuer":     {change: func(q url.Values) { q.Del("iss") }, to: "/oops?error=issuer_mismatch"},
		"wrong code":    {change: func(q url.Values) { q.Set("code", "x") }, to: "/oops?error=invalid_code"},
		"token down":    {faults: oidc.Faults{Down: "/token"}, to: "/oops?error=invalid_code"},
		"signature":     {faults: oidc.Faults{BadSignature: true}, to: "/oops?error=unable_to_get_user_info"},
		"foreign token": {faults: oidc.Faults{WrongIssuer: true}, to: "/oops?error=unable_to_get_user_info"},
		"nonce":         {faults: oidc.Faults{WrongNonce: true}, to: "/oops?error=unable_to_get_user_info"},
		"no subject":    {faults: oidc.Faults{NoSubject: true}, to: "/oops?error=unable_to_get_user_info"},
	} {
		b := w.browser()
		question := b.leave("/sign-in/social", nil)
		acme.Break(tc.faults)
		back, _ := url.Parse(w.approve(question))
		if tc.change != nil {
			q := back.Query()
			tc.change(q)
			back.RawQuery = q.Encode()
		}
		r := b.follow(back.String())
		if leads(t, r, tc.to); t.Failed() || b.signedIn() || !strings.Contains(r.cookie("better-auth.state"), "Max-Age=0") {
			t.Errorf("%s: cookies %v", name, r.header.Values("Set-Cookie"))
		}
		acme.Break(oidc.Faults{})
	}
	acme.Be(oidc.Person{Subject: "nobody", Name: "x"})
	leads(t, w.browser().social(nil), "/oops?error=email_not_found")
	b := w.browser()
	back := w.approve(b.leave("/sign-in/social", nil))
	leads(t, b.follow(strings.Replace(back, "/callback/acme", "/callback/unknown", 1)), "/oops?error=oauth_provider_not_found")
	if n := w.count(`SELECT count(*) FROM better_auth.users`); n != 0 {
		t.Errorf("%d people were made by failures", n)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.audit_events WHERE outcome = 'failure' AND details->>'reason' = 'unable_to_get_user_info'`); n != 4 {
		t.Errorf("%d records", n)
	}
}

// AUTH-20: an answer to the caller's own question that says no is recorded each time;
// one to nobody's question, which any stranger can send, once a minute for each address.
func TestSocial_recordsRefusedAnswers(t *testing.T) {
	t.Parallel()
	w, acme, _ := withProviders(t, map[string]string{"RATE_LIMIT": "on", "TRUSTED_PROXIES": "127.0.0.0/8"})
	acme.Be(person(address(), true))
	records := func(method, reason string) int {
		return w.count(`SELECT count(*) FROM better_auth.audit_events WHERE kind = 'sign_in' AND outcome = 'failure' AND details->>'method' = $1 AND details->>'reason' = $2`, method, reason)
	}
	answer := func(query string) {
		b := w.browser()
		back, _ := url.Parse(w.approve(b.leave("/sign-in/social", nil)))
		b.follow(home + base + "/callback/acme?" + query + "&state=" + back.Query().Get("state"))
	}
	for range 2 {
		answer("error=access_denied")
		answer("error=a+word+of+the+caller")
		answer("iss=x")
	}
	mixed := w.browser()
	back, _ := url.Parse(w.approve(mixed.leave("/sign-in/social", nil)))
	mixed.follow(home + base + "/callback/other?code=x&state=" + back.Query().Get("state"))
	for reason, want := range map[string]int{"access_denied": 2, "provider_error": 2, "no_code": 2, "state_mismatch": 1} {
		if n := records("acme", reason); n != want {
			t.Errorf("%s: %d records, want %d", reason, n, want)
		}
	}
	for _, from := range []string{"192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.2"} {
		stranger := w.browser()
		stranger.headers["X-Forwarded-For"] = from
		leads(t, stranger.get("/callback/other?code=x&state=unknown"), home+base+"/error?error=state_mismatch")
		leads(t, stranger.get("/callback/other?code=x"), home+base+"/error?error=state_not_found")
		leads(t, stranger.get("/callback/made-up?code=x"), home+base+"/error?error=state_not_found")
	}
	if n := records("other", "state_mismatch"); n != 2 {
		t.Errorf("%d records of answers to nobody's question, want one for each address", n)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.audit_events WHERE details::text ~ 'made-up|word of'`); n != 0 {
		t.Errorf("%d records hold what a stranger wrote", n)
	}
}

// OAU-04: an answer counts only for the provider that the flow began with.
func TestSocial_anotherProvidersAnswerIsRefused(t *testing.T) {
	t.Parallel()
	w, _, other := withProviders(t, nil)
	b := w.browser()
	question, _ := url.Parse(b.leave("/sign-in/social", nil))
	mixed, _ := url.Parse(other.URL + "/authorize")
	q := question.Query()
	q.Set("redirect_uri", home+base+"/callback/other")
	mixed.RawQuery = q.Encode()
	leads(t, b.follow(w.approve(mixed.String())), "/oops?error=state_mismatch")
	if b.signedIn() || other.Calls("/token") != 0 {
		t.Error("another provider's code was used")
	}
}

// OAU-05, OAU-06: an address joins a provider's account to a person in one case of
// four: when both have proven it. Another subject with the same address is
// another account.
func TestSocial_joinsByAddressOnlyWhatBothHaveProven(t *testing.T) {
	t.Parallel()
	w, acme, _ := withProviders(t, map[string]string{"REQUIRE_EMAIL_VERIFICATION": "false"})
	for _, tc := range []struct{ provider, local bool }{{true, true}, {true, false}, {false, true}, {false, false}} {
		email := address()
		w.browser().post("/sign-up/email", map[string]any{"name": "Ada", "email": email, "password": goodPassword})
		w.exec(`UPDATE better_auth.users SET email_verified = $2 WHERE email = $1`, email, tc.local)
		acme.Be(person(email, tc.provider))
		b, joined := w.browser(), tc.provider && tc.local
		r := b.social(nil)
		if joined {
			leads(t, r, "/home")
		} else {
			leads(t, r, "/oops?error=account_not_linked")
		}
		if b.signedIn() != joined || (w.count(`SELECT count(*) FROM better_auth.accounts a JOIN better_auth.users u ON u.id = a.user_id WHERE u.email = $1 AND provider_id = 'acme'`, email) == 1) != joined {
			t.Errorf("%+v: signed in %v", tc, b.signedIn())
		}
	}
}

func TestSocial_linkingCanBeOff(t *testing.T) {
	t.Parallel()
	w, acme, _ := withProviders(t, map[string]string{"ACCOUNT_LINKING": "off"})
	email := address()
	b := w.signUp(email, goodPassword)
	acme.Be(person(email, true))
	leads(t, w.browser().social(nil), "/oops?error=account_not_linked")
	leads(t, b.linkSocial(nil), "/oops?error=unable_to_link_account")
}

func TestSocial_trustedProvidersAddressesCount(t *testing.T) {
	t.Parallel()
	w, acme, other := withProviders(t, map[string]string{"TRUSTED_PROVIDERS": "acme"})
	email := address()
	w.signUp(email, goodPassword)
	acme.Be(person(email, false))
	leads(t, w.browser().social(nil), "/home")
	other.Be(person(email, false))
	leads(t, w.browser().social(map[string]any{"provider": "other"}), "/oops?error=account_not_linked")
}

// OAU-07: who signed up with a foreign address keeps no way in beside its owner:
// the owner's sign-in is refused while the address is not proven.
func TestSocial_neverLeavesAStrangersPasswordValid(t *testing.T) {
	t.Parallel()
	for _, verify := range []string{"true", "false"} {
		w, acme, _ := withProviders(t, map[string]string{"REQUIRE_EMAIL_VERIFICATION": verify})
		victim := address()
		w.browser().post("/sign-up/email", map[string]any{"name": "Mallory", "email": victim, "password": goodPassword})
		acme.Be(person(victim, true))
		b := w.browser()
		leads(t, b.social(nil), "/oops?error=account_not_linked")
		if b.signedIn() {
			t.Error("shares an account with a stranger")
		}
	}
}

// OAU-07: an account that a provider made before the address was proven, and that
// got a password since, loses it when the owner comes with the proof.
func TestSocial_provingAnAddressDropsEarlierWaysIn(t *testing.T) {
	t.Parallel()
	w, acme, _ := withProviders(t, map[string]string{"REQUIRE_EMAIL_VERIFICATION": "false"})
	email := address()
	stranger := w.browser()
	stranger.post("/sign-up/email", map[string]any{"name": "Mallory", "email": email, "password": goodPassword})
	w.exec(`INSERT INTO better_auth.accounts (id, user_id, provider_id, account_id, created_at, updated_at)
		SELECT 'linked', id, 'acme', $2, now(), now() FROM better_auth.users WHERE email = $1`, email, "sub of "+email)
	acme.Be(person(email, true))
	b := w.browser()
	leads(t, b.social(nil), "/home")
	if !b.signedIn() || stranger.signedIn() {
		t.Error("the stranger's session goes on")
	}
	if r := w.browser().post("/sign-in/email", map[string]any{"email": email, "password": goodPassword}); r.status != http.StatusUnauthorized {
		t.Errorf("the stranger's password: %d", r.status)
	}
}

func TestSocial_anAddressThatIsNotProvenSignsNobodyUp(t *testing.T) {
	t.Parallel()
	w, acme, _ := withProviders(t, nil)
	acme.Be(person(address(), false)) // the same answer as for an address that somebody has
	leads(t, w.browser().social(nil), "/oops?error=account_not_linked")
	w2, acme, _ := withProviders(t, map[string]string{"REQUIRE_EMAIL_VERIFICATION": "false"})
	email := address()
	acme.Be(person(email, false))
	b := w2.browser()
	leads(t, b.social(nil), "/welcome")
	if b.get("/get-session").body["user"].(map[string]any)["emailVerified"] != false {
		t.Error("an address counts as proven that is not")
	}
	w2.link(email) // a letter asks for the proof
}

func TestSocial_signUpIsASetting(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		env       map[string]string
		requested any
		to        string
	}{
		"off":           {map[string]string{"OIDC_ACME_SIGN_UP": "off"}, true, "/oops?error=signup_disabled"},
		"asked, is not": {map[string]string{"OIDC_ACME_SIGN_UP": "asked"}, false, "/oops?error=signup_disabled"},
		"asked":         {map[string]string{"OIDC_ACME_SIGN_UP": "asked"}, true, "/welcome"},
		"nobody at all": {map[string]string{"DISABLE_SIGN_UP": "true"}, true, "/oops?error=signup_disabled"},
	} {
		w, acme, _ := withProviders(t, tc.env)
		acme.Be(person(address(), true))
		t.Log(name)
		leads(t, w.browser().social(map[string]any{"requestSignUp": tc.requested}), tc.to)
	}
}

func TestSocial_bannedPeopleStayOut(t *testing.T) {
	t.Parallel()
	w, acme, _ := withProviders(t, nil)
	acme.Be(person(address(), true))
	b := w.browser()
	b.social(nil)
	w.exec(`UPDATE better_auth.users SET banned = true`)
	b = w.browser()
	leads(t, b.social(nil), "/oops?error=banned")
	if b.signedIn() {
		t.Error("a banned person came in")
	}
}

// MFA-06: a provider does not skip a second factor that is on.
func TestSocial_asksForTheSecondFactor(t *testing.T) {
	t.Parallel()
	w, acme, _ := withProviders(t, nil)
	email := address()
	b := w.signUp(email, goodPassword)
	if r := b.post("/two-factor/enable", map[string]any{"password": goodPassword, "method": "otp"}); r.status != http.StatusOK {
		t.Fatalf("enable: %d %s", r.status, r.text)
	}
	acme.Be(person(email, true))
	b = w.browser()
	leads(t, b.social(nil), home+"/two-factor?callbackURL=%2Fhome")
	if b.signedIn() {
		t.Error("came in with one factor")
	}
}

func TestSocial_refusesBadQuestions(t *testing.T) {
	t.Parallel()
	w, _, _ := withProviders(t, nil)
	for name, tc := range map[string]struct {
		body   map[string]any
		status int
		code   string
	}{
		"unknown provider": {map[string]any{"provider": "x"}, 404, "PROVIDER_NOT_FOUND"},
		"no provider":      {map[string]any{}, 400, "VALIDATION_ERROR"},
		"foreign page":     {map[string]any{"provider": "acme", "callbackURL": "https://evil.example/"}, 403, "INVALID_CALLBACK_URL"},
		"foreign error":    {map[string]any{"provider": "acme", "errorCallbackURL": "//evil.example"}, 403, "INVALID_ERROR_CALLBACK_URL"},
		"foreign new":      {map[string]any{"provider": "acme", "newUserCallbackURL": "javascript:1"}, 403, "INVALID_NEW_USER_CALLBACK_URL"},
		"reserved":         {map[string]any{"provider": "acme", "additionalParams": map[string]any{"Redirect_URI": "x"}}, 400, "VALIDATION_ERROR"},
		"reserved object":  {map[string]any{"provider": "acme", "additionalParams": map[string]any{"request_uri": "x"}}, 400, "VALIDATION_ERROR"},
		"no strings":       {map[string]any{"provider": "acme", "additionalParams": map[string]any{"x": 1}}, 400, "VALIDATION_ERROR"},
		"many scopes":      {map[string]any{"provider": "acme", "scopes": slices.Repeat([]string{"a"}, 51)}, 400, "VALIDATION_ERROR"},
		"long parameter":   {map[string]any{"provider": "acme", "additionalParams": map[string]any{"x": strings.Repeat("a", 3000)}}, 400, "VALIDATION_ERROR"},
		"odd scope":        {map[string]any{"provider": "acme", "scopes": []string{"a b"}}, 400, "VALIDATION_ERROR"},
		"odd token":        {map[string]any{"provider": "acme", "idToken": "x"}, 400, "VALIDATION_ERROR"},
	} {
		if r := w.browser().post("/sign-in/social", tc.body); r.status != tc.status || r.code() != tc.code {
			t.Errorf("%s: %d %s", name, r.status, r.text)
		}
	}
	asked := w.browser().leave("/sign-in/social", map[string]any{
		"scopes": []string{"calendar"}, "loginHint": "ada@example.test", "additionalParams": map[string]any{"prompt": "consent"},
	})
	for _, want := range []string{"scope=openid+email+profile+calendar", "login_hint=ada%40example.test", "prompt=consent"} {
		if !strings.Contains(asked, want) {
			t.Errorf("%s is not in %s", want, asked)
		}
	}
	w2, acme, _ := withProviders(t, nil)
	acme.Break(oidc.Faults{Down: "/.well-known/openid-configuration"})
	if r := w2.browser().post("/sign-in/social", map[string]any{"provider": "acme"}); r.status != http.StatusServiceUnavailable {
		t.Errorf("provider away: %d %s", r.status, r.text)
	}
}

func TestSocial_answersCanComeAsAForm(t *testing.T) {
	t.Parallel()
	w, acme, _ := withProviders(t, nil)
	acme.Be(oidc.Person{Subject: "apple-like", Email: address(), Verified: true})
	b := w.browser()
	back, _ := url.Parse(w.approve(b.leave("/sign-in/social", nil)))
	form := back.Query()
	form.Set("user", `{"name":{"firstName":"Grace","lastName":"Hopper"}}`)
	foreign := w.browser() // browsers keep our cookies from another site's form
	foreign.headers = map[string]string{"Origin": "https://idp.example", "Cookie": "unrelated=1"}
	r := foreign.send(http.MethodPost, "/callback/acme", "application/x-www-form-urlencoded", form.Encode())
	if r.status != http.StatusFound || !strings.HasPrefix(r.header.Get("Location"), home+base+"/callback/acme?") || len(foreign.cookies) > 0 {
		t.Fatalf("got %d %v %s", r.status, r.header, r.text)
	}
	leads(t, b.follow(r.header.Get("Location")), "/welcome")
	if name := b.get("/get-session").str("user", "name"); name != "Grace Hopper" {
		t.Errorf("name %q", name)
	}
}

// OAU-03: an ID token that an app brings signs in when it is good, and only then.
func TestSocial_takesIDTokens(t *testing.T) {
	t.Parallel()
	w, acme, _ := withProviders(t, nil)
	p := person(address(), true)
	sign := func(b *browser, token, nonce string) reply {
		return b.post("/sign-in/social", map[string]any{"provider": "acme", "idToken": map[string]any{"token": token, "nonce": nonce}})
	}
	b := w.browser()
	r := sign(b, acme.IDToken(p, "n"), "n")
	if r.status != http.StatusOK || r.body["redirect"] != false || r.str("token") == "" || r.str("user", "email") != p.Email || !b.signedIn() {
		t.Fatalf("got %d %s", r.status, r.text)
	}
	// An ID token alone brings no token for the provider's API: that is what is said, and no empty token.
	if r := b.post("/get-access-token", map[string]any{"accountId": b.account("acme")}); r.status != http.StatusBadRequest || r.code() != "ACCESS_TOKEN_NOT_FOUND" {
		t.Errorf("the provider's token: %d %s", r.status, r.text)
	}
	acme.Break(oidc.Faults{WrongAudience: true})
	foreign := acme.IDToken(p, "n")
	acme.Break(oidc.Faults{})
	for name, tc := range map[string]struct {
		token, nonce string
		status       int
		code         string
	}{
		"foreign audience": {foreign, "n", 401, "INVALID_TOKEN"},
		"other nonce":      {acme.IDToken(p, "n"), "m", 401, "INVALID_TOKEN"},
		"nonsense":         {"x.y.z", "", 401, "INVALID_TOKEN"},
		"no address":       {acme.IDToken(oidc.Person{Subject: "s"}, ""), "", 401, "USER_EMAIL_NOT_FOUND"},
		"not proven":       {acme.IDToken(person(address(), false), ""), "", 401, "OAUTH_LINK_ERROR"},
	} {
		b := w.browser()
		if r := sign(b, tc.token, tc.nonce); r.status != tc.status || r.code() != tc.code || b.signedIn() {
			t.Errorf("%s: %d %s", name, r.status, r.text)
		}
	}
}

func TestLinkSocial_addsAnAccountToTheCaller(t *testing.T) {
	t.Parallel()
	w, acme, other := withProviders(t, nil)
	email := address()
	b := w.signUp(email, goodPassword)
	acme.Be(person(email, false)) // by the caller's own wish the provider need not stand for the address
	leads(t, b.linkSocial(nil), "/home")
	leads(t, b.linkSocial(nil), "/home") // once more changes nothing
	if r := b.get("/list-accounts"); strings.Count(r.text, `"providerId"`) != 2 {
		t.Errorf("accounts %s", r.text)
	}
	leads(t, w.browser().social(nil), "/home")

	other.Be(person(address(), true))
	leads(t, b.linkSocial(map[string]any{"provider": "other"}), "/oops?error=email_does_not_match")
	thief := w.signUp(address(), goodPassword)
	acme.Be(oidc.Person{Subject: "sub of " + email, Email: thief.get("/get-session").str("user", "email"), Verified: true})
	leads(t, thief.linkSocial(nil), "/oops?error=account_already_linked_to_different_user")

	back := w.approve(b.leave("/link-social", map[string]any{"provider": "other"}))
	b.post("/sign-out", map[string]any{})
	leads(t, b.follow(back), "/oops?error=unable_to_link_account")
	if r := w.browser().post("/link-social", map[string]any{"provider": "acme"}); r.status != http.StatusUnauthorized {
		t.Errorf("without a session: %d", r.status)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.audit_events WHERE kind = 'account_link' AND outcome = 'failure'`); n != 3 {
		t.Errorf("%d refusals on record", n)
	}
}

func TestLinkSocial_takesIDTokens(t *testing.T) {
	t.Parallel()
	w, acme, _ := withProviders(t, nil)
	email, email2 := address(), address()
	b, b2 := w.signUp(email, goodPassword), w.signUp(email2, goodPassword)
	link := func(b *browser, p oidc.Person) reply {
		return b.post("/link-social", map[string]any{"provider": "acme", "idToken": map[string]any{"token": acme.IDToken(p, "")}})
	}
	if r := link(b, person(email, true)); r.status != http.StatusOK || r.text != `{"url":"","redirect":false,"status":true}`+"\n" {
		t.Errorf("got %d %q", r.status, r.text)
	}
	if r := link(b, person(address(), true)); r.status != 401 || r.code() != "LINKING_DIFFERENT_EMAILS_NOT_ALLOWED" {
		t.Errorf("another address: %d %s", r.status, r.text)
	}
	if r := link(b2, oidc.Person{Subject: "sub of " + email, Email: email2}); r.status != 409 || r.code() != "SOCIAL_ACCOUNT_ALREADY_LINKED" {
		t.Errorf("somebody else's: %d %s", r.status, r.text)
	}
}

func TestLinkSocial_otherAddressesAreASetting(t *testing.T) {
	t.Parallel()
	w, acme, _ := withProviders(t, map[string]string{"ACCOUNT_LINKING_DIFFERENT_EMAILS": "on"})
	b := w.signUp(address(), goodPassword)
	acme.Be(person(address(), false))
	leads(t, b.linkSocial(nil), "/home")
	leads(t, w.browser().social(nil), "/home") // found by its subject
}

// OAU-12: the last way to sign in stays, and nobody touches another's.
func TestUnlink(t *testing.T) {
	t.Parallel()
	w, acme, _ := withProviders(t, nil)
	email := address()
	b := w.signUp(email, goodPassword)
	acme.Be(person(email, true))
	if r := b.post("/unlink-account", map[string]any{"accountId": b.account("credential")}); r.status != 400 || r.code() != "FAILED_TO_UNLINK_LAST_ACCOUNT" {
		t.Errorf("the only one: %d %s", r.status, r.text)
	}
	leads(t, b.linkSocial(nil), "/home")
	id := b.account("acme")
	other := w.signUp(address(), goodPassword)
	acme.Be(person(other.get("/get-session").str("user", "email"), true))
	leads(t, other.linkSocial(nil), "/home")
	for path, want := range map[string]string{"/unlink-account": "ACCOUNT_NOT_FOUND", "/get-access-token": "ACCOUNT_NOT_FOUND", "/refresh-token": "ACCOUNT_NOT_FOUND"} {
		if r := other.post(path, map[string]any{"accountId": id}); r.status != 400 || r.code() != want {
			t.Errorf("%s of another's: %d %s", path, r.status, r.text)
		}
	}
	if r := other.get("/account-info?accountId=" + id); r.status != 400 || r.code() != "ACCOUNT_NOT_FOUND" {
		t.Errorf("info of another's: %d %s", r.status, r.text)
	}
	for _, path := range []string{"/unlink-account", "/get-access-token", "/refresh-token"} {
		if r := b.post(path, map[string]any{"accountId": "a\x00b"}); r.status != 400 || r.code() != "ACCOUNT_NOT_FOUND" {
			t.Errorf("%s of what is no text for a database: %d %s", path, r.status, r.text)
		}
	}
	if r := b.get("/account-info?accountId=%ff"); r.status != 400 || r.code() != "ACCOUNT_NOT_FOUND" {
		t.Errorf("info of what is no text for a database: %d %s", r.status, r.text)
	}
	w.clock.Advance(25 * time.Hour)
	if r := b.post("/unlink-account", map[string]any{"accountId": id}); r.status != 403 || r.code() != "SESSION_NOT_FRESH" {
		t.Errorf("with an old session: %d %s", r.status, r.text)
	}
	b = w.signIn(email, goodPassword)
	if r := b.post("/unlink-account", map[string]any{"accountId": id}); r.status != 200 || r.text != `{"status":true}`+"\n" || b.account("acme") != "" {
		t.Errorf("unlink: %d %s", r.status, r.text)
	}
	if n := w.count(`SELECT count(*) FROM better_auth.audit_events WHERE kind = 'account_unlink' AND details->>'provider' = 'acme'`); n != 1 {
		t.Errorf("%d records", n)
	}
}

// AUTH-14: whoever reads the account's mail hears of a way of signing in that came
// or went, but not of the one by which they signed up.
func TestWays_areToldByMail(t *testing.T) {
	t.Parallel()
	w, acme, other := withProviders(t, map[string]string{"NEW_DEVICE_MAIL": "false"})
	email, late := address(), address()
	tells := func(to, subject string, words ...string) {
		t.Helper()
		m := w.letter(to)
		for _, word := range append(words, home+"/") {
			if m.Subject != subject || !strings.Contains(m.Text, word) {
				t.Errorf("%q lacks %q: %s", m.Subject, word, m.Text)
			}
		}
	}
	b := w.signUp(email, goodPassword)
	acme.Be(person(email, true))
	leads(t, b.linkSocial(nil), "/home")
	tells(email, "A way of signing in was added", "acme was linked")
	leads(t, b.linkSocial(nil), "/home") // once more adds nothing
	b.post("/unlink-account", members{"accountId": b.account("credential")})
	tells(email, "A way of signing in was removed", "the password of your account was removed")

	acme.Be(person(late, true))
	leads(t, w.browser().social(nil), "/welcome") // signs up
	other.Be(person(late, true))
	b = w.browser()
	b.headers["Accept-Language"] = "de"
	leads(t, b.social(members{"provider": "other"}), "/home") // joined by the address
	tells(late, "Eine Anmeldemöglichkeit wurde hinzugefügt", "other wurde mit deinem Konto verknüpft")
	b.post("/unlink-account", members{"accountId": b.account("acme")})
	tells(late, "Eine Anmeldemöglichkeit wurde entfernt", "mit acme wurde entfernt")
}

// OAU-12: two ways that are taken away at once leave one.
func TestUnlink_inParallelLeavesOne(t *testing.T) {
	t.Parallel()
	w, acme, _ := withProviders(t, nil)
	email := address()
	b := w.signUp(email, goodPassword)
	acme.Be(person(email, true))
	b.linkSocial(nil)
	ids := []string{b.account("acme"), b.account("credential")}
	var wait sync.WaitGroup
	for i := range 20 {
		wait.Go(func() { b.twin().post("/unlink-account", map[string]any{"accountId": ids[i%2]}) })
	}
	wait.Wait()
	if n := w.count(`SELECT count(*) FROM better_auth.accounts`); n != 1 {
		t.Errorf("%d accounts are left", n)
	}
}

// twin is another window of a browser.
func (b *browser) twin() *browser {
	return &browser{w: b.w, cookies: maps.Clone(b.cookies), headers: maps.Clone(b.headers)}
}

// OAU-10, SES-10: a provider's tokens are given to their owner; twenty calls at once
// spend one refresh token of the provider and get its one successor.
func TestProviderTokens(t *testing.T) {
	t.Parallel()
	w, acme, _ := withProviders(t, nil)
	p := person(address(), true)
	acme.Be(p)
	b := w.browser()
	b.social(nil)
	id := b.account("acme")
	ask := func(path string, body any) reply { return b.post(path, body) }

	first := ask("/get-access-token", map[string]any{"accountId": id})
	if first.status != 200 || first.str("accessToken") == "" || first.str("idToken") == "" || first.str("accessTokenExpiresAt") == "" || fmt.Sprint(first.body["scopes"]) != "[openid email profile]" {
		t.Fatalf("got %d %s", first.status, first.text)
	}
	if again := ask("/get-access-token", map[string]any{"accountId": id}); again.str("accessToken") != first.str("accessToken") {
		t.Error("renewed although it is good")
	}
	w.clock.Advance(time.Hour - 4*time.Second)
	tokens := make(chan string, 20)
	var wait sync.WaitGroup
	for range 20 { // refresh tokens work once: one call renews for all
		wait.Go(func() {
			tokens <- b.twin().post("/get-access-token", map[string]any{"accountId": id}).str("accessToken")
		})
	}
	wait.Wait()
	close(tokens)
	var got []string
	for token := range tokens {
		got = append(got, token)
	}
	slices.Sort(got)
	if got = slices.Compact(got); len(got) != 1 || got[0] == "" || got[0] == first.str("accessToken") {
		t.Errorf("20 calls got %d tokens: %v", len(got), got)
	}

	r := ask("/refresh-token", map[string]any{"accountId": id})
	if r.status != 200 || r.str("accessToken") == got[0] || r.str("refreshToken") == "" || r.str("scope") != "openid,email,profile" || r.str("providerId") != "acme" ||
		r.str("accountId") != id || r.str("idToken") == "" || !strings.Contains(r.text, `"refreshTokenExpiresAt":null`) {
		t.Errorf("got %d %s", r.status, r.text)
	}
	info := b.get("/account-info?accountId=" + id)
	if info.str("user", "email") != p.Email || info.str("data", "sub") != p.Subject || info.str("account", "id") != id || info.str("account", "accountId") != p.Subject {
		t.Errorf("got %d %s", info.status, info.text)
	}
	for name, tc := range map[string]struct {
		path   string
		body   any
		status int
		code   string
	}{
		"unknown member": {"/get-access-token", map[string]any{"accountId": id, "userId": "x"}, 400, "VALIDATION_ERROR"},
		"provider's id":  {"/get-access-token", map[string]any{"accountId": p.Subject}, 400, "ACCOUNT_NOT_FOUND"},
		"nothing":        {"/refresh-token", map[string]any{}, 400, "VALIDATION_ERROR"},
		"both":           {"/refresh-token", map[string]any{"accountId": id, "useAccountCookie": true}, 400, "VALIDATION_ERROR"},
		"cookie":         {"/get-access-token", map[string]any{"useAccountCookie": true}, 400, "ACCOUNT_NOT_FOUND"},
	} {
		if r := ask(tc.path, tc.body); r.status != tc.status || r.code() != tc.code {
			t.Errorf("%s: %d %s", name, r.status, r.text)
		}
	}
	acme.Break(oidc.Faults{RefuseRefresh: true})
	if r := ask("/refresh-token", map[string]any{"accountId": id}); r.status != 400 || r.code() != "FAILED_TO_REFRESH_ACCESS_TOKEN" {
		t.Errorf("refused: %d %s", r.status, r.text)
	}
	w.clock.Advance(2 * time.Hour)
	if r := ask("/get-access-token", map[string]any{"accountId": id}); r.status != 400 || r.code() != "FAILED_TO_GET_ACCESS_TOKEN" {
		t.Errorf("over and refused: %d %s", r.status, r.text)
	}
	w.exec(`UPDATE better_auth.accounts SET refresh_token = NULL, access_token = NULL`)
	if r := ask("/refresh-token", map[string]any{"accountId": id}); r.code() != "REFRESH_TOKEN_NOT_FOUND" {
		t.Errorf("without: %d %s", r.status, r.text)
	}
	if r := b.get("/account-info?accountId=" + id); r.code() != "ACCESS_TOKEN_NOT_FOUND" {
		t.Errorf("without: %d %s", r.status, r.text)
	}
	w.exec(`UPDATE better_auth.accounts SET provider_id = 'gone'`)
	if r := ask("/get-access-token", map[string]any{"accountId": id}); r.code() != "PROVIDER_NOT_SUPPORTED" {
		t.Errorf("no such provider: %d %s", r.status, r.text)
	}
	if r := b.get("/account-info?accountId=" + id); r.code() != "PROVIDER_NOT_CONFIGURED" {
		t.Errorf("no such provider: %d %s", r.status, r.text)
	}
}

// OAU-11: a provider that hangs costs a sign-in its limit, and the browser comes
// back with a code.
func TestSocial_aHangingProviderIsLeft(t *testing.T) {
	t.Parallel()
	w, acme, _ := withProviders(t, map[string]string{"PROVIDER_TIMEOUT": "300ms"})
	b := w.browser()
	back := w.approve(b.leave("/sign-in/social", nil))
	acme.Break(oidc.Faults{Hang: "/token"})
	began := time.Now()
	leads(t, b.follow(back), "/oops?error=invalid_code")
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestSettings_ofProviders(t *testing.T) {
	t.Parallel()
	for want, env := range map[string]map[string]string{
		"GOOGLE_CLIENT_SECRET is missing":   {"GOOGLE_CLIENT_ID": "x"},
		"APPLE_PRIVATE_KEY is not":          {"APPLE_CLIENT_ID": "x"},
		"OIDC_ACME_ISSUER is missing":       {"OIDC_PROVIDERS": "acme", "OIDC_ACME_CLIENT_ID": "x"},
		"OIDC_ACME_CLIENT_ID is missing":    {"OIDC_PROVIDERS": "acme", "OIDC_ACME_ISSUER": "https://idp.test"},
		"OIDC_ACME_ISSUER is neither https": {"OIDC_PROVIDERS": "acme", "OIDC_ACME_ISSUER": "http://idp.test"},
		"OIDC_PROVIDERS holds the id":       {"OIDC_PROVIDERS": "google"},
		"TRUSTED_PROVIDERS holds microsoft": {"TRUSTED_PROVIDERS": "microsoft"},
		"TRUSTED_PROVIDERS names what":      {"TRUSTED_PROVIDERS": "google,acmee", "OIDC_PROVIDERS": "acme"},
		"PROVIDER_TIMEOUT is not":           {"PROVIDER_TIMEOUT": "6s"},
		"GOOGLE_SIGN_UP is not valid":       {"GOOGLE_SIGN_UP": "maybe"},
	} {
		var environ []string
		for name, value := range env {
			environ = append(environ, name+"="+value)
		}
		if _, err := config.Load[settings](environ); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not said: %v", want, err)
		}
	}
	known := []string{"TRUSTED_PROVIDERS=github, acme", "OIDC_PROVIDERS=acme"} // one of them switched off
	if _, err := config.Load[settings](known); err == nil || strings.Contains(err.Error(), "TRUSTED_PROVIDERS") {
		t.Error(err)
	}
}
