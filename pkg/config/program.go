package config

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// Command is one thing that a binary can do.
type Command[S any] struct {
	// Name is one word or two: "serve", "migrate up".
	Name string
	// Summary says in one line what it does.
	Summary string
	// Args shows the words that may follow the name, as in "FILE...". A command
	// without it takes none.
	Args string
	// Flags say what each of the flags in Args means.
	Flags []Flag
	// Needs names the variables that this command cannot do without. Nil means
	// every required one; a migration, which must not hold the keys of the
	// service, names only its database.
	Needs []string
	// Run does it. args are the words after the name; out is standard output.
	Run func(ctx context.Context, s S, args []string, out io.Writer) error
}

// Flag is a flag of a command in its help: "--out FILE" and what it does.
type Flag struct{ Name, Help string }

// Program is a binary: its name and its commands.
type Program[S any] struct {
	Name    string
	Summary string
	// Commands are what it can do; the first is what it does without a word.
	Commands []Command[S]
	// Redact, when set, cleans the text of an error before it is printed.
	Redact func(string) string
}

// Main runs the program with the process's arguments, environment and
// streams, and ends the process: 0 done, 1 failed, 2 wrong settings or command
// line. SIGINT and SIGTERM end the command's context; a second one ends the
// process at once.
func (p Program[S]) Main() {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		os.Exit(1)
	}()
	os.Exit(p.Run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// Run is Main with everything handed in, and gives the exit code.
func (p Program[S]) Run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	err := p.run(ctx, args, environ, stdout)
	if err == nil {
		return 0
	}
	text, code := err.Error(), ExitCode(err)
	if p.Redact != nil && code == 1 { // faults hold no values, only names and examples
		text = p.Redact(text)
	}
	fmt.Fprintf(stderr, "%s: %s\n", p.Name, text)
	var faults *Faults
	if errors.As(err, &faults) {
		fmt.Fprintf(stderr, "%s --help lists every variable.\n", p.Name)
	}
	return code
}

func (p Program[S]) run(ctx context.Context, args, environ []string, stdout io.Writer) error {
	if done, err := p.answer(args, stdout); done || err != nil {
		return err
	}
	command, rest, err := p.find(args)
	if err != nil {
		return err
	}
	if len(rest) > 0 && command.Args == "" {
		return usageError(fmt.Sprintf("%s takes no arguments", command.Name))
	}
	settings, err := load[S](environ, command.Needs)
	if err != nil {
		return err
	}
	return command.Run(ctx, settings, rest, stdout)
}

// answer serves what needs no settings: --version, --help and help COMMAND.
func (p Program[S]) answer(args []string, out io.Writer) (done bool, err error) {
	if len(args) == 0 {
		return false, nil
	}
	switch {
	case args[0] == "--version", args[0] == "-version", args[0] == "version":
		_, err = fmt.Fprintln(out, versionLine(p.Name))
		return true, err
	case args[0] == "help":
		return true, p.help(args[1:], out)
	case args[0] == "-h", args[0] == "--help", args[0] == "-help":
		return true, p.help(nil, out)
	case isHelp(args[len(args)-1]):
		return true, p.help(args[:len(args)-1], out)
	}
	return false, nil
}

func isHelp(arg string) bool { return arg == "--help" || arg == "-h" }

// find gives the command that the arguments begin with, and the words after it.
func (p Program[S]) find(args []string) (Command[S], []string, error) {
	if len(args) == 0 {
		return p.Commands[0], nil, nil
	}
	for _, c := range p.Commands {
		words := strings.Fields(c.Name)
		if len(args) >= len(words) && strings.Join(args[:len(words)], " ") == c.Name {
			return c, args[len(words):], nil
		}
	}
	return Command[S]{}, nil, p.unknown(args)
}

// group gives the commands whose names begin with these words, and go on.
func (p Program[S]) group(words []string) (found []Command[S]) {
	for _, c := range p.Commands {
		if strings.HasPrefix(c.Name, strings.Join(words, " ")+" ") {
			found = append(found, c)
		}
	}
	return found
}

// beginning tells how words that are not yet a command go on.
func (p Program[S]) beginning(words string, group []Command[S]) string {
	names := make([]string, len(group))
	for i, c := range group {
		names[i] = p.Name + " " + c.Name
	}
	return fmt.Sprintf("%q is the beginning of: %s\n%s help %s tells more.", words, strings.Join(names, ", "), p.Name, words)
}

func (p Program[S]) unknown(args []string) error {
	given := strings.Join(args[:min(len(args), 2)], " ")
	text := fmt.Sprintf("unknown command %q", given)
	if group := p.group(args); len(group) > 1 {
		return usageError(p.beginning(given, group))
	}
	near := p.nearest(given, args[0])
	if group := p.group(args[:min(len(args), 2)]); len(group) > 0 {
		near = group[0].Name
	}
	if group := p.group(args[:1]); len(group) > 1 && !strings.HasPrefix(near, args[0]+" ") {
		return usageError(text + ": " + p.beginning(args[0], group))
	}
	if near != "" {
		text += fmt.Sprintf(": did you mean %q?", near)
	}
	return usageError(text + "\n" + p.Name + " --help lists the commands.")
}
