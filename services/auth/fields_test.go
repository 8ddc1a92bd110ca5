package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

const ownFields = `plan:string,input=false,default=free,claim; age:number,required; tags:string[],max=10; born:date; secret:string,returned=false`

func TestUserFields_areWrittenAndShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"USER_FIELDS": ownFields, "REQUIRE_EMAIL_VERIFICATION": "false"}})
	signUp := func(more members) reply {
		body := members{"name": "Ada", "email": address(), "password": goodPassword}
		for name, value := range more {
			body[name] = value
		}
		return w.browser().post("/sign-up/email", body)
	}
	for _, wrong := range []struct {
		more members
		code string
	}{
		{members{}, "MISSING_FIELD"},
		{members{"age": "36"}, "VALIDATION_ERROR"},
		{members{"age": nil}, "VALIDATION_ERROR"},
		{members{"age": 36, "plan": "pro"}, "FIELD_NOT_ALLOWED"},
		{members{"age": 36, "tags": []string{"much too long a tag"}}, "VALIDATION_ERROR"},
	} {
		if r := signUp(wrong.more); r.status != http.StatusBadRequest || r.code() != wrong.code {
			t.Errorf("%v: %d %s", wrong.more, r.status, r.text)
		}
	}
	email := address()
	b := w.browser()
	r := b.post("/sign-up/email", members{"name": "Ada", "email": email, "password": goodPassword, "age": 36, "born": "1815-12-10T00:00:00Z", "secret": "s", "unknown": 1})
	want := members{"age": 36.0, "plan": "free", "tags": nil, "born": "1815-12-10T00:00:00.000Z"}
	has := func(name string, r reply) {
		t.Helper()
		shown, _ := r.body["user"].(map[string]any)
		for member, value := range want {
			if got, there := shown[member]; !there || got != value {
				t.Errorf("%s: %s is %v, want %v in %s", name, member, got, value, r.text)
			}
		}
		if _, there := shown["secret"]; there || shown["unknown"] != nil {
			t.Errorf("%s shows what is hidden: %s", name, r.text)
		}
	}
	has("sign-up", r)
	has("get-session", b.get("/get-session"))
	has("sign-in", w.browser().post("/sign-in/email", members{"email": email, "password": goodPassword}))

	if r := b.post("/update-user", members{"age": 37}); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.text)
	}
	want["age"] = 37.0
	has("get-session after a change", b.get("/get-session"))
	for _, wrong := range []members{{"plan": "pro"}, {"age": nil}, {"age": "x"}, {"unknown": 1}} {
		if r := b.post("/update-user", wrong); r.status != http.StatusBadRequest {
			t.Errorf("%v: %d %s", wrong, r.status, r.text)
		}
	}

	chief, id := w.browser(), w.id(email)
	chiefs := address()
	chief.post("/sign-up/email", members{"name": "Grace", "email": chiefs, "password": goodPassword, "age": 41})
	w.exec(`UPDATE better_auth.users SET role = 'admin', version = version + 1 WHERE email = $1`, chiefs)
	admin := w.signIn(chiefs, goodPassword)
	if r := admin.post("/admin/update-user", members{"userId": id, "data": members{"plan": 5}}); r.code() != "VALIDATION_ERROR" {
		t.Errorf("%d %s", r.status, r.text)
	}
	if r := admin.post("/admin/update-user", members{"userId": id, "data": members{"plan": "pro", "secret": "t"}}); r.status != http.StatusOK || r.body["plan"] != "pro" || r.body["age"] != 37.0 {
		t.Errorf("%d %s", r.status, r.text)
	}
	want["plan"] = "pro"
	has("get-session after an administrator's change", b.get("/get-session"))
	var stored map[string]any
	if err := w.pool.QueryRow(t.Context(), `SELECT extra FROM better_auth.users WHERE id = $1`, id).Scan(&stored); err != nil || stored["secret"] != "t" {
		t.Errorf("stored %v, %v", stored, err)
	}
	var claims map[string]any
	if err := json.Unmarshal([]byte(mustDecode(t, b.get("/token").str("token"))), &claims); err != nil || claims["plan"] != "pro" || claims["age"] != nil || claims["email"] != nil {
		t.Errorf("claims %v, %v", claims, err)
	}
}

