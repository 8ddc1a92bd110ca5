// Package testkit gives tests the real parts: a database of their own in milliseconds, Redis, an S3 server, a mail inbox,
// a Stripe stand-in and a clock.
//
// With -short every one of them skips the test. Without it a part that cannot be had fails the test and says what to
// install. A server that already runs can be named: TEST_DATABASE_URL (a role that may create databases and roles),
// TEST_REDIS_URL, and TEST_S3_ENDPOINT with TEST_S3_ACCESS_KEY and TEST_S3_SECRET_KEY.
package testkit

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// patience bounds every wait for a part.
const patience = 30 * time.Second

// Root is the repository's folder: the nearest one above the working folder that holds go.work, or pkg and migrations
// where a service was copied out alone. It is "" outside.
func Root() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for {
		if isRoot(dir) {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

func isRoot(dir string) bool {
	for _, marks := range [][]string{{"go.work"}, {"pkg/go.mod", "migrations/go.mod"}} {
		all := true
		for _, m := range marks {
			_, err := os.Stat(filepath.Join(dir, m))
			all = all && err == nil
		}
		if all {
			return true
		}
	}
	return false
}

// cache is where fetched and built programs are kept.
func cache() string { return filepath.Join(Root(), ".bin") }

// need skips in short mode.
func need(t testing.TB, part string) {
	t.Helper()
	if testing.Short() {
		t.Skipf("needs %s; run without -short", part)
	}
}

// limited is the test's context with an end to every wait.
func limited(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	t.Cleanup(cancel)
	return ctx
}
