package provider_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/testkit"
	"github.com/codex-platform/codex/pkg/testkit/oidc"

	"github.com/codex-platform/codex/services/auth/internal/provider"
)

// site answers each path with a text.
func site(t *testing.T, answers map[string]string) (provider.Options, map[string]url.Values) {
	t.Helper()
	asked := map[string]url.Values{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := answers[r.URL.Path]
		if !ok || r.Method == http.MethodGet && r.Header.Get("Authorization") != "Bearer at" {
			http.NotFound(w, r)
			return
		}
		_ = r.ParseForm()
		asked[r.URL.Path] = r.Form
		w.Header().Set("Content-Type", "application/json")
		if strings.HasPrefix(text, "access_token=") {
			w.Header().Set("Content-Type", "application/x-www-form-urlencoded")
		}
		fmt.Fprint(w, text)
	}))
	t.Cleanup(server.Close)
	return provider.Options{
		ID: "it", ClientIDs: []string{"us"}, Secret: "shh", URL: server.URL, Client: provider.NewClient(patient), Now: time.Now, Limit: patient,
	}, asked
}

func TestGitHub_believesThePrimaryAddressOnlyWhenItIsVerified(t *testing.T) {
	t.Parallel()
	for verified, primary := range map[string]bool{"true": true, "false": true, "none": false} {
		o, asked := site(t, map[string]string{
			"/login/oauth/access_token": "access_token=at&scope=read%3Auser%2Cuser%3Aemail&token_type=bearer&expires_in=28800&refresh_token=rt&refresh_token_expires_in=15897600",
			"/api/v3/user":              `{"id":583231,"login":"octo","name":null,"email":"shown@example.test","avatar_url":"https://a.example.test/1"}`,
			"/api/v3/user/emails": map[bool]string{
				true: fmt.Sprintf(`[{"email":"x@example.test","primary":false,"verified":true},{"email":"me@example.test","primary":true,"verified":%s}]`, verified), false: `[]`,
			}[primary],
		})
		p := provider.GitHub(o, "")
		who, tokens, err := p.Complete(t.Context(), provider.Reply{Code: "c", Verifier: "v", Redirect: redirect})
		if err != nil {
			t.Fatal(err)
		}
		if who.Subject != "583231" || who.Name != "octo" || who.EmailVerified != (verified == "true") || (who.Email == "me@example.test") != primary {
			t.Errorf("%s: %+v", verified, who)
		}
		if tokens.Refresh != "rt" || tokens.AccessExpires == nil || tokens.RefreshExpires == nil || len(tokens.Scopes) != 2 {
			t.Errorf("%+v", tokens)
		}
		if form := asked["/login/oauth/access_token"]; form.Get("code_verifier") != "v" || form.Get("client_secret") != "shh" {
			t.Errorf("asked with %v", form)
		}
		if _, err := p.Verify(t.Context(), provider.Tokens{ID: "x"}, ""); !errors.Is(err, provider.ErrNoIDToken) {
			t.Errorf("ID tokens: %v", err)
		}
	}
}

func TestDiscord_tellsWhoItIs(t *testing.T) {
	t.Parallel()
	o, _ := site(t, map[string]string{
		"/api/oauth2/token": `{"access_token":"at","token_type":"Bearer","expires_in":"604800","scope":"identify email"}`,
		"/api/users/@me":    `{"id":"80351110224678912","username":"nelly","global_name":"Nelly","avatar":"8342729096ea3675442027381ff50dfe","verified":true,"email":"nelly@example.test"}`,
	})
	who, tokens, err := provider.Discord(o).Complete(t.Context(), provider.Reply{Code: "c", Verifier: "v", Redirect: redirect})
	if err != nil || who.Subject != "80351110224678912" || who.Name != "Nelly" || !who.EmailVerified || who.Image == nil || tokens.AccessExpires == nil {
		t.Errorf("got %+v, %+v, %v", who, tokens, err)
	}
}

// A provider without ID tokens may answer one all the same: it is not looked at.
func TestDiscord_refreshesWhateverElseItGives(t *testing.T) {
	t.Parallel()
	o, _ := site(t, map[string]string{"/api/oauth2/token": `{"access_token":"at","token_type":"Bearer","expires_in":"604800","refresh_token":"new","id_token":"x"}`})
	fresh, err := provider.Discord(o).Refresh(t.Context(), provider.Tokens{Refresh: "old"}, "80351110224678912")
	if err != nil || fresh.Refresh != "new" || fresh.ID != "" {
		t.Errorf("got %+v, %v", fresh, err)
	}
}

