package oidc

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"html/template"
	"net/http"
	"net/url"
	"strings"
)

// page asks who signs in. What the client sent goes along in the form's address.
var page = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in · demo provider</title>
<style>
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 24rem; margin: 10vh auto; padding: 0 1rem; color: #1c1c1c; background: #fafafa }
  label { display: block; margin: 1rem 0 }
  input:not([type=checkbox]) { display: block; width: 100%; box-sizing: border-box; font: inherit; padding: .5rem; border: 1px solid #767676; border-radius: .25rem }
  button { font: inherit; padding: .5rem 1rem; margin-right: .5rem }
</style>
<h1>Who signs in?</h1>
<p>This provider stands in for Google, GitHub and the like. It believes what you write and asks for no password.</p>
<form method="post" action="/authorize?{{.Query}}">
  <label>E-mail <input name="email" type="email" value="{{.Email}}" autocomplete="off" required></label>
  <label>Name <input name="name" value="Ada Lovelace" autocomplete="off"></label>
  <label><input name="verified" type="checkbox" checked> the provider says that the address is proven</label>
  <button>Sign in</button>
  <button name="refuse" value="yes" formnovalidate>Refuse</button>
</form>
</html>
`))

// choose answers the page: the person written there signs in, or refuses to. An
// address is always the same subject.
func (s *Server) choose(w http.ResponseWriter, r *http.Request) (Person, bool) {
	if r.Method != http.MethodPost {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = page.Execute(w, map[string]any{
			"Query": template.URL(r.URL.RawQuery), //nolint:gosec // an address that html/template escapes for its attribute all the same
			"Email": cmp.Or(r.URL.Query().Get("login_hint"), "ada@example.test"),
		})
		return Person{}, false
	}
	q := r.URL.Query()
	if r.PostFormValue("refuse") != "" {
		refused := url.Values{"error": {"access_denied"}, "error_description": {"The person refused."}, "state": {q.Get("state")}, "iss": {s.URL}}
		http.Redirect(w, r, q.Get("redirect_uri")+"?"+refused.Encode(), http.StatusFound)
		return Person{}, false
	}
	email := strings.ToLower(strings.TrimSpace(r.PostFormValue("email")))
	subject := sha256.Sum256([]byte(email))
	return Person{
		Subject: hex.EncodeToString(subject[:8]), Email: email, Verified: r.PostFormValue("verified") != "",
		Name: cmp.Or(strings.TrimSpace(r.PostFormValue("name")), email),
	}, true
}
