// Command shares prints how many tests are unit, integration and end-to-end.
//
// A Go test that passes with -short needs nothing but Go: unit. One that
// skips itself there needs a database, a bucket or another program:
// integration. Everything in deploy/e2e is end-to-end. Tests of the web app's
// logic count as unit. The command fails only when the pyramid stands on its
// head: unit ≤ integration, or integration ≤ end-to-end.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// shares counts tests by kind.
type shares struct{ unit, integration, e2e int }

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "test-report:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var count shares
	if err := countGo(ctx, &count); err != nil {
		return err
	}
	web, err := countNode("services/web/app/src")
	if err != nil {
		return err
	}
	journeys, err := countNode("deploy/e2e")
	if err != nil {
		return err
	}
	count.unit += web
	count.e2e += journeys
	return count.report()
}

// countGo runs the short tests once and reads each top-level test's end.
func countGo(ctx context.Context, count *shares) error {
	test := exec.CommandContext(ctx, "go", "test", "-short", "-json", "work")
	test.Stderr = os.Stderr
	out, err := test.StdoutPipe()
	if err != nil {
		return err
	}
	if err := test.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var event struct{ Action, Package, Test string }
		if json.Unmarshal(lines.Bytes(), &event) != nil {
			continue
		}
		count.add(event.Action, event.Package, event.Test)
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if err := test.Wait(); err != nil {
		return fmt.Errorf("go test -short: %w (run it to see which test fails)", err)
	}
	return nil
}

func (s *shares) add(action, pkg, test string) {
	ended := action == "pass" || action == "skip"
	if !ended || test == "" || strings.Contains(test, "/") {
		return
	}
	switch {
	case strings.Contains(pkg, "/deploy/e2e"):
		s.e2e++
	case action == "pass":
		s.unit++
	default:
		s.integration++
	}
}

var nodeTest = regexp.MustCompile(`(?m)^\s*(?:test|it)\(`)

// countNode counts the tests of the files *.test.ts, .js and .mjs below dir.
func countNode(dir string) (int, error) {
	n := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && entry.Name() == "node_modules" {
			return filepath.SkipDir
		}
		if !strings.Contains(entry.Name(), ".test.") {
			return nil
		}
		source, err := os.ReadFile(path)
		n += len(nodeTest.FindAllIndex(source, -1))
		return err
	})
	return n, err
}

func (s *shares) report() error {
	all := s.unit + s.integration + s.e2e
	if all == 0 {
		return fmt.Errorf("no test found")
	}
	for _, row := range []struct {
		kind, aim string
		n         int
	}{{"unit", "60-80 %", s.unit}, {"integration", "20-30 %", s.integration}, {"end-to-end", "5-10 %", s.e2e}} {
		fmt.Printf("%-12s %4d  %3.0f %%  (aim %s)\n", row.kind, row.n, 100*float64(row.n)/float64(all), row.aim)
	}
	if s.unit <= s.integration || s.integration <= s.e2e {
		return fmt.Errorf("the pyramid stands on its head: want unit > integration > end-to-end")
	}
	return nil
}
