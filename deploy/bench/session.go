package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/codex-platform/codex/migrations"
	"github.com/codex-platform/codex/pkg/testkit/parts"
	"github.com/codex-platform/codex/pkg/testkit/port"
	"github.com/jackc/pgx/v5"
)

// benchSession measures the CPU that one get-session by cookie costs the auth
// service, PostgreSQL and Redis, beside the cost of the service's empty answer.
func benchSession(ctx context.Context, b *bench) error {
	path, err := b.build(ctx, "auth")
	if err != nil {
		return err
	}
	postgres, err := b.postgres(ctx)
	if err != nil {
		return err
	}
	redis, err := b.redis(ctx)
	if err != nil {
		return err
	}
	url := postgres.URL("postgres")
	if err := b.migrate(ctx, path, url); err != nil {
		return err
	}
	auth, err := b.start(ctx, path, map[string]string{
		"GOMAXPROCS": "1", "PUBLIC_URL": "http://localhost:8000", "DATABASE_URL": url, "DATABASE_DIRECT_URL": url, "REDIS_URL": redis.URL(),
		"SMTP_URL": "smtp://127.0.0.1:1", "MAIL_FROM": "bench@example.test", "AUTH_SECRETS": secret(), "SERVICE_TOKENS": secret(),
		"REQUIRE_EMAIL_VERIFICATION": "false", "RATE_LIMIT": "off",
	})
	if err != nil {
		return err
	}
	cookies, err := b.signUp(ctx, auth.url, 64)
	if err != nil {
		return err
	}
	var sessions, floors []load
	for range b.rounds {
		floor, err := b.press(ctx, auth.url+"/api/auth/ok", "localhost:8000", cookies, auth.Pid())
		if err != nil {
			return err
		}
		seen, err := b.press(ctx, auth.url+"/api/auth/get-session", "localhost:8000", cookies, auth.Pid(), postgres.Pid(), redis.Pid())
		if err != nil {
			return err
		}
		floors, sessions = append(floors, floor), append(sessions, seen)
	}
	session, floor := middle(sessions), middle(floors)
	fmt.Printf("  %-34s %8s CPU a request (PostgreSQL %s, Redis %s)  %7.0f req/s  p50 %8s  p99 %8s  %5.1f MiB\n", "get-session by cookie", short(session.cpu[0]),
		short(session.cpu[1]), short(session.cpu[2]), session.perSecond, session.p50, session.p99, residentMiB(auth.Pid()))
	fmt.Printf("  %-34s %8s CPU a request\n", "floor: /ok", short(floor.cpu[0]))
	fmt.Printf("  ratio %.2f of the floor\n", float64(session.cpu[0])/float64(floor.cpu[0]))
	return nil
}

// postgres starts a throw-away server with the product's schemas and roles.
func (b *bench) postgres(ctx context.Context) (*parts.Postgres, error) {
	programs, err := parts.FindPostgres(ctx, b.root+"/.bin")
	if err != nil {
		return nil, err
	}
	free, err := port.Free()
	if err != nil {
		return nil, err
	}
	// Durable: what a commit costs is part of what is measured.
	server, err := parts.StartPostgres(ctx, parts.PostgresConfig{Programs: programs, Dir: b.path("postgres"), Port: free, Durable: true, Output: io.Discard})
	if err != nil {
		return nil, err
	}
	b.ends = append(b.ends, func() { _ = server.Stop() })
	conn, err := pgx.Connect(ctx, server.URL("postgres"))
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, migrations.Bootstrap)
	return server, err
}

// signUp makes n users and writes one Cookie line for each one's session.
func (b *bench) signUp(ctx context.Context, url string, n int) (string, error) {
	file, err := os.Create(b.path("cookies"))
	if err != nil {
		return "", err
	}
	defer file.Close()
	for user := range n {
		body, err := json.Marshal(map[string]string{"name": "Bench", "email": fmt.Sprintf("bench-%d@example.test", user), "password": secret()})
		if err != nil {
			return "", err
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/api/auth/sign-up/email", bytes.NewReader(body))
		if err != nil {
			return "", err
		}
		request.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return "", err
		}
		said, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		cookie, found := sessionCookie(answer.Header)
		if answer.StatusCode != http.StatusOK || !found {
			return "", fmt.Errorf("sign-up: %s %s", answer.Status, said)
		}
		if _, err := fmt.Fprintf(file, "Cookie: %s\n", cookie); err != nil {
			return "", err
		}
	}
	return file.Name(), errors.Join(file.Sync())
}

func sessionCookie(header http.Header) (string, bool) {
	for _, line := range header.Values("Set-Cookie") {
		pair, _, _ := strings.Cut(line, ";")
		if strings.HasPrefix(pair, "better-auth.session_token=") {
			return pair, true
		}
	}
	return "", false
}
