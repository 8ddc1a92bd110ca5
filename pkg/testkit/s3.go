package testkit

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/objectstore"
	"github.com/codex-platform/codex/pkg/testkit/internal/keeper"
	"github.com/codex-platform/codex/pkg/testkit/parts"
	"github.com/codex-platform/codex/pkg/testkit/port"
)

// sharedS3 joins the run's server once for this process.
var sharedS3 = sync.OnceValues(func() (parts.S3Config, error) {
	return keeper.S3(context.Background(), Root(), cache())
})

// S3 gives the test a bucket of its own, emptied and removed when the test ends.
func S3(t testing.TB) objectstore.Settings {
	t.Helper()
	need(t, "the S3 server")
	if endpoint := os.Getenv("TEST_S3_ENDPOINT"); endpoint != "" {
		return freshBucket(t, endpoint, os.Getenv("TEST_S3_ACCESS_KEY"), os.Getenv("TEST_S3_SECRET_KEY"))
	}
	cfg, err := sharedS3()
	if err != nil {
		t.Fatal(err)
	}
	return freshBucket(t, "http://"+port.Addr(cfg.Port), cfg.AccessKey, cfg.SecretKey)
}

// S3Server is an S3 server of the test's own.
type S3Server struct {
	t      testing.TB
	cfg    parts.S3Config
	server *parts.S3
}

// StartS3 starts a server (0.3 s) to be stopped and started again; it ends with the test.
func StartS3(t testing.TB) *S3Server {
	t.Helper()
	need(t, "the S3 server")
	shared, err := sharedS3() // for the program, built once
	if err != nil {
		t.Fatal(err)
	}
	s := &S3Server{t: t, cfg: parts.S3Config{
		Program: shared.Program, Dir: t.TempDir(), Port: freePort(t), AccessKey: shared.AccessKey, SecretKey: shared.SecretKey,
	}}
	s.Start()
	t.Cleanup(func() { s.server.Kill() })
	return s
}

// Bucket makes a new bucket on the server, which must be running.
func (s *S3Server) Bucket() objectstore.Settings {
	s.t.Helper()
	return makeBucket(s.t, s.server.URL(), s.cfg.AccessKey, s.cfg.SecretKey)
}

// Stop ends the server; its objects stay.
func (s *S3Server) Stop() {
	s.t.Helper()
	if err := s.server.Stop(); err != nil {
		s.t.Fatal(err)
	}
}

// Start brings the server back on the same port with what it held.
func (s *S3Server) Start() {
	s.t.Helper()
	server, err := parts.StartS3(limited(s.t), s.cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	s.server = server
}

func freshBucket(t testing.TB, endpoint, access, secret string) objectstore.Settings {
	t.Helper()
	s := makeBucket(t, endpoint, access, secret)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := removeBucket(ctx, s); err != nil {
			t.Errorf("remove the test's bucket: %v", err)
		}
	})
	return s
}

// buckets counts, since names must differ.
var buckets atomic.Int64

func makeBucket(t testing.TB, endpoint, access, secret string) objectstore.Settings {
	t.Helper()
	s := objectstore.Settings{
		Region: cmp.Or(os.Getenv("TEST_S3_REGION"), "us-east-1"), PathStyle: true, PartBuffers: 8,
		Bucket:    fmt.Sprintf("test-%d-%d-%d", time.Now().UnixNano(), os.Getpid(), buckets.Add(1)),
		AccessKey: access, SecretKey: config.Secret(secret),
	}
	if err := s.Endpoint.UnmarshalText([]byte(endpoint)); err != nil {
		t.Fatalf("address of the S3 server: %v", err)
	}
	bucket, err := objectstore.Open(s)
	if err == nil {
		err = bucket.Ensure(limited(t))
	}
	if err != nil {
		t.Fatalf("make the test's bucket: %v", err)
	}
	return s
}

// removeBucket also ends the uploads that a test broke off: a bucket that holds one cannot be removed.
func removeBucket(ctx context.Context, s objectstore.Settings) error {
	u, err := url.Parse(s.Endpoint.String())
	if err != nil {
		return err
	}
	client, err := minio.New(u.Host, &minio.Options{
		Creds: credentials.NewStaticV4(s.AccessKey, s.SecretKey.Reveal(), ""), Secure: u.Scheme == "https", Region: s.Region,
	})
	if err != nil {
		return err
	}
	for o := range client.ListObjects(ctx, s.Bucket, minio.ListObjectsOptions{Recursive: true}) {
		if o.Err != nil {
			return o.Err
		}
		if err := client.RemoveObject(ctx, s.Bucket, o.Key, minio.RemoveObjectOptions{}); err != nil {
			return err
		}
	}
	for up := range client.ListIncompleteUploads(ctx, s.Bucket, "", true) {
		if up.Err != nil {
			return up.Err
		}
		if err := client.RemoveIncompleteUpload(ctx, s.Bucket, up.Key); err != nil {
			return err
		}
	}
	return client.RemoveBucket(ctx, s.Bucket)
}
