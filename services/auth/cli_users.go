package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/codex-platform/codex/migrations"
	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/database"
	"github.com/codex-platform/codex/pkg/jobs"
	"github.com/codex-platform/codex/pkg/mail"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/validation"

	"github.com/codex-platform/codex/services/auth/internal/admin"
	"github.com/codex-platform/codex/services/auth/internal/device"
	"github.com/codex-platform/codex/services/auth/internal/mailer"
	"github.com/codex-platform/codex/services/auth/internal/permission"
	"github.com/codex-platform/codex/services/auth/internal/reset"
	"github.com/codex-platform/codex/services/auth/internal/user"
)

// ofTheDatabase are the variables of commands that work on the database alone.
var ofTheDatabase = []string{"PUBLIC_URL", "AUTH_SECRETS", "DATABASE_URL"}

// userCommands look after people without the API: the first administrator is made
// by one of them.
func userCommands() []config.Command[settings] {
	command := func(name, args, summary string, run func(context.Context, settings, []string, io.Writer) error, flags ...config.Flag) config.Command[settings] {
		return config.Command[settings]{Name: "users " + name, Args: args, Flags: flags, Summary: summary, Needs: ofTheDatabase, Run: run}
	}
	role := config.Flag{Name: "--role ROLE", Help: "one of ADMIN_ROLES or user, or several with commas"}
	return []config.Command[settings]{
		command("create", "ADDRESS [--name NAME] [--role ROLE] [--password-stdin | --generate]",
			"make an account; without a password its owner is mailed a link to choose one", createUser,
			config.Flag{Name: "--name NAME", Help: "what the person is called; without it, what stands before the @"}, role,
			config.Flag{Name: "--password-stdin", Help: "the password is the first line of standard input; the address counts as proven"},
			config.Flag{Name: "--generate", Help: "a password is made and printed; the address counts as proven"},
			config.Flag{Name: "--email ADDRESS", Help: "the address, in the place of the word"}),
		command("promote", "EMAIL-OR-ID [--role ROLE]", "give somebody another role, admin if none is named", promoteUser, role),
		command("demote", "EMAIL-OR-ID", "take all roles but \"user\" from somebody", demoteUser),
		command("ban", "EMAIL-OR-ID [--until TIME] [--reason TEXT]", "keep somebody out; ends all sessions", banUser,
			config.Flag{Name: "--until TIME", Help: "a day, a time, or for how long: 2030-01-31, 2030-01-31T12:00:00Z, 72h; without it for good"},
			config.Flag{Name: "--reason TEXT", Help: "for the record"}),
		command("unban", "EMAIL-OR-ID", "let somebody in again", unbanUser),
		command("sessions list", "EMAIL-OR-ID", "list somebody's sessions", listUserSessions),
		command("sessions revoke", "EMAIL-OR-ID (SESSION | all)", "end one session of somebody, named as in the list, or all", revokeUserSessions),
		command("second-factor remove", "EMAIL-OR-ID", "take off a second factor that its owner lost: make sure first that it is the owner who asks", removeSecondFactor),
	}
}

// The longest texts, in characters: what the API takes too.
const (
	longestPersonName = 200
	longestBanReason  = 500
)

// withFeatures opens what serve stands on, but serves nothing and works off no jobs.
func withFeatures(ctx context.Context, s settings, do func(f *features) error) error {
	log := slog.New(slog.DiscardHandler)
	p := parts{now: time.Now, log: log}
	var err error
	if p.pool, err = database.Open(ctx, s.Database); err != nil {
		return err
	}
	defer p.pool.Close()
	p.reads = p.pool
	if err := database.CheckSchema(ctx, p.pool, migrations.Auth); err != nil {
		return err
	}
	if p.redis, err = cache.Open(s.Redis, log); err != nil {
		return err
	}
	if p.redis != nil {
		defer p.redis.Close()
	}
	queue := &service{}
	f, err := newFeatures(s, p, queue)
	if err != nil {
		return err
	}
	queue.jobs, err = jobs.New(p.pool, migrations.Auth.Schema(), f.workers, jobs.Options{Log: log, Queues: jobs.CallQueues()})
	if err != nil {
		return err
	}
	return do(f)
}

// find gives the id of the person whom a word names.
func (f *features) find(ctx context.Context, word string) (string, error) {
	if !strings.Contains(word, "@") {
		u, err := f.admin.Store.Get(ctx, word)
		return u.ID, explain(err)
	}
	email, err := validation.ParseEmail(word)
	if err != nil {
		return "", config.Usage("this is neither an address nor an id")
	}
	id, err := f.admin.Store.ByAddress(ctx, email.String())
	return id, explain(err)
}

