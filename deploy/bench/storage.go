package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/objectstore"
	"github.com/codex-platform/codex/pkg/testkit/parts"
	"github.com/codex-platform/codex/pkg/testkit/port"
)

// benchStorage moves the same bytes through the storage service and straight
// to the S3 server, one after the other, and compares the times.
func benchStorage(ctx context.Context, b *bench) error {
	path, err := b.build(ctx, "storage")
	if err != nil {
		return err
	}
	postgres, err := b.postgres(ctx)
	if err != nil {
		return err
	}
	url := postgres.URL("postgres")
	if err := b.migrate(ctx, path, url); err != nil {
		return err
	}
	up, err := b.upstream(ctx)
	if err != nil {
		return err
	}
	s3, err := b.s3(ctx)
	if err != nil {
		return err
	}
	storage, err := b.start(ctx, path, map[string]string{
		"PUBLIC_URL": up.issuer.name, "DATABASE_URL": url, "DATABASE_DIRECT_URL": url, "SERVICE_TOKENS": secret(),
		"S3_ENDPOINT": s3.Endpoint.String(), "S3_REGION": s3.Region, "S3_BUCKET": s3.Bucket, "S3_ACCESS_KEY": s3.AccessKey, "S3_SECRET_KEY": s3.SecretKey.Reveal(),
		"JWKS_URL": "http://" + up.addr + "/api/auth/jwks", "DEFAULT_QUOTA_BYTES": "107374182400",
	})
	if err != nil {
		return err
	}
	token, err := up.issuer.token(1)
	if err != nil {
		return err
	}
	direct, err := objectstore.Open(s3)
	if err != nil {
		return err
	}
	files := &fileClient{url: storage.url, token: token}
	for _, size := range []struct {
		name         string
		bytes, count int
	}{{"1 MiB", 1 << 20, 40}, {"64 MiB", 64 << 20, 3}} {
		if err := b.compareTransfers(ctx, size.name, size.bytes, size.count, files, direct, storage.Pid()); err != nil {
			return err
		}
	}
	fmt.Printf("  storage's memory afterwards: %.1f MiB\n", residentMiB(storage.Pid()))
	return nil
}

func (b *bench) compareTransfers(ctx context.Context, name string, size, count int, files *fileClient, direct *objectstore.Bucket, pid int) error {
	content := make([]byte, size)
	if _, err := rand.Read(content); err != nil {
		return err
	}
	var ratios [2][]float64
	var rates [2][]float64
	before := cpuTime(pid)
	for round := range b.rounds {
		var spent [4]time.Duration
		for i := range count {
			key := fmt.Sprintf("bench-%d-%d-%d", size, round, i)
			put, get, err := files.transfer(ctx, key, content)
			if err != nil {
				return err
			}
			directPut, directGet, err := transferDirect(ctx, direct, key, content)
			if err != nil {
				return err
			}
			for step, took := range []time.Duration{put, get, directPut, directGet} {
				spent[step] += took
			}
		}
		for step := range 2 {
			ratios[step] = append(ratios[step], spent[step].Seconds()/spent[step+2].Seconds())
			rates[step] = append(rates[step], float64(size*count)/(1<<20)/spent[step].Seconds())
		}
	}
	moved := float64(2*size*count*b.rounds) / (1 << 30)
	fmt.Printf("  %-8s PUT %6.0f MiB/s, %.2f × the time of a direct one · GET %6.0f MiB/s, %.2f × · %.1f CPU-s a GiB\n", name,
		median(rates[0]), median(ratios[0]), median(rates[1]), median(ratios[1]), (cpuTime(pid)-before).Seconds()/moved)
	return nil
}

// fileClient is a user's client of the storage service.
type fileClient struct{ url, token string }

func (c *fileClient) transfer(ctx context.Context, name string, content []byte) (put, get time.Duration, err error) {
	start := time.Now()
	location, err := c.do(ctx, http.MethodPost, "/api/storage/v1/files?name="+name, content, http.StatusCreated)
	if err != nil {
		return 0, 0, err
	}
	put, start = time.Since(start), time.Now()
	_, err = c.do(ctx, http.MethodGet, location+"/content", nil, http.StatusOK)
	return put, time.Since(start), err
}

func (c *fileClient) do(ctx context.Context, method, path string, content []byte, want int) (string, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(content))
	if err != nil {
		return "", err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Content-Type", "application/octet-stream")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	if answer.StatusCode != want {
		said, _ := io.ReadAll(answer.Body)
		return "", fmt.Errorf("%s %s: %s %s", method, path, answer.Status, said)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.Header.Get("Location"), err
}

func transferDirect(ctx context.Context, bucket *objectstore.Bucket, key string, content []byte) (put, get time.Duration, err error) {
	start := time.Now()
	if _, err := bucket.Put(ctx, key, bytes.NewReader(content), int64(len(content)), "application/octet-stream"); err != nil {
		return 0, 0, err
	}
	put, start = time.Since(start), time.Now()
	body, _, err := bucket.Get(ctx, key, nil)
	if err != nil {
		return 0, 0, err
	}
	defer body.Close()
	_, err = io.Copy(io.Discard, body)
	return put, time.Since(start), err
}

func (b *bench) s3(ctx context.Context) (objectstore.Settings, error) {
	program, err := parts.BuildS3(ctx, b.root, b.root+"/.bin", io.Discard)
	if err != nil {
		return objectstore.Settings{}, err
	}
	free, err := port.Free()
	if err != nil {
		return objectstore.Settings{}, err
	}
	access, key := "bench", secret()
	server, err := parts.StartS3(ctx, parts.S3Config{Program: program, Dir: b.path("s3"), Port: free, AccessKey: access, SecretKey: key, Output: io.Discard})
	if err != nil {
		return objectstore.Settings{}, err
	}
	b.ends = append(b.ends, func() { _ = server.Stop() })
	settings := objectstore.Settings{
		Endpoint: config.URL(server.URL()), Region: "us-east-1", Bucket: "bench", AccessKey: access, SecretKey: config.Secret(key),
		PathStyle: true, PartBuffers: 8,
	}
	bucket, err := objectstore.Open(settings)
	if err != nil {
		return objectstore.Settings{}, err
	}
	return settings, bucket.Ensure(ctx)
}
