package provider_test

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/testkit/oidc"

	"github.com/codex-platform/codex/services/auth/internal/provider"
)

const patient = 5 * time.Second

func TestComplete_tellsWhoItIs(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]oidc.Options{"ES256": {}, "RS256": {RSA: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, o, patient)
			w.server.Be(oidc.Person{Subject: "sub-7", Email: "Ada@Example.test", Verified: true, Name: " Ada\nLovelace ", Picture: "https://cdn.example.test/a.png"})
			who, tokens, err := w.signIn(t)
			if err != nil {
				t.Fatal(err)
			}
			if who.Subject != "sub-7" || who.Email != "ada@example.test" || !who.EmailVerified || who.Name != "AdaLovelace" || who.Image == nil {
				t.Errorf("got %+v", who)
			}
			if tokens.Access == "" || tokens.Refresh == "" || tokens.ID == "" || !slices.Equal(tokens.Scopes, []string{"openid", "email", "profile"}) ||
				tokens.AccessExpires == nil || !tokens.AccessExpires.Equal(w.clock.Now().Add(time.Hour)) {
				t.Errorf("got %+v", tokens)
			}
		})
	}
}

// OAU-02: PKCE with S256; the verifier never leaves the server but to the token
// endpoint, which checks it.
func TestAsk_usesPKCE(t *testing.T) {
	t.Parallel()
	w := newWorld(t, oidc.Options{}, patient)
	r, address := w.visit(t)
	q := address.Query()
	if q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || q.Get("nonce") != r.Nonce || q.Get("scope") != "openid email profile" ||
		q.Get("redirect_uri") != redirect || q.Get("response_type") != "code" || strings.Contains(address.String(), r.Verifier) {
		t.Errorf("asked with %s", address)
	}
	r.Verifier = strings.Repeat("x", 128)
	if _, _, err := w.Complete(t.Context(), r); !errors.Is(err, provider.ErrCode) {
		t.Errorf("another verifier: %v", err)
	}
}

// OAU-03, OAU-05: an ID token is good only with the provider's signature, our
// audience, its issuer, the flow's nonce, an end ahead and a subject.
func TestComplete_refusesFaultyIDTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t, oidc.Options{}, patient)
	for name, faults := range map[string]oidc.Faults{
		"signature": {BadSignature: true}, "foreign key": {ForeignKey: true}, "unsigned": {Unsigned: true}, "shared secret": {SharedSecret: true},
		"issuer": {WrongIssuer: true}, "audience": {WrongAudience: true}, "another party": {OtherParty: true},
		"nonce": {WrongNonce: true}, "no nonce": {NoNonce: true}, "expired": {Expired: true}, "no subject": {NoSubject: true},
		"no ID token": {NoIDToken: true}, "user info of another": {Thin: true, OtherUserInfo: true},
		"user info away": {Thin: true, Down: "/userinfo"}, "no user info": {Thin: true, NullUserInfo: true},
		"no subject anywhere": {Thin: true, NoSubject: true, NullUserInfo: true}, "of the future": {Ahead: true},
	} {
		w.server.Break(faults)
		if who, _, err := w.signIn(t); !errors.Is(err, provider.ErrIdentity) || who.Subject != "" {
			t.Errorf("%s: %+v, %v", name, who, err)
		}
	}
	w.server.Break(oidc.Faults{})
	if _, _, err := w.signIn(t); err != nil {
		t.Errorf("a good one: %v", err)
	}
}

// OAU-04: an answer that names another issuer, or none where the provider always
// names itself, is refused before its code is used.
func TestComplete_checksTheIssuerOfTheAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, oidc.Options{}, patient)
	for _, issuer := range []string{"https://other.example", ""} {
		r, _ := w.visit(t)
		r.Issuer = issuer
		if _, _, err := w.Complete(t.Context(), r); !errors.Is(err, provider.ErrIssuer) {
			t.Errorf("%q: %v", issuer, err)
		}
	}
	if n := w.server.Calls("/token"); n != 0 {
		t.Errorf("%d codes were used", n)
	}
}

func TestComplete_takesAnAddressAndItsProofFromOnePlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, oidc.Options{}, patient)
	w.server.Break(oidc.Faults{Thin: true})
	if who, _, err := w.signIn(t); err != nil || who.Email != "ada@example.test" || !who.EmailVerified {
		t.Errorf("from user info: %+v, %v", who, err)
	}
	w.server.Be(oidc.Person{Subject: "sub-2", Email: "not an address", Verified: true})
	if who, _, err := w.signIn(t); err != nil || who.Email != "" || who.EmailVerified {
		t.Errorf("what is no address: %+v, %v", who, err)
	}
}

// OAU-11: a provider that hangs, streams for ever, redirects or fails costs the
// limit at most, and no memory.
func TestComplete_isBounded(t *testing.T) {
	t.Parallel()
	const limit = 500 * time.Millisecond
	for _, path := range []string{"/.well-known/openid-configuration", "/keys", "/token", "/userinfo"} {
		for name, faults := range map[string]oidc.Faults{"hang": {Hang: path}, "endless": {Endless: path}, "redirect": {Redirect: path}, "down": {Down: path}} {
			t.Run(name+path, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, oidc.Options{}, limit)
				r, _ := w.visit(t)
				fresh := &world{provider.OpenID(options(w.server, w.clock, limit)), w.server, w.clock} // knows neither document nor keys
				faults.Thin = path == "/userinfo"
				w.server.Break(faults)
				began := time.Now()
				_, _, err := fresh.Complete(t.Context(), r)
				if !errors.Is(err, provider.ErrCode) && !errors.Is(err, provider.ErrIdentity) {
					t.Errorf("got %v", err)
				}
				if took := time.Since(began); took > limit+time.Second {
					t.Errorf("took %v", took)
				}
				if n := w.server.Calls("/elsewhere" + path); n != 0 {
					t.Errorf("a redirect was followed")
				}
			})
		}
	}
}

