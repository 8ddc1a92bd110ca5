package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"
)

func TestFail_showsAProblemAndHidesAFault(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		method, path string
		status       int
		code         string
		level        string // of the line beside the access line; "" for none
	}{
		"a refusal":             {"GET", "/notes/x", 409, "NOTE_TAKEN", ""},
		"a fault":               {"POST", "/fail/fault", 500, "INTERNAL", "ERROR"},
		"a panic":               {"POST", "/fail/panic", 500, "INTERNAL", "ERROR"},
		"PostgreSQL away":       {"POST", "/fail/away", 503, "UNAVAILABLE", "WARN"},
		"another part away":     {"POST", "/fail/part", 503, "UNAVAILABLE", "WARN"},
		"from a free answer":    {"POST", "/fail/late", 409, "NOTE_TAKEN", ""},
		"an unknown path":       {"GET", "/nothing", 404, "NOT_FOUND", ""},
		"a slash too many":      {"GET", "/notes/", 404, "NOT_FOUND", ""},
		"a method not served":   {"DELETE", "/notes", 405, "METHOD_NOT_ALLOWED", ""},
		"a method nobody knows": {"BREW", "/notes", 405, "METHOD_NOT_ALLOWED", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api, logs := newAPI(nil)
			got := send(api, tc.method, tc.path, "", "")
			if got.status != tc.status || got.document(t).Code != tc.code {
				t.Fatalf("got %d %s", got.status, got.body)
			}
			if strings.Contains(got.body, "hunter2") || strings.Contains(got.body, "db.internal") {
				t.Errorf("the answer tells too much: %s", got.body)
			}
			if (got.status == 503) != (got.header.Get("Retry-After") == "2") {
				t.Errorf("Retry-After = %q", got.header.Get("Retry-After"))
			}
			lines := strings.Split(strings.TrimSpace(logs.String()), "\n")
			if want := 1 + min(len(tc.level), 1); len(lines) != want {
				t.Fatalf("%d lines, want %d: %s", len(lines), want, logs)
			}
			if tc.level != "" && (!strings.Contains(lines[0], `"level":"`+tc.level+`"`) || !strings.Contains(lines[0], got.document(t).RequestID)) {
				t.Errorf("log: %s", lines[0])
			}
		})
	}
}

func TestFail_asAnotherServiceSpeaks(t *testing.T) {
	t.Parallel()
	api, _ := newAPI(func(c *httpapi.Config) {
		c.EmptyNotFound = true
		c.Render = func(w http.ResponseWriter, _ *http.Request, p *problem.Problem) {
			w.WriteHeader(p.Status)
			_ = json.NewEncoder(w).Encode(map[string]string{"message": p.Message, "code": p.Code})
		}
	})
	for _, tc := range []struct{ method, path string }{
		{"GET", "/nothing"}, {"GET", "/notes/"}, {"DELETE", "/notes"}, {"HEAD", "/notes"}, {"OPTIONS", "/notes"}, {"OPTIONS", "/nothing"},
	} {
		got := send(api, tc.method, tc.path, "", "")
		if got.status != http.StatusNotFound || got.body != "" || got.header.Get("Allow") != "" {
			t.Errorf("%s %s: got %d %q %v", tc.method, tc.path, got.status, got.body, got.header)
		}
	}
	if got := send(api, "GET", "/notes/x", "", ""); got.status != http.StatusConflict || !strings.Contains(got.body, `"code":"NOTE_TAKEN","message"`) {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

func TestRequestID_isContinuedFromTheGatewayOnly(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		edge httpapi.Edge
		sent string
		kept bool
	}{
		"from the gateway": {httpapi.EdgeGateway, "abc-123", true},
		"not an id":        {httpapi.EdgeGateway, "a\"b", false},
		"from a stranger":  {httpapi.EdgeDirect, "abc-123", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api, logs := newAPI(func(c *httpapi.Config) { c.Edge = tc.edge })
			r := newRequest(http.MethodGet, "/notes/x", nil)
			r.Header.Set("X-Request-Id", tc.sent)
			got := do(api, r)
			id := got.header.Get("X-Request-Id")
			if id == "" || (id == tc.sent) != tc.kept {
				t.Errorf("id = %q", id)
			}
			if got.document(t).RequestID != id || !strings.Contains(logs.String(), `"request_id":"`+id+`"`) {
				t.Errorf("id %q is not in the answer or the log: %s %s", id, got.body, logs)
			}
		})
	}
}

