package config_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/config"
)

func program() config.Program[settings] {
	say := func(what string) func(context.Context, settings, []string, io.Writer) error {
		return func(_ context.Context, s settings, args []string, out io.Writer) error {
			_, err := fmt.Fprintln(out, what, s.Addr, args)
			return err
		}
	}
	return config.Program[settings]{
		Name: "storage", Summary: "keeps people's files",
		Redact: func(s string) string { return strings.ReplaceAll(s, "hunter2", "[redacted]") },
		Commands: []config.Command[settings]{
			{Name: "serve", Summary: "serve the API", Run: say("served")},
			{Name: "migrate up", Summary: "bring the schema up", Needs: []string{"STORE_URL"}, Run: say("migrated")},
			{Name: "import", Summary: "take files over", Args: "FILE... [--fast]", Flags: []config.Flag{{Name: "--fast", Help: "sooner"}}, Needs: []string{"STORE_URL"}, Run: say("imported")},
			{Name: "keys list", Summary: "list keys", Run: say("listed")},
			{Name: "keys rotate", Summary: "make a new one", Run: say("rotated")},
			{Name: "shares of people end", Summary: "end what somebody shares", Run: say("ended")},
			{Name: "doctor", Summary: "look for faults", Run: func(context.Context, settings, []string, io.Writer) error {
				return errors.New("the password hunter2 does not work")
			}},
		},
	}
}

// run gives the exit code and what was written.
func run(t *testing.T, environ []string, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr strings.Builder
	code = program().Run(t.Context(), args, environ, &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestProgram_runsCommands(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"":             "served :8003 []\n",
		"serve":        "served :8003 []\n",
		"migrate up":   "migrated :8003 []\n",
		"import a b c": "imported :8003 [a b c]\n",
	} {
		if code, out, errs := run(t, good(), strings.Fields(args)...); code != 0 || out != want || errs != "" {
			t.Errorf("%q: %d %q %q", args, code, out, errs)
		}
	}
}

func TestProgram_refusesAWrongCommandLine(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"srve":                  `unknown command "srve": did you mean "serve"?`,
		"migrate":               `unknown command "migrate": did you mean "migrate up"?`,
		"migrate pu":            `unknown command "migrate pu": did you mean "migrate up"?`,
		"shares of":             `unknown command "shares of": did you mean "shares of people end"?`,
		"shares of people stop": `unknown command "shares of": did you mean "shares of people end"?`,
		"keys frobnicate":       `unknown command "keys frobnicate": "keys" is the beginning of: storage keys list, storage keys rotate` + "\n",
		"keys lst":              `unknown command "keys lst": did you mean "keys list"?`,
		"elephants":             `unknown command "elephants"` + "\n",
		"--port 1":              `unknown command "--port 1"`,
		"serve now":             "serve takes no arguments",
		"help srve":             `unknown command "srve": did you mean "serve"?`,
	} {
		if code, out, errs := run(t, good(), strings.Fields(args)...); code != 2 || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%q: %d %q %q", args, code, out, errs)
		}
	}
	if code, _, errs := run(t, good(), ""); code != 2 || !strings.Contains(errs, "unknown command") {
		t.Errorf("an empty word: %d %q", code, errs)
	}
}

func TestProgram_endsWith2BeforeAnythingRunsOnFaultySettings(t *testing.T) {
	t.Parallel()
	code, out, errs := run(t, []string{"KEYS=x"}, "serve")
	if code != 2 || out != "" {
		t.Errorf("got %d %q", code, out)
	}
	for _, want := range []string{"storage: 3 faults in the settings:", "STORE_URL is missing", "KEYS is shorter", "FOREIGN_KEY is missing", "storage --help lists every variable"} {
		if !strings.Contains(errs, want) {
			t.Errorf("%q is missing in %q", want, errs)
		}
	}
}

func TestProgram_asksACommandOnlyForWhatItNeeds(t *testing.T) {
	t.Parallel()
	if code, _, errs := run(t, []string{"STORE_URL=postgres://db/x"}, "migrate", "up"); code != 0 {
		t.Errorf("got %d %q", code, errs)
	}
	if code, _, errs := run(t, []string{"STORE_URL=postgres://db/x", "WAIT=x"}, "migrate", "up"); code != 2 || !strings.Contains(errs, "1 fault in the settings") {
		t.Errorf("what is set must fit: %d %q", code, errs)
	}
	if code, _, _ := run(t, nil, "migrate", "up"); code != 2 {
		t.Errorf("got %d", code)
	}
}

