package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/codex-platform/codex/migrations"
	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/security"

	"github.com/codex-platform/codex/services/auth/internal/audit"
	"github.com/codex-platform/codex/services/auth/internal/progress"
	"github.com/codex-platform/codex/services/auth/internal/reseal"
	"github.com/codex-platform/codex/services/auth/internal/token"
)

// keyCommands look after signing keys and the secrets that seal them.
func keyCommands() []config.Command[settings] {
	return []config.Command[settings]{
		{Name: "keys list", Summary: "list the signing keys: which one signs, which comes next, which still verify", Run: listKeys},
		{Name: "keys rotate", Summary: "publish a new signing key, which signs after JWT_KEY_LEAD", Run: rotateKeys},
		{Name: "keys reseal", Summary: "seal anew, with the first of AUTH_SECRETS, what an older one sealed, so that the older one can be taken away", Run: resealAll},
	}
}

// sealed opens the database and the ring, for commands that need both.
func (s settings) sealed(ctx context.Context) (*pgxpool.Pool, security.Keyring, error) {
	ring, err := security.NewKeyring(s.Secrets.Reveal())
	if err != nil {
		return nil, ring, err
	}
	pool, err := database.Open(ctx, s.Database)
	if err != nil {
		return nil, ring, err
	}
	if err := database.CheckSchema(ctx, pool, migrations.Auth); err != nil {
		pool.Close()
		return nil, ring, err
	}
	return pool, ring, nil
}

func rotateKeys(ctx context.Context, s settings, _ []string, out io.Writer) error {
	pool, ring, err := s.sealed(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	var published bool
	err = database.InTx(ctx, pool, func(tx pgx.Tx) error {
		keys := &token.Keys{DB: tx, Read: tx, Ring: ring, Alg: s.Signing.Alg, Now: time.Now}
		if published, err = keys.Rotate(ctx); err != nil || !published {
			return err
		}
		return recordCommand(ctx, tx, audit.Event{Kind: audit.SigningKeyRotated})
	})
	switch {
	case err != nil:
		return err
	case published:
		fmt.Fprintf(out, "the next signing key is published and signs in about %s\n", s.Tokens.KeyLead)
	default:
		fmt.Fprintln(out, "the next signing key was published before: see auth keys list")
	}
	return nil
}

// recordTime is the longest that a command that is stopped still takes to be recorded.
const recordTime = 5 * time.Second

// recordCommand writes down what a command did that is about nobody in particular.
// What a signal ended in the middle changed something too.
func recordCommand(ctx context.Context, db database.Querier, e audit.Event) error {
	e.ActorID = audit.CommandLine
	if e.Failed && ctx.Err() != nil {
		e.Details["reason"] = "stopped"
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	return (&audit.Log{Now: time.Now, Log: slog.New(slog.DiscardHandler)}).Record(ctx, db, nil, e)
}

func listKeys(ctx context.Context, s settings, _ []string, out io.Writer) error {
	pool, ring, err := s.sealed(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	rows, err := token.Store{DB: pool}.All(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "KEY\tALGORITHM\tSTATUS\tMADE\tUNTIL\tSEALED WITH")
	for _, r := range rows {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.Alg, r.Status, day(&r.CreatedAt), until(r, s), token.SealedWith(r, ring))
	}
	return table.Flush()
}

func day(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// until tells when a key's status changes.
func until(r token.Row, s settings) string {
	var at time.Time
	switch {
	case r.Status == "next":
		at = r.CreatedAt.Add(s.Tokens.KeyLead)
	case r.Status == "active" && s.Tokens.KeyLifetime > 0 && r.ActivatedAt != nil:
		at = r.ActivatedAt.Add(s.Tokens.KeyLifetime)
	case r.Status == "retired" && r.RetiredAt != nil:
		at = r.RetiredAt.Add(s.Tokens.KeyGrace)
	default:
		return ""
	}
	return day(&at)
}

func resealAll(ctx context.Context, s settings, _ []string, out io.Writer) error {
	pool, ring, err := s.sealed(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	sum, err := resealColumns(ctx, pool, ring, out)
	err = errors.Join(err, recordCommand(ctx, pool, audit.Event{Kind: audit.SecretsResealed, Failed: err != nil || sum.Lost > 0, Details: map[string]string{
		"renewed": strconv.FormatInt(sum.Renewed, 10), "lost": strconv.FormatInt(sum.Lost, 10),
	}}))
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d sealed anew, %d were already, %d open with none of AUTH_SECRETS\n", sum.Renewed, sum.Current, sum.Lost)
	if sum.Lost > 0 {
		return errors.New("what does not open was left as it is: the secret that sealed it is missing from AUTH_SECRETS")
	}
	fmt.Fprintln(out, "cookies that an older secret signed need it until SESSION_MAX_AGE has passed")
	return nil
}

// resealColumns seals all that is sealed, and counts what was done until it failed.
func resealColumns(ctx context.Context, pool *pgxpool.Pool, ring security.Keyring, out io.Writer) (sum reseal.Count, err error) {
	for _, c := range reseal.Columns {
		var total int64
		if err := pool.QueryRow(ctx, `SELECT count(*) FROM better_auth.`+c.Table+` WHERE `+c.Name+` <> ''`).Scan(&total); err != nil {
			return sum, fmt.Errorf("count %s: %w", c.Table, err)
		}
		bar := progress.New(out, c.Table+"."+c.Name, total, progress.Things, time.Now)
		n, err := reseal.Run(ctx, pool, ring, c, bar.Set)
		sum.Current, sum.Renewed, sum.Lost = sum.Current+n.Current, sum.Renewed+n.Renewed, sum.Lost+n.Lost
		if err != nil {
			return sum, err
		}
		bar.Done(n.Current + n.Renewed + n.Lost)
	}
	return sum, nil
}