func TestUserFields_comeInForms(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{
		"USER_FIELDS": "plan:string; age:number; fan:boolean; born:date; tags:string[]; marks:number[]; badge:string,input=false", "REQUIRE_EMAIL_VERIFICATION": "false",
	}})
	signUp := func(more string) reply {
		body := url.Values{"name": {"Ada"}, "email": {address()}, "password": {goodPassword}}.Encode()
		return w.browser().send(http.MethodPost, "/sign-up/email", "application/x-www-form-urlencoded", body+"&"+more)
	}
	r := signUp("plan=7&age=36.5&fan=true&born=1815-12-10T00%3A00%3A00Z&tags=a&tags=b&marks=1&rememberMe=false")
	want := `"plan":"7","age":36.5,"fan":true,"born":"1815-12-10T00:00:00.000Z","tags":["a","b"],"marks":[1],"badge":null`
	if r.status != http.StatusOK || !strings.Contains(r.text, want) {
		t.Errorf("%d %s", r.status, r.text)
	}
	for more, message := range map[string]string{
		"age=old": "[body.age] Invalid input: expected number", "age=NaN": "[body.age] Invalid input: expected number", "age=": "[body.age] Invalid input: expected number",
		"fan=yes": "[body.fan] Invalid input: expected boolean", "born=today": "[body.born] Invalid input: expected date",
		"marks=1&marks=x": "[body.marks] Invalid input: expected number[]", "badge=gold": "badge is not allowed to be set",
	} {
		if r := signUp(more); r.status != http.StatusBadRequest || r.message() != message {
			t.Errorf("%s: %d %s", more, r.status, r.text)
		}
	}
	if r := signUp("age=1&age=2"); r.status != http.StatusBadRequest {
		t.Errorf("a number twice: %d %s", r.status, r.text)
	}
}