func TestProgram_endsWith1WhenACommandFails(t *testing.T) {
	t.Parallel()
	if code, _, errs := run(t, good(), "doctor"); code != 1 || errs != "storage: the password [redacted] does not work\n" {
		t.Errorf("got %d %q", code, errs)
	}
	if got := config.ExitCode(fmt.Errorf("a: %w", &config.Faults{})); got != 2 {
		t.Errorf("faults found later end with %d", got)
	}
}

func TestProgram_helps(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--help"}, {"-h"}, {"help"}} {
		code, out, _ := run(t, nil, args...) // needs no settings
		if code != 0 {
			t.Errorf("%q: %d", args, code)
		}
		for _, want := range []string{
			"storage: keeps people's files", "serve                serve the API (the default)", "migrate up           bring the schema up",
			"APP_ENV (default production)", "STORE_URL (required, secret)\n      the store\n      or STORE_URL_FILE=/path/to/file",
			"STORE_CONNS (default 10, in connections)", "NESTED_PORT (default 1)", "KEYS (required, at least 32 bytes each, secret)", "the first one signs",
			"MAX (default 1GiB, in bytes)",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("%q: %q is missing in\n%s", args, want, out)
			}
		}
	}
	if _, out, _ := run(t, nil, "--help"); !strings.Contains(out, "\n  serve                serve the API") || !strings.Contains(out, "\n  shares of people end end what somebody shares\n") {
		t.Errorf("the commands do not stand in columns:\n%s", out)
	}
	for _, args := range [][]string{{"help", "import"}, {"import", "--help"}, {"import", "-h"}} {
		if code, out, _ := run(t, nil, args...); code != 0 || !strings.Contains(out, "Usage: storage import FILE... [--fast]\n") {
			t.Errorf("%q: %d %q", args, code, out)
		}
		if _, out, _ := run(t, nil, args...); !strings.Contains(out, "--fast") || !strings.Contains(out, "STORE_URL (required") || strings.Contains(out, "NESTED_PORT") {
			t.Errorf("%q: not its flags and what it needs:\n%s", args, out)
		}
	}
	for _, args := range [][]string{{"help", "keys"}, {"keys", "--help"}} {
		if code, out, _ := run(t, nil, args...); code != 0 || !strings.Contains(out, "keys list") || !strings.Contains(out, "keys rotate") || strings.Contains(out, "serve") {
			t.Errorf("%q: %d %q", args, code, out)
		}
	}
	if code, _, errs := run(t, nil, "keys"); code != 2 || !strings.Contains(errs, "storage keys list, storage keys rotate") {
		t.Errorf("the beginning of several: %d %q", code, errs)
	}
}

func TestProgram_tellsItsVersion(t *testing.T) {
	t.Parallel()
	for _, arg := range []string{"--version", "version"} {
		want := fmt.Sprintf("storage %s (commit %s, %s)\n", config.Version(), config.Commit(), runtime.Version())
		if code, out, _ := run(t, nil, arg); code != 0 || out != want {
			t.Errorf("%d %q, want %q", code, out, want)
		}
	}
}

// TestProgram_obeysSignals runs this test binary again as the program.
func TestProgram_obeysSignals(t *testing.T) {
	if mode := os.Getenv("CONFIG_TEST_SIGNALS"); mode != "" {
		waits(mode).Main()
		return
	}
	t.Parallel()
	for mode, want := range map[string]struct {
		signals int
		exit    string
	}{
		"obedient": {1, "exit status 0"},
		"stubborn": {2, "exit status 1"},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProgram_obeysSignals$")
			cmd.Env = []string{"CONFIG_TEST_SIGNALS=" + mode}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for range want.signals {
				ready := make([]byte, 1)
				if _, err := io.ReadFull(out, ready); err != nil {
					t.Fatal(err)
				}
				if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
					t.Fatal(err)
				}
			}
			_, _ = io.Copy(io.Discard, out)
			_ = cmd.Wait()
			if got := cmd.ProcessState.String(); got != want.exit {
				t.Errorf("it ended with %s, want %s", got, want.exit)
			}
		})
	}
}

// waits is a program that says "." when it can be interrupted, and when it was.
func waits(mode string) config.Program[struct{}] {
	os.Args = os.Args[:1] // the test's flags are not the program's
	return config.Program[struct{}]{Name: "waits", Commands: []config.Command[struct{}]{{
		Name: "serve",
		Run: func(ctx context.Context, _ struct{}, _ []string, out io.Writer) error {
			fmt.Fprint(out, ".")
			<-ctx.Done()
			if mode == "stubborn" {
				fmt.Fprint(out, ".")
				<-time.After(time.Minute)
			}
			return nil
		},
	}}}
}
