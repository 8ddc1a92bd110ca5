// Package page owns the two addresses that stand for the service itself: the one
// that says it is there, and the one that says in words what went wrong with a
// link.
package page

import (
	"bytes"
	"context"
	"html/template"
	"regexp"
	"strings"

	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// Handler serves them.
type Handler struct {
	// Home and SignIn are where people go on from the error page.
	Home, SignIn string
	// Own is the app's page that says what went wrong, in the place of ours; "": ours.
	Own string
}

// Routes names every operation of this feature.
func (h *Handler) Routes(r *wire.Router) {
	wire.Get(r, wire.Op{ID: "ok", Path: "/ok", Summary: "Whether the service answers"}, h.ok)
	wire.GetPage(r, wire.Op{ID: "errorPage", Path: "/error", Query: []string{"error", "error_description"}, Summary: "What went wrong, in words"}, h.failed)
}

// OK is the body {"ok":true}.
type OK struct {
	OK bool `json:"ok"`
}

func (h *Handler) ok(context.Context, *wire.Call) (*wire.Answer[OK], error) {
	return wire.OK(OK{true}), nil
}

// codeForm is what may be shown of a code from the address.
var codeForm = regexp.MustCompile(`^['A-Za-z0-9_-]{1,100}$`)

// maxDescription bounds what is shown of a description, in bytes.
const maxDescription = 500

// The page has no style and no script: it must be readable under the strictest
// policy, and the browser's own style is.
var errorPage = template.Must(template.New("error").Parse(`<!doctype html>
<html lang="{{.Lang}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{.Title}}</title>
</head>
<body>
<main>
<h1>{{.Title}}</h1>
<p>{{.Words}}</p>
{{with .Description}}<p>{{.}}</p>
{{end}}<p><a href="{{.SignInPage}}">{{.SignIn}}</a></p>
<p><a href="{{.HomePage}}">{{.Home}}</a></p>
<p><small>{{$.Code}}: <code>{{.Known}}</code></small></p>
</main>
</body>
</html>
`))

func (h *Handler) failed(_ context.Context, c *wire.Call) (*wire.Page, error) {
	code, description := c.Query("error"), c.Query("error_description")
	if !codeForm.MatchString(code) {
		code = "UNKNOWN"
	}
	if len(description) > maxDescription {
		description = strings.ToValidUTF8(description[:maxDescription], "")
	}
	if h.Own != "" {
		to := wire.AddQuery(h.Own, "error", code)
		if description != "" {
			to = wire.AddQuery(to, "error_description", description)
		}
		return wire.Redirect(to), nil
	}
	t := speak(c.Header("Accept-Language"))
	var b bytes.Buffer
	err := errorPage.Execute(&b, struct {
		tongue
		Words, Description, Known, SignInPage, HomePage string
	}{t, t.about(code), description, code, h.SignIn, h.Home})
	if err != nil {
		return nil, err
	}
	page := wire.HTML(b.Bytes())
	return page, nil
}
