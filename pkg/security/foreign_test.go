package security_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/testkit/forgery"
)

func trust(t testing.TB, list string) security.TrustedIssuers {
	t.Helper()
	var trusted security.TrustedIssuers
	if err := trusted.UnmarshalText([]byte(list)); err != nil {
		t.Fatal(err)
	}
	return trusted
}

// verifierOf trusts our own issuer and those of the list, by the real time.
func verifierOf(t testing.TB, own forgery.Forge, list string) *security.Verifier {
	t.Helper()
	keys := shelf{{"ed", "EdDSA"}: own.Ed.Public()}
	return security.NewVerifier(keys, []string{site}, []string{site}, time.Now, trust(t, list).Open(nil, quiet())...)
}

func TestForeignIssuer_saysWhoAndNeverWhatSomebodyMayDo(t *testing.T) {
	t.Parallel()
	idp := forgery.NewIssuer(t, "our-audience")
	own := forgery.New(t, site, time.Now())
	for name, list := range map[string]string{"discovery": idp.URL + "|our-audience", "a key set": idp.URL + " | our-audience | " + idp.JWKS} {
		claims, err := verifierOf(t, own, list).Verify(t.Context(), idp.Token(t, "auth0|7f: 'é'"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		id := claims.Identity()
		want := security.ForeignID(idp.URL, "auth0|7f: 'é'")
		if id.UserID != want || len(want) != 48 || !strings.HasPrefix(want, "oidc_") || id.SessionID != "" || id.Role != "user" || !id.EmailVerified {
			t.Errorf("%s: %+v", name, id)
		}
	}
}

func TestForeignID_tellsIssuersAndUsersApart(t *testing.T) {
	t.Parallel()
	// Written down: the id is what rows and revocations hold.
	if got := security.ForeignID("https://idp.example", "user1"); got != "oidc_0KSUYQ-7SOCugyZ1-3A-n7OPo9ZInByktxnrt5lPBbU" {
		t.Errorf("the id of a known user changed: %s", got)
	}
	if security.ForeignID("https://idp.example", "a") == security.ForeignID("https://idp.exampl", "ea") {
		t.Error("issuer and subject run into each other")
	}
}

func TestForeignIssuer_isNobodyElsesKeyOrVoice(t *testing.T) {
	t.Parallel()
	one, two := forgery.NewIssuer(t, "our-audience"), forgery.NewIssuer(t, "our-audience")
	own := forgery.New(t, site, time.Now())
	v := verifierOf(t, own, one.URL+"|our-audience,"+two.URL+"|our-audience")
	signed := func(by forgery.Forge, changes forgery.Members) string {
		return by.EdToken(t, by.Header(), forgery.With(by.Claims(), changes))
	}
	hour := time.Now().Add(61 * time.Minute).Unix()
	for name, token := range map[string]string{
		"our issuer's name, a foreign key":     signed(one.Forge, forgery.Members{"iss": site, "aud": site}),
		"a foreign name, our key":              signed(own, forgery.Members{"iss": one.URL, "aud": "our-audience"}),
		"a foreign name, another foreign key":  signed(one.Forge, forgery.Members{"iss": two.URL}),
		"an issuer that nobody trusts":         signed(one.Forge, forgery.Members{"iss": "https://evil.example"}),
		"a foreign issuer with a slash":        signed(one.Forge, forgery.Members{"iss": one.URL + "/"}),
		"our audience, which is not its own":   signed(one.Forge, forgery.Members{"iss": one.URL, "aud": site}),
		"another product's audience":           signed(one.Forge, forgery.Members{"iss": one.URL, "aud": "their-audience"}),
		"a life of more than an hour":          signed(one.Forge, forgery.Members{"iss": one.URL, "exp": hour}),
		"a subject of 256 bytes":               signed(one.Forge, forgery.Members{"iss": one.URL, "sub": strings.Repeat("s", 256)}),
		"no subject":                           signed(one.Forge, forgery.Members{"iss": one.URL, "sub": ""}),
		"our token with a foreign user's id":   signed(own, forgery.Members{"sub": security.ForeignID(one.URL, "user1")}),
		"our token without a session":          signed(own, forgery.Members{"sid": nil}),
		"our token for the foreign audience":   signed(own, forgery.Members{"aud": "our-audience"}),
		"a foreign token of a day (no expiry)": signed(one.Forge, forgery.Members{"iss": one.URL, "exp": nil}),
	} {
		if claims, err := v.Verify(t.Context(), token); !errors.Is(err, security.ErrTokenInvalid) {
			t.Errorf("%s: %+v, %v", name, claims, err)
		}
	}
	if _, err := v.Verify(t.Context(), signed(own, nil)); err != nil {
		t.Errorf("our own token: %v", err)
	}
}

func TestForeignIssuer_chosenSessionIsNoneOfOurs(t *testing.T) {
	t.Parallel()
	idp := forgery.NewIssuer(t, "our-audience")
	token := idp.EdToken(t, idp.Header(), forgery.With(idp.Claims(), forgery.Members{"iss": idp.URL, "sid": "session1"}))
	claims, err := verifierOf(t, forgery.New(t, site, time.Now()), idp.URL+"|our-audience").Verify(t.Context(), token)
	if err != nil || claims.SessionID != security.ForeignID(idp.URL, "session1") {
		t.Errorf("%+v %v", claims, err)
	}
}

func TestForeignIssuer_discoveryIsNotLedAstray(t *testing.T) {
	t.Parallel()
	idp := forgery.NewIssuer(t, "our-audience")
	for name, document := range map[string]string{
		"another issuer's":       `{"issuer":"https://other.example","jwks_uri":"` + idp.JWKS + `"}`,
		"keys over plain http":   `{"issuer":"ISSUER","jwks_uri":"http://keys.example/jwks"}`,
		"keys in a file":         `{"issuer":"ISSUER","jwks_uri":"file:///etc/passwd"}`,
		"no keys":                `{"issuer":"ISSUER"}`,
		"not JSON":               `<html>`,
		"longer than a megabyte": `{"issuer":"ISSUER","jwks_uri":"` + idp.JWKS + `","x":"` + strings.Repeat("x", 1<<20) + `"}`,
	} {
		server := httptest.NewUnstartedServer(nil)
		defer server.Close()
		server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(strings.ReplaceAll(document, "ISSUER", server.URL)))
		})
		server.Start()
		token := idp.EdToken(t, idp.Header(), forgery.With(idp.Claims(), forgery.Members{"iss": server.URL}))
		v := verifierOf(t, forgery.New(t, site, time.Now()), server.URL+"|our-audience")
		if _, err := v.Verify(t.Context(), token); !errors.Is(err, security.ErrKeysUnavailable) {
			t.Errorf("%s: %v, want ErrKeysUnavailable", name, err)
		}
	}
}

func TestTrustedIssuers_tellEveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	type settings struct {
		config.Base
		Issuers security.IssuerSettings
	}
	load := func(list string) error {
		_, err := config.Load[settings]([]string{"APP_ENV=test", "TRUSTED_ISSUERS=" + list})
		return err
	}
	for _, good := range []string{
		"", "https://idp.example|aud", "https://idp.example|aud|https://idp.example/jwks, http://127.0.0.1:9|b", "http://localhost:8080/realms/x|aud",
	} {
		if err := load(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	err := load("http://idp.example|aud,https://a.example,https://b.example||,https://c.example|x|ftp://c,https://d.example|x,https://d.example|y,https://u:p@e.example|x")
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"TRUSTED_ISSUERS", "entry 1", "entry 2", "entry 3", "entry 4", "entry 6", "entry 7"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not told: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "entry 5") || strings.Contains(err.Error(), "u:p") {
		t.Errorf("told too much: %v", err)
	}
}
