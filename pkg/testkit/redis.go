package testkit

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/codex-platform/codex/pkg/testkit/parts"
)

// Redis gives the test a Redis of its own: a server (10 ms to start), or one of the numbered databases of TEST_REDIS_URL.
func Redis(t testing.TB) redis.UniversalClient {
	t.Helper()
	need(t, "Redis")
	address := os.Getenv("TEST_REDIS_URL")
	if address != "" {
		return borrowRedis(t, address)
	}
	return redisClient(t, StartRedis(t).URL())
}

func redisClient(t testing.TB, address string) *redis.Client {
	t.Helper()
	opt, err := redis.ParseURL(address)
	if err != nil {
		t.Fatalf("address of Redis: %v", err)
	}
	client := redis.NewClient(opt)
	t.Cleanup(func() { client.Close() })
	return client
}

// RedisServer is a Redis server of the test's own.
type RedisServer struct {
	t      testing.TB
	cfg    parts.RedisConfig
	server *parts.Redis
}

// findRedis looks once for all tests of this process.
var findRedis = sync.OnceValues(func() (parts.RedisProgram, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	defer cancel()
	return parts.FindRedis(ctx, cache())
})

// StartRedis starts a server that keeps nothing on disk and ends with the test.
func StartRedis(t testing.TB) *RedisServer {
	t.Helper()
	need(t, "Redis")
	program, err := findRedis()
	if err != nil {
		t.Fatal(err)
	}
	s := &RedisServer{t: t, cfg: parts.RedisConfig{Program: program, Dir: t.TempDir()}}
	for range 3 { // somebody may be quicker to take the port
		s.cfg.Port = freePort(t)
		if s.server, err = parts.StartRedis(limited(t), s.cfg); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.server.Kill() })
	return s
}

// URL is the server's address; it stays the same over Stop and Start.
func (s *RedisServer) URL() string { return s.server.URL() }

// Client returns a client with go-redis's own settings; it is closed when the test ends.
func (s *RedisServer) Client() *redis.Client {
	s.t.Helper()
	return redisClient(s.t, s.URL())
}

// Stop ends the server; its data is lost.
func (s *RedisServer) Stop() { s.server.Kill() }

// Start brings an empty server back on the same port.
func (s *RedisServer) Start() {
	s.t.Helper()
	server, err := parts.StartRedis(limited(s.t), s.cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	s.server = server
}

const (
	redisDatabases = 16 // what a server has unless told otherwise
	redisOwnerKey  = "codex:test:owner"
)

// borrowRedis claims a numbered database of a foreign server and empties it before and after.
func borrowRedis(t testing.TB, address string) redis.UniversalClient {
	t.Helper()
	ctx := limited(t)
	me := fmt.Sprintf("%d %s", os.Getpid(), t.Name())
	for {
		for n := range redisDatabases {
			client := redisClient(t, withDatabase(t, address, n))
			err := client.SetArgs(ctx, redisOwnerKey, me, redis.SetArgs{Mode: "NX", TTL: 10 * time.Minute}).Err()
			if errors.Is(err, redis.Nil) {
				client.Close()
				continue
			}
			if err != nil {
				t.Fatalf("TEST_REDIS_URL: %v", err)
			}
			t.Cleanup(func() { client.FlushDB(context.Background()) })
			return client
		}
		select {
		case <-ctx.Done():
			t.Fatalf("TEST_REDIS_URL: all %d databases are in use by other tests", redisDatabases)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func withDatabase(t testing.TB, address string, n int) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal("TEST_REDIS_URL is not a URL")
	}
	u.Path = fmt.Sprintf("/%d", n)
	return u.String()
}