func TestApple_signsItsSecretAndPostsItsAnswer(t *testing.T) {
	t.Parallel()
	text := es256(t)
	w := newWorld(t, oidc.Options{}, patient)
	o := options(w.server, w.clock, patient)
	p, err := provider.Apple(o, provider.AppleKey{Team: "TEAM", ID: "KEY", PEM: text})
	if err != nil {
		t.Fatal(err)
	}
	asked, err := p.Ask(t.Context(), provider.Question{State: "s", Nonce: "n", Verifier: "v", Redirect: redirect})
	if err != nil || !strings.Contains(asked, "response_mode=form_post") || !strings.Contains(asked, "scope=name+email") {
		t.Errorf("asked with %s, %v", asked, err)
	}
	secret := ""
	w2 := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			_, secret, _ = r.BasicAuth()
			rw.WriteHeader(http.StatusBadRequest)
			return
		}
		fmt.Fprintf(rw, `{"issuer":%q,"authorization_endpoint":%q,"token_endpoint":%q,"jwks_uri":%q}`, "http://"+r.Host, "http://"+r.Host+"/a", "http://"+r.Host+"/token", "http://"+r.Host+"/k")
	}))
	t.Cleanup(w2.Close)
	o.URL = w2.URL
	if p, err = provider.Apple(o, provider.AppleKey{Team: "TEAM", ID: "KEY", PEM: text}); err != nil {
		t.Fatal(err)
	}
	_, _, _ = p.Complete(t.Context(), provider.Reply{Code: "c", Verifier: "v", Redirect: redirect})
	parts := strings.Split(secret, ".")
	if len(parts) != 3 {
		t.Fatalf("secret %q", secret)
	}
	var header, claims map[string]any
	for i, into := range []*map[string]any{&header, &claims} {
		raw, _ := base64.RawURLEncoding.DecodeString(parts[i])
		_ = json.Unmarshal(raw, into)
	}
	if header["alg"] != "ES256" || header["kid"] != "KEY" || claims["iss"] != "TEAM" || claims["sub"] != "codex" {
		t.Errorf("%v %v", header, claims)
	}
	if _, err := provider.Apple(o, provider.AppleKey{PEM: "nonsense"}); err == nil {
		t.Error("a key that is none was taken")
	}
}

// offline answers no call.
type offline struct{ asked []string }

func (o *offline) RoundTrip(r *http.Request) (*http.Response, error) {
	o.asked = append(o.asked, r.URL.String())
	return nil, errors.New("there is no network")
}

// OAU-01: what sends the browser to a provider at its usual place needs no call.
func TestPresets_askWithoutTheNetwork(t *testing.T) {
	t.Parallel()
	const tenant = "0F4F2B0C-1111-4222-8333-444455556666"
	for name, tc := range map[string]struct {
		open          func(provider.Options) *provider.Provider
		start, scopes string
		nonce         bool
		document      string // that tells whether it is there
	}{
		"google":    {provider.Google, "https://accounts.google.com/o/oauth2/v2/auth?", "openid email profile", true, "https://accounts.google.com/.well-known/openid-configuration"},
		"gitlab":    {provider.GitLab, "https://gitlab.com/oauth/authorize?", "openid email profile", true, "https://gitlab.com/.well-known/openid-configuration"},
		"apple":     {apple(t), "https://appleid.apple.com/auth/authorize?", "name email", true, "https://appleid.apple.com/.well-known/openid-configuration"},
		"microsoft": {microsoft("common"), "https://login.microsoftonline.com/common/oauth2/v2.0/authorize?", "openid email profile offline_access", true, "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration"},
		"a tenant":  {microsoft(tenant), "https://login.microsoftonline.com/" + tenant + "/oauth2/v2.0/authorize?", "openid email profile offline_access", true, "https://login.microsoftonline.com/" + tenant + "/v2.0/.well-known/openid-configuration"},
		"github":    {func(o provider.Options) *provider.Provider { return provider.GitHub(o, "") }, "https://github.com/login/oauth/authorize?", "read:user user:email", false, ""},
		"discord":   {provider.Discord, "https://discord.com/oauth2/authorize?", "identify email", false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			net := &offline{}
			p := tc.open(provider.Options{ID: name, ClientIDs: []string{"us"}, Secret: "shh", Client: &http.Client{Transport: net}, Now: time.Now, Limit: patient})
			asked, err := p.Ask(t.Context(), provider.Question{State: "s", Nonce: "n", Verifier: "v", Redirect: redirect, Hint: "ada@example.test"})
			u, parseErr := url.Parse(asked)
			if err != nil || parseErr != nil || !strings.HasPrefix(asked, tc.start) || len(net.asked) > 0 {
				t.Fatalf("%s, %v, called %v", asked, err, net.asked)
			}
			q := u.Query()
			if q.Get("scope") != tc.scopes || q.Get("state") != "s" || q.Get("client_id") != "us" || q.Get("redirect_uri") != redirect || q.Get("response_type") != "code" ||
				q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || q.Has("nonce") != tc.nonce || tc.nonce && q.Get("nonce") != "n" {
				t.Errorf("asked %v", q)
			}
			if tc.document == "" {
				return
			}
			if _, err := p.Verify(t.Context(), provider.Tokens{ID: "e30.e30.e30"}, ""); err == nil {
				t.Error("an ID token was believed without keys")
			}
			if err := p.Reach(t.Context()); err == nil {
				t.Error("a provider without a network is there")
			}
			if net.asked[len(net.asked)-1] != tc.document {
				t.Errorf("called %v", net.asked)
			}
		})
	}
	net := &offline{}
	named := microsoft("contoso.onmicrosoft.com")(provider.Options{ID: "m", ClientIDs: []string{"us"}, Client: &http.Client{Transport: net}, Now: time.Now, Limit: patient})
	if _, err := named.Ask(t.Context(), provider.Question{}); err == nil || len(net.asked) != 1 {
		t.Errorf("a tenant whose id nobody knows: %v, called %v", err, net.asked)
	}
}

