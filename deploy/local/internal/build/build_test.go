package build_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/codex-platform/codex/deploy/local/internal/build"
)

// repo has two services, a and b.
func repo(t *testing.T) build.Repo {
	t.Helper()
	root := t.TempDir()
	write(t, filepath.Join(root, "go.work"), "go 1.26.0\n\nuse (\n./services/a\n./services/b\n)\n")
	for _, name := range []string{"a", "b"} {
		write(t, filepath.Join(root, "services", name, "go.mod"), "module example.com/"+name+"\n\ngo 1.26.0\n")
		write(t, filepath.Join(root, "services", name, "main.go"), "package main\n\nfunc main() { println(\"old\") }\n")
	}
	return build.Repo{Root: root, Bin: filepath.Join(root, ".bin")}
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

func says(t *testing.T, program string) string {
	t.Helper()
	out, err := exec.Command(program).CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func TestRebuild_replacesOnlyTheProgramsThatChanged(t *testing.T) {
	t.Parallel()
	r := repo(t)
	if err := r.Services(t.Context(), "a", "b"); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(r.Root, "services", "b", "main.go"), "package main\n\nfunc main() { println(\"new\") }\n")

	changed, err := r.Rebuild(t.Context(), "a", "b")

	if err != nil || !slices.Equal(changed, []string{"b"}) {
		t.Fatalf("changed %q, %v, want b alone", changed, err)
	}
	if a, b := says(t, r.Binary("a")), says(t, r.Binary("b")); a != "old" || b != "new" {
		t.Errorf("a says %q, b says %q", a, b)
	}
}

func TestRebuild_leavesTheOldProgramWhenTheCodeIsBroken(t *testing.T) {
	t.Parallel()
	r := repo(t)
	if err := r.Services(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(r.Root, "services", "a", "main.go"), "package main\n\nfunc main() { undefinedThing() }\n")

	_, err := r.Rebuild(t.Context(), "a")

	if err == nil || !strings.Contains(err.Error(), "undefinedThing") {
		t.Fatalf("got %v, want what the compiler says", err)
	}
	if got := says(t, r.Binary("a")); got != "old" {
		t.Errorf("the program says %q", got)
	}
}
