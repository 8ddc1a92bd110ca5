package inbox

import (
	"embed"
	"html/template"
	"io"
	"net"
	"net/http"
	"strings"
)

//go:embed list.html message.html style.css
var files embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{"linked": linked}).ParseFS(files, "*.html"))

const (
	// pagePolicy: the pages need no script at all.
	pagePolicy = "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	// mailPolicy shuts a mail in: no script, no request anywhere, an origin of its own; only its links work, in a new tab.
	mailPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; frame-ancestors 'self'; " +
		"sandbox allow-popups allow-popups-to-escape-sandbox"
)

// Handler serves the page and the API; it answers on loopback names only, so that no web page can read mails by
// pointing a name of its own at this machine.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.listPage)
	mux.HandleFunc("GET /view/{id}", s.messagePage)
	mux.HandleFunc("GET /view/{id}/html", s.messageHTML)
	mux.HandleFunc("GET /style.css", style)
	mux.HandleFunc("GET /api/v1/messages", s.apiList)
	mux.HandleFunc("DELETE /api/v1/messages", s.apiDelete)
	mux.HandleFunc("GET /api/v1/search", s.apiSearch)
	mux.HandleFunc("GET /api/v1/message/{id}", s.apiMessage)
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") })
	return local(mux)
}

func local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if ip := net.ParseIP(strings.Trim(host, "[]")); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "open the inbox as localhost", http.StatusMisdirectedRequest)
			return
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("Content-Security-Policy", pagePolicy)
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

func (s *Server) listPage(w http.ResponseWriter, r *http.Request) {
	query := strings.TrimSpace(r.URL.Query().Get("query"))
	found := s.store.search(query)
	render(w, "list.html", map[string]any{
		"Query": query, "Found": len(found), "Total": len(s.store.list()), "Mails": found[:min(len(found), 200)],
	})
}

func (s *Server) messagePage(w http.ResponseWriter, r *http.Request) {
	m, ok := s.store.get(r.PathValue("id"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	render(w, "message.html", m)
}

func (s *Server) messageHTML(w http.ResponseWriter, r *http.Request) {
	m, ok := s.store.get(r.PathValue("id"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", mailPolicy)
	io.WriteString(w, `<!doctype html><base target="_blank">`+m.HTML)
}

func style(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, files, "style.css") }

func render(w http.ResponseWriter, name string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = pages.ExecuteTemplate(w, name, data) // the only fault is a reader who went away
}

// piece is a stretch of text, with an address when it is a link.
type piece struct{ Text, URL string }

// linked cuts text where links begin and end, so that the template can escape each stretch by itself.
func linked(text string) []piece {
	var out []piece
	at := 0
	for _, span := range link.FindAllStringIndex(text, -1) {
		out = append(out, piece{Text: text[at:span[0]]}, piece{Text: text[span[0]:span[1]], URL: text[span[0]:span[1]]})
		at = span[1]
	}
	return append(out, piece{Text: text[at:]})
}
