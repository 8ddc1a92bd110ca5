package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"github.com/codex-platform/codex/pkg/httpapi"
)

// sink is a T that remembers its failure.
type sink struct{ failed string }

func (*sink) Helper()                        {}
func (*sink) Logf(string, ...any)            {}
func (s *sink) Fatalf(f string, args ...any) { s.failed = fmt.Sprintf(f, args...) }

func TestCheckOpenAPI_findsAStaleFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "openapi.yaml")
	api, _ := newAPI(nil)
	httpapi.Register(api.Huma(), huma.Operation{OperationID: "hidden", Method: http.MethodGet, Path: "/hidden", Hidden: true},
		func(context.Context, *struct{}) (*struct{}, error) { return nil, nil })
	t.Setenv("UPDATE", "1")
	httpapi.CheckOpenAPI(t, api, path)
	t.Setenv("UPDATE", "")
	httpapi.CheckOpenAPI(t, api, path)

	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"openapi: 3.1.0", "/notes/{id}:", "application/problem+json", "application/x-www-form-urlencoded", "application/octet-stream", "request_id"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in the document", want)
		}
	}
	for _, not := range []string{"ErrorModel", "ErrorDetail", "$schema", "/hidden"} {
		if strings.Contains(string(text), not) {
			t.Errorf("%s in the document", not)
		}
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &sink{}
	httpapi.CheckOpenAPI(s, api, path)
	if !strings.Contains(s.failed, "UPDATE=1") {
		t.Errorf("failure = %q", s.failed)
	}
}

func TestOpenAPI_isServed(t *testing.T) {
	t.Parallel()
	api, _ := newAPI(nil)
	got := send(api, "GET", "/openapi.json", "", "")
	if got.status != 200 || got.header.Get("Content-Type") != "application/openapi+json" || !strings.Contains(got.body, `"/notes/{id}"`) {
		t.Errorf("got %d %v %.200s", got.status, got.header, got.body)
	}
}