func microsoft(tenant string) func(provider.Options) *provider.Provider {
	return func(o provider.Options) *provider.Provider { return provider.Microsoft(o, tenant) }
}

func apple(t *testing.T) func(provider.Options) *provider.Provider {
	return func(o provider.Options) *provider.Provider {
		p, err := provider.Apple(o, provider.AppleKey{Team: "TEAM", ID: "KEY", PEM: es256(t)})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
}

// es256 makes a private key as Apple gives them.
func es256(t *testing.T) string {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func TestNameOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"name":{"firstName":"Ada","lastName":"Lovelace"},"email":"x"}`: "Ada Lovelace", `{"name":{"firstName":"Ada"}}`: "Ada", `nonsense`: "", `{}`: "", `"x"`: "",
	} {
		if got := provider.NameOf(text); got != want {
			t.Errorf("NameOf(%s) = %q", text, got)
		}
	}
}

// tenants is a stand-in for Microsoft's shared tenants: the issuer in the
// document is a pattern.
func tenants(t *testing.T, clock *testkit.Clock) (*oidc.Server, string) {
	t.Helper()
	idp := oidc.New(oidc.Options{Now: clock.Now})
	var front *httptest.Server
	front = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/common/v2.0/.well-known/openid-configuration" {
			fmt.Fprintf(w, `{"issuer":"%[1]s/{tenantid}/v2.0","authorization_endpoint":"%[1]s/authorize","token_endpoint":"%[1]s/token","jwks_uri":"%[1]s/keys","id_token_signing_alg_values_supported":["ES256"]}`, front.URL)
			return
		}
		idp.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	return idp, front.URL
}

func TestMicrosoft_takesTheIssuerOfTheTokensTenant(t *testing.T) {
	t.Parallel()
	clock := testkit.NewClock(time.Now())
	idp, address := tenants(t, clock)
	o := options(idp, clock, patient)
	o.URL = address
	p := provider.Microsoft(o, "common")
	person := oidc.Person{Subject: "s", Email: "ada@example.test", Verified: true, Name: "Ada"}
	for tenant, ok := range map[string]bool{"t-1": true, "": false} {
		idp.URL = address + "/t-1/v2.0"
		idp.Extra = map[string]any{"tid": tenant}
		who, err := p.Verify(t.Context(), provider.Tokens{ID: idp.IDToken(person, "")}, "")
		if (err == nil) != ok {
			t.Errorf("%q: %v", tenant, err)
		}
		if who.EmailVerified {
			t.Error("an address was believed that any tenant could have written")
		}
	}
	idp.Extra = map[string]any{"tid": "t-1", "xms_edov": true}
	if who, err := p.Verify(t.Context(), provider.Tokens{ID: idp.IDToken(person, "")}, ""); err != nil || !who.EmailVerified {
		t.Errorf("%+v, %v", who, err)
	}
}
