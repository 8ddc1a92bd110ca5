package wire

import (
	"context"
	"maps"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/codex-platform/codex/pkg/httpapi"
)

// Router adds the operations of a feature below the contract's base path.
type Router struct {
	API  huma.API
	Base string // "/api/auth"
	// Before sees every call first and may refuse it: origins, then limits.
	Before func(ctx context.Context, c *Call) error
}

// Op describes an operation for the OpenAPI document.
type Op struct {
	ID      string
	Path    string // below the base
	Summary string
	// Form says that application/x-www-form-urlencoded is taken too.
	Form bool
	// Members are those of the body that T does not have: additional fields, which
	// the handler reads from the call. A form's are given the types of these.
	Members map[string]*huma.Schema
	// Session says that the caller must be signed in.
	Session bool
	// OnBehalf says that whoever acts for a person may do it too: an administrator
	// who impersonates, an API key. Everything else is for the person alone; see
	// session.Registry.
	OnBehalf bool
	// Query names the parameters that are read from the address.
	Query []string
	// Errors are the statuses that the operation refuses with.
	Errors []int
}

// None is the input of operations without members.
type None struct{}

type input struct {
	Call
}

// Post adds an operation that takes a body of type T; see form.go for its fields.
func Post[T, B any](r *Router, op Op, handle func(ctx context.Context, c *Call, in T) (*Answer[B], error)) {
	shape := formOf(reflect.TypeFor[T]())
	described := op.describe(r, http.MethodPost)
	described.RequestBody = &huma.RequestBody{Content: contentOf[T](op)}
	described.SkipValidateBody = true // shape.fill does it, in the contract's words
	if op.Form {
		described = httpapi.AcceptForm(described)
	}
	httpapi.Register(r.API, described, func(ctx context.Context, in *input) (*Answer[B], error) {
		c := in.take(ctx, op)
		if err := c.read(); err != nil {
			return nil, err
		}
		if err := r.Before(ctx, c); err != nil {
			return nil, err
		}
		var body T
		if err := shape.fill(reflect.ValueOf(&body).Elem(), c.members); err != nil {
			return nil, err
		}
		answer, err := handle(ctx, c, body)
		if answer != nil {
			answer.settle()
		}
		return answer, err
	})
}

// Get adds an operation without a body.
func Get[B any](r *Router, op Op, handle func(ctx context.Context, c *Call) (*Answer[B], error)) {
	httpapi.Register(r.API, op.describe(r, http.MethodGet), func(ctx context.Context, in *input) (*Answer[B], error) {
		c := in.take(ctx, op)
		if err := r.Before(ctx, c); err != nil {
			return nil, err
		}
		answer, err := handle(ctx, c)
		if answer != nil {
			answer.settle()
		}
		return answer, err
	})
}

func (in *input) take(ctx context.Context, op Op) *Call {
	in.Address, in.OnBehalf = httpapi.ClientAddr(ctx), op.OnBehalf
	return &in.Call
}

func (op Op) describe(r *Router, method string) huma.Operation {
	described := huma.Operation{
		OperationID: op.ID, Method: method, Path: r.Base + op.Path, Summary: op.Summary, Errors: op.Errors,
	}
	for _, name := range pathParams(op.Path) {
		described.Parameters = append(described.Parameters, textParam(name, "path", true))
	}
	for _, name := range op.Query {
		described.Parameters = append(described.Parameters, textParam(name, "query", false))
	}
	if op.Session {
		described.Security = []map[string][]string{{"session": {}}, {"bearer": {}}}
	}
	return described
}

// pathParams lists the names in braces.
func pathParams(path string) (names []string) {
	for part := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			names = append(names, strings.TrimSuffix(name, "}"))
		}
	}
	return names
}

func textParam(name, in string, required bool) *huma.Param {
	return &huma.Param{Name: name, In: in, Required: required, Schema: &huma.Schema{Type: huma.TypeString}}
}

// Describe adds to the OpenAPI document how callers prove who they are. prefix
// is that of the cookies' names.
func Describe(doc *huma.OpenAPI, prefix string) {
	doc.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"session": {Type: "apiKey", In: "cookie", Name: prefix + ".session_token", Description: "The signed session cookie; __Secure- stands before its name on https"},
		"bearer":  {Type: "http", Scheme: "bearer", Description: "A session token, as given in set-auth-token"},
	}
}

func contentOf[T any](op Op) map[string]*huma.MediaType {
	t := reflect.TypeFor[T]()
	schema := schemaOf(t)
	maps.Copy(schema.Properties, op.Members)
	schema.PrecomputeMessages()
	content := map[string]*huma.MediaType{"application/json": {Schema: schema}}
	if op.Form {
		content["application/x-www-form-urlencoded"] = &huma.MediaType{Schema: schema}
	}
	return content
}

// schemaOf describes a form; members that are not listed are ignored.
func schemaOf(t reflect.Type) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{}, AdditionalProperties: true}
	for i := range t.NumField() {
		sf := t.Field(i)
		name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
		p := &huma.Schema{Type: huma.TypeString, Description: sf.Tag.Get("doc")}
		switch {
		case sf.Type == emailType:
			p.Format = "email"
		case sf.Type == textType:
			p.Nullable = true
		case sf.Type == rawType:
			p.Type = ""
		case sf.Type.Kind() == reflect.Slice:
			p.Type, p.Items = huma.TypeArray, &huma.Schema{Type: huma.TypeString}
		case sf.Type.Kind() == reflect.Pointer && sf.Type.Elem().Kind() == reflect.Bool:
			p.Type = huma.TypeBoolean
		case sf.Type.Kind() == reflect.Pointer && sf.Type.Elem().Kind() == reflect.Int64:
			p.Type = huma.TypeInteger
		}
		if sf.Type.Kind() == reflect.String || sf.Tag.Get("required") == "true" {
			s.Required = append(s.Required, name)
		}
		s.Properties[name] = p
	}
	return s
}
