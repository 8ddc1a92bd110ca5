package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/observability"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/validation"
)

// The API under test: notes with an owner.

type note struct {
	Title string              `json:"title" minLength:"1" maxLength:"20"`
	Email validation.Email    `json:"email,omitempty"`
	Tags  []validation.UserID `json:"tags,omitempty"`
	Size  int                 `json:"size,omitempty" minimum:"0"`
	Pin   bool                `json:"pin,omitempty"`
}

type noteInput struct {
	Body note
}

type noteOutput struct {
	Body note
}

type listInput struct {
	Limit  int               `query:"limit" minimum:"1" maximum:"100" default:"50"`
	Cursor validation.Cursor `query:"cursor"`
}

type countOutput struct {
	Body struct {
		Bytes int64  `json:"bytes"`
		Type  string `json:"type"`
	}
}

type uploadInput struct {
	Content httpapi.Body
}

var (
	errTaken       = problem.New(http.StatusConflict, "NOTE_TAKEN", "There is a note with this title")
	errSecretFault = errors.New("pool of db.internal: password is hunter2")
)

func routes(api huma.API) {
	httpapi.Register(api, huma.Operation{OperationID: "createNote", Method: http.MethodPost, Path: "/notes"},
		func(_ context.Context, in *noteInput) (*noteOutput, error) { return &noteOutput{Body: in.Body}, nil })
	httpapi.Register(api, httpapi.AcceptForm(huma.Operation{OperationID: "formNote", Method: http.MethodPost, Path: "/form"}),
		func(_ context.Context, in *noteInput) (*noteOutput, error) { return &noteOutput{Body: in.Body}, nil })
	httpapi.Register(api, huma.Operation{OperationID: "listNotes", Method: http.MethodGet, Path: "/notes"},
		func(_ context.Context, in *listInput) (*noteOutput, error) {
			return &noteOutput{Body: note{Title: string(in.Cursor), Size: in.Limit}}, nil
		})
	httpapi.Register(api, huma.Operation{OperationID: "getNote", Method: http.MethodGet, Path: "/notes/{id}"},
		func(context.Context, *struct {
			ID validation.UserID `path:"id"`
		}) (*noteOutput, error) {
			return nil, fmt.Errorf("get: %w", errTaken)
		})
	httpapi.Register(api, huma.Operation{OperationID: "fail", Method: http.MethodPost, Path: "/fail/{how}"}, fail)
	httpapi.Register(api, httpapi.Streams(huma.Operation{OperationID: "upload", Method: http.MethodPut, Path: "/upload"}),
		func(_ context.Context, in *uploadInput) (*countOutput, error) {
			n, err := io.Copy(io.Discard, in.Content.Reader)
			out := &countOutput{}
			out.Body.Bytes, out.Body.Type = n, in.Content.ContentType
			return out, err
		})
}

func fail(_ context.Context, in *struct {
	How string `path:"how"`
}) (*huma.StreamResponse, error) {
	switch in.How {
	case "fault":
		return nil, errSecretFault
	case "panic":
		panic("the secret is hunter2")
	case "away":
		return nil, fmt.Errorf("ask: %w", io.ErrUnexpectedEOF)
	case "part":
		return nil, partAway{}
	case "late":
		return httpapi.Respond(func(http.ResponseWriter, *http.Request) error { return errTaken }), nil
	}
	return httpapi.Respond(func(w http.ResponseWriter, _ *http.Request) error {
		_, err := io.WriteString(w, "fine")
		return err
	}), nil
}

type partAway struct{}

func (partAway) Error() string     { return "the store is away" }
func (partAway) Unavailable() bool { return true }

// logs collects log lines.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logs) logger() *slog.Logger {
	return observability.NewLogger("test", l, observability.Settings{LogFormat: observability.FormatJSON})
}

func newAPI(change func(*httpapi.Config)) (*httpapi.API, *logs) {
	l := &logs{}
	c := httpapi.Config{Service: "notes", Log: l.logger(), Edge: httpapi.EdgeGateway, MaxBody: 4096}
	if change != nil {
		change(&c)
	}
	api := httpapi.New(c)
	routes(api.Huma())
	return api, l
}

type answer struct {
	status int
	header http.Header
	body   string
}

func send(api http.Handler, method, path, contentType, body string) answer {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return do(api, r)
}

func do(api http.Handler, r *http.Request) answer {
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.String()}
}

func (a answer) document(t *testing.T) problem.Document {
	t.Helper()
	var d problem.Document
	if err := json.Unmarshal([]byte(a.body), &d); err != nil {
		t.Fatalf("not a problem: %v: %s", err, a.body)
	}
	return d
}
