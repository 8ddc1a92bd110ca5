package security_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/testkit/forgery"
)

// issuer is an auth service that serves a key set and counts who asks.
type issuer struct {
	*httptest.Server
	mu    sync.Mutex
	keys  []string // JWKs
	down  bool
	asked atomic.Int32
}

func newIssuer(t testing.TB, keys ...string) *issuer {
	t.Helper()
	i := &issuer{keys: keys}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.asked.Add(1)
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.down {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		text := `{"keys":[` + strings.Join(i.keys, ",") + `]}`
		etag := fmt.Sprintf(`"%d"`, len(text))
		w.Header().Set("ETag", etag)
		if r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) set(down bool, keys ...string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.down, i.keys = down, keys
}

func edKey(t testing.TB, kid string) (string, ed25519.PublicKey) {
	t.Helper()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":%q,"x":%q}`, kid, forgery.B64(public)), public
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestRemoteKeys_findsAKeyAndBindsItToItsAlgorithm(t *testing.T) {
	t.Parallel()
	jwk, public := edKey(t, "a")
	keys := security.NewRemoteKeys(newIssuer(t, jwk).URL, nil, quiet())
	got, err := keys.Key(t.Context(), "a", "EdDSA")
	if err != nil || !public.Equal(got.Public) {
		t.Fatalf("Key = %v, %v", got, err)
	}
	for _, alg := range []string{"ES256", "RS256", "HS256", "none", ""} {
		if _, err := keys.Key(t.Context(), "a", alg); !errors.Is(err, security.ErrTokenInvalid) {
			t.Errorf("%q: %v, want ErrTokenInvalid", alg, err)
		}
	}
}

func TestRemoteKeys_leavesOutKeysThatMayNotVerify(t *testing.T) {
	t.Parallel()
	good, _ := edKey(t, "good")
	ec, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	bad := []string{
		`{"kty":"oct","kid":"oct","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0","alg":"HS256"}`,
		strings.Replace(good, `"kid":"good"`, `"kid":"enc","use":"enc"`, 1),
		strings.Replace(good, `"alg":"EdDSA","kid":"good"`, `"alg":"ES256","kid":"alg"`, 1),
		strings.Replace(good, `"kid":"good"`, `"kid":""`, 1),
		fmt.Sprintf(`{"kty":"EC","crv":"P-384","kid":"p384","x":%q,"y":%q}`, forgery.B64(ec.X.Bytes()), forgery.B64(ec.Y.Bytes())), //nolint:staticcheck // the raw coordinates are the point
		`{"kty":"RSA","kid":"rsa512","n":"` + forgery.B64(make([]byte, 64)) + `","e":"AQAB"}`,
		`{"kty":"surprise","kid":"new"}`,
	}
	keys := security.NewRemoteKeys(newIssuer(t, append(bad, good)...).URL, nil, quiet())
	if _, err := keys.Key(t.Context(), "good", "EdDSA"); err != nil {
		t.Fatal(err)
	}
	for _, name := range [][2]string{{"oct", "HS256"}, {"enc", "EdDSA"}, {"alg", "ES256"}, {"alg", "EdDSA"}, {"", "EdDSA"}, {"p384", "ES384"}, {"p384", "ES256"}, {"rsa512", "RS256"}} {
		if _, err := keys.Key(t.Context(), name[0], name[1]); !errors.Is(err, security.ErrTokenInvalid) {
			t.Errorf("%v: %v", name, err)
		}
	}
}

func TestRemoteKeys_unknownIdsCauseOneFetchForEverybody(t *testing.T) {
	t.Parallel()
	jwk, _ := edKey(t, "a")
	source := newIssuer(t, jwk)
	keys := security.NewRemoteKeys(source.URL, nil, quiet())
	if _, err := keys.Key(t.Context(), "a", "EdDSA"); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() { _, _ = keys.Key(t.Context(), fmt.Sprintf("forged-%d", i), "EdDSA") })
	}
	all.Wait()
	// The set was fetched a moment ago: the cool-down holds for all of them.
	if n := source.asked.Load(); n != 1 {
		t.Errorf("the issuer was asked %d times, want once", n)
	}
}

