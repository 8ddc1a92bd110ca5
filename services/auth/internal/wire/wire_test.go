package wire_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/validation"

	"github.com/codex-platform/codex/services/auth/internal/wire"
)

type form struct {
	Name  string           `json:"name" min:"1" max:"10"`
	Email validation.Email `json:"email"`
	Note  *string          `json:"note" max:"5"`
	Agree *bool            `json:"agree"`
	Image wire.Text        `json:"image"`
}

// echo is what the test's operation found in the body.
type echo struct {
	Name, Email   string
	Note          *string
	Agree         *bool
	Image         wire.Text
	Foreign       bool
	Agent, Cookie string
}

// door serves one operation that says what it was given.
func door(t *testing.T, before func(context.Context, *wire.Call) error) http.Handler {
	t.Helper()
	api := httpapi.New(httpapi.Config{
		Service: "test", Log: slog.New(slog.DiscardHandler), Render: wire.Render, ErrorBody: wire.Refusal{}, EmptyNotFound: true,
	})
	if before == nil {
		before = func(context.Context, *wire.Call) error { return nil }
	}
	r := &wire.Router{API: api.Huma(), Base: "/api/auth", Before: before}
	wire.Post(r, wire.Op{ID: "try", Path: "/try", Form: true}, func(_ context.Context, c *wire.Call, in form) (*wire.Answer[echo], error) {
		cookie, _ := c.Cookie("a")
		return wire.OK(echo{in.Name, in.Email.String(), in.Note, in.Agree, in.Image, c.Members().Get("role") != nil, c.UserAgent(), cookie}), nil
	})
	wire.Post(r, wire.Op{ID: "fail", Path: "/fail"}, func(_ context.Context, c *wire.Call, _ wire.None) (*wire.Answer[echo], error) {
		switch c.Query("how") {
		case "limit":
			return nil, wire.ErrTooMany.WithRetryAfter(1500 * time.Millisecond)
		case "busy":
			return nil, problem.Unavailable
		case "panic":
			panic("secret-in-a-panic")
		}
		return nil, errors.New("secret-in-an-error")
	})
	return api
}

