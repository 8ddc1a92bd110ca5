package testkit_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/objectstore"
	"github.com/codex-platform/codex/pkg/testkit"
)

func TestS3_checksSignatures(t *testing.T) {
	t.Parallel()
	forged := testkit.S3(t)
	forged.SecretKey = config.Secret("not-the-secret-key")

	if _, err := open(t, forged).Put(t.Context(), "b/00/x", strings.NewReader("hello"), 5, "text/plain"); err == nil {
		t.Fatal("a forged signature was accepted")
	}
}

func TestS3_keepsNothingOfABodyThatEndsEarly(t *testing.T) {
	t.Parallel()
	settings := testkit.S3(t)
	const key = "b/00/short"

	res := putHalf(t, presigned(t, settings, key))

	if res.StatusCode != http.StatusBadRequest {
		t.Errorf("a body that ends early got %s, want 400", res.Status)
	}
	if _, err := open(t, settings).Head(t.Context(), key); !errors.Is(err, objectstore.ErrNotFound) {
		t.Fatalf("after a short upload: %v, want not found", err)
	}
}

func presigned(t *testing.T, s objectstore.Settings, key string) *url.URL {
	t.Helper()
	endpoint, err := url.Parse(s.Endpoint.String())
	if err != nil {
		t.Fatal(err)
	}
	client, err := minio.New(endpoint.Host, &minio.Options{Creds: credentials.NewStaticV4(s.AccessKey, s.SecretKey.Reveal(), ""), Region: s.Region})
	if err != nil {
		t.Fatal(err)
	}
	u, err := client.PresignedPutObject(t.Context(), s.Bucket, key, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// putHalf announces 1 MiB, sends half of it and closes its side of the connection.
func putHalf(t *testing.T, u *url.URL) *http.Response {
	t.Helper()
	const size = 1 << 20
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n%s", u.RequestURI(), u.Host, size, strings.Repeat("x", size/2))
	conn.(*net.TCPConn).CloseWrite()
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res
}

func TestStartS3_keepsItsObjectsOverARestart(t *testing.T) {
	t.Parallel()
	server := testkit.StartS3(t)
	bucket := open(t, server.Bucket())
	if _, err := bucket.Put(t.Context(), "b/00/x", strings.NewReader("hello"), 5, "text/plain"); err != nil {
		t.Fatal(err)
	}

	server.Stop()
	if _, err := bucket.Head(t.Context(), "b/00/x"); err == nil {
		t.Fatal("a stopped server answers")
	}
	server.Start()

	if info, err := bucket.Head(t.Context(), "b/00/x"); err != nil || info.Size != 5 {
		t.Fatalf("after the restart: %+v, %v", info, err)
	}
}

func open(t *testing.T, s objectstore.Settings) *objectstore.Bucket {
	t.Helper()
	b, err := objectstore.Open(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