func TestRemoteKeys_keepTheLastGoodSet(t *testing.T) {
	t.Parallel()
	jwk, public := edKey(t, "a")
	source := newIssuer(t, jwk)
	clock := noon
	keys := security.NewRemoteKeys(source.URL, nil, quiet()).At(func() time.Time { return clock })
	if err := keys.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	held, err := keys.Key(t.Context(), "a", "EdDSA")
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(){
		"down":                func() { source.set(true) },
		"an empty set":        func() { source.set(false) },
		"a set without sense": func() { source.set(false, `{"kty":"oct","kid":"a","k":"AAAA"}`) },
	} {
		change()
		if err := keys.Refresh(t.Context()); err == nil {
			t.Errorf("%s: no error", name)
		}
		clock = clock.Add(6 * time.Hour)
		if got, err := keys.Key(t.Context(), "a", "EdDSA"); err != nil || !public.Equal(got.Public) || got != held || held.Gone() {
			t.Errorf("%s: the good key is gone: %v", name, err)
		}
	}
	source.set(true)
	clock = clock.Add(7 * time.Hour) // 25 h in all
	if _, err := keys.Key(t.Context(), "a", "EdDSA"); !errors.Is(err, security.ErrKeysUnavailable) {
		t.Errorf("after more than a day: %v, want ErrKeysUnavailable", err)
	}
	if err := keys.Ready(); !errors.Is(err, security.ErrKeysUnavailable) {
		t.Errorf("Ready = %v", err)
	}
}

func TestRemoteKeys_rotate(t *testing.T) {
	t.Parallel()
	first, _ := edKey(t, "first")
	second, _ := edKey(t, "second")
	source := newIssuer(t, first)
	keys := security.NewRemoteKeys(source.URL, nil, quiet())
	if err := keys.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	held, err := keys.Key(t.Context(), "first", "EdDSA")
	if err != nil {
		t.Fatal(err)
	}
	source.set(false, first, second)
	if err := keys.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, kid := range []string{"first", "second"} {
		if _, err := keys.Key(t.Context(), kid, "EdDSA"); err != nil {
			t.Errorf("%s: %v", kid, err)
		}
	}
	if again, _ := keys.Key(t.Context(), "first", "EdDSA"); again != held || held.Gone() {
		t.Error("a key that stays is not the same as before")
	}
	source.set(false, second)
	if err := keys.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Key(t.Context(), "first", "EdDSA"); !errors.Is(err, security.ErrTokenInvalid) || !held.Gone() {
		t.Errorf("a removed key: %v, gone %v", err, held.Gone())
	}
}

func TestRemoteKeys_followNoRedirectAndReadNoFlood(t *testing.T) {
	t.Parallel()
	jwk, _ := edKey(t, "a")
	evil := newIssuer(t, jwk)
	for name, answer := range map[string]http.HandlerFunc{
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, evil.URL, http.StatusFound) },
		"flood":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 2<<20)) },
		"html":     func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
	} {
		server := httptest.NewServer(answer)
		defer server.Close()
		keys := security.NewRemoteKeys(server.URL, nil, quiet())
		if err := keys.Refresh(t.Context()); err == nil {
			t.Errorf("%s: accepted", name)
		}
		if _, err := keys.Key(t.Context(), "a", "EdDSA"); !errors.Is(err, security.ErrKeysUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if evil.asked.Load() != 0 {
		t.Error("the redirect was followed")
	}
}

func TestRemoteKeys_runRecoversWhenTheIssuerComesLate(t *testing.T) {
	t.Parallel()
	jwk, _ := edKey(t, "a")
	source := newIssuer(t, jwk)
	source.set(true)
	keys := security.NewRemoteKeys(source.URL, nil, quiet())
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { keys.Run(ctx); close(ended) }()
	if err := keys.Ready(); !errors.Is(err, security.ErrKeysUnavailable) {
		t.Errorf("ready without keys: %v", err)
	}
	source.set(false, jwk)
	limit := time.After(5 * time.Second)
	for keys.Ready() != nil {
		select {
		case <-limit:
			t.Fatal("not ready 5 s after the issuer came back")
		case <-time.After(10 * time.Millisecond):
		}
	}
	stop()
	<-ended
}
