package main

import (
	"context"
	"errors"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// whole refuses bodies that end early. The library keeps what arrived of an upload whose client went away, as if it were
// the object (versity/versitygw#2414); S3 keeps nothing, and our code may rely on that.
type whole struct{ backend.Backend }

// PutObject stores an object if all of its bytes arrive.
func (w whole) PutObject(ctx context.Context, in s3response.PutObjectInput) (s3response.PutObjectOutput, error) {
	body := count(in.Body, in.ContentLength)
	in.Body = body.reader()
	out, err := w.Backend.PutObject(ctx, in)
	return out, body.verdict(err)
}

// UploadPart stores a part if all of its bytes arrive.
func (w whole) UploadPart(ctx context.Context, in *s3.UploadPartInput) (*s3.UploadPartOutput, error) {
	body := count(in.Body, in.ContentLength)
	in.Body = body.reader()
	out, err := w.Backend.UploadPart(ctx, in)
	return out, body.verdict(err)
}

// errShort makes the backend drop what it has written.
var errShort = errors.New("the body ended before its announced length")

// counted is a body that knows how much of it is still to come.
type counted struct {
	body    io.Reader
	missing int64
	short   bool
}

func count(body io.Reader, length *int64) *counted {
	c := &counted{body: body}
	if length != nil {
		c.missing = *length // without an announcement nothing can be missing
	}
	return c
}

// reader stays nil where there is no body: the library asks for that.
func (c *counted) reader() io.Reader {
	if c.body == nil {
		return nil
	}
	return c
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.body.Read(p)
	c.missing -= int64(n)
	if err != nil && c.missing > 0 {
		c.short, err = true, errShort
	}
	return n, err
}

// verdict gives a short body the answer that S3 gives, 400 IncompleteBody.
func (c *counted) verdict(err error) error {
	if err != nil && c.short {
		return s3err.GetAPIError(s3err.ErrIncompleteBody)
	}
	return err
}
