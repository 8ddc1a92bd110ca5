package httpapi

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/codex-platform/codex/pkg/problem"
)

const (
	mediaJSON = "application/json"
	mediaForm = "application/x-www-form-urlencoded"
	mediaAny  = "application/octet-stream"
)

// bodyTimeout bounds the arrival of a body that is read into memory.
const bodyTimeout = 10 * time.Second

// bodyRules say what body an operation takes.
type bodyRules struct {
	schema *huma.Schema  // of the JSON value; nil: there is no input for a body
	form   bool          // may also come as a form
	stream bool          // the operation reads for itself
	limit  int64         // bytes
	wait   time.Duration // for all of it
}

// humaMaxBody and humaBodyTimeout are what huma enters where an operation says nothing.
const (
	humaMaxBody     = 1 << 20
	humaBodyTimeout = 5 * time.Second
)

func (a *API) bodyRules(op *huma.Operation) bodyRules {
	r := bodyRules{form: marked(op, metaForm), stream: marked(op, metaStream), limit: a.config.MaxBody, wait: bodyTimeout}
	if op.MaxBodyBytes > 0 && op.MaxBodyBytes != humaMaxBody {
		r.limit = op.MaxBodyBytes
	}
	if op.BodyReadTimeout > 0 && op.BodyReadTimeout != humaBodyTimeout {
		r.wait = op.BodyReadTimeout
	}
	if op.RequestBody == nil || r.stream {
		return r
	}
	if json := op.RequestBody.Content[mediaJSON]; json != nil {
		r.schema = json.Schema
		if r.schema.Ref != "" {
			r.schema = a.huma.OpenAPI().Components.Schemas.SchemaFromRef(r.schema.Ref)
		}
		if r.form {
			op.RequestBody.Content[mediaForm] = json
		}
	}
	return r
}

// admit reads a body into memory and makes sure that it is what it claims to
// be: its size, its type, one strict JSON value.
func (x *exchange) admit(rules bodyRules) error {
	r := x.echo.Request()
	if rules.stream || r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	kind, err := mediaOf(r.Header, rules.form)
	if err != nil {
		return err
	}
	if rules.schema == nil && r.ContentLength <= rules.limit {
		return nil // nobody reads it
	}
	body, err := x.readAll(rules)
	switch {
	case err != nil:
		return err
	case len(body) == 0:
	case kind == mediaForm:
		body, err = formToJSON(body, rules.schema)
	default:
		err = checkJSON(body)
	}
	x.body, x.read = body, true
	return err
}

// mediaOf gives the type of a body, or refuses it. Only UTF-8 has a charset
// that JSON may be in (RFC 8259 section 8.1).
func mediaOf(h http.Header, form bool) (string, error) {
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || len(h["Content-Type"]) > 1 {
		return "", problem.UnsupportedMediaType
	}
	if charset, given := params["charset"]; given && !strings.EqualFold(charset, "utf-8") {
		return "", problem.UnsupportedMediaType
	}
	if kind == mediaJSON || form && kind == mediaForm {
		return kind, nil
	}
	return "", problem.UnsupportedMediaType
}

func (x *exchange) readAll(rules bodyRules) ([]byte, error) {
	r := x.echo.Request()
	if r.ContentLength > rules.limit {
		return nil, problem.TooLarge
	}
	x.expectBody(rules.wait)
	var body bytes.Buffer
	if r.ContentLength > 0 {
		body.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	if _, err := body.ReadFrom(http.MaxBytesReader(x.echo.Response(), r.Body, rules.limit)); err != nil {
		return nil, readProblem(err)
	}
	_ = x.SetReadDeadline(time.Time{})
	return body.Bytes(), nil
}

// ErrTruncated is a body that ended before its declared length.
var ErrTruncated = problem.New(http.StatusBadRequest, "BODY_TRUNCATED", "The body ended before its declared length")

// readProblem says why a client's body could not be read: never our fault.
func readProblem(err error) error {
	var tooLarge *http.MaxBytesError
	var network net.Error
	switch {
	case errors.As(err, &tooLarge):
		return problem.TooLarge
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return problem.Timeout
	case errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &network):
		return ErrTruncated
	}
	return problem.Malformed
}
