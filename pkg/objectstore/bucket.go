package objectstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// attempts bounds how often a call that can be repeated is sent.
const attempts = 3

// Bucket is one bucket of the store. It is safe for concurrent use.
type Bucket struct {
	core    *minio.Core
	once    *minio.Core // for bodies from memory: see again
	patient *minio.Core // as once, for the one call whose answer may take long
	name    string
	region  string
	buffers *buffers
}

// Info describes an object.
type Info struct {
	Key string
	// Size is the length in bytes of the whole object, also when a range of it was asked for.
	Size        int64
	ETag        string
	ContentType string
	Modified    time.Time
}

// Open makes the client of the bucket. It does not need the store to be there.
func Open(s Settings) (*Bucket, error) {
	transport := newTransport(silence)
	core, err := connect(s, transport, attempts)
	if err != nil {
		return nil, err
	}
	once, err := connect(s, transport, 1)
	if err != nil {
		return nil, err
	}
	patient, err := connect(s, newTransport(assembly), 1)
	if err != nil {
		return nil, err
	}
	return &Bucket{core: core, once: once, patient: patient, name: s.Bucket, region: s.Region, buffers: newBuffers(s.PartBuffers)}, nil
}

func connect(s Settings, transport http.RoundTripper, attempts int) (*minio.Core, error) {
	lookup := minio.BucketLookupDNS
	if s.PathStyle {
		lookup = minio.BucketLookupPath
	}
	host := strings.TrimPrefix(strings.TrimPrefix(s.Endpoint.String(), "https://"), "http://")
	core, err := minio.NewCore(host, &minio.Options{
		Creds:        credentials.NewStaticV4(s.AccessKey, s.SecretKey.Reveal(), ""),
		Secure:       s.Endpoint.HTTPS(),
		Region:       s.Region, // named, so that no request is spent on asking for it
		BucketLookup: lookup,
		Transport:    transport,
		MaxRetries:   attempts,
	})
	if err != nil {
		return nil, fmt.Errorf("open the object store: %w", err)
	}
	return core, nil
}

// Ensure makes the bucket when it is not there. Development and tests use it;
// elsewhere a bucket, with its encryption and access rules, is made by its operator.
func (b *Bucket) Ensure(ctx context.Context) error {
	found, err := b.core.BucketExists(ctx, b.name)
	if err != nil {
		return fmt.Errorf("look for the bucket: %w", err)
	}
	if found {
		return nil
	}
	err = b.core.MakeBucket(ctx, b.name, minio.MakeBucketOptions{Region: b.region})
	if code := minio.ToErrorResponse(err).Code; err != nil && code != minio.BucketAlreadyOwnedByYou {
		return fmt.Errorf("make the bucket: %w", err)
	}
	return nil
}

// Ping tells whether the bucket can be reached with the keys that were given.
func (b *Bucket) Ping(ctx context.Context) error {
	found, err := b.core.BucketExists(ctx, b.name)
	if err != nil {
		return fmt.Errorf("reach the bucket: %w", err)
	}
	if !found {
		return ErrNoBucket
	}
	return nil
}

// Head describes the object, or gives ErrNotFound.
func (b *Bucket) Head(ctx context.Context, key string) (Info, error) {
	got, err := b.core.StatObject(ctx, b.name, key, minio.StatObjectOptions{})
	if err != nil {
		return Info{}, fault("describe object", err)
	}
	return infoOf(key, got), nil
}

// Delete removes the object. One that is not there counts as removed.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	err := b.core.RemoveObject(ctx, b.name, key, minio.RemoveObjectOptions{})
	if err = fault("delete object", err); !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

// Discard removes whatever there is of the key: the object and unfinished
// multi-part uploads, whose ids need not be known.
func (b *Bucket) Discard(ctx context.Context, key string) error {
	for upload, err := range b.ListMultipart(ctx, key) {
		if err != nil {
			return err
		}
		if upload.Key != key {
			continue
		}
		if err := b.AbortMultipart(ctx, key, upload.ID); err != nil {
			return err
		}
	}
	return b.Delete(ctx, key)
}

func infoOf(key string, got minio.ObjectInfo) Info {
	return Info{Key: key, Size: got.Size, ETag: got.ETag, ContentType: got.ContentType, Modified: got.LastModified}
}
