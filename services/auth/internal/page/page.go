// Package page owns the two addresses that stand for the service itself: the one
// that says it is there, and the one that says in words what went wrong with a
// link.
package page

import (
	"bytes"
	"context"
	"html/template"
	"regexp"

	"github.com/codex-platform/codex/services/auth/internal/wire"
)

// Handler serves them.
type Handler struct {
	// Home is where people go on from the error page.
	Home string
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

// words say what a code means and what to do; the last resort is "".
var words = map[string]string{
	"INVALID_TOKEN":  "This link does not work. It may have been used already, or a newer one was sent after it.",
	"TOKEN_EXPIRED":  "This link is too old. Ask for a new one and open it soon.",
	"USER_NOT_FOUND": "The account that this link was made for does not exist any more.",
	"":               "Something did not work as it should. Please try again.",
}

// The page has no style and no script: it must be readable under the strictest
// policy, and the browser's own style is.
var errorPage = template.Must(template.New("error").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>That did not work</title>
</head>
<body>
<main>
<h1>That did not work</h1>
<p>{{.Words}}</p>
{{with .Description}}<p>{{.}}</p>
{{end}}<p>Code: <code>{{.Code}}</code></p>
<p><a href="{{.Home}}">Back to the start</a></p>
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
		description = description[:maxDescription]
	}
	said, known := words[code]
	if !known {
		said = words[""]
	}
	var b bytes.Buffer
	err := errorPage.Execute(&b, map[string]string{"Words": said, "Description": description, "Code": code, "Home": h.Home})
	if err != nil {
		return nil, err
	}
	page := wire.HTML(b.Bytes())
	page.CacheControl = "no-store"
	return page, nil
}
