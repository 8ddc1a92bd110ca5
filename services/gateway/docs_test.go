package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestDocs_areJoinedFromTheRunningServices(t *testing.T) {
	t.Parallel()
	w := start(t)
	got := w.do("GET", "/openapi.json")
	var document struct{ Paths map[string]any }
	if err := json.Unmarshal([]byte(got.text), &document); err != nil || got.StatusCode != 200 || got.Header.Get("Content-Type") != "application/openapi+json" {
		t.Fatalf("%d %v %s", got.StatusCode, got.Header, got.text)
	}
	if len(document.Paths) != 3 || document.Paths["/api/billing/v1/x"] == nil || document.Paths["/internal/v1/auth"] != nil {
		t.Errorf("paths: %v", document.Paths)
	}
	for _, name := range []string{"auth", "storage", "billing"} {
		if got := w.do("GET", "/openapi/"+name+".json"); got.StatusCode != 200 || !strings.Contains(got.text, "/api/"+name+"/v1/x") {
			t.Errorf("%s: %d", name, got.StatusCode)
		}
	}
	for _, path := range []string{"/openapi/none.json", "/openapi/auth", "/openapi/auth.yaml"} {
		if got := w.do("GET", path); got.StatusCode != 404 {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
	}
	if got := w.do("GET", "/docs"); got.StatusCode != 200 || !strings.Contains(got.text, `href="/openapi/storage.json"`) || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") {
		t.Errorf("/docs: %d %s", got.StatusCode, got.text)
	}
	if got := w.do("HEAD", "/docs"); got.StatusCode != 200 || got.text != "" {
		t.Errorf("HEAD /docs: %d %q", got.StatusCode, got.text)
	}
}

func TestDocs_sayWhatTheRunningGatewayAsksFor(t *testing.T) {
	t.Parallel()
	w := start(t, map[string]string{"LIMIT_API": "70/1m"})
	at := w.gate.frame().Rules
	for _, tc := range []struct{ method, path, class, auth, limits string }{
		{"GET", "/api/storage/v1/files", "storage", "required", "api-address api api-key"},
		{"POST", "/api/storage/v1/files", "upload", "required", "api-address upload api-key"},
		{"PUT", "/api/storage/v1/files/{id}", "upload", "required", "api-address upload api-key"},
		{"GET", "/api/storage/v1/files/{id}/content", "storage", "required", "api-address api api-key"},
		{"POST", "/api/auth/sign-in/email", "auth-strict", "service", "strict"},
		{"GET", "/api/auth/reset-password/{token}", "auth-strict", "service", "strict"},
		{"GET", "/openapi.json", "docs", "public", "public"},
	} {
		rule, ok := at(tc.method, tc.path)
		var limits []string
		for _, l := range rule.Limits {
			limits = append(limits, l.Name)
			if l.Name == "api" && (l.Quota != 70 || l.Window != 60 || l.By != "user") {
				t.Errorf("%s: %+v", tc.path, l)
			}
		}
		if !ok || rule.Class != tc.class || rule.Auth != tc.auth || strings.Join(limits, " ") != tc.limits {
			t.Errorf("%s %s: %+v", tc.method, tc.path, rule)
		}
	}
	if _, ok := at("POST", "/openapi.json"); ok {
		t.Error("a method that is refused is described")
	}
	if got := w.do("GET", "/openapi.json").text; !strings.Contains(got, `"x-route-class":"storage"`) || !strings.Contains(got, `"quota":70`) {
		t.Errorf("%s", got)
	}
}

func TestDocs_markWhatGoes(t *testing.T) {
	t.Parallel()
	w := start(t)
	end := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	rule := w.gate.ruleOf(&policy{class: class{auth: public, deprecated: end.AddDate(-1, 0, 0), sunset: end, successor: "/v2"}})
	if !rule.Deprecated || rule.Sunset != end || rule.Successor != "/v2" {
		t.Errorf("%+v", rule)
	}
	w.storage.answers(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Deprecation", "@1700000000")
		rw.Header().Set("Sunset", "Sat, 02 Jan 2027 03:04:05 GMT")
		rw.Header().Set("Link", `</v2>; rel="successor-version"`)
	})
	h := w.do("GET", files, w.bearer("u1")).Header
	if h.Get("Deprecation") != "@1700000000" || h.Get("Sunset") != "Sat, 02 Jan 2027 03:04:05 GMT" || h.Get("Link") != `</v2>; rel="successor-version"` {
		t.Errorf("what the service says of itself: %v", h)
	}
}