func ask(t *testing.T, h http.Handler, path, kind, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/api/auth"+path, strings.NewReader(body))
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	r.Header.Set("User-Agent", "a\x01gent\u2028")
	r.Header.Set("Cookie", "b=1; a=x%2By%3D; a=second")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPost_refusesBodiesInTheContractsWords(t *testing.T) {
	t.Parallel()
	const asJSON, asForm = "application/json", "application/x-www-form-urlencoded"
	h := door(t, nil)
	for name, tc := range map[string]struct {
		kind, body    string
		status        int
		code, message string
	}{
		"nothing":            {"", "", 400, "VALIDATION_ERROR", "[body.name] Invalid input: expected string, received undefined; [body.email] Invalid input: expected string, received undefined"},
		"an empty object":    {asJSON, "{}", 400, "VALIDATION_ERROR", "[body.name] Invalid input: expected string, received undefined; [body.email] Invalid input: expected string, received undefined"},
		"a bad address":      {asJSON, `{"name":"X","email":"not-an-address"}`, 400, "VALIDATION_ERROR", "[body.email] Invalid email address"},
		"other types":        {asJSON, `{"name":1,"email":null,"note":[],"agree":{},"image":true}`, 400, "VALIDATION_ERROR", "[body.name] Invalid input: expected string, received number; [body.email] Invalid input: expected string, received null; [body.note] Invalid input: expected string, received array; [body.agree] Invalid input: expected boolean, received object; [body.image] Invalid input: expected string, received boolean"},
		"too short":          {asJSON, `{"name":"","email":"a@b.test"}`, 400, "VALIDATION_ERROR", "[body.name] Too small: expected string to have >=1 characters"},
		"too long":           {asJSON, `{"name":"12345678901","email":"a@b.test"}`, 400, "VALIDATION_ERROR", "[body.name] Too big: expected string to have <=10 characters"},
		"a NUL":              {asJSON, `{"name":"a\u0000b","email":"a@b.test"}`, 400, "VALIDATION_ERROR", "[body.name] Invalid input: control characters are not allowed"},
		"an array":           {asJSON, `[]`, 400, "VALIDATION_ERROR", "[body] Invalid input: expected object, received array"},
		"half of JSON":       {asJSON, `{"name":`, 400, "BAD_REQUEST", "Invalid JSON in request body"},
		"two values":         {asJSON, `{} {}`, 400, "BAD_REQUEST", "Invalid JSON in request body"},
		"a name twice":       {asJSON, `{"name":"a","name":"b","email":"a@b.test"}`, 400, "BAD_REQUEST", "Invalid JSON in request body"},
		"nested without end": {asJSON, strings.Repeat("[", 40) + strings.Repeat("]", 40), 400, "BAD_REQUEST", "Invalid JSON in request body"},
		"not UTF-8":          {asJSON, "{\"name\":\"\xff\"}", 400, "BAD_REQUEST", "Invalid JSON in request body"},
		"XML":                {"application/xml", `<a/>`, 415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type is not allowed"},
		"no type":            {"", `{}`, 415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type is not allowed"},
		"a form gone wrong":  {asForm, "name=%zz", 400, "BAD_REQUEST", "Invalid JSON in request body"},
		"a form's bad value": {asForm, "name=X&email=b", 400, "VALIDATION_ERROR", "[body.email] Invalid email address"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := ask(t, h, "/try", tc.kind, tc.body)
			var got map[string]string
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(got) != 2 {
				t.Fatalf("the body is not {message, code}: %s", w.Body)
			}
			if w.Code != tc.status || got["code"] != tc.code || got["message"] != tc.message {
				t.Errorf("got %d %s %q, want %d %s %q", w.Code, got["code"], got["message"], tc.status, tc.code, tc.message)
			}
		})
	}
}

func TestPost_tooLargeIs413(t *testing.T) {
	t.Parallel()
	w := ask(t, door(t, nil), "/try", "application/json", `{"name":"`+strings.Repeat("a", 1<<20)+`"}`)
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestPost_takesJSONAndForms(t *testing.T) {
	t.Parallel()
	h := door(t, nil)
	for name, tc := range map[string]struct{ kind, body string }{
		"JSON":   {"application/json; charset=utf-8", `{"name":" Ada ","email":"ADA@b.test","note":"","agree":false,"role":"admin"}`},
		"a form": {"application/x-www-form-urlencoded", "name=+Ada+&email=ADA%40b.test&note=&agree=false&role=admin"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := ask(t, h, "/try", tc.kind, tc.body)
			var got echo
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK {
				t.Fatalf("%d %s: %v", w.Code, w.Body, err)
			}
			if got.Name != " Ada " || got.Email != "ada@b.test" || got.Note == nil || *got.Note != "" || got.Agree == nil || *got.Agree || got.Image.Set || !got.Foreign {
				t.Errorf("got %+v", got)
			}
			if got.Cookie != "x+y=" || got.Agent != "agent" {
				t.Errorf("cookie %q, agent %q", got.Cookie, got.Agent)
			}
		})
	}
}

func TestPost_tellsNullFromAbsent(t *testing.T) {
	t.Parallel()
	h := door(t, nil)
	for body, want := range map[string]wire.Text{
		`{"name":"a","email":"a@b.test"}`:              {},
		`{"name":"a","email":"a@b.test","image":null}`: {Set: true},
	} {
		var got echo
		if err := json.Unmarshal(ask(t, h, "/try", "application/json", body).Body.Bytes(), &got); err != nil || got.Image != want {
			t.Errorf("%s: %+v, want %+v (%v)", body, got.Image, want, err)
		}
	}
}

func TestPost_asksBeforeItReadsTheForm(t *testing.T) {
	t.Parallel()
	h := door(t, func(context.Context, *wire.Call) error { return wire.ErrUnauthorized })
	if w := ask(t, h, "/try", "application/json", `{}`); w.Code != http.StatusUnauthorized {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestRender(t *testing.T) {
	t.Parallel()
	h := door(t, nil)
	for how, tc := range map[string]struct {
		status int
		body   string
		header map[string]string
	}{
		"limit": {429, `{"message":"Too many requests. Please try again later."}`, map[string]string{"X-Retry-After": "2", "Retry-After": "2"}},
		"busy":  {503, `{"message":"This is not available at the moment: try again shortly","code":"UNAVAILABLE"}`, map[string]string{"Retry-After": "2"}},
		"error": {500, `{"message":"Internal Server Error","code":"INTERNAL_SERVER_ERROR"}`, nil},
		"panic": {500, `{"message":"Internal Server Error","code":"INTERNAL_SERVER_ERROR"}`, nil},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			w := ask(t, h, "/fail?how="+how, "application/json", `{}`)
			if w.Code != tc.status || strings.TrimSpace(w.Body.String()) != tc.body || w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
			for name, want := range tc.header {
				if got := w.Header().Get(name); got != want {
					t.Errorf("%s = %q, want %q", name, got, want)
				}
			}
		})
	}
}

func TestTime_isISO8601InUTCWithMilliseconds(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 1, 2, 26, 749_999_999, time.FixedZone("CET", 3600))
	text, err := json.Marshal(wire.Time(at))
	if err != nil || string(text) != `"2026-11-23T00:02:26.749Z"` {
		t.Errorf("Marshal = %s, %v", text, err)
	}
	var back wire.Time
	if err := json.Unmarshal(text, &back); err != nil || !time.Time(back).Equal(wire.Moment(at)) {
		t.Errorf("Unmarshal = %v, %v", time.Time(back), err)
	}
}

func TestAddQuery(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"/x":                       "/x?error=A+B",
		"/x?y=1":                   "/x?y=1&error=A+B",
		"/x#part":                  "/x?error=A+B#part",
		"https://a.test/x?y=1#p?q": "https://a.test/x?y=1&error=A+B#p?q",
	} {
		if got := wire.AddQuery(address, "error", "A B"); got != want {
			t.Errorf("AddQuery(%q) = %q, want %q", address, got, want)
		}
	}
}
