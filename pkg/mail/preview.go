package mail

import (
	"html/template"
	"net/http"
	"strings"
	"time"
)

// Sample gives data for a letter of a kind, as it could be.
func Sample(kind Template) Data {
	d := Data{Name: "Ada Lovelace", Link: "https://app.example.com/link?token=sample", Valid: time.Hour}
	switch kind {
	case SignInCode, VerifyCode, ResetCode, TwoFactorCode:
		d.Link, d.Code, d.Valid = "", "123456", 5*time.Minute
		if kind == TwoFactorCode {
			d.Valid = 3 * time.Minute
		}
	case MagicLink:
		d.Valid = 5 * time.Minute
	case WayAdded, WayRemoved:
		d.What = "Google"
	case DeleteAccount, AccountMade:
		d.Valid = 24 * time.Hour
	case ChangeEmailConfirm:
		d.Address = "ada@new.example.com"
	case EmailChanged:
		d.Link, d.Address = "", "ada@new.example.com"
	case NewDevice:
		d.What, d.At = "Firefox on Linux", time.Date(2030, 1, 2, 15, 4, 0, 0, time.UTC)
	case SecondFactorChanged, PasskeyChanged:
		d.What = WhatAdded
	case AccountDeleted:
		d.Link = ""
	}
	return d
}

// variants are what letters of a kind tell, in Data.What, where it is not one thing.
var variants = map[Template][]string{
	SecondFactorChanged: {WhatAdded, WhatRemoved, WhatBackupCodes}, PasskeyChanged: {WhatAdded, WhatRemoved}, WayRemoved: {"Google", WhatPassword},
}

// shown is one row of the preview.
type shown struct {
	Kind Template
	What string
}

func allShown() (rows []shown) {
	for _, kind := range Kinds {
		whats := variants[kind]
		if whats == nil {
			whats = []string{""}
		}
		for _, what := range whats {
			rows = append(rows, shown{kind, what})
		}
	}
	return rows
}

var previewPage = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Letters</title>
<style>body{font-family:system-ui,sans-serif;margin:24px;max-width:60rem}td{padding:2px 16px 2px 0}</style></head><body>
<h1>Letters</h1>
<p>Every kind of letter with made-up data, as it would be sent with the templates and the brand of this process.</p>
<table>{{range .Rows}}<tr><td>{{.Kind}}{{with .What}}: {{.}}{{end}}</td>{{$row := .}}{{range $.Languages}}<td><a href="?kind={{$row.Kind}}&amp;language={{.}}&amp;what={{$row.What}}">{{.}}</a> <a href="?kind={{$row.Kind}}&amp;language={{.}}&amp;what={{$row.What}}&amp;form=text">text</a></td>{{end}}</tr>
{{end}}</table></body></html>
`))

// Preview shows letters of every kind to those who write them. It is for
// development: it sends nothing and reads nobody's data.
func (l *Letters) Preview() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; base-uri 'none'; frame-ancestors 'none'")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		query := r.URL.Query()
		kind := Template(query.Get("kind"))
		if kind == "" {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_ = previewPage.Execute(w, map[string]any{"Rows": allShown(), "Languages": l.folders}) // the reader may have gone
			return
		}
		data := Sample(kind)
		if what := query.Get("what"); what != "" {
			data.What = what
		}
		m, err := l.Compose(kind, "preview", "reader@example.com", query.Get("language"), data)
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		if query.Get("form") == "text" {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = strings.NewReader("Subject: " + m.Subject + "\n\n" + m.Text).WriteTo(w)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = strings.NewReader(m.HTML).WriteTo(w)
	})
}
