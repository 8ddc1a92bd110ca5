package testkit_test

import (
	"testing"

	"github.com/codex-platform/codex/pkg/testkit"
)

func TestRedis_eachTestHasItsOwn(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	a, b := testkit.Redis(t), testkit.Redis(t)
	if err := a.Set(ctx, "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if n := b.Exists(ctx, "k").Val(); n != 0 {
		t.Fatal("another test's key is visible")
	}
}

func TestStartRedis_comesBackEmptyOnTheSamePort(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	server := testkit.StartRedis(t)
	client := server.Client()
	if err := client.Set(ctx, "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}

	server.Stop()
	if err := client.Ping(ctx).Err(); err == nil {
		t.Fatal("a stopped server answers")
	}
	server.Start()

	if n, err := client.Exists(ctx, "k").Result(); err != nil || n != 0 {
		t.Fatalf("after the restart: %d keys, %v", n, err)
	}
}
