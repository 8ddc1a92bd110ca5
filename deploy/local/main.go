// Command local is what `make dev` runs: the whole system on one machine, from source, with nothing installed by hand.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/codex-platform/codex/deploy/local/internal/build"
	"github.com/codex-platform/codex/deploy/local/internal/logs"
	"github.com/codex-platform/codex/deploy/local/internal/progress"
	"github.com/codex-platform/codex/deploy/local/internal/stack"
	"github.com/codex-platform/codex/deploy/local/internal/state"
	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/testkit"
)

func main() {
	os.Exit(run(os.Args[1:]))
}

// run is main with an exit code: 0 stopped on request, 1 a part failed, 2 wrong settings, 130 ended by a second signal.
func run(args []string) int {
	ctx, again := interrupts()
	environ, err := environment(os.Environ())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	switch {
	case len(args) > 0 && args[0] == "inbox":
		return inboxProgram().Run(ctx, args, environ, os.Stdout, os.Stderr)
	case len(args) > 0 && args[0] == "stripe":
		return stripeProgram().Run(ctx, args, environ, os.Stdout, os.Stderr)
	}
	return stackProgram(again).Run(ctx, args, environ, os.Stdout, os.Stderr)
}

func stackProgram(again <-chan struct{}) config.Program[stack.Settings] {
	return config.Program[stack.Settings]{
		Name: "local", Summary: "the whole of Codex on this machine, for development (`local inbox` and `local stripe` run one part alone)",
		Commands: []config.Command[stack.Settings]{{
			Name: "up", Summary: "start everything, stop it on Ctrl-C",
			Run: func(ctx context.Context, s stack.Settings, _ []string, out io.Writer) error {
				return up(ctx, s, out, again)
			},
		}},
	}
}

// echo: a terminal and a process manager may both pass the same Ctrl-C on.
const echo = 300 * time.Millisecond

// interrupts returns a context that the first signal ends, and a channel that the second one closes.
func interrupts() (context.Context, <-chan struct{}) {
	signals, again := make(chan os.Signal, 2), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-signals
		cancel()
		for first := time.Now(); ; {
			if <-signals; time.Since(first) > echo {
				close(again)
				return
			}
		}
	}()
	return ctx, again
}

// environment adds the addresses of .env.dev where the caller's own environment says nothing. With CODEX_PORTS=auto they
// do not count.
func environment(own []string) ([]string, error) {
	env := append(slices.Clone(own), "APP_ENV=development") // whatever the shell says
	if slices.Contains(own, "CODEX_PORTS=auto") {
		return env, nil
	}
	f, err := os.Open(filepath.Join(testkit.Root(), ".env.dev"))
	if errors.Is(err, os.ErrNotExist) {
		return env, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var defaults []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if line := strings.TrimSpace(lines.Text()); line != "" && !strings.HasPrefix(line, "#") {
			defaults = append(defaults, line)
		}
	}
	return append(defaults, env...), nil
}

// up runs the stack until the context ends or a part fails.
func up(ctx context.Context, settings stack.Settings, out io.Writer, again <-chan struct{}) error {
	began := time.Now()
	root := testkit.Root()
	if root == "" {
		return errors.New("start this from inside the repository")
	}
	dir := settings.Dir
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(root, dir)
	}
	folder, err := state.Open(dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	live := progress.Terminal(os.Stdout)
	board := progress.New(out, live)
	usual := func(name string) bool { return slices.Contains(stack.Services(), name) }
	s := &stack.Stack{
		Settings: settings, Environ: os.Environ(), Folder: folder, Board: board,
		Repo: build.Repo{Root: root, Bin: filepath.Join(root, ".bin")},
		Logs: logs.New(out, live, folder.Path("logs"), settings.Logs, usual),
	}
	go func() {
		<-again
		s.Kill()
		os.Exit(130)
	}()
	err = s.Start(ctx)
	board.Close()
	if err == nil {
		s.Table(out, live)
		fmt.Fprintf(out, "  ready after %.1f s\n", time.Since(began).Seconds())
		err = serve(ctx, s)
	}
	if ctx.Err() != nil {
		err = nil // whatever was under way ended because somebody asked for it
	}
	return errors.Join(err, stop(s, out))
}

func serve(ctx context.Context, s *stack.Stack) error {
	s.Logs.Open()
	if s.Settings.Watch {
		go s.Watch(ctx)
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.Failed():
		return err
	}
}

func stop(s *stack.Stack, out io.Writer) error {
	began := time.Now()
	err := s.Stop()
	fmt.Fprintf(out, "  stopped in %.1f s\n", time.Since(began).Seconds())
	return err
}
