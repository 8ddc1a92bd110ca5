package objectstore

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/minio/minio-go/v7"
)

// ByteRange is a part of an object: the positions of its first and its last
// byte, both included, counted from 0.
type ByteRange struct{ First, Last int64 }

// Length is the number of bytes in the range.
func (r ByteRange) Length() int64 { return r.Last - r.First + 1 }

// Get opens the object, or the range of it, for reading as a stream that the
// caller closes. It gives ErrNotFound when there is no such object. The stream
// ends with an error, never with io.EOF, when the store breaks off.
func (b *Bucket) Get(ctx context.Context, key string, part *ByteRange) (io.ReadCloser, Info, error) {
	var opts minio.GetObjectOptions
	if part != nil {
		if err := opts.SetRange(part.First, part.Last); err != nil {
			return nil, Info{}, fmt.Errorf("get object: %w", err)
		}
	}
	body, got, header, err := b.core.GetObject(ctx, b.name, key, opts)
	if err != nil {
		return nil, Info{}, fault("get object", err)
	}
	info := infoOf(key, got)
	if part == nil {
		return body, info, nil
	}
	whole, ok := wholeSize(header.Get("Content-Range"))
	if !ok || got.Size != part.Length() {
		body.Close()
		return nil, Info{}, fmt.Errorf("get object: the store answered another range than %d-%d", part.First, part.Last)
	}
	info.Size = whole
	return body, info, nil
}

// wholeSize reads the length of the object from "bytes 0-9/100".
func wholeSize(contentRange string) (int64, bool) {
	_, size, found := strings.Cut(contentRange, "/")
	n, err := strconv.ParseInt(size, 10, 64)
	return n, found && err == nil && n >= 0
}