func TestDocs_pagesLoadFromHereOnly(t *testing.T) {
	t.Parallel()
	w := start(t)
	page := w.do("GET", "/docs")
	csp := page.Header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "script-src 'self';") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") {
		t.Errorf("policy: %s", csp)
	}
	loaded := regexp.MustCompile(`"(/docs/assets/[^"]+)"`).FindAllStringSubmatch(page.text, -1)
	for _, l := range loaded {
		got := w.do("GET", l[1], "Accept-Encoding: gzip")
		if got.StatusCode != 200 || got.Header.Get("Content-Encoding") != "gzip" || !strings.Contains(got.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v", l[1], got.StatusCode, got.Header)
		}
	}
	if len(loaded) != 4 || w.do("GET", "/docs/assets/init.js").StatusCode != 404 {
		t.Errorf("files: %v", loaded)
	}
	for _, path := range []string{"/openapi.json", "/openapi/auth.json", "/docs"} {
		tag := w.do("GET", path).Header.Get("Etag")
		if got := w.do("GET", path, "If-None-Match: "+tag); tag == "" || got.StatusCode != 304 || got.text != "" {
			t.Errorf("%s %s: %d", path, tag, got.StatusCode)
		}
	}
}

func TestDocs_explainEveryCodeThatTheGatewayAnswers(t *testing.T) {
	t.Parallel()
	w := start(t)
	page := w.do("GET", "/docs/problems").text
	for _, code := range []string{"RATE_LIMITED", "UNAUTHORIZED", "UPSTREAM_TIMEOUT", "BAD_REQUEST_TARGET", "ORIGIN_NOT_TRUSTED", "BODY_TOO_LARGE"} {
		if !strings.Contains(page, `id="`+code+`"`) {
			t.Errorf("%s is not explained", code)
		}
	}
	var refused struct{ Type string }
	if err := json.Unmarshal([]byte(w.do("GET", files).text), &refused); err != nil || refused.Type != "/docs/problems#UNAUTHORIZED" {
		t.Errorf("%v leads to %s", err, refused.Type)
	}
}

func TestJWKS_isAuths(t *testing.T) {
	t.Parallel()
	w := start(t)
	if got := w.do("GET", "/.well-known/jwks.json", "Cookie: a=b"); got.StatusCode != 200 || !strings.Contains(got.text, `"kid":"k1"`) {
		t.Errorf("%d %s", got.StatusCode, got.text)
	}
}

func TestWeb_isOptional(t *testing.T) {
	t.Parallel()
	w := start(t, map[string]string{"WEB_URL": ""})
	if got := w.do("GET", "/"); got.StatusCode != 404 {
		t.Errorf("%d", got.StatusCode)
	}
	if got := w.do("GET", files, w.bearer("u1")); got.StatusCode != 200 {
		t.Errorf("%d", got.StatusCode)
	}
}

func TestWeb_serviceDecidesWhatAPathIs(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.do("GET", "/unknown", "Accept: text/html", "Sec-Fetch-Mode: navigate", "Cookie: better-auth.session_token=x.y", "If-None-Match: \"e\"")
	h := w.web.last(t).Header
	if h.Get("Sec-Fetch-Mode") != "navigate" || h.Get("Accept") != "text/html" || h.Get("If-None-Match") != `"e"` || h.Get("Cookie") != "" {
		t.Errorf("the web service got %v", h)
	}
}

// certificate writes a self-signed one and returns a pool that trusts it.
func certificate(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"app.example"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(t.TempDir(), "tls.crt"), filepath.Join(t.TempDir(), "tls.key")
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, text := range map[string][]byte{certFile: chain, keyFile: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(chain)
	return certFile, keyFile, pool
}

func TestTLS_servesHTTP2AndHTTP1(t *testing.T) {
	t.Parallel()
	cert, key, pool := certificate(t)
	w := start(t, map[string]string{"TLS_CERT_FILE": cert, "TLS_KEY_FILE": key, "PUBLIC_URL": "https://app.example"})
	for _, two := range []bool{true, false} {
		client := &http.Client{Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "app.example", MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: two,
		}}
		body := newEndless(4 * mebi)
		r := w.request("PUT", files+"/1", body, w.bearer("u1"), "Cookie: a=b", "Cookie: c=d")
		r.URL.Scheme = "https"
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		client.CloseIdleConnections()
		want := 1
		if two {
			want = 2
		}
		if res.StatusCode != 200 || res.ProtoMajor != want || res.Header.Get("Strict-Transport-Security") == "" || w.storage.last(t).Header.Get("X-Forwarded-Proto") != "https" {
			t.Errorf("HTTP/%d: %d %v", want, res.StatusCode, res.Header)
		}
		if n := len(w.storage.last(t).Body); n != 4*mebi {
			t.Errorf("HTTP/%d: %d bytes came", want, n)
		}
	}
}
