package forgery

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// Issuer is an OpenID Connect issuer on loopback, with a discovery document.
type Issuer struct {
	Forge
	URL  string
	JWKS string // where its keys are
}

// NewIssuer starts an issuer whose tokens are for this audience.
func NewIssuer(t testing.TB, audience string) *Issuer {
	t.Helper()
	i := &Issuer{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, i.URL, i.JWKS)
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, i.KeySet(t)) })
	i.Forge = New(t, audience, time.Now())
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	i.URL, i.JWKS = server.URL, server.URL+"/keys" // before anybody can ask
	return i
}

// Token is what the issuer gives its user: no session, and a role that means
// nothing here.
func (i *Issuer) Token(t testing.TB, subject string) string {
	t.Helper()
	return i.EdToken(t, i.Header(), With(i.Claims(), Members{"iss": i.URL, "sub": subject, "sid": nil, "role": "admin"}))
}
