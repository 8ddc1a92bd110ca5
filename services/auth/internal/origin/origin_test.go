package origin_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/origin"
	"github.com/codex-platform/codex/services/auth/internal/wire"
)

func guard(t *testing.T) origin.Guard {
	t.Helper()
	origins, err := security.ParseOrigins("https://app.example", []string{"https://*.partner.example", "myapp://"})
	if err != nil {
		t.Fatal(err)
	}
	return origin.Guard{Origins: origins, Base: "/api/auth", Mark: "better-auth.signed_up"}
}

type headers map[string]string

func TestCheck_whereARequestComesFrom(t *testing.T) {
	t.Parallel()
	const signIn, signOut = "/api/auth/sign-in/email", "/api/auth/sign-out"
	cookie := func(more headers) headers {
		h := headers{"Cookie": "theme=dark"}
		for k, v := range more {
			h[k] = v
		}
		return h
	}
	for name, tc := range map[string]struct {
		method, path string
		headers      headers
		want         error
	}{
		"any cookie, own origin":                {"POST", signOut, cookie(headers{"Origin": "https://app.example"}), nil},
		"any cookie, trusted origin":            {"POST", signOut, cookie(headers{"Origin": "https://a.partner.example"}), nil},
		"any cookie, foreign origin":            {"POST", signOut, cookie(headers{"Origin": "https://evil.example"}), origin.ErrInvalid},
		"any cookie, own host without TLS":      {"POST", signOut, cookie(headers{"Origin": "http://app.example"}), origin.ErrInvalid},
		"any cookie, no origin":                 {"POST", signOut, cookie(nil), origin.ErrMissing},
		"any cookie, null":                      {"POST", signOut, cookie(headers{"Origin": "null"}), origin.ErrMissing},
		"any cookie, null of the same origin":   {"POST", signOut, cookie(headers{"Origin": "null", "Sec-Fetch-Site": "same-origin"}), nil},
		"any cookie, null of another site":      {"POST", signOut, cookie(headers{"Origin": "null", "Sec-Fetch-Site": "cross-site"}), origin.ErrMissing},
		"any cookie, own referer":               {"POST", signOut, cookie(headers{"Referer": "https://app.example/profile?x=1"}), nil},
		"any cookie, foreign referer":           {"POST", signOut, cookie(headers{"Referer": "https://evil.example/https://app.example"}), origin.ErrInvalid},
		"any cookie, referer is not an address": {"POST", signOut, cookie(headers{"Referer": "app.example"}), origin.ErrMissing},
		"origin comes before referer":           {"POST", signOut, cookie(headers{"Origin": "https://evil.example", "Referer": "https://app.example/"}), origin.ErrInvalid},
		"reading is never refused":              {"GET", signOut, cookie(headers{"Origin": "https://evil.example"}), nil},

		"no cookie, no session can begin":         {"POST", signOut, headers{"Origin": "https://evil.example"}, nil},
		"the mark of a sign-up alone":             {"POST", signOut, headers{"Cookie": "better-auth.signed_up=x"}, nil},
		"the mark, sign-in from a foreign page":   {"POST", signIn, headers{"Cookie": "better-auth.signed_up=x", "Origin": "https://evil.example"}, origin.ErrInvalid},
		"the mark and another cookie":             {"POST", signOut, headers{"Cookie": "better-auth.signed_up=x; theme=dark"}, origin.ErrMissing},
		"the mark and a cookie without a value":   {"POST", signOut, headers{"Cookie": "better-auth.signed_up=x; theme="}, origin.ErrMissing},
		"sign-in by a plain client":               {"POST", signIn, nil, nil},
		"sign-in by a bearer client":              {"POST", signIn, headers{"Authorization": "Bearer x"}, nil},
		"sign-in from a foreign page":             {"POST", signIn, headers{"Origin": "https://evil.example"}, origin.ErrInvalid},
		"sign-in from our page":                   {"POST", signIn, headers{"Origin": "https://app.example"}, nil},
		"sign-in by a foreign form":               {"POST", signIn, headers{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, origin.ErrCross},
		"sign-in by our form":                     {"POST", signIn, headers{"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Origin": "https://app.example"}, nil},
		"sign-in by a browser without origin":     {"POST", signIn, headers{"Sec-Fetch-Mode": "cors"}, origin.ErrMissing},
		"sign-in by a foreign script":             {"POST", signIn, headers{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Origin": "https://evil.example"}, origin.ErrInvalid},
		"sign-up from a foreign page":             {"POST", "/api/auth/sign-up/email", headers{"Referer": "https://evil.example/"}, origin.ErrInvalid},
		"every way to sign in is watched (§16.6)": {"POST", "/api/auth/sign-in/anonymous", headers{"Origin": "https://evil.example"}, origin.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(tc.method, tc.path, nil)
			for k, v := range tc.headers {
				r.Header.Set(k, v)
			}
			if err := guard(t).Check(wire.CallOf(r, nil)); !errors.Is(err, tc.want) {
				t.Errorf("Check = %v, want %v", err, tc.want)
			}
		})
	}
}

// OAU-08: every member that names where to go is looked at, in body and query.
func TestCheck_whereAnAnswerLeads(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		query  string
		member wire.Member
		want   error
	}{
		"a path":                        {"", text("callbackURL", "/dashboard?x=1"), nil},
		"nothing":                       {"", text("callbackURL", ""), nil},
		"our origin":                    {"", text("callbackURL", "https://app.example/x"), nil},
		"a trusted origin":              {"", text("redirectTo", "https://a.partner.example/reset"), nil},
		"an app":                        {"", text("callbackURL", "myapp://open"), nil},
		"a foreign origin":              {"", text("callbackURL", "https://evil.example"), origin.ErrCallback},
		"a foreign origin, redirectTo":  {"", text("redirectTo", "https://evil.example"), origin.ErrRedirect},
		"a foreign origin, on error":    {"", text("errorCallbackURL", "https://evil.example"), origin.ErrErrorCallback},
		"a foreign origin, new user":    {"", text("newUserCallbackURL", "https://evil.example"), origin.ErrNewUserCallback},
		"two slashes":                   {"", text("callbackURL", "//evil.example"), origin.ErrCallback},
		"a backslash":                   {"", text("callbackURL", `/\evil.example`), origin.ErrCallback},
		"an encoded slash":              {"", text("callbackURL", "/%2fevil.example"), origin.ErrCallback},
		"a line end":                    {"", text("callbackURL", "/x\r\nSet-Cookie: a=b"), origin.ErrCallback},
		"our name as a user":            {"", text("callbackURL", "https://app.example@evil.example"), origin.ErrCallback},
		"our name as a sub-domain":      {"", text("callbackURL", "https://app.example.evil.example"), origin.ErrCallback},
		"a script":                      {"", text("callbackURL", "javascript:alert(1)"), origin.ErrCallback},
		"not a string":                  {"", wire.Member{Name: "callbackURL", Value: json.RawMessage("7")}, wire.ErrValidation},
		"a foreign origin in the query": {"?callbackURL=https%3A%2F%2Fevil.example", wire.Member{}, origin.ErrCallback},
		"a path in the query":           {"?callbackURL=%2Fx", wire.Member{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodPost, "/api/auth/send-verification-email"+tc.query, nil)
			if err := guard(t).Check(wire.CallOf(r, wire.Members{tc.member})); !errors.Is(err, tc.want) {
				t.Errorf("Check = %v, want %v", err, tc.want)
			}
		})
	}
}

