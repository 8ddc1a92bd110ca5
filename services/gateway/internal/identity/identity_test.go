package identity_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/testkit/forgery"
	"github.com/codex-platform/codex/services/gateway/internal/identity"
	"github.com/codex-platform/codex/services/gateway/internal/revocation"
)

const site = "https://app.example"

var quiet = slog.New(slog.DiscardHandler)

// desk is a Resolver with auth behind it.
type desk struct {
	*identity.Resolver
	forge   forgery.Forge
	keys    *security.RemoteKeys
	keySet  atomic.Pointer[string]
	revoked *revocation.Set
	idp     *forgery.Issuer
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	d := &desk{forge: forgery.New(t, site, time.Now()), idp: forgery.NewIssuer(t, "ours"), revoked: revocation.NewSet(time.Now, quiet)}
	d.show(d.forge.KeySet(t))
	auth := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/jwks" {
			_, _ = io.WriteString(w, *d.keySet.Load())
			return
		}
		fmt.Fprintf(w, `{"jwt":%q,"key_id":"k1"}`, d.token(t, forgery.Members{"sid": "key_k1"}))
	}))
	t.Cleanup(auth.Close)
	d.keys = security.NewRemoteKeys(auth.URL+"/jwks", nil, quiet)
	var trusted security.TrustedIssuers
	if err := trusted.UnmarshalText([]byte(d.idp.URL + "|ours")); err != nil {
		t.Fatal(err)
	}
	tokens := security.NewServiceTokens([]string{"service"})
	d.Resolver = identity.NewResolver(identity.Config{
		Verifier: security.NewVerifier(d.keys, []string{site}, []string{site}, time.Now, trusted.Open(nil, quiet)...),
		Revoked:  d.revoked, Cookies: identity.NewCookies(true, "session"), Fresh: func() bool { return true }, Now: time.Now, Log: quiet,
		Sessions: identity.Sessions(auth.URL, http.DefaultClient, tokens, time.Now),
		APIKeys:  identity.APIKeys(auth.URL, http.DefaultClient, tokens, time.Now),
	})
	return d
}

func (d *desk) show(keySet string) { d.keySet.Store(&keySet) }

func (d *desk) token(t testing.TB, changes forgery.Members) string {
	t.Helper()
	return d.forge.EdToken(t, d.forge.Header(), forgery.With(d.forge.Claims(), changes))
}

func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

func (d *desk) resolve(t testing.TB, h http.Header) identity.Caller {
	t.Helper()
	caller, err := d.Resolve(t.Context(), h, "address")
	if err != nil {
		t.Fatal(err)
	}
	return caller
}