func TestAccessLine_holdsTheRouteAndNothingThatWasSent(t *testing.T) {
	t.Parallel()
	api, logs := newAPI(nil)
	send(api, http.MethodGet, "/notes/jane?token=hunter2", "", "")
	line := logs.String()
	if strings.Contains(line, "jane") || strings.Contains(line, "hunter2") {
		t.Errorf("the line repeats the path: %s", line)
	}
	for _, want := range []string{`"msg":"request"`, `"method":"GET"`, `"route":"/notes/:id"`, `"status":409`, `"duration_ms":`} {
		if !strings.Contains(line, want) {
			t.Errorf("no %s in %s", want, line)
		}
	}
}

func TestAbort_cutsAnAnswerThatFailsHalfWay(t *testing.T) {
	t.Parallel()
	api, logs := newAPI(nil)
	httpapi.Register(api.Huma(), huma.Operation{OperationID: "half", Method: http.MethodGet, Path: "/half"},
		func(context.Context, *struct{}) (*huma.StreamResponse, error) {
			return httpapi.Respond(func(w http.ResponseWriter, _ *http.Request) error {
				_, _ = io.WriteString(w, "half")
				_ = http.NewResponseController(w).Flush()
				return errSecretFault
			}), nil
		})
	server := httptest.NewServer(api)
	defer server.Close()
	res, err := server.Client().Get(server.URL + "/half")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.ReadAll(res.Body); err == nil {
		t.Error("the client takes half an answer for a whole one")
	}
	if !strings.Contains(logs.String(), "request failed") {
		t.Errorf("not logged: %s", logs)
	}
}

func TestDirect_addsWhatTheGatewayWouldHaveDone(t *testing.T) {
	t.Parallel()
	var seen []string
	api, _ := newAPI(func(c *httpapi.Config) {
		c.Edge = httpapi.EdgeDirect
		c.Direct.Headers = security.APIHeaders().Compile(true)
		c.Direct.Limit = func(r *http.Request, client netip.Addr, answer http.Header) error {
			seen = append(seen, client.String())
			answer.Set("RateLimit", `"api";r=0`)
			if r.URL.Path == "/notes/x" {
				return problem.TooManyRequests
			}
			return nil
		}
	})
	for path, want := range map[string]int{"/notes": 200, "/notes/x": 429, "/nothing": 404, "/" + strings.Repeat("x", 9000): 414} {
		got := send(api, http.MethodGet, path, "", "")
		if got.status != want || got.header.Get("X-Content-Type-Options") != "nosniff" || got.header.Get("Strict-Transport-Security") == "" {
			t.Errorf("%.20s: got %d %v", path, got.status, got.header)
		}
	}
	chunked := newRequest(http.MethodGet, "/notes", nil)
	chunked.TransferEncoding = []string{"chunked"} // net/http has dropped the length that came beside it
	if got := do(api, chunked); got.header.Get("Connection") != "close" {
		t.Errorf("the connection stays open after chunks: %v", got.header)
	}
	seen = seen[:len(seen)-1]
	if len(seen) != 3 || seen[0] != "192.0.2.1" {
		t.Errorf("limited: %v", seen)
	}
	r := newRequest(http.MethodGet, "/notes", nil)
	for range 101 {
		r.Header.Add("X-Many", "1")
	}
	if got := do(api, r); got.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %d", got.status)
	}
}

