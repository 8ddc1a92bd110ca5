package objectstore

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/minio/minio-go/v7"
)

const (
	// PartSize is the length of every part but the last: R2 wants them equal.
	PartSize = 8 << 20
	// smallMax is the longest object that is held in memory, so that it can be sent
	// again when the store refuses it for a moment. Most files are no longer.
	smallMax = 256 << 10
	// singleMax is the longest object that is streamed in one request. A longer
	// one goes in parts, so that a hiccup of the store costs a part and not the
	// whole, and a slow client does not keep a connection of the store waiting.
	singleMax = 64 << 20
	// Unknown is the size of a Put whose length shows only at its end.
	Unknown int64 = -1
)

// Put writes the object: exactly size bytes of r, or all of r when size is
// Unknown. The object appears whole or not at all. A reader that fails, or ends
// before size bytes, gives a SourceError.
func (b *Bucket) Put(ctx context.Context, key string, r io.Reader, size int64, contentType string) (Info, error) {
	src := newSource(r, size)
	defer src.stop()
	var written int64
	var err error
	switch {
	case size >= 0 && size <= smallMax:
		written, err = size, b.putSmall(ctx, key, src, contentType)
	case size >= 0 && size <= singleMax:
		written, err = size, b.putWhole(ctx, key, src, size, contentType)
	default:
		written, err = b.putParts(ctx, key, src, contentType)
	}
	if sourceErr := src.failure(); sourceErr != nil {
		return Info{}, &SourceError{Err: sourceErr}
	}
	if err != nil {
		return Info{}, err
	}
	return Info{Key: key, Size: written, ContentType: contentType}, nil
}

// putSmall takes the object into memory as it arrives, and then sends it.
func (b *Bucket) putSmall(ctx context.Context, key string, r io.Reader, contentType string) error {
	all, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("put object: %w", err)
	}
	_, err = again(ctx, func() error {
		return b.putWhole(ctx, key, bytes.NewReader(all), int64(len(all)), contentType)
	})
	return err
}

// putWhole sends the object in one request, without a buffer.
func (b *Bucket) putWhole(ctx context.Context, key string, r io.Reader, size int64, contentType string) error {
	_, err := b.once.PutObject(ctx, b.name, key, r, size, "", "", putOptions(contentType))
	return fault("put object", err)
}

// putParts sends the object in parts; one that turns out to fit into a single
// part is sent in one request after all.
func (b *Bucket) putParts(ctx context.Context, key string, r io.Reader, contentType string) (int64, error) {
	first, err := b.buffers.wait(ctx)
	if err != nil {
		return 0, fmt.Errorf("put object: %w", err)
	}
	n, err := readPart(r, first.bytes)
	if err != nil {
		b.buffers.put(first)
		return 0, err
	}
	if n == PartSize {
		m := &multipart{bucket: b, key: key, contentType: contentType}
		return m.write(ctx, first, r)
	}
	failed, err := again(ctx, func() error {
		return b.putWhole(ctx, key, bytes.NewReader(first.bytes[:n]), int64(n), contentType)
	})
	b.buffers.done(first, failed)
	return int64(n), err
}

// putOptions: no checksum trailer and no chunk signatures, which not every store
// understands over http; the caller hashes what it streams.
func putOptions(contentType string) minio.PutObjectOptions {
	return minio.PutObjectOptions{ContentType: contentType, DisableContentSha256: true, DisableMultipart: true}
}
