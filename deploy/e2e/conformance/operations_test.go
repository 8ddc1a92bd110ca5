package conformance_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/codex-platform/codex/pkg/testkit"
)

// prefix is what the contract's paths stand below.
const prefix = "/api/auth"

// operation is a line of operations.json.
type operation struct {
	ID, Method, Path, Section string
	// NotServed: of the contract, and left out here.
	NotServed bool
	// Switch is the setting that serves it, off by default.
	Switch string
	// Success is the status that the contract wants, where it is neither 2xx nor 302.
	Success int

	path *regexp.Regexp
}

var parameter = regexp.MustCompile(`\\\{[^/]*\\\}`)

func readOperations(t *testing.T) []*operation {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "client", "operations.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []*operation
	if err := json.Unmarshal(content, &all); err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		o.path = regexp.MustCompile("^" + parameter.ReplaceAllString(regexp.QuoteMeta(prefix+o.Path), "[^/]+") + "$")
	}
	return all
}

// answered tells whether a call was one of this operation, and a success.
func (o *operation) answered(c call) bool {
	if c.Method != o.Method || !o.path.MatchString(c.Path) {
		return false
	}
	if o.Success != 0 {
		return c.Status == o.Success
	}
	return c.Status/100 == 2 || c.Status == http.StatusFound
}

var (
	pathLine   = regexp.MustCompile(`^  (/\S+):$`)
	methodLine = regexp.MustCompile(`^    (get|post|put|patch|delete):$`)
)

// servedOperations are the operations of auth's openapi.yaml below prefix.
func servedOperations(t *testing.T) map[string]bool {
	t.Helper()
	f, err := os.Open(filepath.Join(testkit.Root(), "services", "auth", "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	served, path := map[string]bool{}, ""
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if found := pathLine.FindStringSubmatch(lines.Text()); found != nil {
			path = found[1]
		} else if found := methodLine.FindStringSubmatch(lines.Text()); found != nil {
			if below, ok := strings.CutPrefix(path, prefix); ok {
				served[strings.ToUpper(found[1])+" "+below] = true
			}
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return served
}

// The list of operations and what auth says that it serves are the same.
func TestOperationsAreListed(t *testing.T) {
	t.Parallel()
	served := servedOperations(t)
	for _, o := range readOperations(t) {
		name := o.Method + " " + o.Path
		if want := !o.NotServed && o.Switch == ""; served[name] != want {
			t.Errorf("%s: served by default %t, listed as %t", name, served[name], want)
		}
		delete(served, name)
	}
	for name := range served {
		t.Errorf("%s is served and not listed", name)
	}
}

// table is what stands in auth's README. passed tells by mode which operations
// have a test that passed with every client.
func table(operations []*operation, passed map[mode]map[string]bool) string {
	var b strings.Builder
	b.WriteString("| operation | contract | " + strings.Join(titles(), " | ") + " |\n|---|---|" + strings.Repeat("---|", len(modes)) + "\n")
	for _, o := range operations {
		fmt.Fprintf(&b, "| `%s %s` | %s |", o.Method, strings.TrimPrefix(o.Path, "/"), section(o.Section))
		for _, m := range modes {
			fmt.Fprintf(&b, " %s |", mark(o, m, passed))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func mark(o *operation, m mode, passed map[mode]map[string]bool) string {
	switch {
	case o.NotServed:
		return "not served"
	case passed[m][o.ID]:
		return "passes"
	}
	return "**fails**"
}

func section(name string) string {
	if name == "ours" {
		return name
	}
	return "§" + name
}

// One client's test is not enough, nor is a refusal, nor another mode's test.
func TestAnOperationPasses_withEveryClientInItsMode(t *testing.T) {
	t.Parallel()
	o := &operation{ID: "listSessions", Method: http.MethodGet, Path: "/list-sessions", path: regexp.MustCompile("^/api/auth/list-sessions$")}
	by := func(place, client string, status int) record {
		return record{Place: place, Client: client, Calls: []call{{http.MethodGet, "/api/auth/list-sessions", status}}}
	}
	here, there := modes[0].place, modes[1].place
	for name, tc := range map[string]struct {
		records []record
		want    bool
	}{
		"both clients":    {[]record{by(here, "vanilla", 200), by(here, "svelte", 200)}, true},
		"nobody":          {nil, false},
		"one client":      {[]record{by(here, "vanilla", 200), by(here, "vanilla", 200)}, false},
		"another place":   {[]record{by(here, "vanilla", 200), by(there, "svelte", 200)}, false},
		"refusals":        {[]record{by(here, "vanilla", 401), by(here, "svelte", 401)}, false},
		"one was refused": {[]record{by(here, "vanilla", 200), by(here, "svelte", 403)}, false},
	} {
		if got := passes(o, modes[0], tc.records); got != tc.want {
			t.Errorf("%s: passes is %t", name, got)
		}
	}
	if table([]*operation{o}, nil) == table([]*operation{o}, map[mode]map[string]bool{modes[0]: {o.ID: true}}) {
		t.Error("the table does not tell")
	}
}
