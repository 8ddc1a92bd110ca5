package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/progress"
	"github.com/codex-platform/codex/services/auth/internal/takeover"
)

func importCommands() []config.Command[settings] {
	return []config.Command[settings]{{
		Name: "import better-auth", Args: "(--dsn DSN [--schema NAME] | --from-json FILE) (--secret SECRET | --secret-file FILE) [--dry-run] [--yes]",
		Summary: "take over the database of a better-auth server; without --yes it only tells what it would do", Run: importBetterAuth,
	}}
}

// importOptions are the words behind the command.
type importOptions struct {
	dsn, schema, file, secret, secretFile string
	dry, yes                              bool
}

func readImportOptions(args []string) (o importOptions, err error) {
	flags := flag.NewFlagSet("import better-auth", flag.ContinueOnError)
	flags.StringVar(&o.dsn, "dsn", "", "")
	flags.StringVar(&o.schema, "schema", "public", "")
	flags.StringVar(&o.file, "from-json", "", "")
	flags.StringVar(&o.secret, "secret", "", "")
	flags.StringVar(&o.secretFile, "secret-file", "", "")
	flags.BoolVar(&o.dry, "dry-run", false, "")
	flags.BoolVar(&o.yes, "yes", false, "")
	words, err := parseFlags(flags, args)
	switch {
	case err != nil:
		return o, err
	case len(words) > 0:
		return o, config.Usage("import better-auth takes options only")
	case (o.dsn == "") == (o.file == ""):
		return o, config.Usage("import better-auth needs either --dsn or --from-json")
	case (o.secret == "") == (o.secretFile == ""):
		return o, config.Usage("import better-auth needs either --secret or --secret-file: BETTER_AUTH_SECRET of the server, several separated by commas")
	}
	if o.secretFile != "" {
		text, err := os.ReadFile(o.secretFile)
		if err != nil {
			return o, err
		}
		o.secret = strings.TrimSpace(string(text))
	}
	o.dry = o.dry || !o.yes
	return o, nil
}

func importBetterAuth(ctx context.Context, s settings, args []string, out io.Writer) error {
	o, err := readImportOptions(args)
	if err != nil {
		return err
	}
	from, err := security.NewKeyring(strings.Split(o.secret, ","))
	if err != nil {
		return fmt.Errorf("--secret: %w", err)
	}
	pool, ring, err := s.sealed(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	source, end, err := o.source(ctx)
	if err != nil {
		return err
	}
	defer end()
	if _, _, ok := ring.Verify(from.Sign("x")); !ok {
		fmt.Fprintln(out, "AUTH_SECRETS does not hold --secret: cookies of the old server will not be believed. Add it as the last one to keep people signed in.")
	}
	bars := map[string]*progress.Bar{}
	t := &takeover.Takeover{
		Source: source, DB: pool, Store: takeover.Store{DB: pool}, From: from, To: ring, Dry: o.dry, Now: time.Now,
		Report: func(relation string, total, seen int64) {
			if bars[relation] == nil {
				bars[relation] = progress.New(out, relation, total, progress.Things, time.Now)
			}
			if bars[relation].Set(seen); seen == total {
				bars[relation].Done(seen)
			}
		},
	}
	results, foreign, err := t.Run(ctx)
	tell(out, o.dry, results, foreign)
	return err
}

// source opens what is taken over.
func (o importOptions) source(ctx context.Context) (takeover.Source, func(), error) {
	if o.file != "" {
		file, err := os.Open(o.file)
		if err != nil {
			return nil, nil, err
		}
		defer file.Close()
		source, err := takeover.ReadFile(o.file, file)
		return source, func() {}, err
	}
	settings, err := pgxpool.ParseConfig(o.dsn)
	if err != nil {
		return nil, nil, errors.New("--dsn is not an address such as postgres://user:password@host/database")
	}
	settings.MaxConns = 2
	settings.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	pool, err := pgxpool.NewWithConfig(ctx, settings)
	if err != nil {
		return nil, nil, errors.New("--dsn cannot be opened")
	}
	return takeover.Database{Pool: pool, Schema: o.schema}, pool.Close, nil
}

// tell reports what was, or would be, taken.
func tell(out io.Writer, dry bool, results []takeover.Result, foreign []string) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "TABLE\tROWS\tTAKEN\tLEFT OUT\t")
	for _, r := range results {
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t\n", r.Relation, r.Total, r.Taken, r.LeftOut())
	}
	_ = table.Flush()
	for _, r := range results {
		for _, reason := range r.Sorted() {
			fmt.Fprintf(out, "%s: %d left out: %s\n", r.Relation, r.Reasons[reason], reason)
		}
	}
	if len(foreign) > 0 {
		fmt.Fprintf(out, "not taken, and left as they are: %s\n", strings.Join(foreign, ", "))
	}
	if dry {
		fmt.Fprintln(out, "nothing was written: add --yes to do it")
	}
}
