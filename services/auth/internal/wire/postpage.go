package wire

import (
	"context"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/codex-platform/codex/pkg/httpapi"
)

// PostPage adds an operation that a browser reaches by posting a form, which leads
// it on.
func PostPage[T any](r *Router, op Op, handle func(ctx context.Context, c *Call, in T) (*Page, error)) {
	shape := formOf(reflect.TypeFor[T]())
	described := op.describe(r, http.MethodPost)
	described.RequestBody = &huma.RequestBody{Content: contentOf[T](op)}
	described.SkipValidateBody = true // shape.fill does it, in the contract's words
	described.Responses = map[string]*huma.Response{"302": {Description: "On to where the answer is taken"}}
	httpapi.Register(r.API, httpapi.AcceptForm(described), func(ctx context.Context, in *input) (*Page, error) {
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
		page, err := handle(ctx, c, body)
		if page != nil {
			page.settle()
		}
		return page, err
	})
}
