package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/progress"
	"github.com/codex-platform/codex/services/auth/internal/takeover"
)

func importCommands() []config.Command[settings] {
	return []config.Command[settings]{{
		Name: "import better-auth", Args: "(--dsn DSN [--schema NAME] | --from-json FILE) (--secret SECRET | --secret-file FILE) [--left-out FILE] [--yes]",
		Flags: []config.Flag{
			{Name: "--dsn DSN", Help: "the other server's database, postgres://user:password@host/name; it is only read"},
			{Name: "--schema NAME", Help: "where its tables lie; without it public"},
			{Name: "--from-json FILE", Help: "an export in the place of a database: {\"user\": [{...}], \"session\": [...]}"},
			{Name: "--secret SECRET", Help: "BETTER_AUTH_SECRET of the other server, several with commas"},
			{Name: "--secret-file FILE", Help: "the file that holds it: it is then not among the running programs' words"},
			{Name: "--left-out FILE", Help: "a file to which a line is added for each row that is not taken: table, id, reason"},
			{Name: "--yes", Help: "do it; without it everything is tried, told and taken back"},
			{Name: "--dry-run", Help: "take it back in spite of --yes"},
		},
		Summary: "take over the database of a better-auth server; without --yes it only tells what it would do", Needs: ofTheDatabase, Run: importBetterAuth,
	}}
}

// importOptions are the words behind the command.
type importOptions struct {
	dsn, schema, file, secret, secretFile, leftOut string
	dry, yes                                       bool
}

func readImportOptions(args []string) (o importOptions, err error) {
	flags := flag.NewFlagSet("import better-auth", flag.ContinueOnError)
	flags.StringVar(&o.dsn, "dsn", "", "")
	flags.StringVar(&o.schema, "schema", "public", "")
	flags.StringVar(&o.file, "from-json", "", "")
	flags.StringVar(&o.secret, "secret", "", "")
	flags.StringVar(&o.secretFile, "secret-file", "", "")
	flags.StringVar(&o.leftOut, "left-out", "", "")
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
		return config.Usage("--secret: " + err.Error())
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
	losses, err := openLosses(o.leftOut)
	if err != nil {
		return err
	}
	bars := map[string]*progress.Bar{}
	t := &takeover.Takeover{
		Source: source, DB: pool, Store: takeover.Store{DB: pool}, From: from, To: ring, Role: s.Admin.Roles.Has, Now: time.Now, LeftOut: losses.add,
		UserFields: s.Fields.OfUser, SessionFields: s.Fields.OfSession,
		Report: func(relation string, total, before, seen int64) {
			if bars[relation] == nil {
				bars[relation] = progress.New(out, relation, total, progress.Things, time.Now)
				bars[relation].From(before)
			}
			if bars[relation].Set(seen); seen == total {
				bars[relation].Done(seen)
			}
		},
	}
	if o.dry { // everything is done, and taken back
		tx, err := pool.Begin(ctx)
		if err != nil {
			return fmt.Errorf("begin: %w", err)
		}
		defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
		t.DB, t.Store = tx, takeover.Store{DB: tx}
	}
	results, foreign, err := t.Run(ctx)
	if results != nil {
		tell(out, results, foreign, losses)
	}
	switch {
	case o.dry && err != nil:
		fmt.Fprintln(out, "nothing was written")
	case o.dry:
		fmt.Fprintln(out, "nothing was written: all of it was tried and taken back. Add --yes to do it")
	}
	if results != nil && !o.dry {
		err = errors.Join(err, recordCommand(ctx, pool, audit.Event{Kind: audit.AccountsImported, Failed: err != nil, Details: taken(results)}))
	}
	return errors.Join(err, losses.close())
}

// mostShown is how many rows of one reason the report names; --left-out names all.
const mostShown = 5

// losses are the rows that are not taken.
type losses struct {
	file  *os.File // nil: none was asked for
	shown map[string][]string
	err   error
}

func openLosses(path string) (l *losses, err error) {
	l = &losses{shown: map[string][]string{}}
	if path != "" {
		if l.file, err = os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (l *losses) add(relation, id, reason string) {
	if l.file != nil && l.err == nil {
		_, l.err = fmt.Fprintf(l.file, "%s\t%s\t%s\n", relation, strconv.Quote(id), reason)
	}
	if key := relation + reason; len(l.shown[key]) < mostShown {
		l.shown[key] = append(l.shown[key], strconv.Quote(id))
	}
}

func (l *losses) close() error {
	if l.file == nil {
		return nil
	}
	return errors.Join(l.err, l.file.Close())
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
		return nil, nil, config.Usage("--dsn is not an address such as postgres://USER@HOST/DATABASE")
	}
	settings.MaxConns = 2
	settings.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	pool, err := pgxpool.NewWithConfig(ctx, settings)
	if err != nil {
		return nil, nil, errors.New("--dsn cannot be opened")
	}
	return takeover.Database{Pool: pool, Schema: o.schema}, pool.Close, nil
}

// taken gives how many rows of each table are here now, for the record.
func taken(results []takeover.Result) map[string]string {
	rows := map[string]string{}
	for _, r := range results {
		rows[r.Relation] = strconv.FormatInt(r.Taken, 10)
	}
	return rows
}

// tell reports what was, or would be, taken.
func tell(out io.Writer, results []takeover.Result, foreign []string, losses *losses) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "TABLE\tROWS\tTAKEN\tLEFT OUT\t")
	for _, r := range results {
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t\n", r.Relation, r.Total, r.Taken, r.LeftOut())
	}
	_ = table.Flush()
	for _, r := range results {
		for _, reason := range r.Sorted() {
			fmt.Fprintf(out, "%s: %d left out: %s", r.Relation, r.Reasons[reason], reason)
			if shown := losses.shown[r.Relation+reason]; len(shown) > 0 {
				fmt.Fprintf(out, " (%s", strings.Join(shown, ", "))
				if r.Reasons[reason] > int64(len(shown)) {
					fmt.Fprint(out, " …")
				}
				fmt.Fprint(out, ")")
			}
			fmt.Fprintln(out)
		}
		for _, how := range r.Alterations() {
			fmt.Fprintf(out, "%s: %d taken %s\n", r.Relation, r.Altered[how], how)
		}
	}
	if len(foreign) > 0 {
		fmt.Fprintf(out, "not taken, and left as they are: %s\n", strings.Join(foreign, ", "))
	}
}
