package main

import (
	"bytes"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/services/gateway/internal/openapi"
)

const descriptionType = "application/openapi+json"

// nothing answers where there is nothing.
func (g *gate) nothing(*call) error { return problem.NotFound }

// joined serves the description of all services.
func (g *gate) joined(k *call) error {
	text, err := g.library.Joined(k.Request().Context())
	if err != nil {
		return err
	}
	return g.send(k, descriptionType, text)
}

// described serves one service's: /openapi/auth.json.
func (g *gate) described(k *call) error {
	name, ok := strings.CutSuffix(k.Param("file"), ".json")
	if !ok {
		return openapi.ErrUnknown
	}
	text, err := g.library.Service(k.Request().Context(), name)
	if err != nil {
		return err
	}
	return g.send(k, descriptionType, text)
}

var docsPage = template.Must(template.New("docs").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Codex API</title>
<h1>Codex API</h1>
<p>Machine-readable descriptions (OpenAPI 3.1), as the running services give them:</p>
<ul>
<li><a href="/openapi.json">everything, joined</a></li>
{{range .}}<li><a href="/openapi/{{.}}.json">{{.}}</a></li>
{{end}}</ul>
<h2>Errors</h2>
<p>Answers with an error are RFC 9457 documents whose <code>code</code> names the case; the description of each
operation lists its own. Under /api/auth they have the form <code>{"code", "message"}</code>.
Quote the <code>request_id</code> when you ask for help.</p>
</html>
`))

// docs lists the descriptions for people.
func (g *gate) docs(k *call) error {
	var page bytes.Buffer
	if err := docsPage.Execute(&page, g.library.Names()); err != nil {
		return err
	}
	return g.send(k, "text/html; charset=utf-8", page.Bytes())
}

func (g *gate) send(k *call, kind string, text []byte) error {
	h := k.Response().Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(text)))
	h.Set("Cache-Control", "public, max-age=30")
	k.Response().WriteHeader(http.StatusOK)
	if k.Request().Method != http.MethodHead {
		_, _ = k.Response().Write(text) // a client that left gets nothing more
	}
	return nil
}
