package pkg_test

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// The rooms of pkg and their levels. A room imports rooms of a lower level only.
var levels = map[string]int{
	"problem": 1, "validation": 1, "observability": 1, "config": 1, "garbage": 1,
	"security": 2, "cache": 2, "objectstore": 2, "mail": 2, "database": 2,
	"httpapi": 3, "jobs": 3,
	"testkit": 4, // beside the others: may import all of them
}

const module = "github.com/codex-platform/codex/"

// confined names what only some folders may import, so that moving on from it
// stays a day's work. Tests may look from outside with the same library.
var confined = map[string][]string{
	"github.com/labstack/echo":       {"pkg/httpapi", "services/gateway"},
	"github.com/stripe/stripe-go":    {"services/webhook/internal/stripe"},
	"github.com/lestrrat-go/jwx":     {"pkg/security", "pkg/testkit", "services/auth/internal/token", "services/auth/internal/provider"},
	"github.com/minio/minio-go":      {"pkg/objectstore", "pkg/testkit"},
	"github.com/wneessen/go-mail":    {"pkg/mail"},
	"github.com/caarlos0/env":        {"pkg/config"},
	"github.com/golang-migrate":      {"pkg/database"},
	"github.com/prometheus":          {"pkg/observability"},
	"go.opentelemetry.io/otel/sdk":   {"pkg/observability"},
	"go.opentelemetry.io/otel/expor": {"pkg/observability"},
}

// mayReadEnvironment are config itself; what runs only for developers (in
// openapi.go that is UPDATE=1 of a test); and who asks whether the runtime was
// told GOMEMLIMIT or GOGC, which are Go's settings and not ours.
var mayReadEnvironment = []string{"pkg/config", "pkg/testkit", "pkg/httpapi/openapi.go", "deploy",
	"pkg/httpapi/memory.go", "pkg/garbage"}

func TestArchitecture(t *testing.T) {
	t.Parallel()
	for _, offence := range offences(t, os.DirFS("..")) {
		t.Error(offence)
	}
}

