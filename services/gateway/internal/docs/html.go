package docs

import (
	"bytes"
	"cmp"
	"html/template"
	"net/http"
	"slices"
	"strings"
)

// ContentSecurityPolicy is that of the pages: everything from here, nothing inline.
// swagger-ui shows its icons as data: images, and builds its markup with strings, so
// that it cannot run under require-trusted-types-for.
const ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const htmlType = "text/html; charset=utf-8"

// Code is one error code as one service answers it.
type Code struct {
	Code     string   `json:"code"`
	Status   int      `json:"status"`
	Message  string   `json:"message"`
	Services []string `json:"services,omitempty"` // who answers it
}

var pages = template.Must(template.New("head").Funcs(template.FuncMap{
	"asset": func(name string) string { return "/docs/assets/" + assets().names[name] },
	"join":  strings.Join, "title": http.StatusText, "advice": advice,
}).Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{block "title" .}}Codex API{{end}}</title>
{{block "links" .}}{{end}}<link rel="stylesheet" href="{{asset "style.css"}}">
</head>
<body>
<header>
<h1>{{template "title" .}}</h1>
<nav><a href="/docs">operations</a><a href="/docs/problems">error codes</a><a href="/openapi.json">openapi.json</a>
{{- range .Names}}<a href="/openapi/{{.}}.json">{{.}}</a>{{end}}</nav>
{{with .Missing}}<p class="note">Away at the moment, and not shown: {{join . ", "}}.</p>
{{end}}</header>
{{block "main" .}}{{end}}</body>
</html>
`))

func derive(text string) *template.Template {
	return template.Must(template.Must(pages.Clone()).Parse(text))
}

var operationsPage = derive(`
{{define "links"}}<link rel="stylesheet" href="{{asset "swagger-ui.css"}}">
<script src="{{asset "swagger-ui-bundle.js"}}" defer></script>
<script src="{{asset "init.js"}}" defer></script>
{{end}}{{define "main"}}<main id="swagger-ui"></main>
<noscript><main class="text"><p>The list of operations needs scripts; the descriptions above do not.</p></main></noscript>
{{end}}`)

var problemsPage = derive(`
{{define "title"}}Codex API: error codes{{end}}{{define "main"}}<main class="text">
<p>An answer with an error is an RFC 9457 document; its <code>code</code> names the case and its <code>type</code> leads here.
Below the auth service's path (<code>/api/auth</code> by default) it has the form <code>{"code", "message"}</code>. Quote the <code>request_id</code> when you ask for help.</p>
<table>
<thead><tr><th>Code</th><th>Status</th><th>What happened</th><th>What to do</th><th>From</th></tr></thead>
<tbody>
{{$last := ""}}{{range .Codes}}<tr{{if ne .Code $last}} id="{{.Code}}"{{end}}><td><code>{{.Code}}</code></td><td>{{.Status}} {{title .Status}}</td><td>{{.Message}}</td><td>{{advice .Status}}</td><td>{{join .Services ", "}}</td></tr>
{{$last = .Code}}{{end}}</tbody>
</table>
</main>
{{end}}`)

type view struct {
	Names, Missing []string
	Codes          []Code
}

// Operations is the page of all operations. names are the services that are
// described, missing those among them that have not been reached yet.
func Operations(names, missing []string) (*Page, error) {
	return render(operationsPage, view{Names: names, Missing: missing})
}

// Problems is the page of all error codes; the type of a problem document leads
// to the line of its code.
func Problems(names, missing []string, codes []Code) (*Page, error) {
	return render(problemsPage, view{names, missing, Merge(codes)})
}

func render(t *template.Template, v view) (*Page, error) {
	var text bytes.Buffer
	if err := t.Execute(&text, v); err != nil {
		return nil, err
	}
	return NewPage(htmlType, text.Bytes()), nil
}

// Merge sorts codes, and puts equal ones of several services into one.
func Merge(codes []Code) []Code {
	codes = slices.Clone(codes)
	slices.SortStableFunc(codes, compare)
	out := codes[:0]
	for _, c := range codes {
		if n := len(out); n > 0 && compare(out[n-1], c) == 0 {
			c.Services = slices.Concat(out[n-1].Services, c.Services)
			out = out[:n-1]
		}
		slices.Sort(c.Services)
		c.Services = slices.Compact(c.Services)
		out = append(out, c)
	}
	return out
}

func compare(a, b Code) int {
	return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Status, b.Status), cmp.Compare(a.Message, b.Message))
}

// advice says what to do about a status; the message says what is special.
func advice(status int) string {
	if text, ok := advices[status]; ok {
		return text
	}
	if status >= http.StatusInternalServerError {
		return "Try again later, with growing pauses; if it stays, report the request_id."
	}
	return "Change the request; the same one will be refused again."
}

var advices = map[int]string{
	http.StatusUnauthorized:          "Sign in again or get a new token, then repeat the request.",
	http.StatusForbidden:             "Ask as somebody who may do it, or from a page that is trusted; repeating does not help.",
	http.StatusNotFound:              "Look at the address and the id.",
	http.StatusMethodNotAllowed:      "Use a method that the Allow header names.",
	http.StatusRequestTimeout:        "Send the request again, and all of it at once.",
	http.StatusConflict:              "Read the present state, decide again, and repeat.",
	http.StatusPreconditionFailed:    "Read the present state with its ETag, decide again, and repeat.",
	http.StatusRequestEntityTooLarge: "Send less; x-max-body-bytes of the operation is the most.",
	http.StatusUnprocessableEntity:   "Correct the members that errors names.",
	http.StatusTooManyRequests:       "Wait as many seconds as Retry-After says, then go slower.",
	499:                              "Nobody sees this: the client was gone.",
	http.StatusBadGateway:            "Repeat a read after Retry-After; look at the state before you repeat a change.",
	http.StatusServiceUnavailable:    "Wait as many seconds as Retry-After says, then repeat.",
	http.StatusGatewayTimeout:        "Repeat a read after Retry-After; look at the state before you repeat a change.",
}
