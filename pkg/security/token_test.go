package security_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/testkit/forgery"
)

const site = "https://app.example"

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// shelf is a key source in memory: keys by id and algorithm.
type shelf map[[2]string]crypto.PublicKey

func (s shelf) Key(_ context.Context, kid, alg string) (*security.Key, error) {
	if len(s) == 0 {
		return nil, security.ErrKeysUnavailable
	}
	if key, ok := s[[2]string{kid, alg}]; ok {
		return &security.Key{Public: key}, nil
	}
	return nil, security.ErrTokenInvalid
}

// forge makes tokens for a verifier with its keys.
type forge struct {
	forgery.Forge
	keys shelf
}

func newForge(t testing.TB) forge {
	t.Helper()
	f := forgery.New(t, site, noon)
	return forge{f, shelf{
		{"ed", "EdDSA"}: f.Ed.Public(), {"ec", "ES256"}: f.EC.Public(), {"rs", "RS256"}: f.RSA.Public(),
	}}
}

func (f forge) verifier() *security.Verifier {
	return security.NewVerifier(f.keys, []string{site}, []string{site}, func() time.Time { return noon })
}

func TestVerify_acceptsWhatTheSignerMakes(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	for kid, key := range map[string]crypto.Signer{"ed": f.Ed, "ec": f.EC} {
		signer, err := security.NewSigner(kid, key)
		if err != nil {
			t.Fatal(err)
		}
		want := security.Claims{
			Subject: "user1", SessionID: "s1", Role: "admin", EmailVerified: true, Actor: "admin1", Issuer: site, Audience: []string{site},
			TokenID: "t1", IssuedAt: noon, ExpiresAt: noon.Add(15 * time.Minute),
		}
		token, err := signer.Sign(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.verifier().Verify(t.Context(), token)
		if err != nil {
			t.Fatalf("%s: %v", kid, err)
		}
		if got.Identity() != want.Identity() || got.KeyID != kid || !got.ExpiresAt.Equal(want.ExpiresAt) || got.TokenID != "t1" {
			t.Errorf("%s: got %+v", kid, got)
		}
	}
}

func TestVerify_acceptsTheOtherAlgorithmsAndForms(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	for name, token := range map[string]string{
		"EdDSA":                 f.EdToken(t, f.Header(), f.Claims()),
		"ES256":                 f.ECToken(t, forgery.With(f.Header(), forgery.Members{"alg": "ES256", "kid": "ec"}), f.Claims()),
		"RS256":                 f.RSToken(t, forgery.With(f.Header(), forgery.Members{"alg": "RS256", "kid": "rs"}), f.Claims(), crypto.SHA256),
		"at+jwt":                f.EdToken(t, forgery.With(f.Header(), forgery.Members{"typ": "at+jwt"}), f.Claims()),
		"without typ":           f.EdToken(t, forgery.With(f.Header(), forgery.Members{"typ": nil}), f.Claims()),
		"several audiences":     f.EdToken(t, f.Header(), forgery.With(f.Claims(), forgery.Members{"aud": []string{"x", site}})),
		"issuer's clock ahead":  f.EdToken(t, f.Header(), forgery.With(f.Claims(), forgery.Members{"iat": noon.Add(20 * time.Second).Unix()})),
		"fractions of a second": f.EdToken(t, f.Header(), forgery.With(f.Claims(), forgery.Members{"exp": float64(noon.Unix()) + 0.5})),
	} {
		if _, err := f.verifier().Verify(t.Context(), token); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVerify_refusesForgedTokens(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	verifier := f.verifier()
	table := f.Attacks(t)
	for name, token := range table {
		claims, err := verifier.Verify(t.Context(), token)
		if !errors.Is(err, security.ErrTokenInvalid) {
			t.Errorf("%s: Verify = %+v, %v; want ErrTokenInvalid", name, claims, err)
		}
	}
	t.Logf("%d forged tokens refused", len(table))
}

func TestVerify_neverTellsTheTokenInItsError(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	for name, token := range f.Attacks(t) {
		_, err := f.verifier().Verify(t.Context(), token)
		if err != nil && len(token) > 20 && strings.Contains(err.Error(), token[:20]) {
			t.Errorf("%s: the error repeats the token: %v", name, err)
		}
	}
}

func TestVerify_tellsAnExpiredTokenFromAForgedOne(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	claims := forgery.With(f.Claims(), forgery.Members{"exp": noon.Unix()})
	if _, err := f.verifier().Verify(t.Context(), f.EdToken(t, f.Header(), claims)); !errors.Is(err, security.ErrTokenExpired) {
		t.Errorf("expired: %v", err)
	}
	forged := forgery.SignEd(f.Other, forgery.Encode(t, f.Header())+"."+forgery.Encode(t, claims))
	if _, err := f.verifier().Verify(t.Context(), forged); errors.Is(err, security.ErrTokenExpired) {
		t.Errorf("forged and expired: %v", err)
	}
}

func TestVerify_withoutKeysIsNobodysFault(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	token := f.EdToken(t, f.Header(), f.Claims())
	f.keys = nil
	_, err := f.verifier().Verify(t.Context(), token)
	if !errors.Is(err, security.ErrKeysUnavailable) || errors.Is(err, security.ErrTokenInvalid) {
		t.Errorf("Verify = %v, want ErrKeysUnavailable", err)
	}
}

func TestVerify_refusesHugeTokensAtNoCost(t *testing.T) { // not parallel: it counts allocations
	verifier := newForge(t).verifier()
	dots := strings.Repeat(".", 1<<20)
	if n := testing.AllocsPerRun(100, func() { _, _ = verifier.Verify(t.Context(), dots) }); n > 4 {
		t.Errorf("%v allocations for a megabyte of dots", n)
	}
}

func TestVerify_neverFollowsAnAddressInTheToken(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	listener := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer listener.Close()
	f := newForge(t)
	for _, name := range []string{"jku", "x5u"} {
		_, err := f.verifier().Verify(t.Context(), f.EdToken(t, forgery.With(f.Header(), forgery.Members{name: listener.URL}), f.Claims()))
		if !errors.Is(err, security.ErrTokenInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if asked.Load() != 0 {
		t.Errorf("%d requests reached the address in the token", asked.Load())
	}
}

func TestNewSigner_refusesKeysThatTheVerifierWouldNotTake(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.Signer{"RSA of 1,024 bits": short, "P-384": p384} {
		if _, err := security.NewSigner("k", key); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := security.NewSigner("", f.Ed); err == nil {
		t.Error("a key without an id was accepted")
	}
}

func FuzzVerify(f *testing.F) {
	forge := newForge(f)
	verifier := forge.verifier()
	for _, token := range forge.Attacks(f) {
		if len(token) < 4096 {
			f.Add(token)
		}
	}
	f.Fuzz(func(t *testing.T, token string) {
		if claims, err := verifier.Verify(context.Background(), token); err == nil {
			t.Errorf("accepted %q: %+v", token, claims)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	f := newForge(b)
	verifier := f.verifier()
	for name, token := range map[string]string{
		"EdDSA":  f.EdToken(b, f.Header(), f.Claims()),
		"ES256":  f.ECToken(b, forgery.With(f.Header(), forgery.Members{"alg": "ES256", "kid": "ec"}), f.Claims()),
		"RS256":  f.RSToken(b, forgery.With(f.Header(), forgery.Members{"alg": "RS256", "kid": "rs"}), f.Claims(), crypto.SHA256),
		"forged": forgery.SignEd(f.Other, forgery.Encode(b, f.Header())+"."+forgery.Encode(b, f.Claims())),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = verifier.Verify(b.Context(), token)
			}
		})
	}
}