// OAU-11: what streams for ever is cut at 1 MiB.
func TestComplete_keepsMemoryFlat(t *testing.T) { // alone: it looks at the whole process
	w := newWorld(t, oidc.Options{}, patient)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 10 {
		w.server.Break(oidc.Faults{})
		r, _ := w.visit(t)
		w.server.Break(oidc.Faults{Endless: "/token"})
		if _, _, err := w.Complete(t.Context(), r); !errors.Is(err, provider.ErrCode) {
			t.Fatalf("got %v", err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("grew by %d bytes", grown)
	}
}

func TestKeys_areFetchedAgainWhenTheProviderRotates(t *testing.T) {
	t.Parallel()
	w := newWorld(t, oidc.Options{}, patient)
	for i := range 3 {
		if _, _, err := w.signIn(t); err != nil {
			t.Fatalf("sign-in %d: %v", i, err)
		}
		w.server.Rotate() // under the same name
		w.clock.Advance(time.Minute)
	}
	fetches := w.server.Calls("/keys")
	w.server.Break(oidc.Faults{ForeignKey: true})
	for range 20 {
		if _, _, err := w.signIn(t); !errors.Is(err, provider.ErrIdentity) {
			t.Fatal(err)
		}
	}
	if more := w.server.Calls("/keys") - fetches; more > 1 {
		t.Errorf("20 forged tokens caused %d fetches", more)
	}
}

func TestDiscovery_isTriedAgainAndOutlivesItsProvider(t *testing.T) {
	t.Parallel()
	w := newWorld(t, oidc.Options{}, patient)
	w.server.Break(oidc.Faults{Down: "/.well-known/openid-configuration"})
	if _, err := w.Ask(t.Context(), provider.Question{Verifier: "x"}); err == nil {
		t.Error("asked without knowing where")
	}
	w.server.Break(oidc.Faults{})
	if _, _, err := w.signIn(t); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(24 * time.Hour)
	w.server.Break(oidc.Faults{Down: "/.well-known/openid-configuration"})
	if _, _, err := w.signIn(t); err != nil {
		t.Errorf("a day later, document away: %v", err)
	}
}

// OAU-03: an ID token that a client brings is checked like one that came for a code.
func TestVerify_checksTokensOfClients(t *testing.T) {
	t.Parallel()
	w := newWorld(t, oidc.Options{}, patient)
	p := oidc.Person{Subject: "sub-1", Email: "ada@example.test", Verified: true, Name: "Ada"}
	for name, tc := range map[string]struct {
		faults      oidc.Faults
		made, given string
		ok          bool
	}{
		"good":                    {made: "n", given: "n", ok: true},
		"without nonce":           {ok: true},
		"another nonce":           {made: "n", given: "m"},
		"nonce left out":          {made: "n"},
		"nonce that is not there": {given: "n"},
		"any":                     {made: "n", given: "*"},
		"audience":                {faults: oidc.Faults{WrongAudience: true}},
		"issuer":                  {faults: oidc.Faults{WrongIssuer: true}},
		"foreign key":             {faults: oidc.Faults{ForeignKey: true}},
		"expired":                 {faults: oidc.Faults{Expired: true}},
		"of the future":           {faults: oidc.Faults{Ahead: true}},
	} {
		w.server.Break(tc.faults)
		_, err := w.Verify(t.Context(), provider.Tokens{ID: w.server.IDToken(p, tc.made)}, tc.given)
		if (err == nil) != tc.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.Verify(t.Context(), provider.Tokens{ID: strings.Repeat("x", 1<<20)}, ""); err == nil {
		t.Error("a token of 1 MiB was taken")
	}
}

func TestRefresh_keepsWhatIsNotGivenAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t, oidc.Options{}, patient)
	_, old, err := w.signIn(t)
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := w.Refresh(t.Context(), old, "sub-1")
	if err != nil || fresh.Access == old.Access || fresh.Refresh == old.Refresh || fresh.ID == "" || len(fresh.Scopes) != 3 {
		t.Errorf("got %+v, %v", fresh, err)
	}
	if _, err := w.Refresh(t.Context(), old, "sub-1"); !errors.Is(err, provider.ErrRefresh) {
		t.Errorf("a spent one: %v", err)
	}
	if _, err := w.Refresh(t.Context(), fresh, "sub-2"); !errors.Is(err, provider.ErrRefresh) {
		t.Errorf("of another subject: %v", err)
	}
}

func TestErrors_repeatNothingOfWhatWasSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, oidc.Options{}, patient)
	r, _ := w.visit(t)
	r.Code = "the-code-that-must-not-show"
	_, _, err := w.Complete(t.Context(), r)
	if err == nil || strings.Contains(err.Error(), r.Code) || !strings.Contains(err.Error(), "invalid_grant") {
		t.Errorf("got %v", err)
	}
}
