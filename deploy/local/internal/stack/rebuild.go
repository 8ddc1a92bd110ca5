package stack

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/codex-platform/codex/deploy/local/internal/build"
	"github.com/codex-platform/codex/deploy/local/internal/watch"
)

// Watch rebuilds what a change of the sources touches and restarts the services whose program became another one, until
// the context ends. Code that does not compile is shown once, and the old process goes on serving.
func (s *Stack) Watch(ctx context.Context) {
	code := func(name string) bool {
		return strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") || name == "go.mod" ||
			slices.Contains([]string{".sql", ".html", ".txt", ".css", ".yaml", ".tmpl"}, filepath.Ext(name))
	}
	skip := []string{"node_modules", "build", "testdata", "testkit"}
	var trees []watch.Tree
	for _, dir := range []string{"services", "pkg", "migrations"} {
		trees = append(trees, watch.Tree{Dir: filepath.Join(s.Repo.Root, dir), Skip: append(skip, "app"), Match: code})
	}
	app := filepath.Join(s.Repo.Root, "services", "web", "app")
	trees = append(trees, watch.Tree{Dir: app, Skip: skip, Match: func(string) bool { return true }})
	var shown string
	watch.Watch(ctx, trees, func(paths []string) {
		err := s.rebuild(ctx, s.affected(paths))
		switch {
		case err == nil:
			shown = ""
		case ctx.Err() != nil || err.Error() == shown:
		default:
			shown = err.Error()
			s.Logs.Say("%s\nthe old process goes on serving", shown)
		}
	})
}

// affected names the services that a change may concern. Which of them really became another program is seen after the
// build.
func (s *Stack) affected(paths []string) []string {
	var list []string
	for _, p := range paths {
		rel, err := filepath.Rel(s.Repo.Root, p)
		if err != nil {
			continue
		}
		dirs := strings.Split(filepath.ToSlash(rel), "/")
		if dirs[0] != "services" || len(dirs) < 3 {
			return names // pkg and migrations are part of all
		}
		if slices.Contains(names, dirs[1]) {
			list = append(list, dirs[1])
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (s *Stack) rebuild(ctx context.Context, affected []string) error {
	if len(affected) == 0 {
		return nil
	}
	start := time.Now()
	if slices.Contains(affected, "web") {
		if _, err := s.Repo.Web(ctx); err != nil && !errors.Is(err, build.ErrNoNode) {
			return err
		}
	}
	changed, err := s.Repo.Rebuild(ctx, affected...)
	if err != nil {
		return err
	}
	for _, name := range changed {
		if err := s.restart(ctx, name); err != nil {
			return err
		}
		s.Logs.Say("%s rebuilt and restarted in %.1f s", name, time.Since(start).Seconds())
	}
	return nil
}

// restart runs the migrations that came with the new program and then lets it take over.
func (s *Stack) restart(ctx context.Context, name string) error {
	if slices.Contains(withTables, name) {
		if err := s.migrateOne(ctx, name); err != nil {
			return err
		}
	}
	for _, svc := range s.running() {
		if svc.Name == name {
			return svc.Replace(ctx)
		}
	}
	return nil
}
