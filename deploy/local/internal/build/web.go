package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/codex-platform/codex/pkg/testkit/parts"
)

// ErrNoNode means that the web app cannot be built on this machine; everything else works without it.
var ErrNoNode = errors.New("the web app needs Node.js 20.19 or newer with npm: install it and start again; the APIs are up without it")

// app is the web app's folder.
func (r Repo) app() string { return filepath.Join(r.Root, "services", "web", "app") }

// webSources are the files and folders that decide what the built app looks like.
var webSources = []string{"src", "static", "package.json", "package-lock.json", "svelte.config.js", "vite.config.ts", "tsconfig.json"}

// Web builds the web app when its sources are newer than what was built, and tells whether it did.
func (r Repo) Web(ctx context.Context) (built bool, err error) {
	unlock, err := parts.Lock(ctx, filepath.Join(r.Bin, "web.lock"))
	if err != nil {
		return false, err
	}
	defer unlock()
	index := filepath.Join(r.app(), "build", "index.html")
	if newest := r.newestWebSource(); !newest.After(modified(index)) {
		return false, nil
	}
	if err := checkNode(ctx); err != nil {
		return false, err
	}
	lock, installed := filepath.Join(r.app(), "package-lock.json"), filepath.Join(r.app(), "node_modules", ".package-lock.json")
	if modified(lock).After(modified(installed)) {
		if err := r.npm(ctx, "ci", "--no-audit", "--no-fund", "--loglevel=error"); err != nil {
			return false, err
		}
		touch(installed)
	}
	if err := r.npm(ctx, "run", "--silent", "build"); err != nil {
		return false, err
	}
	touch(index)
	return true, nil
}

func (r Repo) npm(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "npm", args...)
	cmd.Dir = r.app()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm %s: %w\n%s", args[0], err, lastLines(string(out), 25))
	}
	return nil
}

// lastLines: bundlers print a long list before they say what is wrong.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

func (r Repo) newestWebSource() time.Time {
	var newest time.Time
	for _, name := range webSources {
		_ = filepath.WalkDir(filepath.Join(r.app(), name), func(_ string, d fs.DirEntry, err error) error {
			if err != nil {
				return nil //nolint:nilerr // a file that is just being written or moved is seen the next time
			}
			if info, err := d.Info(); err == nil && !d.IsDir() && info.ModTime().After(newest) {
				newest = info.ModTime()
			}
			return nil
		})
	}
	return newest
}

func checkNode(ctx context.Context) error {
	if _, err := exec.LookPath("npm"); err != nil {
		return ErrNoNode
	}
	out, err := exec.CommandContext(ctx, "node", "--version").Output()
	if err != nil {
		return ErrNoNode
	}
	major, rest, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(string(out)), "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	have, _ := strconv.Atoi(major)
	part, _ := strconv.Atoi(minor)
	if have < 20 || have == 20 && part < 19 {
		return ErrNoNode
	}
	return nil
}

func modified(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// touch makes a result newer than its sources, whatever the tool that wrote it did.
func touch(path string) {
	now := time.Now()
	_ = os.Chtimes(path, now, now)
}
