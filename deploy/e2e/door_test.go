package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/codex-platform/codex/deploy/e2e/stack"
)

// What is wrong gets the right status in its service's shape, and writes nothing.
func TestBadRequestsAreAnsweredInShape(t *testing.T) {
	t.Parallel()
	dev := stack.Get(t)
	p, visitor := stack.SignedUp(t, dev), stack.Visitor(t, dev)
	json := "application/json"
	for name, tc := range map[string]struct {
		who            *stack.Person
		method, target string
		body           string
		kind           string
		status         int
		code           string
		problem        bool
	}{
		"files without a session":      {visitor, "GET", "/api/storage/v1/files", "", "", 401, "UNAUTHORIZED", true},
		"billing without a session":    {visitor, "GET", "/api/billing/v1/plan", "", "", 401, "UNAUTHORIZED", true},
		"unknown API path":             {p, "GET", "/api/storage/v1/nothing", "", "", 404, "NOT_FOUND", true},
		"unknown API":                  {visitor, "GET", "/api/other", "", "", 404, "NOT_FOUND", true},
		"internal path":                {visitor, "POST", "/internal/v1/sessions/exchange", "{}", json, 404, "NOT_FOUND", true},
		"health is private":            {visitor, "GET", "/metrics", "", "", 404, "NOT_FOUND", true},
		"wrong method":                 {p, "PUT", "/api/billing/v1/plan", "{}", json, 405, "METHOD_NOT_ALLOWED", true},
		"broken JSON":                  {p, "POST", "/api/billing/v1/checkout", `{"plan":`, json, 400, "MALFORMED_REQUEST", true},
		"twice the same key":           {p, "POST", "/api/billing/v1/checkout", `{"plan":"pro","plan":"free"}`, json, 400, "MALFORMED_REQUEST", true},
		"data behind the JSON":         {p, "POST", "/api/billing/v1/checkout", `{"plan":"pro"} {}`, json, 400, "MALFORMED_REQUEST", true},
		"unknown member":               {p, "POST", "/api/billing/v1/checkout", `{"plan":"pro","price":0}`, json, 422, "VALIDATION_FAILED", true},
		"wrong content type":           {p, "POST", "/api/billing/v1/checkout", `plan=pro`, "application/x-www-form-urlencoded", 415, "UNSUPPORTED_MEDIA_TYPE", true},
		"webhook without a signature":  {visitor, "POST", "/webhooks/stripe", `{"id":"evt_1"}`, json, 400, "", true},
		"webhook by GET":               {visitor, "GET", "/webhooks/stripe", "", "", 405, "METHOD_NOT_ALLOWED", true},
		"auth: not an address":         {visitor, "POST", "/api/auth/sign-in/email", `{"email":"nobody","password":"correct horse"}`, json, 400, "INVALID_EMAIL", false},
		"auth: broken JSON":            {visitor, "POST", "/api/auth/sign-in/email", `{"email"`, json, 400, "BAD_REQUEST", false},
		"auth: a member of wrong type": {visitor, "POST", "/api/auth/sign-in/email", `{"email":1,"password":"correct horse"}`, json, 400, "VALIDATION_ERROR", false},
		"auth: protected field":        {visitor, "POST", "/api/auth/sign-up/email", `{"email":"x@example.test","password":"correct horse","name":"X","role":"admin"}`, json, 400, "FIELD_NOT_ALLOWED", false},
		"auth: list without a session": {visitor, "GET", "/api/auth/list-sessions", "", "", 401, "UNAUTHORIZED", false},
	} {
		t.Run(name, func(t *testing.T) {
			var body any
			if tc.body != "" {
				body = []byte(tc.body)
			}
			header := []string{}
			if tc.kind != "" {
				header = append(header, "Content-Type", tc.kind)
			}
			answer := tc.who.Do(t, tc.method, tc.target, body, header...)
			if answer.Status != tc.status {
				t.Fatalf("%d %s, want %d", answer.Status, answer.Body, tc.status)
			}
			var said struct {
				Code, Message string
				RequestID     string `json:"request_id"`
			}
			answer.JSON(t, &said)
			if tc.code != "" && said.Code != tc.code {
				t.Errorf("code %q, want %q", said.Code, tc.code)
			}
			if tc.problem != strings.HasPrefix(answer.Header.Get("Content-Type"), "application/problem+json") || tc.problem && said.RequestID == "" {
				t.Errorf("shape: %s %s", answer.Header.Get("Content-Type"), answer.Body)
			}
		})
	}
}

// GW-12: every answer is protected, refusals too, each header once.
func TestEveryAnswerIsProtected(t *testing.T) {
	t.Parallel()
	dev := stack.Get(t)
	p := stack.SignedUp(t, dev)
	for _, target := range []string{"/", "/sign-in", "/api/auth/ok", "/api/auth/nothing", "/api/storage/v1/quota", "/api/none", "/.well-known/jwks.json", "/openapi.json"} {
		answer := p.Do(t, http.MethodGet, target, nil, "Accept", "text/html")
		for _, name := range []string{"X-Content-Type-Options", "Referrer-Policy", "Content-Security-Policy", "Permissions-Policy", "X-Request-Id"} {
			if got := answer.Header.Values(name); len(got) != 1 {
				t.Errorf("%s (%d): %s is there %d times", target, answer.Status, name, len(got))
			}
		}
		if !strings.Contains(answer.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%s may be framed: %s", target, answer.Header.Get("Content-Security-Policy"))
		}
	}
}

// GW-14: what changes something and came by cookie must come from our own pages.
func TestForeignPagesCannotWrite(t *testing.T) {
	t.Parallel()
	p := stack.SignedUp(t, stack.Get(t))
	for name, origin := range map[string]string{"another site": "https://evil.example", "no site": "null"} {
		t.Run(name, func(t *testing.T) {
			answer := p.Do(t, http.MethodPost, "/api/storage/v1/files?name=planted.txt", []byte("x"), "Origin", origin, "Sec-Fetch-Site", "cross-site")
			if answer.Status != http.StatusForbidden {
				t.Errorf("%d %s", answer.Status, answer.Body)
			}
		})
	}
}

// GW-03, GW-04: identity headers are the gateway's alone: what a client claims reaches nobody.
func TestClaimedIdentityCounts_forNothing(t *testing.T) {
	t.Parallel()
	visitor := stack.Visitor(t, stack.Get(t))
	answer := visitor.Do(t, http.MethodGet, "/api/storage/v1/quota", nil, "X-User-Id", "somebody", "X_User_Id", "somebody", "X-Forwarded-User", "somebody")
	if answer.Status != http.StatusUnauthorized {
		t.Errorf("%d %s", answer.Status, answer.Body)
	}
}
