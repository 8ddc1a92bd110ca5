package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/codex-platform/codex/pkg/config"

	"github.com/codex-platform/codex/services/auth/internal/breach"
	"github.com/codex-platform/codex/services/auth/internal/progress"
)

// noSettings is for commands that need no variable at all.
var noSettings = []string{}

// breachCommands make and check filters of leaked passwords.
func breachCommands() []config.Command[settings] {
	return []config.Command[settings]{
		{Name: "breach build", Args: "FILE [--out FILE] [--bits N]", Flags: []config.Flag{
			{Name: "--out FILE", Help: "where the filter goes; without it beside the list, with .filter at its end"},
			{Name: "--bits N", Help: "bits for each password, 8 to 64; without it 16: one stranger in 800 is refused"},
		}, Needs: noSettings, Run: buildFilter,
			Summary: "make a filter for BREACH_FILTER of a list of leaked passwords or of their SHA-1 (HASH:COUNT lines)"},
		{Name: "breach check", Args: "FILE", Needs: noSettings, Run: checkFilter, Summary: "read a filter of leaked passwords from end to end and compare its sum"},
	}
}

// parseFlags reads flags that may stand before or after the words of a command.
func parseFlags(flags *flag.FlagSet, args []string) (words []string, err error) {
	flags.SetOutput(io.Discard)
	for len(args) > 0 {
		if err := flags.Parse(args); err != nil {
			return nil, config.Usage(flags.Name() + ": " + err.Error())
		}
		args = flags.Args()
		if len(args) > 0 {
			words, args = append(words, args[0]), args[1:]
		}
	}
	return words, nil
}

func buildFilter(_ context.Context, _ settings, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("breach build", flag.ContinueOnError)
	to := flags.String("out", "", "")
	bits := flags.Int("bits", breach.DefaultBits, "")
	words, err := parseFlags(flags, args)
	switch {
	case err != nil:
		return err
	case len(words) != 1:
		return config.Usage("breach build takes one file")
	case *bits < 8 || *bits > 64:
		return config.Usage("--bits is not between 8 and 64")
	}
	if *to == "" {
		*to = strings.TrimSuffix(words[0], ".txt") + ".filter"
	}
	list, err := os.Open(words[0])
	if err != nil {
		return err
	}
	defer list.Close()
	info, err := list.Stat()
	if err != nil {
		return err
	}
	counting := progress.New(out, "counting", info.Size(), progress.Bytes, time.Now)
	var building *progress.Bar
	n, err := breach.Build{From: list, To: *to, Bits: *bits, Report: func(pass int, done int64) {
		switch {
		case pass == 1:
			counting.Set(done)
		case building == nil:
			counting.Done(info.Size())
			building = progress.New(out, "building", info.Size(), progress.Bytes, time.Now)
		default:
			building.Set(done)
		}
	}}.Run()
	if err != nil {
		return err
	}
	building.Done(info.Size())
	fmt.Fprintf(out, "%s holds %d passwords; name it in BREACH_FILTER\n", *to, n)
	return nil
}

func checkFilter(_ context.Context, _ settings, args []string, out io.Writer) error {
	if len(args) != 1 {
		return config.Usage("breach check takes one file")
	}
	filter, err := breach.OpenFilter(args[0])
	if err != nil {
		return err
	}
	defer filter.Close()
	bar := progress.New(out, "reading", filter.Size(), progress.Bytes, time.Now)
	if err := filter.Check(bar.Set); err != nil {
		return fmt.Errorf("%s %w", args[0], err)
	}
	fmt.Fprintf(out, "%s is whole and holds %d passwords\n", args[0], filter.Entries())
	return nil
}