func TestCheck_namesWhatIsNoText(t *testing.T) {
	t.Parallel()
	for value, kind := range map[string]string{"7": "number", "null": "null", "[]": "array", "{}": "object", "true": "boolean"} {
		r := httptest.NewRequest(http.MethodPost, "/api/auth/send-verification-email", nil)
		err := guard(t).Check(wire.CallOf(r, wire.Members{{Name: "callbackURL", Value: json.RawMessage(value)}}))
		if p := problem.From(err); p.Message != "[body.callbackURL] Invalid input: expected string, received "+kind {
			t.Errorf("%s: %q", value, p.Message)
		}
	}
}

func text(name, value string) wire.Member {
	raw, _ := json.Marshal(value)
	return wire.Member{Name: name, Value: raw}
}

func FuzzCheck_neverLeadsToAForeignHost(f *testing.F) {
	for _, seed := range []string{"/x", "//evil.example", "https://app.example/", "/\\evil", "/%2f", "myapp://x", "https://a.partner.example"} {
		f.Add(seed)
	}
	origins, err := security.ParseOrigins("https://app.example", []string{"https://*.partner.example"})
	if err != nil {
		f.Fatal(err)
	}
	g := origin.Guard{Origins: origins, Base: "/api/auth"}
	own := httptest.NewRequest(http.MethodGet, "https://app.example/api/auth/verify-email", nil).URL
	f.Fuzz(func(t *testing.T, to string) {
		r := httptest.NewRequest(http.MethodPost, "/api/auth/sign-out", nil)
		if to == "" || g.Check(wire.CallOf(r, wire.Members{text("callbackURL", to)})) != nil {
			return
		}
		led, err := own.Parse(to)
		if err != nil {
			t.Fatalf("%q passes and is not an address", to)
		}
		if host := led.Hostname(); host != "app.example" && !endsWith(host, ".partner.example") {
			t.Errorf("%q leads to %s", to, host)
		}
	})
}

func endsWith(s, end string) bool { return len(s) > len(end) && s[len(s)-len(end):] == end }
