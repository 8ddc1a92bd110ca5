package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/problem"
)

func TestBody_isReadStrictly(t *testing.T) {
	t.Parallel()
	const json = "application/json"
	deep := strings.Repeat(`[`, 40) + strings.Repeat(`]`, 40)
	for name, tc := range map[string]struct {
		contentType, body string
		status            int
		code              string
	}{
		"one value":              {json, `{"title":"hunter2"}`, 200, ""},
		"blanks around":          {json, " \n{\"title\":\"hunter2\"}\r\n ", 200, ""},
		"with a charset":         {json + "; charset=UTF-8", `{"title":"hunter2"}`, 200, ""},
		"another charset":        {json + "; charset=utf-16", `{"title":"hunter2"}`, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"no type":                {"", `{"title":"hunter2"}`, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"another type":           {"text/plain", `{"title":"hunter2"}`, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"a form where none is":   {"application/x-www-form-urlencoded", `title=hunter2`, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"a broken type":          {"application/json;;", `{"title":"hunter2"}`, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"no body":                {json, ``, 422, "VALIDATION_FAILED"},
		"blanks only":            {json, `   `, 400, "MALFORMED_REQUEST"},
		"not JSON":               {json, `title=hunter2`, 400, "MALFORMED_REQUEST"},
		"half a value":           {json, `{"title":"hunter2"`, 400, "MALFORMED_REQUEST"},
		"a comma too many":       {json, `{"title":"hunter2",}`, 400, "MALFORMED_REQUEST"},
		"two values":             {json, `{"title":"hunter2"}{"title":"b"}`, 400, "MALFORMED_REQUEST"},
		"something after":        {json, `{"title":"hunter2"} x`, 400, "MALFORMED_REQUEST"},
		"a member twice":         {json, `{"title":"hunter2","title":"b"}`, 400, "MALFORMED_REQUEST"},
		"twice, in another case": {json, `{"title":"hunter2","TITLE":"b"}`, 400, "MALFORMED_REQUEST"},
		"twice, by escape":       {json, `{"title":"hunter2","t\u0069tle":"b"}`, 400, "MALFORMED_REQUEST"},
		"twice, by the Kelvin":   {json, "{\"k\":1,\"\u212a\":2}", 400, "MALFORMED_REQUEST"},
		"twice, inside":          {json, `{"title":"hunter2","x":{"a":1,"a":2}}`, 400, "MALFORMED_REQUEST"},
		"not UTF-8":              {json, "{\"title\":\"hunter2\xff\"}", 400, "MALFORMED_REQUEST"},
		"too deep":               {json, `{"title":"hunter2","x":` + deep + `}`, 400, "MALFORMED_REQUEST"},
		"too large":              {json, `{"title":"` + strings.Repeat("hunter2", 1000) + `"}`, 413, "BODY_TOO_LARGE"},
		"exactly as large":       {json, `{"title":"hunter2"}` + strings.Repeat(" ", 4096-len(`{"title":"hunter2"}`)), 200, ""},
		"an array":               {json, `["hunter2"]`, 422, "VALIDATION_FAILED"},
		"null":                   {json, `null`, 422, "VALIDATION_FAILED"},
		"a wrong type":           {json, `{"title":{"hunter2":1}}`, 422, "VALIDATION_FAILED"},
		"an unknown member":      {json, `{"title":"a","extra":"hunter2"}`, 422, "VALIDATION_FAILED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api, logs := newAPI(nil)
			got := send(api, http.MethodPost, "/notes", tc.contentType, tc.body)
			if got.status != tc.status {
				t.Fatalf("status = %d, want %d: %s", got.status, tc.status, got.body)
			}
			if tc.code == "" {
				return
			}
			d := got.document(t)
			if d.Code != tc.code || d.Status != tc.status || d.RequestID == "" || got.header.Get("Content-Type") != problem.MediaType {
				t.Errorf("got %s as %s", got.body, got.header.Get("Content-Type"))
			}
			if strings.Contains(got.body+logs.String(), "hunter2") {
				t.Errorf("the input is repeated: %s %s", got.body, logs)
			}
		})
	}
}

func TestBody_tooLargeWithoutALength(t *testing.T) {
	t.Parallel()
	api, _ := newAPI(nil)
	r := newRequest(http.MethodPost, "/notes", unsized{strings.NewReader(`{"title":"` + strings.Repeat("x", 8000) + `"}`)})
	r.Header.Set("Content-Type", "application/json")
	if got := do(api, r); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("status = %d", got.status)
	}
}

// Every member that is refused is named by a pointer, whichever rule refused it.
func TestValidation_namesTheMembers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		method, path, body string
		want               []string
	}{
		"a missing one":        {"POST", "/notes", `{}`, []string{"|expected required property title to be present"}},
		"a short one":          {"POST", "/notes", `{"title":""}`, []string{"/title|expected length >= 1"}},
		"an unknown one":       {"POST", "/notes", `{"title":"a","ex":1}`, []string{"/ex|unexpected property"}},
		"a value type":         {"POST", "/notes", `{"title":"a","email":"nobody"}`, []string{"/email|is not a valid e-mail address"}},
		"value types in lists": {"POST", "/notes", `{"title":"a","email":"nobody","tags":["ok","no\u0000"]}`, []string{"/email|", "/tags/1|"}},
		"a number in a query":  {"GET", "/notes?limit=abc", ``, []string{"query/limit|invalid integer"}},
		"out of bounds":        {"GET", "/notes?limit=1000", ``, []string{"query/limit|expected number <= 100"}},
		"a value type, query":  {"GET", "/notes?cursor=!!", ``, []string{"query/cursor|is not a cursor of this list"}},
		"a value type, path":   {"GET", "/notes/" + strings.Repeat("x", 65), ``, []string{"path/id|"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api, _ := newAPI(nil)
			got := send(api, tc.method, tc.path, "application/json", tc.body)
			if got.status != http.StatusUnprocessableEntity {
				t.Fatalf("got %d %s", got.status, got.body)
			}
			d := got.document(t)
			if len(d.Errors) != len(tc.want) {
				t.Fatalf("errors = %v, want %v", d.Errors, tc.want)
			}
			for i, want := range tc.want {
				if have := d.Errors[i].Pointer + "|" + d.Errors[i].Detail; !strings.HasPrefix(have, want) {
					t.Errorf("error %d = %s, want %s", i, have, want)
				}
			}
		})
	}
}

func TestValidation_parsesValueTypesInQueries(t *testing.T) {
	t.Parallel()
	api, _ := newAPI(nil)
	got := send(api, http.MethodGet, "/notes?cursor=abc_-", "", "")
	if got.status != http.StatusOK || !strings.Contains(got.body, `"title":"abc_-"`) || !strings.Contains(got.body, `"size":50`) {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

func TestUnknownFields_mayBeIgnored(t *testing.T) {
	t.Parallel()
	api, _ := newAPI(func(c *httpapi.Config) { c.UnknownFields = true })
	got := send(api, http.MethodPost, "/notes", "application/json", `{"title":"a","extra":{"deep":[1]}}`)
	if got.status != http.StatusOK || strings.Contains(got.body, "extra") {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

// encoding/json takes TITLE for title; validation must see what it takes.
func TestUnknownFields_areValidatedWhenTheyAreReadAfterAll(t *testing.T) {
	t.Parallel()
	api, _ := newAPI(func(c *httpapi.Config) { c.UnknownFields = true })
	for _, body := range []string{`{"title":"a","SIZE":-5}`, `{"TITLE":"` + strings.Repeat("x", 21) + `"}`} {
		if got := send(api, http.MethodPost, "/notes", "application/json", body); got.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: got %d %s", body, got.status, got.body)
		}
	}
}

func TestForm_becomesTheSameInput(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	for name, tc := range map[string]struct {
		contentType, body string
		status            int
		want              string
	}{
		"a form":           {form, "title=two+words&pin=true&size=7", 200, `{"title":"two words","size":7,"pin":true}`},
		"JSON":             {"application/json", `{"title":"a"}`, 200, `{"title":"a"}`},
		"with a charset":   {form + "; charset=utf-8", "title=a", 200, `{"title":"a"}`},
		"twice":            {form, "title=a&title=b", 400, ""},
		"halves of a sign": {form, "title=%c3&title=%a9", 400, ""},
		"broken":           {form, "title=%zz", 400, ""},
		"not UTF-8":        {form, "title=%ff", 400, ""},
		"a wrong type":     {form, "title=a&size=many", 422, ""},
		"an unknown field": {form, "title=a&extra=1", 422, ""},
		"text":             {"text/plain", "title=a", 415, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api, _ := newAPI(nil)
			got := send(api, http.MethodPost, "/form", tc.contentType, tc.body)
			if got.status != tc.status || tc.want != "" && strings.TrimSpace(got.body) != tc.want {
				t.Errorf("got %d %s", got.status, got.body)
			}
		})
	}
}
