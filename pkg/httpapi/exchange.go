package httpapi

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"
)

// adapter stands between huma and Echo: it admits a request before huma reads
// it, and hands what went wrong to Echo's error handler instead of letting huma
// write it.
type adapter struct {
	huma.Adapter
	api *API
}

// Handle adds one operation to the router.
func (a *adapter) Handle(op *huma.Operation, handler func(huma.Context)) {
	if !marked(op, metaRegistered) {
		panic("operation " + op.Method + " " + op.Path + ": use httpapi.Register, which parses value types in parameters")
	}
	a.api.dropErrorModel()
	rules := a.api.bodyRules(op)
	// From here on these are ours to keep: huma must not count again.
	op.MaxBodyBytes, op.BodyReadTimeout = -1, 0
	a.Adapter.Handle(op, func(ctx huma.Context) {
		x := &exchange{inner: ctx, api: a.api, echo: humaecho.UnwrapV4(ctx)}
		if err := x.admit(rules); err != nil {
			x.failure = err
		} else {
			handler(x)
		}
		if x.failure != nil {
			x.echo.Error(x.failure)
		}
	})
}

// inner lets exchange embed Echo's context beside a method named Context.
type inner = huma.Context

// exchange is one request and its answer, as huma sees them. Once something has
// failed, what huma writes is dropped: the error handler answers.
type exchange struct {
	inner
	api     *API
	echo    echo.Context
	body    []byte // what admit read; nil when the operation reads for itself
	read    bool
	failure error
}

// exchangeOf finds the exchange under the contexts that middleware put around it.
func exchangeOf(ctx huma.Context) *exchange {
	for ctx != nil {
		if x, ok := ctx.(*exchange); ok {
			return x
		}
		outer, ok := ctx.(interface{ Unwrap() huma.Context })
		if !ok {
			return nil
		}
		ctx = outer.Unwrap()
	}
	return nil
}

// Unwrap gives Echo's own context to those who look for it.
func (x *exchange) Unwrap() huma.Context { return x.inner }

// WithContext changes the request's context for everybody who comes after.
func (x *exchange) WithContext(ctx context.Context) huma.Context {
	x.inner = huma.WithContext(x.inner, ctx)
	return x
}

// BodyReader gives the admitted body.
func (x *exchange) BodyReader() io.Reader {
	if x.read {
		return bytes.NewReader(x.body)
	}
	return x.inner.BodyReader()
}

// Header gives a header; the admitted body is always JSON.
func (x *exchange) Header(name string) string {
	if x.read && http.CanonicalHeaderKey(name) == echo.HeaderContentType {
		return mediaJSON
	}
	return x.inner.Header(name)
}

// SetStatus begins the answer.
func (x *exchange) SetStatus(status int) {
	if x.failure == nil {
		x.inner.SetStatus(status)
	}
}

// BodyWriter takes the answer's body.
func (x *exchange) BodyWriter() io.Writer {
	if x.failure != nil {
		return io.Discard
	}
	return x.inner.BodyWriter()
}

// SetReadDeadline bounds the reading of the body.
func (x *exchange) SetReadDeadline(t time.Time) error {
	return http.NewResponseController(x.echo.Response()).SetReadDeadline(t)
}

// expectBody bounds the arrival of a body. Before it answers, net/http reads what
// a handler left of the body, without a bound of its own: a client that announces
// a body and sends nothing would hold the connection, and its refusal, for ever.
// Once the body is at its end the deadline has to go, because the server then
// listens for the client's hanging up and would take it for that. The next
// request starts without it.
func (x *exchange) expectBody(within time.Duration) {
	_ = x.SetReadDeadline(time.Now().Add(within)) // a recorder in a test knows no deadlines
}

// Refuse ends a request in a middleware of an operation, which then does not
// call the next one.
func Refuse(ctx huma.Context, err error) {
	if x := exchangeOf(ctx); x != nil {
		x.failure = err
	}
}

// Request is the request behind a context of huma's, for resolvers and
// middleware that need more of it than an input can name.
func Request(ctx huma.Context) *http.Request { return humaecho.UnwrapV4(ctx).Request() }

// Respond lets f write the whole answer, for files, redirects and pages. An
// error that comes before the first byte is rendered like any other.
func Respond(f func(w http.ResponseWriter, r *http.Request) error) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		c := humaecho.UnwrapV4(ctx)
		if err := f(c.Response(), c.Request()); err != nil {
			Refuse(ctx, err)
		}
	}}
}
