package security_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/testkit/forgery"
)

// published is a verifier of a set with one key, as a service reads it.
func published(t *testing.T, key crypto.Signer, alg string) *security.Verifier {
	t.Helper()
	public, err := jwk.FromRaw(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	members := map[string]any{jwk.KeyIDKey: "k"}
	if alg != "" {
		members[jwk.AlgorithmKey] = alg
	}
	for name, value := range members {
		if err := public.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	text, err := json.Marshal(public)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"keys":[%s]}`, text) }))
	t.Cleanup(server.Close)
	keys := security.NewRemoteKeys(server.URL, nil, slog.New(slog.DiscardHandler))
	return security.NewVerifier(keys, []string{site}, []string{site}, func() time.Time { return noon })
}

// SES-11: each algorithm is verified by a key that is bound to it, and by no other:
// an RSA key of one padding refuses the other, whatever the token says.
func TestVerify_bindsKeysToOneAlgorithm(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	long, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	claims := security.Claims{Subject: "u", SessionID: "s", Issuer: site, Audience: []string{site}, IssuedAt: noon, ExpiresAt: noon.Add(time.Minute)}
	for _, x := range []struct {
		key  crypto.Signer
		alg  string
		set  string // what the set says
		good bool
	}{
		{f.Ed, "EdDSA", "EdDSA", true}, {f.EC, "ES256", "ES256", true}, {long, "ES512", "ES512", true}, {long, "ES512", "", true},
		{f.RSA, "RS256", "RS256", true}, {f.RSA, "PS256", "PS256", true}, {f.RSA, "RS256", "", true},
		{f.RSA, "PS256", "RS256", false}, {f.RSA, "RS256", "PS256", false}, {f.RSA, "PS256", "", false},
	} {
		signer, err := security.NewSignerWith("k", x.alg, x.key)
		if err != nil {
			t.Fatal(err)
		}
		token, err := signer.Sign(claims)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := published(t, x.key, x.set).Verify(t.Context(), token); (err == nil) != x.good || err != nil && !errors.Is(err, security.ErrTokenInvalid) {
			t.Errorf("%s, in the set as %q: %v", x.alg, x.set, err)
		}
	}
}

// SES-11: the name of one padding over a signature of the other.
func TestVerify_refusesTheOtherPaddingUnderTheRightName(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	for named, signed := range map[jwa.SignatureAlgorithm]jwa.SignatureAlgorithm{jwa.RS256: jwa.PS256, jwa.PS256: jwa.RS256} {
		signer, err := jws.NewSigner(signed)
		if err != nil {
			t.Fatal(err)
		}
		token := f.RSToken(t, map[string]any{"alg": named.String(), "kid": "k", "typ": "JWT"}, f.Claims(), crypto.SHA256)
		head := token[:strings.LastIndexByte(token, '.')]
		signature, err := signer.Sign([]byte(head), f.RSA)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := published(t, f.RSA, named.String()).Verify(t.Context(), head+"."+forgery.B64(signature)); !errors.Is(err, security.ErrTokenInvalid) {
			t.Errorf("%s under the name %s: %v", signed, named, err)
		}
	}
}

func TestNewSignerWith_wantsAnAlgorithmOfTheKey(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	for alg, key := range map[string]crypto.Signer{"ES256": f.Ed, "ES512": f.EC, "EdDSA": f.RSA, "RS512": f.RSA, "HS256": f.RSA, "none": f.Ed} {
		if _, err := security.NewSignerWith("k", alg, key); err == nil {
			t.Errorf("%T signs %s", key, alg)
		}
	}
}