func TestClientAddr_believesTrustedProxiesOnly(t *testing.T) {
	t.Parallel()
	proxies, err := security.ParseProxies([]string{"192.0.2.0/24"})
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		proxies security.Proxies
		want    string
	}{"trusted": {proxies, "203.0.113.9"}, "not trusted": {security.Proxies{}, "192.0.2.1"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got netip.Addr
			api, _ := newAPI(func(c *httpapi.Config) { c.Proxies = tc.proxies })
			httpapi.Register(api.Huma(), huma.Operation{OperationID: "who", Method: http.MethodGet, Path: "/who"},
				func(ctx context.Context, _ *struct{}) (*struct{}, error) {
					got = httpapi.ClientAddr(ctx)
					return nil, nil
				})
			r := newRequest(http.MethodGet, "/who", nil)
			r.Header.Set("X-Forwarded-For", "203.0.113.9")
			do(api, r)
			if got.String() != tc.want {
				t.Errorf("address = %s, want %s", got, tc.want)
			}
		})
	}
}

type verifier map[string]error

func (v verifier) Verify(_ context.Context, token string) (security.Claims, error) {
	return security.Claims{Subject: "ada"}, v[token]
}

// GW-04
func TestAuthenticated_letsOnlyGoodTokensPass(t *testing.T) {
	t.Parallel()
	api, logs := newAPI(nil)
	group := huma.NewGroup(api.Huma())
	group.UseMiddleware(httpapi.Authenticated(verifier{
		"bad": security.ErrTokenInvalid, "old": security.ErrTokenExpired, "early": security.ErrKeysUnavailable, "odd": errors.New("odd"),
	}))
	httpapi.Register(group, huma.Operation{OperationID: "me", Method: http.MethodGet, Path: "/me"},
		func(ctx context.Context, _ *struct{}) (*noteOutput, error) {
			me, err := httpapi.Caller(ctx)
			return &noteOutput{Body: note{Title: me.UserID}}, err
		})
	for header, want := range map[string]int{
		"Bearer good": 200, "bearer good": 200, "Bearer bad": 401, "Bearer old": 401, "Basic good": 401, "": 401, "Bearer early": 503, "Bearer odd": 500,
	} {
		r := newRequest(http.MethodGet, "/me", nil)
		r.Header.Set("Authorization", header)
		got := do(api, r)
		if got.status != want || (want == 401) != (got.header.Get("WWW-Authenticate") == "Bearer") {
			t.Errorf("%q: got %d %v %s", header, got.status, got.header, got.body)
		}
		if want == 200 && !strings.Contains(got.body, `"title":"ada"`) {
			t.Errorf("%q: got %s", header, got.body)
		}
	}
	if !strings.Contains(logs.String(), `"user_id":"ada"`) {
		t.Error("the access line does not name the user")
	}
}

func TestInternal_letsOnlyServicesPass(t *testing.T) {
	t.Parallel()
	api, _ := newAPI(nil)
	group := huma.NewGroup(api.Huma(), "/internal")
	group.UseMiddleware(httpapi.Internal(security.NewServiceTokens([]string{"new-token", "old-token"})))
	httpapi.Register(group, huma.Operation{OperationID: "in", Method: http.MethodDelete, Path: "/x", Hidden: true},
		func(context.Context, *struct{}) (*struct{}, error) { return nil, nil })
	for header, want := range map[string]int{"Bearer new-token": 204, "Bearer old-token": 204, "Bearer other": 401, "": 401} {
		r := newRequest(http.MethodDelete, "/internal/x", nil)
		r.Header.Set("Authorization", header)
		if got := do(api, r); got.status != want {
			t.Errorf("%q: got %d %s", header, got.status, got.body)
		}
	}
}

func TestRegister_refusesOperationsThatSkipIt(t *testing.T) {
	t.Parallel()
	api, _ := newAPI(nil)
	defer func() {
		if recover() == nil {
			t.Error("huma.Register was accepted")
		}
	}()
	huma.Register(api.Huma(), huma.Operation{OperationID: "plain", Method: http.MethodGet, Path: "/plain"},
		func(context.Context, *struct{}) (*struct{}, error) { return nil, nil })
}
