package watch_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/deploy/local/internal/watch"
)

func TestWatch_reportsWhatChangedAndNothingElse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.go"), "package a")
	write(t, filepath.Join(dir, "gone.go"), "package a")
	write(t, filepath.Join(dir, "node_modules", "b.go"), "package b")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	got := make(chan []string, 1)
	ready := make(chan struct{})
	go func() {
		tree := watch.Tree{Dir: dir, Skip: []string{"node_modules"}, Match: func(name string) bool { return strings.HasSuffix(name, ".go") }}
		close(ready)
		watch.Watch(ctx, []watch.Tree{tree}, func(paths []string) { got <- paths })
	}()
	<-ready

	// The first look may come before, between or after these, so they go on changing until both have been seen.
	want := []string{filepath.Join(dir, "a.go"), filepath.Join(dir, "gone.go")}
	tick := time.NewTicker(1200 * time.Millisecond)
	defer tick.Stop()
	var seen []string
	for text := "package a"; !slices.Equal(seen, want); text += "\n" {
		write(t, filepath.Join(dir, "node_modules", "b.go"), text)
		write(t, filepath.Join(dir, "readme.txt"), text)
		write(t, filepath.Join(dir, "a.go"), text)
		if err := toggle(filepath.Join(dir, "gone.go")); err != nil {
			t.Fatal(err)
		}
		select {
		case paths := <-got:
			seen = append(seen, paths...)
			slices.Sort(seen)
			seen = slices.Compact(seen)
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("seen %q, want %q", seen, want)
		}
		if len(seen) > len(want) {
			t.Fatalf("seen %q, want %q", seen, want)
		}
	}
}

func toggle(path string) error {
	if err := os.Remove(path); err == nil {
		return nil
	}
	return os.WriteFile(path, nil, 0o600)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
