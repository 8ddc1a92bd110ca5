package objectstore

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/minio/minio-go/v7"
)

// Multipart is an upload in parts that was begun and neither finished nor aborted.
type Multipart struct {
	Key, ID string
	Begun   time.Time
}

// List gives the objects whose keys begin with prefix, in the order of their
// keys. It stops after the first error.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		opts := minio.ListObjectsOptions{Prefix: prefix, Recursive: true}
		for object := range b.core.ListObjectsIter(ctx, b.name, opts) {
			if object.Err != nil {
				yield(Info{}, fault("list objects", object.Err))
				return
			}
			if !yield(infoOf(object.Key, object), nil) {
				return
			}
		}
	}
}

// ListMultipart gives the unfinished uploads whose keys begin with prefix. It
// stops after the first error.
func (b *Bucket) ListMultipart(ctx context.Context, prefix string) iter.Seq2[Multipart, error] {
	return func(yield func(Multipart, error) bool) {
		var keyMarker, idMarker string
		for {
			page, err := b.core.ListMultipartUploads(ctx, b.name, prefix, keyMarker, idMarker, "", 1000)
			if err != nil {
				yield(Multipart{}, fault("list multi-part uploads", err))
				return
			}
			for _, u := range page.Uploads {
				if !yield(Multipart{Key: u.Key, ID: u.UploadID, Begun: u.Initiated}, nil) {
					return
				}
			}
			if !page.IsTruncated {
				return
			}
			keyMarker, idMarker = page.NextKeyMarker, page.NextUploadIDMarker
		}
	}
}

// AbortMultipart removes an unfinished upload and its parts. One that is not
// there counts as removed.
func (b *Bucket) AbortMultipart(ctx context.Context, key, id string) error {
	err := fault("abort multi-part upload", b.core.AbortMultipartUpload(ctx, b.name, key, id))
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}