func TestArchitecture_namesTheOffender(t *testing.T) {
	t.Parallel()
	imports := func(paths ...string) string {
		return "package x\nimport (\n_ \"" + strings.Join(paths, "\"\n_ \"") + "\"\n)\n"
	}
	for where, tc := range map[string]struct{ source, want string }{
		"pkg/cache/a.go":                       {imports(module + "pkg/httpapi"), "imports pkg/httpapi: level 2 may import only lower levels, not 3"},
		"pkg/mail/b.go":                        {imports(module + "pkg/database"), "imports pkg/database: level 2 may import only lower levels, not 2"},
		"pkg/problem/c.go":                     {imports(module + "pkg/config"), "imports pkg/config: level 1 may import only lower levels, not 1"},
		"pkg/jobs/d.go":                        {imports(module + "services/auth/internal/session"), "imports services/auth/internal/session: pkg knows no service"},
		"pkg/jobs/e.go":                        {imports(module + "migrations"), "imports migrations: pkg knows no service"},
		"pkg/strings/f.go":                     {imports("fmt"), "is in a room without a level: name it in pkg/architecture_test.go"},
		"pkg/jobs/g_test.go":                   {imports(module + "services/auth"), "imports services/auth: pkg knows no service"},
		"services/auth/h.go":                   {imports(module + "services/storage/client"), "imports services/storage/client: a service asks another over HTTP"},
		"services/auth/i_test.go":              {imports(module + "services/storage/client"), "imports services/storage/client: a service asks another over HTTP"},
		"services/auth/internal/j/j.go":        {imports(module + "pkg/testkit/inbox"), "imports pkg/testkit/inbox: only tests and deploy do"},
		"services/storage/k.go":                {imports("github.com/labstack/echo/v4/middleware"), "imports github.com/labstack/echo/v4/middleware: only pkg/httpapi, services/gateway do"},
		"services/webhook/internal/l/l.go":     {imports("github.com/stripe/stripe-go/v76/client"), "imports github.com/stripe/stripe-go/v76/client: only services/webhook/internal/stripe do"},
		"services/web/m.go":                    {imports(module + "deploy/local/internal/logs"), "imports deploy/local/internal/logs: nothing imports deploy"},
		"migrations/n.go":                      {imports(module + "pkg/config"), "imports pkg/config: migrations import nothing of ours"},
		"services/storage/o.go":                {"package x\nimport env \"os\"\nvar a = env.Getenv(\"A\")\n", "reads the environment with os.Getenv: only pkg/config does"},
		"pkg/cache/p.go":                       {"package x\nimport \"os\"\nvar a, b = os.LookupEnv(\"A\")\n", "reads the environment with os.LookupEnv: only pkg/config does"},
		"services/web/app/src/routes/q.svelte": {"see .." + "/shared/DESIGN.md", "refers to a folder outside of the repository"},
		"README.md":                            {"[design](.." + "/shared/DESIGN.md)", "refers to a folder outside of the repository"},
	} {
		got := offences(t, fstest.MapFS{where: {Data: []byte(tc.source)}})
		if want := where + " " + tc.want; !slices.Equal(got, []string{want}) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

func TestArchitecture_leavesTheRestInPeace(t *testing.T) {
	t.Parallel()
	innocent := fstest.MapFS{
		"pkg/cache/a.go":                  {Data: []byte("package x\nimport (\n_ \"" + module + "pkg/config\"\n_ \"os\"\n)\n")},
		"pkg/cache/a_test.go":             {Data: []byte("package x\nimport _ \"" + module + "pkg/testkit\"\nimport \"os\"\nvar a = os.Getenv(\"A\")\n")},
		"services/auth/b.go":              {Data: []byte("package x\nimport _ \"" + module + "services/auth/internal/c\"\nimport _ \"" + module + "migrations\"\n")},
		"deploy/local/main.go":            {Data: []byte("package x\nimport _ \"" + module + "pkg/testkit/parts\"\nimport \"os\"\nvar a = os.Getenv(\"A\")\n")},
		"services/gateway/c.go":           {Data: []byte("package x\nimport _ \"github.com/labstack/echo/v4\"\n")},
		"services/web/app/node_modules/d": {Data: []byte("import x from '.." + "/shared/x'")},
	}
	if got := offences(t, innocent); len(got) > 0 {
		t.Errorf("got %q", got)
	}
}

// skipped are folders of what is fetched or built.
var skipped = []string{".git", "node_modules", ".bin", ".codex", ".svelte-kit", "artifacts"}

// offences reads a tree and gives "file what it does: what is right" for each break of a rule.
func offences(t *testing.T, tree fs.FS) (found []string) {
	t.Helper()
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // it went away since its folder was listed
			return nil
		case err != nil:
			return err
		case entry.IsDir() && (slices.Contains(skipped, entry.Name()) || name == "services/web/app/build"):
			return fs.SkipDir
		case !entry.Type().IsRegular():
			return nil
		}
		content, err := fs.ReadFile(tree, name)
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		}
		for _, offence := range append(referrals(content), imported(t, name, content)...) {
			found = append(found, name+" "+offence)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// referrals finds paths that exist only where this was first built.
func referrals(content []byte) []string {
	if bytes.Contains(content, []byte(".."+"/shared")) {
		return []string{"refers to a folder outside of the repository"}
	}
	return nil
}

// imported finds what a Go file must not import or read.
func imported(t *testing.T, name string, content []byte) (found []string) {
	t.Helper()
	if path.Ext(name) != ".go" {
		return nil
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), name, content, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	test := strings.HasSuffix(name, "_test.go")
	if room, inside := roomOf(name); inside && levels[room] == 0 {
		found = append(found, "is in a room without a level: name it in pkg/architecture_test.go")
	}
	for _, spec := range parsed.Imports {
		what := strings.Trim(spec.Path.Value, `"`)
		for _, broken := range []string{level(name, what, test), border(name, what, test), library(name, what, test)} {
			if broken != "" {
				found = append(found, fmt.Sprintf("imports %s: %s", strings.TrimPrefix(what, module), broken))
			}
		}
	}
	if !test && !within(name, mayReadEnvironment) {
		found = append(found, environment(parsed)...)
	}
	return found
}

// level checks the levels of pkg's rooms. A test also uses its own room, from outside, and testkit.
func level(name, what string, test bool) string {
	from, inside := roomOf(name)
	to, ours := roomOf(strings.TrimPrefix(what, module))
	if !inside || !ours || !strings.HasPrefix(what, module) || from == to || test && to == "testkit" {
		return ""
	}
	if levels[to] >= levels[from] {
		return fmt.Sprintf("level %d may import only lower levels, not %d", levels[from], levels[to])
	}
	return ""
}

// roomOf gives the room of a file or package path below pkg.
func roomOf(name string) (room string, inside bool) {
	rest, ok := strings.CutPrefix(name, "pkg/")
	if !ok {
		return "", false
	}
	room, _, deeper := strings.Cut(rest, "/")
	return room, deeper || path.Ext(room) != ".go"
}

// border checks who may know whom beyond pkg's levels.
func border(name, what string, test bool) string {
	what, ours := strings.CutPrefix(what, module)
	here := strings.SplitN(name, "/", 3)
	switch {
	case !ours:
		return ""
	case here[0] == "migrations" && (what != "migrations" || !test):
		return "migrations import nothing of ours"
	case strings.HasPrefix(what, "deploy/") && here[0] != "deploy":
		return "nothing imports deploy"
	case here[0] == "pkg" && (strings.HasPrefix(what, "services/") || what == "migrations" && !test):
		return "pkg knows no service"
	case here[0] == "services" && strings.HasPrefix(what, "services/") && !within(what, []string{"services/" + here[1]}):
		return "a service asks another over HTTP"
	case within(what, []string{"pkg/testkit"}) && !test && !within(name, []string{"pkg/testkit", "deploy"}):
		return "only tests and deploy do"
	}
	return ""
}

// library checks that libraries stay where they are confined.
func library(name, what string, test bool) string {
	for prefix, folders := range confined {
		if strings.HasPrefix(what, prefix) && !within(name, folders) && !test && !within(name, []string{"deploy"}) {
			return "only " + strings.Join(folders, ", ") + " do"
		}
	}
	return ""
}

// within tells whether a path is one of the folders or below it.
func within(name string, folders []string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool { return name == folder || strings.HasPrefix(name, folder+"/") })
}

// environment finds readings of the environment, whatever name os was imported under.
func environment(file *ast.File) (found []string) {
	alias := ""
	for _, spec := range file.Imports {
		if spec.Path.Value == `"os"` {
			alias = "os"
			if spec.Name != nil {
				alias = spec.Name.Name
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		owner, ok := selector.X.(*ast.Ident)
		if ok && alias != "" && owner.Name == alias && slices.Contains([]string{"Getenv", "LookupEnv", "Environ", "ExpandEnv"}, selector.Sel.Name) {
			found = append(found, "reads the environment with os."+selector.Sel.Name+": only pkg/config does")
		}
		return true
	})
	return found
}
