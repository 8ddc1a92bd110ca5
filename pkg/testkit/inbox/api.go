package inbox

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"
)

// The JSON of Mailpit's API, as far as tools for tests use it.
type (
	listBody struct {
		Total         int           `json:"total"`
		Unread        int           `json:"unread"`
		Count         int           `json:"count"`
		MessagesCount int           `json:"messages_count"`
		Start         int           `json:"start"`
		Tags          []string      `json:"tags"`
		Messages      []summaryBody `json:"messages"`
	}
	summaryBody struct {
		ID, MessageID string
		Read          bool
		From          Address
		To, Cc, Bcc   []Address
		ReplyTo       []Address
		Subject       string
		Created       time.Time
		Tags          []string
		Size          int
		Attachments   int
		Snippet       string
	}
	messageBody struct {
		ID, MessageID       string
		From                Address
		To, Cc, Bcc         []Address
		ReplyTo             []Address
		ReturnPath, Subject string
		Date                time.Time
		Tags                []string
		Text, HTML          string
		Size                int
		Inline, Attachments []Attachment
	}
)

const defaultPage = 50

func (s *Server) apiList(w http.ResponseWriter, r *http.Request) {
	s.writeList(w, r, s.store.list())
}

func (s *Server) apiSearch(w http.ResponseWriter, r *http.Request) {
	s.writeList(w, r, s.store.search(r.URL.Query().Get("query")))
}

func (s *Server) writeList(w http.ResponseWriter, r *http.Request, found []Message) {
	start, limit := number(r, "start", 0), number(r, "limit", defaultPage)
	total := len(s.store.list())
	body := listBody{Total: total, Unread: total, MessagesCount: len(found), Start: start, Tags: []string{}, Messages: []summaryBody{}}
	for _, m := range found[min(start, len(found)):min(start+limit, len(found))] {
		body.Messages = append(body.Messages, summary(m))
	}
	body.Count = len(body.Messages)
	writeJSON(w, body)
}

func number(r *http.Request, name string, otherwise int) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil || n < 0 || n > mostMails {
		return otherwise
	}
	return n
}

func summary(m Message) summaryBody {
	return summaryBody{
		ID: m.ID, MessageID: m.MessageID, From: m.From, To: list(m.To), Cc: list(m.Cc), Bcc: list(m.Bcc), ReplyTo: []Address{},
		Subject: m.Subject, Created: m.Created, Tags: []string{}, Size: m.Size, Attachments: len(m.Attachments), Snippet: m.snippet(),
	}
}

func (s *Server) apiMessage(w http.ResponseWriter, r *http.Request) {
	m, ok := s.store.get(r.PathValue("id"))
	if !ok {
		http.Error(w, "Message not found", http.StatusNotFound)
		return
	}
	writeJSON(w, messageBody{
		ID: m.ID, MessageID: m.MessageID, From: m.From, To: list(m.To), Cc: list(m.Cc), Bcc: list(m.Bcc), ReplyTo: []Address{},
		ReturnPath: m.ReturnPath, Subject: m.Subject, Date: m.Created, Tags: []string{}, Text: m.Text, HTML: m.HTML, Size: m.Size,
		Inline: []Attachment{}, Attachments: append([]Attachment{}, m.Attachments...),
	})
}

// list makes the JSON of no addresses [] instead of null.
func list(a []Address) []Address { return append([]Address{}, a...) }

// apiDelete removes the mails that the body names in IDs, or all without a body.
func (s *Server) apiDelete(w http.ResponseWriter, r *http.Request) {
	var body struct{ IDs []string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&body); err != nil && err != io.EOF {
		http.Error(w, "the body is not JSON", http.StatusBadRequest)
		return
	}
	if err := s.store.remove(body.IDs); err != nil {
		http.Error(w, "some files could not be removed", http.StatusInternalServerError)
		return
	}
	io.WriteString(w, "ok")
}

func writeJSON(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // the only fault is a reader who went away
}
