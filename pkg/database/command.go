package database

import (
	"context"
	"fmt"
	"io"

	"github.com/codex-platform/codex/pkg/config"
)

// MigrateCommands are the commands `migrate up` and `migrate status` of a
// service. They need the database's address and none of the service's keys.
func MigrateCommands[S any](get func(S) Settings, m Migrations) []config.Command[S] {
	needs := []string{"DATABASE_URL"}
	return []config.Command[S]{
		{
			Name: "migrate up", Summary: "bring the schema " + m.Schema() + " up to what this program needs", Needs: needs,
			Run: func(ctx context.Context, s S, _ []string, out io.Writer) error {
				return MigrateUp(ctx, get(s).Direct(), m, out)
			},
		},
		{
			Name: "migrate status", Summary: "say at which version the schema " + m.Schema() + " is", Needs: needs,
			Run: func(ctx context.Context, s S, _ []string, out io.Writer) error {
				return MigrateStatus(ctx, get(s).Direct(), m, out)
			},
		},
	}
}

// MigrateStatus writes which steps a schema has and which it lacks. A lack is
// not an error; a step that did not come to its end is.
func MigrateStatus(ctx context.Context, direct config.DSN, m Migrations, out io.Writer) error {
	pool, err := migrationPool(direct)
	if err != nil {
		return err
	}
	defer pool.Close()
	at, dirty, err := version(ctx, pool, m.Schema())
	if err != nil {
		return err
	}
	all, err := steps(m)
	if err != nil {
		return err
	}
	for _, s := range all {
		state := "missing"
		if s.version <= at {
			state = "done"
		}
		fmt.Fprintf(out, "%-12s %-44s %s\n", m.Schema(), s.name, state)
	}
	if dirty {
		return dirtyAt(m, at)
	}
	fmt.Fprintf(out, "%-12s is at version %d\n", m.Schema(), at)
	return nil
}
