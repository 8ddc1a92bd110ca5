package httpapi

import (
	"bytes"
	"maps"
	"net/http"
	"os"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"github.com/codex-platform/codex/pkg/problem"
)

// documentErrors replaces huma's error model in the OpenAPI document with what
// this service's renderer writes.
func (a *API) documentErrors(doc *huma.OpenAPI, op *huma.Operation) {
	body := reflect.TypeOf(a.config.ErrorBody)
	if body == nil {
		return
	}
	kind := a.config.ErrorType
	if kind == "" {
		kind = mediaJSON
	}
	schema := doc.Components.Schemas.Schema(body, true, "Error")
	for status, response := range op.Responses {
		if status == "default" || status >= "4" {
			response.Content = map[string]*huma.MediaType{kind: {Schema: schema}}
		}
	}
}

// dropErrorModel takes huma's error model, which no answer has, out of the
// document; huma puts it back with each operation.
func (a *API) dropErrorModel() {
	maps.DeleteFunc(a.huma.OpenAPI().Components.Schemas.Map(), func(name string, _ *huma.Schema) bool {
		return name == "ErrorModel" || name == "ErrorDetail"
	})
}

// refusal is a declared refusal in the description that a running service serves.
type refusal struct {
	Code    string `json:"code"`
	Status  int    `json:"status"`
	Message string `json:"message"`
}

// serveOpenAPI adds under x-problems what the process can refuse with: the page of
// error codes is made of that.
func (a *API) serveOpenAPI(c echo.Context) error {
	doc := *a.huma.OpenAPI()
	doc.Extensions = maps.Clone(doc.Extensions)
	if doc.Extensions == nil {
		doc.Extensions = map[string]any{}
	}
	var refusals []refusal
	for _, p := range problem.Declared() {
		refusals = append(refusals, refusal{p.Code, p.Status, p.Message})
	}
	doc.Extensions["x-problems"] = refusals
	text, err := doc.MarshalJSON()
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, "application/openapi+json", text)
}

// OpenAPI gives the document of all operations that are not hidden, as YAML.
func (a *API) OpenAPI() ([]byte, error) { return a.huma.OpenAPI().YAML() }

// T is the part of *testing.T that CheckOpenAPI uses.
type T interface {
	Helper()
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
}

// CheckOpenAPI compares the file with what the code says, and with UPDATE=1 in
// the environment rewrites it. Each service has one test that calls it.
func CheckOpenAPI(t T, api *API, path string) {
	t.Helper()
	want, err := api.OpenAPI()
	if err != nil {
		t.Fatalf("write the OpenAPI document: %v", err)
	}
	have, err := os.ReadFile(path)
	switch {
	case err == nil && bytes.Equal(have, want):
		return
	case err != nil && !os.IsNotExist(err):
		t.Fatalf("read %s: %v", path, err)
	case os.Getenv("UPDATE") != "1":
		t.Fatalf("%s is not what the code says: run `UPDATE=1 go test` in its folder and look at the difference", path)
	}
	if err := os.WriteFile(path, want, 0o644); err != nil { //nolint:gosec // a file of the repository, for everybody to read
		t.Fatalf("write %s: %v", path, err)
	}
	t.Logf("%s rewritten", path)
}
