package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/testkit/forgery"
)

// attackedGateway trusts us to name the client, so that every attack can come from
// an address of its own and no budget hides another's verdict.
func attackedGateway(t testing.TB) (*world, forgery.Forge) {
	t.Helper()
	w := start(t, map[string]string{"TRUSTED_PROXIES": "127.0.0.1"})
	f := forgery.New(t, w.settings.issuer(), time.Now())
	w.showKeys(f.KeySet(t))
	if got := w.do("GET", files, "Authorization: Bearer "+f.EdToken(t, f.Header(), f.Claims())); got.StatusCode != http.StatusOK {
		t.Fatalf("a good token: %d %s", got.StatusCode, got.text)
	}
	return w, f
}

// SES-11, SES-12, SES-13, SES-14
func TestAttack_noForgedTokenReachesAService(t *testing.T) {
	t.Parallel()
	w, f := attackedGateway(t)
	before, attacks := w.storage.count(), f.Attacks(t)
	refused, unreadable, n := 0, 0, 0
	for name, token := range attacks {
		if strings.TrimSpace(token) != token {
			continue // HTTP takes the blanks away: that is the good token
		}
		n++
		from := fmt.Sprintf("X-Forwarded-For: 198.51.%d.%d", n/250, n%250)
		for _, line := range []string{"Authorization: Bearer " + token, "Cookie: codex.jwt=" + token} {
			if len(line) > 12<<10 || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' }) {
				unreadable++
				for _, res := range w.raw("GET "+files+" HTTP/1.1\r\nHost: localhost\r\n"+line+"\r\n"+from+"\r\n\r\n", 1) {
					if res.StatusCode < 400 || res.StatusCode >= 500 {
						t.Errorf("%s: %d, want a refusal", name, res.StatusCode)
					}
				}
				continue
			}
			refused++
			if got := w.do("GET", files, line, from); got.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s (%.12s): %d %s, want 401", name, line, got.StatusCode, got.text)
			}
		}
	}
	if got := w.storage.count() - before; got != 0 {
		t.Errorf("%d requests reached the service", got)
	}
	t.Logf("FIGURE %d forged tokens, as bearer and as cookie: %d times 401, %d times refused as a message, 0 at the service", n, refused, unreadable)
}

// What a stranger can make the gateway do is bounded by the address's budget, and
// is nobody else's loss.
func TestAttack_forgedTokensOfOneAddressAreNotVerifiedForEver(t *testing.T) {
	t.Parallel()
	w, f := attackedGateway(t)
	codes := map[int]int{}
	for i := range 600 {
		claims := forgery.With(f.Claims(), forgery.Members{"jti": fmt.Sprint(i)})
		forged := forgery.SignEd(f.Other, forgery.Encode(t, f.Header())+"."+forgery.Encode(t, claims))
		codes[w.do("GET", files, "Authorization: Bearer "+forged, "X-Forwarded-For: 203.0.113.9").StatusCode]++
	}
	if codes[401] < 200 || codes[429] == 0 || codes[401]+codes[429] != 600 {
		t.Errorf("answers to 600 forged tokens: %v", codes)
	}
	good := f.EdToken(t, f.Header(), forgery.With(f.Claims(), forgery.Members{"jti": "good"}))
	if got := w.do("GET", files, "Authorization: Bearer "+good, "X-Forwarded-For: 203.0.113.10"); got.StatusCode != http.StatusOK {
		t.Errorf("a good token from elsewhere: %d", got.StatusCode)
	}
	t.Logf("600 forged tokens of one address: %v", codes)
}
