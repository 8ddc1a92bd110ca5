package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/testkit"
	"github.com/codex-platform/codex/pkg/testkit/forgery"
)

// rotating is auth with a key that changes: the next one is published before it
// signs, the last one stays while its tokens live.
type rotating struct {
	w      *world
	shown  []string
	mu     sync.Mutex
	signer *security.Signer
	number int // of the key that signs
}

// add publishes another key and gives its signer.
func (r *rotating) add(kid string) *security.Signer {
	r.w.t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		r.w.t.Fatal(err)
	}
	signer, err := security.NewSigner(kid, private)
	if err != nil {
		r.w.t.Fatal(err)
	}
	r.shown = append(r.shown, fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","kid":%q,"x":%q}`, kid, forgery.B64(public)))
	r.publish()
	return signer
}

// publish shows the keys and lets the gateway see them: its minute has passed.
func (r *rotating) publish() { r.w.showKeys(`{"keys":[` + strings.Join(r.shown, ",") + `]}`) }

func (r *rotating) token(user int) (token string, number int) {
	r.mu.Lock()
	signer, number := r.signer, r.number
	r.mu.Unlock()
	now := time.Now()
	token, err := signer.Sign(security.Claims{
		Subject: fmt.Sprint("user-", user), SessionID: fmt.Sprint("s-", user), Issuer: r.w.settings.issuer(), Audience: []string{r.w.settings.audience()},
		IssuedAt: now, ExpiresAt: now.Add(15 * time.Minute),
	})
	if err != nil {
		r.w.t.Error(err)
	}
	return token, number
}

// SES-15: four rotations while people work and strangers name keys that nobody
// has. No good token is refused.
func TestRotation_underLoadRefusesNoGoodToken(t *testing.T) {
	t.Parallel()
	w := start(t, map[string]string{"TRUSTED_PROXIES": "127.0.0.1"})
	auth := &rotating{w: w}
	auth.signer = auth.add("key-0")

	var good, refused, busy, strangers atomic.Int64
	stop := make(chan struct{})
	var load sync.WaitGroup
	var held [4]atomic.Int64 // the number of the key behind each user's token
	for user := range held {
		load.Go(func() {
			for {
				token, number := auth.token(user)
				held[user].Store(int64(number))
				for range 50 {
					select {
					case <-stop:
						return
					default:
					}
					switch got := w.do("GET", files, "Authorization: Bearer "+token); {
					case got.StatusCode == http.StatusOK:
						good.Add(1)
					case got.code() == "OVERLOADED": // by a busy machine, not by a key
						busy.Add(1)
					default:
						t.Errorf("a good token: %d %s", got.StatusCode, got.text)
						refused.Add(1)
					}
				}
			}
		})
	}
	forged := forgery.New(t, w.settings.issuer(), time.Now())
	load.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			token := forged.EdToken(t, forgery.With(forged.Header(), forgery.Members{"kid": fmt.Sprint("nobody-", n)}), forged.Claims())
			w.do("GET", files, "Authorization: Bearer "+token, fmt.Sprintf("X-Forwarded-For: 198.18.%d.%d", n>>8&255, n&255))
			strangers.Add(1)
		}
	})
	const rotations = 4
	progress := func() int64 { return good.Load() + refused.Load() + busy.Load() }
	for n := 1; n <= rotations; n++ {
		next := auth.add(fmt.Sprint("key-", n)) // published
		for seen := progress(); progress() < seen+200; {
			<-time.After(time.Millisecond)
		}
		auth.mu.Lock()
		auth.signer, auth.number = next, n // signs
		auth.mu.Unlock()
		for user := range held { // everybody's old token has come to its end
			eventually(t, "renewed", func() bool { return held[user].Load() == int64(n) })
		}
		auth.shown = auth.shown[1:] // the last one goes
		auth.publish()
	}
	close(stop)
	load.Wait()
	t.Logf("FIGURE %d rotations under load: %d good tokens served, %d refused, %d while busy; %d of strangers with keys of nobody", rotations, good.Load(), refused.Load(), busy.Load(), strangers.Load())
}

func TestIssuer_besideOurOwnIsServedAndCanBeRevoked(t *testing.T) {
	t.Parallel()
	idp := forgery.NewIssuer(t, "ours")
	w := start(t, withRedis(testkit.StartRedis(t).URL()), map[string]string{"TRUSTED_ISSUERS": idp.URL + "|ours"})
	eventually(t, "linked", w.wired.feed.Linked)
	line := "Authorization: Bearer " + idp.Token(t, "ada")
	if got := w.do("GET", files, line); got.StatusCode != http.StatusOK || w.storage.last(t).handed() == "" {
		t.Fatalf("%d %s", got.StatusCode, got.text)
	}
	w.revoke(cache.Revocation{UserID: security.ForeignID(idp.URL, "ada"), At: time.Now(), Until: time.Now().Add(time.Minute)})
	eventually(t, "refused", func() bool { return w.do("GET", files, line).StatusCode == http.StatusUnauthorized })
	if got := w.do("GET", files, "Authorization: Bearer "+idp.Token(t, "bob")); got.StatusCode != http.StatusOK {
		t.Errorf("another user: %d", got.StatusCode)
	}
}

func TestIssuer_besideOurOwnCannotBeOurOwn(t *testing.T) {
	t.Parallel()
	for _, environ := range [][]string{
		{"PUBLIC_URL=https://app.example", "TRUSTED_ISSUERS=https://app.example|a"},
		{"PUBLIC_URL=https://app.example", "JWT_ISSUER=https://id.example", "TRUSTED_ISSUERS=https://idp.example|a,https://id.example|a"},
	} {
		if _, _, errs := run(t, nil, environ...); !strings.Contains(errs, "\n  TRUSTED_ISSUERS names our own issuer") {
			t.Errorf("%v: %s", environ, errs)
		}
	}
}

// DEP-04: the gateway sends the new service token from the moment its file holds it,
// and keeps the old one while the file holds none that is fit.
func TestRotation_ofTheServiceTokenNeedsNoRestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tokens")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(serviceToken)
	w := start(t, map[string]string{"SERVICE_TOKENS": "", "SERVICE_TOKENS_FILE": path})
	next := strings.Repeat("next-", 8)
	for i, step := range []struct {
		file, accepted string
		want           int
	}{
		{serviceToken, serviceToken, http.StatusOK},
		{"too short", serviceToken, http.StatusOK},
		{next + "," + serviceToken, next, http.StatusOK},
		{next, next, http.StatusOK},
		{next, serviceToken, http.StatusServiceUnavailable}, // nobody is signed out by our fault
	} {
		write(step.file)
		w.mu.Lock()
		w.accepts = step.accepted
		w.mu.Unlock()
		if got := w.do("GET", files, "Cookie: "+w.session(fmt.Sprint("s", i), "u1")); got.StatusCode != step.want {
			t.Errorf("step %d: %d %s", i, got.StatusCode, got.text)
		}
	}
}
