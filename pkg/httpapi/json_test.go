package httpapi_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"context"

	"github.com/codex-platform/codex/pkg/httpapi"
)

type anyInput struct {
	Body any
}

// Whatever is let through is one JSON value by the standard library's own rules,
// and no body whatsoever is our fault.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{`{}`, `[1,]`, `{"a":1,}`, `{"a":{"b":[1,2,{"c":null}]}}`, "\xef\xbb\xbf{}", `"\ud800"`, `1e999`, `{"a":1}{}`, `[}`, `{"a" 1}`} {
		f.Add(seed)
	}
	api, _ := newAPI(nil)
	httpapi.Register(api.Huma(), huma.Operation{OperationID: "any", Method: http.MethodPost, Path: "/any"},
		func(context.Context, *anyInput) (*struct{}, error) { return nil, nil })
	f.Fuzz(func(t *testing.T, body string) {
		got := send(api, http.MethodPost, "/any", "application/json", body)
		switch {
		case got.status >= 500:
			t.Fatalf("%q: got %d %s", body, got.status, got.body)
		case got.status < 300 && body != "" && !json.Valid([]byte(body)):
			t.Fatalf("%q is no JSON and was accepted", body)
		}
		got = send(api, http.MethodPost, "/notes", "application/json", body)
		if got.status >= 500 {
			t.Fatalf("%q: got %d %s", body, got.status, got.body)
		}
	})
}