func TestKnown_takesNoMemory(t *testing.T) { // not parallel: it counts allocations
	d := newDesk(t)
	token := d.token(t, nil)
	for name, h := range map[string]http.Header{
		"bearer":  bearer(token),
		"cookie":  {"Cookie": {"theme=dark; __Host-codex.jwt=" + token + "; x=y"}},
		"API key": {"X-Api-Key": {"ck_live_abcdefghijklmnopqrstuvwxyz0123456789"}},
	} {
		first := d.resolve(t, h)
		if first.Authorization != "Bearer "+first.Token || first.UserID != "user1" || (first.KeyID == "k1") != (name == "API key") {
			t.Errorf("%s: %+v", name, first)
		}
		if n := testing.AllocsPerRun(100, func() {
			if _, ok := d.Known(h); !ok {
				t.Errorf("%s: unknown", name)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// A rotation asks nobody to prove anything again; a key that is gone acts at once.
func TestKnown_outlivesTheRotationOfOtherKeys(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	stays := bearer(d.forge.ECToken(t, forgery.With(d.forge.Header(), forgery.Members{"alg": "ES256", "kid": "ec"}), d.forge.Claims()))
	goes := bearer(d.token(t, nil))
	d.resolve(t, stays)
	d.resolve(t, goes)
	next := forgery.New(t, site, time.Now()) // its Ed25519 key takes the old one's place
	next.EC, next.RSA = d.forge.EC, d.forge.RSA
	d.show(next.KeySet(t))
	if err := d.keys.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok := d.Known(stays); !ok {
		t.Error("a token of a key that stayed is verified again")
	}
	if _, ok := d.Known(goes); ok {
		t.Error("a token of a key that is gone is still good")
	}
	if _, err := d.Resolve(t.Context(), goes, "address"); !errors.Is(err, problem.Unauthorized) {
		t.Errorf("a token of a key that is gone: %v", err)
	}
}

func ended(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestEnded_tellsOfTheSessionAndOfTheUser(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	one, two := bearer(d.token(t, forgery.Members{"sid": "s1"})), bearer(d.token(t, forgery.Members{"sid": "s2"}))
	other, foreign := bearer(d.token(t, forgery.Members{"sub": "user2", "sid": "s3"})), bearer(d.idp.Token(t, "ada"))
	a, b, c, f := d.resolve(t, one), d.resolve(t, two), d.resolve(t, other), d.resolve(t, foreign)
	waits := []<-chan struct{}{a.Ended(), b.Ended(), c.Ended(), f.Ended()}
	if again := d.resolve(t, one).Ended(); again != waits[0] {
		t.Error("a second request of the session waits for something else")
	}
	expect := func(what string, want ...bool) {
		t.Helper()
		for i, w := range waits {
			if ended(w) != want[i] {
				t.Errorf("%s: wait %d ended: %v", what, i, !want[i])
			}
		}
	}
	expect("nothing happened", false, false, false, false)
	d.revoked.Apply(cache.Revocation{SessionID: "s1", UserID: "user1", At: time.Now()})
	expect("a session", true, false, false, false)
	d.revoked.Apply(cache.Revocation{UserID: "user1", At: time.Now()})
	expect("a user", true, true, false, false)
	d.revoked.Apply(cache.Revocation{UserID: security.ForeignID(d.idp.URL, "ada"), At: time.Now()})
	expect("a foreign user", true, true, false, true)
	// Between being let in and asking: not missed.
	if !ended(a.Ended()) || !ended(f.Ended()) {
		t.Error("asked too late, it waits for ever")
	}
	for name, h := range map[string]http.Header{"session": one, "user": two, "foreign user": foreign} {
		if _, err := d.Resolve(t.Context(), h, "address"); !errors.Is(err, problem.Unauthorized) {
			t.Errorf("%s: %v, want Unauthorized", name, err)
		}
	}
	if (identity.Caller{}).Ended() != nil {
		t.Error("nobody waits for something")
	}
}

func BenchmarkKnown(b *testing.B) {
	d := newDesk(b)
	token := d.token(b, nil)
	for name, h := range map[string]http.Header{
		"bearer": bearer(token), "cookie": {"Cookie": {"theme=dark; __Host-codex.jwt=" + token}}, "api key": {"X-Api-Key": {"ck_live_abcdefghijklmnopqrstuvwxyz"}},
	} {
		d.resolve(b, h)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := d.Known(h); !ok {
					b.Fatal("unknown")
				}
			}
		})
	}
}

// BenchmarkForged is what a stranger can make us do for one request.
func BenchmarkForged(b *testing.B) {
	d := newDesk(b)
	d.resolve(b, bearer(d.token(b, nil))) // the keys are there
	head, claims := forgery.Encode(b, d.forge.Header()), forgery.Encode(b, d.forge.Claims())
	big := make([]byte, 1<<20)
	for i := range big {
		big[i] = '.'
	}
	for _, c := range []struct{ name, token string }{
		{"another key's signature", forgery.SignEd(d.forge.Other, head+"."+claims)},
		{"an unknown key", d.forge.EdToken(b, forgery.With(d.forge.Header(), forgery.Members{"kid": "nobody"}), d.forge.Claims())},
		{"another issuer", d.forge.EdToken(b, d.forge.Header(), forgery.With(d.forge.Claims(), forgery.Members{"iss": "https://evil.example"}))},
		{"alg none", forgery.Encode(b, forgery.With(d.forge.Header(), forgery.Members{"alg": "none"})) + "." + claims + ".AA"},
		{"a megabyte of dots", string(big)},
	} {
		h := bearer(c.token)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				_, _ = d.Resolve(b.Context(), h, fmt.Sprint("address-", i/100)) // its budget allows more
			}
		})
	}
}
