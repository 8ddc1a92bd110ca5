package main

import (
	"context"
	"io"
	"os"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/observability"
	"github.com/codex-platform/codex/services/webhook/internal/inbox"
)

// eventCommands are how an operator looks at events. They need the database alone.
func eventCommands() []config.Command[settings] {
	needs := []string{"DATABASE_URL"}
	filter := "[--status received|done|retry|dead|ignored] [--type TYPE] [--object ID] [--since 24h] [--limit 50]"
	return []config.Command[settings]{
		{Name: "events ls", Args: filter, Summary: "list events, the newest first", Needs: needs, Run: onEvents(inbox.ListCommand)},
		{Name: "events show", Args: "EVENT", Summary: "show what is known of an event and what came of it", Needs: needs, Run: onEvents(inbox.ShowCommand)},
		{Name: "events replay", Args: "[--dry-run] [EVENT...] " + filter, Summary: "have events worked off again", Needs: needs, Run: onEvents(replay)},
	}
}

func replay(ctx context.Context, events *inbox.Store, args []string, out io.Writer) error {
	log := observability.NewLogger("webhook", os.Stderr, observability.Settings{})
	return inbox.ReplayCommand(ctx, events, log, operator(), args, out)
}

type eventCommand func(ctx context.Context, events *inbox.Store, args []string, out io.Writer) error

func onEvents(run eventCommand) func(context.Context, settings, []string, io.Writer) error {
	return func(ctx context.Context, s settings, args []string, out io.Writer) error {
		pool, err := database.Open(ctx, s.Database)
		if err != nil {
			return err
		}
		defer pool.Close()
		return run(ctx, &inbox.Store{DB: pool}, args, out)
	}
}
