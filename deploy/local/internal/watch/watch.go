// Package watch notices which source files changed. It looks at modification times twice a second: no library, no limit
// on open files, the same on every system, a few milliseconds of work.
package watch

import (
	"context"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const every = 500 * time.Millisecond

// Tree is a folder to watch.
type Tree struct {
	Dir   string
	Skip  []string               // names of folders that are left out
	Match func(name string) bool // which files count
}

// Watch calls changed with the paths that came, went or changed in a tree since the last call, until the context ends.
// Files that are still being written within one look are reported once they have settled.
func Watch(ctx context.Context, trees []Tree, changed func(paths []string)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	seen := snapshot(trees)
	var pending []string
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := snapshot(trees)
		diff := compare(seen, now)
		seen = now
		pending = append(pending, diff...)
		if len(diff) == 0 && len(pending) > 0 { // an editor or a checkout may write many files one after the other
			slices.Sort(pending)
			changed(slices.Compact(pending))
			pending = nil
		}
	}
}

type stamp struct {
	modified time.Time
	size     int64
}

func snapshot(trees []Tree) map[string]stamp {
	files := map[string]stamp{}
	for _, t := range trees {
		_ = filepath.WalkDir(t.Dir, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return nil //nolint:nilerr // gone between two looks
			case d.IsDir() && path != t.Dir && (strings.HasPrefix(d.Name(), ".") || slices.Contains(t.Skip, d.Name())):
				return filepath.SkipDir
			case d.IsDir() || !t.Match(d.Name()):
				return nil
			}
			if info, err := d.Info(); err == nil {
				files[path] = stamp{info.ModTime(), info.Size()}
			}
			return nil
		})
	}
	return files
}

func compare(before, after map[string]stamp) []string {
	var paths []string
	for path, s := range after {
		if before[path] != s {
			paths = append(paths, path)
		}
	}
	for path := range before {
		if _, ok := after[path]; !ok {
			paths = append(paths, path)
		}
	}
	return paths
}
