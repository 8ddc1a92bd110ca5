package stack

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"strings"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/codex-platform/codex/migrations"
	"github.com/codex-platform/codex/pkg/testkit/parts"
)

const databaseName = "codex"

// admin is the administrator's way to the database.
type admin struct {
	address *url.URL
	name    string
}

// roles are the database roles that get a password: one to serve and one to migrate, for each service with tables.
func roles() []string {
	var list []string
	for _, name := range withTables {
		list = append(list, "codex_"+name, "codex_"+name+"_migrate")
	}
	return list
}

// withTables are the services that own a schema.
var withTables = []string{"auth", "webhook", "storage"}

func (s *Stack) startPostgres(ctx context.Context) error {
	if foreign := s.Settings.DatabaseURL.Reveal(); foreign != "" {
		u, err := url.Parse(foreign)
		if err != nil || strings.Trim(u.Path, "/") == "" {
			return errors.New("DATABASE_URL must be a URL that names a database")
		}
		s.database = admin{address: u, name: strings.Trim(u.Path, "/")}
		return s.Board.Step("database", func() (string, error) { return u.Host, s.bootstrap(ctx) })
	}
	return s.Board.Step("postgres", func() (string, error) {
		programs, err := parts.FindPostgres(ctx, s.Repo.Bin)
		if err != nil {
			return "", err
		}
		dir := s.Folder.Path(fmt.Sprintf("postgres-%d", programs.Major)) // no major version reads another's files
		if err := parts.EndPostgres(ctx, dir); err != nil {
			return "", err
		}
		out, err := s.Logs.Writer("postgres")
		if err != nil {
			return "", err
		}
		server, err := parts.StartPostgres(ctx, parts.PostgresConfig{
			Programs: programs, Dir: dir, Port: s.Settings.Postgres, Password: s.secrets.Postgres, Durable: true, MaxConnections: 200, Output: out,
		})
		if err != nil {
			return "", err
		}
		if err := s.adopt(server.Child); err != nil {
			return "", err
		}
		if err := createDatabase(ctx, server.URL("postgres")); err != nil {
			return "", err
		}
		u, err := url.Parse(server.URL(databaseName))
		if err != nil {
			return "", err
		}
		s.database = admin{address: u, name: databaseName}
		return programs.Source, s.bootstrap(ctx)
	})
}

func createDatabase(ctx context.Context, maintenance string) error {
	conn, err := pgx.Connect(ctx, maintenance)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var there bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", databaseName).Scan(&there); err != nil || there {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE DATABASE "+databaseName)
	return err
}

// bootstrap makes schemas and roles and gives each role its password.
func (s *Stack) bootstrap(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.database.address.String())
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, migrations.Bootstrap); err != nil {
		return fmt.Errorf("bootstrap.sql: %w", err)
	}
	for _, role := range roles() {
		// The statement takes no parameter; names and passwords are ours and hold only letters, digits and "_".
		if _, err := conn.Exec(ctx, fmt.Sprintf("ALTER ROLE %s LOGIN PASSWORD '%s'", role, s.secrets.Roles[role])); err != nil {
			return fmt.Errorf("password of %s: %w", role, err)
		}
	}
	return nil
}

// dsn is the address of the database for a role.
func (s *Stack) dsn(role string) string {
	return withUser(s.database.address, role, s.secrets.Roles[role], s.database.name)
}

// migrate runs `migrate up` of each service that has tables, as the role that may change them.
func (s *Stack) migrate(ctx context.Context) (string, error) {
	g, ctx := errgroup.WithContext(ctx)
	for _, name := range withTables {
		g.Go(func() error { return s.migrateOne(ctx, name) })
	}
	return strings.Join(withTables, ", "), g.Wait()
}

func (s *Stack) migrateOne(ctx context.Context, name string) error {
	out, err := s.Logs.Writer(name + "-migrate")
	if err != nil {
		return err
	}
	defer out.Close()
	var said strings.Builder
	cmd := exec.CommandContext(ctx, s.Repo.Binary(name), "migrate", "up")
	address := s.dsn("codex_" + name + "_migrate")
	cmd.Env = append(s.environment(name), "DATABASE_URL="+address, "DATABASE_DIRECT_URL="+address)
	cmd.Stdout = both{out, &said}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s migrate up: %w\n%s", name, err, strings.TrimSpace(said.String()))
	}
	return nil
}
