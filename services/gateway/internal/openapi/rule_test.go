package openapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"

	"github.com/codex-platform/codex/pkg/testkit"
	"github.com/codex-platform/codex/services/gateway/internal/openapi"
)

const ruled = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{
	"/things":{
		"get":{"operationId":"list","security":[{"bearer":["admin"]}],"responses":{"200":{"description":"OK"}}},
		"post":{"operationId":"make","responses":{"200":{"description":"OK"},"429":{"description":"its own"}}}},
	"/open":{"get":{"operationId":"open","security":[{"bearer":[]}],"responses":{"200":{"description":"OK"}}}},
	"/own":{"post":{"operationId":"own","security":[{"bearer":[]}],"responses":{"200":{"description":"OK"}}},
		"put":{"operationId":"own2","responses":{"429":{"description":"its own"}}}}},
	"components":{"securitySchemes":{"bearer":{"type":"http","scheme":"bearer","description":"%s"}}}}`

func frame() openapi.Frame {
	limits := []openapi.Limit{{Name: "api", By: "user", Quota: 600, Window: 60, Burst: 600}}
	rules := map[string]openapi.Rule{
		"/things": {Class: "things", Auth: "required", Proofs: []string{"accessToken"}, Limits: limits, MaxBody: 65536, Proxied: true,
			Deprecated: true, Sunset: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC), Successor: "/v2/things"},
		"/open": {Class: "open", Auth: "public"},
		"/own":  {Class: "own", Auth: "service", Limits: limits, AuthShape: true},
	}
	return openapi.Frame{
		Schemes: map[string]map[string]any{"accessToken": {"type": "http", "scheme": "bearer"}},
		Rules: func(_, path string) (openapi.Rule, bool) {
			r, ok := rules[path]
			return r, ok
		},
	}
}

type operation struct {
	Security   []map[string][]string
	Limits     []openapi.Limit `json:"x-rate-limits"`
	MaxBody    int64           `json:"x-max-body-bytes"`
	Deprecated bool
	Sunset     string `json:"x-sunset"`
	Successor  string `json:"x-successor"`
	Responses  map[string]struct {
		Ref     string `json:"$ref"`
		Headers map[string]any
	}
}

// statuses are the answers of an operation, in order.
func (o operation) statuses() []string {
	var out []string
	for status := range o.Responses {
		out = append(out, status)
	}
	slices.Sort(out)
	return out
}

func readPaths(t *testing.T, text []byte) map[string]map[string]operation {
	t.Helper()
	var got struct {
		Paths map[string]map[string]operation
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	return got.Paths
}

func library(t *testing.T, now func() time.Time) (*openapi.Library, *described) {
	t.Helper()
	one, two := describe(t, fmt.Sprintf(ruled, "one")), describe(t, fmt.Sprintf(`{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{
		"/second":{"get":{"operationId":"second","security":[{"bearer":[]}],"responses":{"200":{"description":"OK"}}}}},
		"components":{"securitySchemes":{"bearer":{"type":"http","scheme":"bearer","description":"%s"}}}}`, "two"))
	return openapi.NewLibrary("https://app.example", http.DefaultClient, now, openapi.Source{Name: "one", URL: one.URL}, openapi.Source{Name: "two", URL: two.URL}), two
}

func TestJoined_saysWhatTheGatewayAsksFor(t *testing.T) {
	t.Parallel()
	l, _ := library(t, time.Now)
	page, err := l.Joined(t.Context(), frame)
	if err != nil {
		t.Fatal(err)
	}
	paths := readPaths(t, page.Text())
	read, made := paths["/things"]["get"], paths["/things"]["post"]
	if fmt.Sprint(read.Security) != "[map[accessToken:[admin]]]" || fmt.Sprint(made.Security) != "[map[accessToken:[]]]" {
		t.Errorf("security: %v, %v", read.Security, made.Security)
	}
	if len(read.Limits) != 1 || read.Limits[0].Quota != 600 || read.Limits[0].By != "user" || read.MaxBody != 0 || made.MaxBody != 65536 {
		t.Errorf("limits: %+v, %d, %d", read.Limits, read.MaxBody, made.MaxBody)
	}
	if !read.Deprecated || read.Sunset != "2030-01-02T03:04:05Z" || read.Successor != "/v2/things" || paths["/open"]["get"].Deprecated {
		t.Errorf("deprecation: %+v", read)
	}
	for name, tc := range map[string]struct {
		operation operation
		want      string
	}{
		"a read":            {read, "[200 400 401 429 502 503 504]"},
		"a change":          {made, "[200 400 401 403 413 429 502 503 504]"},
		"public":            {paths["/open"]["get"], "[200 400 401 503]"},
		"the service's own": {paths["/own"]["post"], "[200 400 429 503]"},
	} {
		if got := fmt.Sprint(tc.operation.statuses()); got != tc.want {
			t.Errorf("%s answers %s, want %s", name, got, tc.want)
		}
	}
	if own := made.Responses["429"]; own.Ref != "" || own.Headers["Retry-After"] == nil {
		t.Errorf("the service's own 429: %+v", own)
	}
	if ref := paths["/own"]["post"].Responses["429"].Ref; ref != "#/components/responses/GatewayTooManyRequestsAuth" {
		t.Errorf("the 429 in auth's form: %s", ref)
	}
	if h := paths["/own"]["put"].Responses["429"].Headers; h["X-Retry-After"] == nil || made.Responses["429"].Headers["X-Retry-After"] != nil {
		t.Errorf("X-Retry-After is auth's alone: %v", h)
	}
	if s := paths["/open"]["get"].Security; s == nil || len(s) != 0 {
		t.Errorf("public: %v", s)
	}
	if got := fmt.Sprint(paths["/own"]["post"].Security, paths["/second"]["get"].Security); got != "[map[bearer:[]]] [map[Twobearer:[]]]" {
		t.Errorf("schemes of one name: %s", got)
	}
}

func TestDescriptions_areValidOpenAPI(t *testing.T) {
	t.Parallel()
	l, _ := library(t, time.Now)
	joined, err := l.Joined(t.Context(), frame)
	if err != nil {
		t.Fatal(err)
	}
	single, err := l.Service(t.Context(), "two", frame)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"joined": joined.Text(), "single": single.Text()} {
		checkValid(t, name, text)
	}
}

func checkValid(t *testing.T, name string, text []byte) {
	t.Helper()
	document, err := libopenapi.NewDocument(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	check, errs := validator.NewValidator(document)
	if len(errs) > 0 {
		t.Fatalf("%s: %v", name, errs)
	}
	if ok, faults := check.ValidateDocument(); !ok {
		for _, f := range faults {
			t.Errorf("%s: %s: %s %v", name, f.Message, f.Reason, f.SchemaValidationErrors)
		}
	}
}

func TestJoined_changesItsTagWithWhatIsKnown(t *testing.T) {
	t.Parallel()
	clock := testkit.NewClock(time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC))
	l, two := library(t, clock.Now)
	tag := func() string {
		t.Helper()
		page, err := l.Joined(t.Context(), frame)
		if err != nil {
			t.Fatal(err)
		}
		return page.ETag()
	}
	first := tag()
	clock.Advance(time.Hour)
	if again := tag(); again != first {
		t.Errorf("the same texts: %s, then %s", first, again)
	}
	two.down.Store(true)
	clock.Advance(time.Hour)
	if stale := tag(); stale == first {
		t.Error("a service that is away is not told")
	}
	two.down.Store(false)
	clock.Advance(time.Hour)
	if back := tag(); back != first {
		t.Errorf("back again: %s", back)
	}
}