// explain says refusals in the words of a command.
func explain(err error) error {
	switch {
	case errors.Is(err, admin.ErrNoUser):
		return errors.New("there is no such person")
	case errors.Is(err, admin.ErrExists):
		return errors.New("there is an account with this address already")
	case errors.Is(err, admin.ErrNoSecondFactor):
		return errors.New("there is no second factor: this person is asked for none")
	case errors.Is(err, admin.ErrNoSuchRole):
		return config.Usage("there is no such role: see ADMIN_ROLES")
	}
	var refused *problem.Problem
	if errors.As(err, &refused) {
		return errors.New(refused.Message)
	}
	return err
}

// onPerson reads a command line that names a person first, and runs the command.
func onPerson(ctx context.Context, s settings, flags *flag.FlagSet, args []string, most int, do func(f *features, id string, words []string) error) error {
	words, err := parseFlags(flags, args)
	if err != nil {
		return err
	}
	if len(words) < 1 || len(words) > most {
		return config.Usage(flags.Name() + " takes an address or an id: see auth " + flags.Name() + " --help")
	}
	return withFeatures(ctx, s, func(f *features) error {
		id, err := f.find(ctx, words[0])
		if err != nil {
			return err
		}
		return explain(do(f, id, words[1:]))
	})
}

func createUser(ctx context.Context, s settings, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("users create", flag.ContinueOnError)
	address, name, role := flags.String("email", "", ""), flags.String("name", "", ""), flags.String("role", user.RoleUser, "")
	stdin, generate := flags.Bool("password-stdin", false, ""), flags.Bool("generate", false, "")
	words, err := parseFlags(flags, args)
	if err != nil {
		return err
	}
	if *address == "" && len(words) == 1 {
		*address, words = words[0], nil
	}
	email, err := validation.ParseEmail(*address)
	switch {
	case *address == "" && len(words) == 0:
		return config.Usage("users create needs an address")
	case len(words) > 0:
		return config.Usage("users create takes one address and no other words")
	case err != nil:
		return config.Usage("this is no address: one such as ada@example.com is")
	case *stdin && *generate:
		return config.Usage("users create takes --password-stdin or --generate, not both")
	case utf8.RuneCountInString(*name) > longestPersonName:
		return config.Usage(fmt.Sprintf("--name is longer than %d characters", longestPersonName))
	}
	if *name == "" {
		*name, _, _ = strings.Cut(email.String(), "@")
	}
	return withFeatures(ctx, s, func(f *features) error {
		roles, err := f.admin.ParseRoles(*role)
		if err != nil {
			return explain(err)
		}
		n := admin.Newcomer{Name: *name, Email: email.String(), Role: roles, EmailVerified: *stdin || *generate}
		typed := ""
		switch {
		case *generate:
			typed = security.Token(20)
		case *stdin:
			if typed, err = firstLine(os.Stdin); err != nil {
				return err
			}
		}
		if typed != "" {
			chosen, err := f.passwords.Choose(typed, n.Email, n.Name)
			if err != nil {
				return explain(err)
			}
			if n.Hash, err = f.passwords.Hash(ctx, chosen); err != nil {
				return err
			}
		}
		u, err := f.admin.Create(ctx, admin.Deed{}, n, func(tx pgx.Tx, u user.User) error {
			if typed != "" {
				return nil
			}
			return f.invite(ctx, tx, u)
		})
		if err != nil {
			return explain(err)
		}
		fmt.Fprintf(out, "made %s\n", u.ID)
		switch {
		case *generate:
			fmt.Fprintf(out, "password %s\n", typed)
		case typed == "":
			fmt.Fprintln(out, "a link to choose a password is on its way, as soon as auth serves")
		}
		return nil
	})
}

// firstLine reads a password; what comes after its line is left alone.
func firstLine(in io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read password: %w", err)
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", config.Usage("there is no password on standard input")
	}
	return line, nil
}

// invite mails somebody new a link to choose a password.
func (f *features) invite(ctx context.Context, tx pgx.Tx, u user.User) error {
	token, now := security.Token(24), f.parts.now()
	if err := (reset.Store{DB: tx}).Issue(ctx, u.ID, security.HashToken(token), now, now.Add(f.settings.Accounts.ResetLife)); err != nil {
		return err
	}
	return f.letters.Put(ctx, tx, mailer.Letter{
		Kind: mail.AccountMade, UserID: u.ID, Cause: security.NewID(),
		Contents: mailer.Contents{To: u.Email, Name: u.Name, Token: token, Callback: string(f.settings.Accounts.ResetPage)},
	})
}

func promoteUser(ctx context.Context, s settings, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("users promote", flag.ContinueOnError)
	role := flags.String("role", "admin", "")
	return onPerson(ctx, s, flags, args, 1, func(f *features, id string, _ []string) error {
		return f.setRole(ctx, id, *role, out)
	})
}

