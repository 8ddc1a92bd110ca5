package httpapi

import (
	"errors"
	"io"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// defaultBodyIdle bounds the wait for the next piece of a streamed body. An
// upload may take hours, a client that sends nothing may not (GW-11).
const defaultBodyIdle = 30 * time.Second

// Body is a request's body that is read while it arrives and never held in
// memory. Give the input a field of this type, under any name but Body (which is
// huma's word for a JSON value), and mark the operation with Streams:
//
//	type createInput struct {
//		Name    validation.FileName `query:"name"`
//		Content httpapi.Body
//	}
type Body struct {
	// Reader gives the bytes. Its errors are refusals: a body that ends early is
	// ErrTruncated, one that stalls is problem.Timeout.
	Reader io.Reader
	// ContentLength is the declared size in bytes; -1 when none was declared.
	ContentLength int64
	// ContentType is what the client says the bytes are; it may be empty.
	ContentType string
}

// Streams marks an operation whose input has a Body.
func Streams(op huma.Operation) huma.Operation {
	op = mark(op, metaStream)
	op.RequestBody = &huma.RequestBody{
		Description: "The bytes, of any type",
		Content:     map[string]*huma.MediaType{mediaAny: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
	}
	return op
}

// Resolve takes the request's body. huma calls it.
func (b *Body) Resolve(ctx huma.Context) []error {
	r := Request(ctx)
	b.ContentLength, b.ContentType = r.ContentLength, r.Header.Get("Content-Type")
	x := exchangeOf(ctx)
	x.expectBody(x.api.config.BodyIdle)
	b.Reader = &streamReader{from: r.Body, deadlines: x, idle: x.api.config.BodyIdle}
	return nil
}

// Schema stops an input whose field is named Body when the process starts.
func (*Body) Schema(huma.Registry) *huma.Schema {
	panic("a field of type httpapi.Body needs a name other than Body")
}

// streamReader reads a client's body piece by piece, each within idle.
type streamReader struct {
	from      io.Reader
	deadlines *exchange
	idle      time.Duration
}

// Read reads the next piece.
func (s *streamReader) Read(p []byte) (int, error) {
	_ = s.deadlines.SetReadDeadline(time.Now().Add(s.idle))
	n, err := s.from.Read(p)
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, io.EOF):
		_ = s.deadlines.SetReadDeadline(time.Time{}) // see exchange.expectBody
		return n, io.EOF
	}
	return n, readProblem(err)
}
