package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/codex-platform/codex/migrations"
	"github.com/codex-platform/codex/pkg/testkit/parts"
	"github.com/codex-platform/codex/pkg/testkit/port"
	"github.com/jackc/pgx/v5"
)

// What is measured of auth.
const (
	authFloor   = "floor: /ok"
	authSession = "get-session by cookie"
	authToken   = "token by cookie"
	theirs      = "better-auth, "
)

// benchAuth measures the CPU that the read paths cost the auth service and its
// PostgreSQL, beside those of better-auth on Node, where that is there; then what a
// sign-in costs beside its hash, and what a flood of them does to everybody else.
func benchAuth(ctx context.Context, b *bench) error {
	a := &authBench{bench: b}
	if err := a.open(ctx); err != nil {
		return err
	}
	idle := residentMiB(a.ours.Pid())
	crew, err := signUp(ctx, a.ours.url, b.path("ours"))
	if err != nil {
		return err
	}
	where := a.ways(ctx, crew)
	for range b.rounds {
		for _, way := range where {
			seen, err := b.press(ctx, way.url, publicHost, way.headers, way.pids...)
			if err != nil {
				return err
			}
			way.rounds = append(way.rounds, seen)
		}
	}
	printAuth(where)
	if err := a.signIns(ctx, crew); err != nil {
		return err
	}
	verdict("memory before the first request", idle, "MiB", 40, "")
	return a.flood(ctx)
}

// publicHost is what the services believe that they are called.
const publicHost = "localhost:8000"

type authBench struct {
	*bench
	postgres *parts.Postgres
	redis    *parts.Redis
	path     string // the program
	ours     *program
}

// open starts the service with one core, and what it stands on.
func (a *authBench) open(ctx context.Context) error {
	var err error
	if a.path, err = a.build(ctx, "auth"); err != nil {
		return err
	}
	if a.postgres, err = a.bench.postgres(ctx); err != nil {
		return err
	}
	if a.redis, err = a.bench.redis(ctx); err != nil {
		return err
	}
	if err := a.migrate(ctx, a.path, a.postgres.URL("postgres")); err != nil {
		return err
	}
	a.ours, err = a.serve(ctx, map[string]string{"GOMAXPROCS": "1"})
	return err
}

func (a *authBench) serve(ctx context.Context, more map[string]string) (*program, error) {
	database := a.postgres.URL("postgres")
	settings := map[string]string{
		"PUBLIC_URL": "http://" + publicHost, "DATABASE_URL": database, "DATABASE_DIRECT_URL": database, "REDIS_URL": a.redis.URL(),
		"SMTP_URL": "smtp://127.0.0.1:1", "MAIL_FROM": "bench@example.test", "AUTH_SECRETS": secret(), "SERVICE_TOKENS": secret(),
		"REQUIRE_EMAIL_VERIFICATION": "false", "RATE_LIMIT": "off",
	}
	for name, value := range more {
		settings[name] = value
	}
	return a.start(ctx, a.path, settings)
}

// way is one path of one server.
type way struct {
	name, url, headers string
	pids               []int // the server's, PostgreSQL's and, where there is one, Redis's
	rounds             []load
}

// ways are ours and, where it can run, those of better-auth on Node.
func (a *authBench) ways(ctx context.Context, crew people) []*way {
	pids := []int{a.ours.Pid(), a.postgres.Pid(), a.redis.Pid()}
	all := []*way{
		{name: authFloor, url: a.ours.url + authPath + "/ok", headers: crew.cookies, pids: pids},
		{name: authSession, url: a.ours.url + authPath + "/get-session", headers: crew.cookies, pids: pids},
		{name: authToken, url: a.ours.url + authPath + "/token", headers: crew.cookies, pids: pids},
	}
	peer, err := a.reference(ctx)
	if err != nil {
		fmt.Println("  without better-auth:", err)
		return all
	}
	crew, err = signUp(ctx, peer.url, a.bench.path("theirs"))
	if err != nil {
		fmt.Println("  without better-auth:", err)
		return all
	}
	pids = []int{peer.pid, a.postgres.Pid()}
	return append(all,
		&way{name: theirs + authSession, url: peer.url + authPath + "/get-session", headers: crew.cookies, pids: pids},
		&way{name: theirs + authToken, url: peer.url + authPath + "/token", headers: crew.cookies, pids: pids})
}

func printAuth(all []*way) {
	found := map[string]load{}
	fmt.Printf("  %-36s %14s %12s %10s %10s %10s %10s\n", "", "CPU a request", "PostgreSQL's", "Redis's", "req/s", "p50", "p99")
	for _, w := range all {
		l := middle(w.rounds)
		found[w.name] = l
		redis := ""
		if len(l.cpu) > 2 {
			redis = short(l.cpu[2]).String()
		}
		fmt.Printf("  %-36s %14s %12s %10s %10.0f %10s %10s\n", w.name, short(l.cpu[0]), short(l.cpu[1]), redis, l.perSecond, l.p50, l.p99)
	}
	for _, path := range []struct {
		name string
		most float64 // µs of the service and PostgreSQL
	}{{authSession, 110}, {authToken, 200}} {
		ours := found[path.name].both()
		verdict(path.name+", with PostgreSQL", float64(ours.Nanoseconds())/1000, "µs", path.most, "")
		if peer, there := found[theirs+path.name]; there {
			verdict(path.name+" / better-auth's", float64(ours)/float64(peer.both()), "", 1, "")
		}
	}
}

// both is what a request costs the server and PostgreSQL.
func (l load) both() time.Duration { return l.cpu[0] + l.cpu[1] }

// signIns measures what a sign-in costs the service beyond the hash, which is measured
// alone between the rounds.
func (a *authBench) signIns(ctx context.Context, crew people) error {
	const many = 50
	var took, all, alone, beyond []time.Duration
	for range a.rounds {
		hash, err := hashCost(ctx, many)
		if err != nil {
			return err
		}
		cpu := -cpuTime(a.ours.Pid())
		for i := range many {
			began := time.Now()
			if _, err := call(ctx, a.ours.url+authPath+"/sign-in/email", crew.credentials(i)); err != nil {
				return err
			}
			took = append(took, time.Since(began))
		}
		cpu = (cpu + cpuTime(a.ours.Pid())) / many
		all, alone, beyond = append(all, cpu), append(alone, hash), append(beyond, cpu-hash)
	}
	fmt.Printf("  sign-in: %s CPU, p50 %s; its hash alone: %s CPU\n", short(median(all)), short(median(took)), short(median(alone)))
	verdict("sign-in beyond its hash", median(beyond).Seconds()*1000, "ms", 1, "")
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