func demoteUser(ctx context.Context, s settings, args []string, out io.Writer) error {
	return onPerson(ctx, s, flag.NewFlagSet("users demote", flag.ContinueOnError), args, 1, func(f *features, id string, _ []string) error {
		return f.setRole(ctx, id, user.RoleUser, out)
	})
}

func (f *features) setRole(ctx context.Context, id, role string, out io.Writer) error {
	roles, err := f.admin.ParseRoles(role)
	if err != nil {
		return err
	}
	u, err := f.admin.Update(ctx, admin.Deed{}, id, admin.Change{Role: &roles})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s is %s\n", u.ID, u.Role)
	if slices.Contains(f.admin.Rules.AdminIDs, u.ID) && !f.admin.Rules.OfRole(u.Role)[permission.UserList] {
		fmt.Fprintln(out, "ADMIN_USER_IDS still names this person: an administrator all the same")
	}
	return nil
}

func banUser(ctx context.Context, s settings, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("users ban", flag.ContinueOnError)
	reason := flags.String("reason", "No reason", "")
	var until *time.Time
	flags.Func("until", "", func(text string) (err error) {
		until, err = readUntil(text, time.Now())
		return err
	})
	return onPerson(ctx, s, flags, args, 1, func(f *features, id string, _ []string) error {
		if utf8.RuneCountInString(*reason) > longestBanReason {
			return config.Usage(fmt.Sprintf("--reason is longer than %d characters", longestBanReason))
		}
		u, err := f.admin.Ban(ctx, admin.Deed{}, id, *reason, until)
		if err != nil {
			return err
		}
		end := "for good"
		if u.BanExpiresAt != nil {
			end = "until " + u.BanExpiresAt.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(out, "%s is banned %s\n", u.ID, end)
		return nil
	})
}

// readUntil reads a moment to come: a time, a day (UTC), or how long from now.
func readUntil(text string, now time.Time) (*time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		at, err = time.Parse(time.DateOnly, text)
	}
	if err != nil {
		var d time.Duration
		if d, err = time.ParseDuration(text); err == nil {
			at = now.Add(d)
		}
	}
	if err != nil || !at.After(now) {
		return nil, errors.New("not a time to come, such as 2030-01-31, 2030-01-31T12:00:00Z or 72h")
	}
	return &at, nil
}

func unbanUser(ctx context.Context, s settings, args []string, out io.Writer) error {
	return onPerson(ctx, s, flag.NewFlagSet("users unban", flag.ContinueOnError), args, 1, func(f *features, id string, _ []string) error {
		u, err := f.admin.Unban(ctx, admin.Deed{}, id)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s may come in\n", u.ID)
		return nil
	})
}

func listUserSessions(ctx context.Context, s settings, args []string, out io.Writer) error {
	return onPerson(ctx, s, flag.NewFlagSet("users sessions list", flag.ContinueOnError), args, 1, func(f *features, id string, _ []string) error {
		found, err := f.admin.SessionsOf(ctx, id)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "SESSION\tBEGUN\tUNTIL\tADDRESS\tDEVICE\tBY")
		for _, x := range found {
			by := ""
			if x.ImpersonatedBy != nil {
				by = "administrator " + *x.ImpersonatedBy
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", x.Handle, x.CreatedAt.UTC().Format(time.RFC3339), x.ExpiresAt.UTC().Format(time.RFC3339),
				x.IPAddress, device.Name(x.UserAgent), by)
		}
		return table.Flush()
	})
}

func revokeUserSessions(ctx context.Context, s settings, args []string, out io.Writer) error {
	return onPerson(ctx, s, flag.NewFlagSet("users sessions revoke", flag.ContinueOnError), args, 2, func(f *features, id string, words []string) error {
		if len(words) == 0 {
			return config.Usage("say which session, as users sessions list names it, or all")
		}
		named := words[0]
		if named == "all" {
			named = ""
		}
		ended, err := f.admin.Revoke(ctx, admin.Deed{}, id, named)
		if err != nil {
			return err
		}
		if named != "" && ended == 0 {
			return errors.New("there is no such session")
		}
		if s.Redis.URL == "" {
			fmt.Fprintln(out, "without REDIS_URL a running auth notices within a minute")
		}
		fmt.Fprintf(out, "%d ended\n", ended)
		return nil
	})
}

func removeSecondFactor(ctx context.Context, s settings, args []string, out io.Writer) error {
	return onPerson(ctx, s, flag.NewFlagSet("users second-factor remove", flag.ContinueOnError), args, 1, func(f *features, id string, _ []string) error {
		if err := f.admin.RemoveSecondFactor(ctx, admin.Deed{}, id); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s is asked for no second factor\n", id)
		return nil
	})
}