func TestUserFields_filterAndSortTheList(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{
		"USER_FIELDS": "plan:string,default=free; age:number; fan:boolean; born:date; tags:string[]; marks:number[]; secret:string,returned=false",
	}})
	b, _ := w.administrator()
	w.exec(`UPDATE better_auth.users SET name = 'Chief', extra = '{"age":"no number","fan":"no"}' WHERE role = 'admin'`) // as from before a change of the setting
	for name, body := range map[string]members{
		"A": {"plan": "pro", "age": 9, "fan": true, "born": "1815-12-10T02:00:00+02:00", "tags": []string{"x", "y"}, "marks": []int{1, 2}, "secret": "s"},
		"B": {"age": 10.5, "fan": false, "born": "1906-12-09T00:00:00Z", "tags": []string{"y"}},
		"C": {"plan": "it's", "age": nil},
	} {
		body["name"], body["email"], body["password"] = name, address(), goodPassword
		if r := w.browser().post("/sign-up/email", body); r.status != http.StatusOK {
			t.Fatalf("%d %s", r.status, r.text)
		}
	}
	for query, want := range map[string]string{
		"filterField=plan&filterValue=pro": "A", "filterField=plan&filterValue=free": "B Chief", "filterField=plan&filterOperator=contains&filterValue=%27S": "C",
		"filterField=plan&filterOperator=in&filterValue=pro,free": "A B Chief", "filterField=plan&filterOperator=not_in&filterValue=pro&filterValue=free": "C",
		"filterField=age&filterOperator=lt&filterValue=10": "A", "filterField=age&filterOperator=gte&filterValue=9.0": "A B", "filterField=age&filterValue=1.05e1": "B",
		"filterField=age&filterOperator=in&filterValue=9,1e-999": "A", "filterField=age&filterOperator=ne&filterValue=9": "B C Chief",
		"filterField=fan&filterValue=true": "A", "filterField=fan&filterOperator=ne&filterValue=true": "B C Chief",
		"filterField=born&filterValue=1815-12-10T00:00:00Z": "A", "filterField=born&filterOperator=gt&filterValue=1900-01-01T00:00:00Z": "B",
		"filterField=tags&filterOperator=contains&filterValue=y": "A B", "filterField=tags&filterOperator=contains&filterValue=z": "",
		"filterField=marks&filterOperator=contains&filterValue=2":                                            "A",
		"sortBy=age&sortDirection=asc&filterField=age&filterOperator=gt&filterValue=0":                       "A B",
		"sortBy=age&sortDirection=desc&filterField=fan&filterOperator=in&filterValue=true,false":             "B A",
		"sortBy=plan&sortDirection=desc&searchField=name&searchOperator=starts_with&searchValue=A":           "A",
		"sortBy=born&sortDirection=desc&filterField=born&filterOperator=lt&filterValue=2000-01-01T00:00:00Z": "B A",
		"filterField=plan&filterValue=%27%29+OR+1%3D1+--":                                                    "",
	} {
		if !strings.Contains(query, "sortBy") {
			query += "&sortBy=name&sortDirection=asc"
		}
		r := b.get("/admin/list-users?" + query)
		var got []string
		people, _ := r.body["users"].([]any)
		for _, one := range people {
			person, _ := one.(map[string]any)
			name, _ := person["name"].(string)
			got = append(got, name)
		}
		if r.status != http.StatusOK || strings.Join(got, " ") != want || r.body["total"] != float64(len(got)) {
			t.Errorf("%s: %d %q, want %q: %s", query, r.status, got, want, r.text)
		}
	}
	for query, member := range map[string]string{
		"filterField=secret&filterValue=s": "query.filterField", "sortBy=secret": "query.sortBy", "sortBy=tags": "query.sortBy", "sortBy=extra": "query.sortBy",
		"filterField=tags&filterValue=y": "query.filterOperator", "filterField=age&filterOperator=contains&filterValue=1": "query.filterOperator",
		"filterField=born&filterOperator=starts_with&filterValue=1": "query.filterOperator", "filterField=age&filterValue=old": "query.filterValue",
		"filterField=age&filterValue=NaN": "query.filterValue", "filterField=fan&filterValue=yes": "query.filterValue", "filterField=born&filterValue=1815": "query.filterValue",
		"filterField=marks&filterOperator=contains&filterValue=x": "query.filterValue", "filterField=plan&filterValue=a%00": "query.filterValue",
		"filterField=tags&filterOperator=contains&filterValue=%00": "query.filterValue",
	} {
		if r := b.get("/admin/list-users?" + query); r.status != http.StatusBadRequest || !strings.HasPrefix(r.message(), "["+member+"]") {
			t.Errorf("%s: %d %s", query, r.status, r.text)
		}
	}
}

func TestJWTClaims_whole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"JWT_CLAIMS": "whole", "USER_FIELDS": "bio:string,max=4096; note:string,returned=false"}})
	email := address()
	b := w.signUp(email, goodPassword)
	jwt := b.get("/token").str("token")
	claims, err := w.remote().Verify(t.Context(), jwt)
	if err != nil || claims.Subject != w.id(email) || claims.Role != "user" {
		t.Fatalf("%+v %v", claims, err)
	}
	var all map[string]any
	if err := json.Unmarshal([]byte(mustDecode(t, jwt)), &all); err != nil || all["email"] != email || all["name"] == nil || all["emailVerified"] != true || all["sub"] != claims.Subject {
		t.Errorf("%v %v", all, err)
	}
	if _, there := all["note"]; there {
		t.Error("what is hidden is in the token")
	}

	// A person with much to tell still signs in: the token is small then.
	if r := b.post("/update-user", members{"bio": strings.Repeat("x", 4096)}); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.text)
	}
	jwt = b.get("/token").str("token")
	if _, err := w.remote().Verify(t.Context(), jwt); err != nil || len(jwt) > 3800 || strings.Contains(mustDecode(t, jwt), email) {
		t.Errorf("%d bytes, %v", len(jwt), err)
	}
}

func TestUpdateSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"SESSION_FIELDS": "theme:string,max=10,default=light; site:string,input=false"}})
	b := w.signUp(address(), goodPassword)
	if s := b.get("/get-session"); s.str("session", "theme") != "light" {
		t.Errorf("%s", s.text)
	}
	r := b.post("/update-session", members{"theme": "dark"})
	if r.status != http.StatusOK || r.str("session", "theme") != "dark" || r.cookie(sessionCookie) == "" {
		t.Errorf("%d %s", r.status, r.text)
	}
	if s := b.get("/get-session"); s.str("session", "theme") != "dark" || s.str("session", "userAgent") != "tests" {
		t.Errorf("%s", s.text)
	}
	if r := b.get("/list-sessions"); !strings.Contains(r.text, `"theme":"dark"`) {
		t.Errorf("%s", r.text)
	}
	for _, tc := range []struct {
		body   members
		status int
		code   string
	}{
		{members{}, http.StatusBadRequest, "NO_FIELDS_TO_UPDATE"},
		{members{"userId": "x", "expiresAt": "2099-01-01T00:00:00Z", "token": "x"}, http.StatusBadRequest, "NO_FIELDS_TO_UPDATE"},
		{members{"site": "x"}, http.StatusBadRequest, "FIELD_NOT_ALLOWED"},
		{members{"theme": "far too long a word"}, http.StatusBadRequest, "VALIDATION_ERROR"},
	} {
		if r := b.post("/update-session", tc.body); r.status != tc.status || r.code() != tc.code {
			t.Errorf("%v: %d %s", tc.body, r.status, r.text)
		}
	}
	if r := w.browser().post("/update-session", members{"theme": "dark"}); r.status != http.StatusUnauthorized {
		t.Errorf("nobody: %d %s", r.status, r.text)
	}
}

func TestSession_refreshIsDeferredOrOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{env: map[string]string{"DEFER_SESSION_REFRESH": "true"}})
	b := w.signUp(address(), goodPassword)
	if r := b.get("/get-session"); r.body["needsRefresh"] != nil {
		t.Errorf("at once: %s", r.text)
	}
	w.clock.Advance(25 * time.Hour)
	before := b.get("/get-session")
	again := b.get("/get-session")
	if before.body["needsRefresh"] != true || again.body["needsRefresh"] != true || before.cookie(sessionCookie) != "" ||
		before.str("session", "expiresAt") != again.str("session", "expiresAt") {
		t.Errorf("reading extends: %s, then %s", before.text, again.text)
	}
	if r := b.post("/get-session?disableRefresh=true", members{}); r.body["needsRefresh"] != nil || r.cookie(sessionCookie) != "" {
		t.Errorf("with disableRefresh: %s", r.text)
	}
	after := b.post("/get-session", members{})
	if after.status != http.StatusOK || after.body["needsRefresh"] != nil || after.cookie(sessionCookie) == "" || after.str("session", "expiresAt") <= before.str("session", "expiresAt") {
		t.Errorf("posting does not: %d %s", after.status, after.text)
	}
	if r := b.get("/get-session"); r.body["needsRefresh"] != nil || r.str("session", "expiresAt") != after.str("session", "expiresAt") {
		t.Errorf("afterwards: %s", r.text)
	}

	w = newWorld(t, options{env: map[string]string{"DISABLE_SESSION_REFRESH": "true"}})
	b = w.signUp(address(), goodPassword)
	ends := b.get("/get-session").str("session", "expiresAt")
	w.clock.Advance(3 * 24 * time.Hour)
	if r := b.get("/get-session"); r.str("session", "expiresAt") != ends || r.cookie(sessionCookie) != "" {
		t.Errorf("extended: %s", r.text)
	}
	w.clock.Advance(4 * 24 * time.Hour)
	if b.signedIn() {
		t.Error("the session does not end")
	}
}

func TestImage_isAnAddressOfAPicture(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	b := w.signUp(address(), goodPassword)
	for _, wrong := range []string{"javascript:alert(1)", "data:text/html,x", "//evil.example/a.png"} {
		if r := b.post("/update-user", members{"image": wrong}); r.status != http.StatusBadRequest || r.code() != "VALIDATION_ERROR" {
			t.Errorf("%s: %d %s", wrong, r.status, r.text)
		}
		if r := w.stranger().post("/sign-up/email", members{"name": "Eve", "email": address(), "password": goodPassword, "image": wrong}); r.status != http.StatusBadRequest {
			t.Errorf("%s at sign-up: %d %s", wrong, r.status, r.text)
		}
	}
	if r := b.post("/update-user", members{"image": "https://cdn.example/a.png"}); r.status != http.StatusOK {
		t.Errorf("%d %s", r.status, r.text)
	}
}
