package checks_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// An image is built from a service's folder, pkg and migrations alone, without
// the workspace: what works only because of go.work must not be merged.
func TestEveryServiceBuildsAlone(t *testing.T) {
	if testing.Short() {
		t.Skip("builds five programs; run without -short")
	}
	for _, service := range []string{"auth", "gateway", "webhook", "storage", "web"} {
		t.Run(service, func(t *testing.T) {
			copied := t.TempDir()
			for _, part := range []string{"pkg", "migrations", "services/" + service} {
				copyTree(t, filepath.Join(root(t), part), filepath.Join(copied, part))
			}
			build := exec.Command("go", "build", "-mod=readonly", "-o", os.DevNull, ".")
			build.Dir = filepath.Join(copied, "services", service)
			build.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("go build with GOWORK=off: %v\n%s", err, out)
			}
		})
	}
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".svelte-kit") {
			return filepath.SkipDir
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if entry.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}
