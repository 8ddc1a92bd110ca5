package database_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/database"
)

func TestUnavailable(t *testing.T) {
	t.Parallel()
	state := func(code string) error { return fmt.Errorf("ask: %w", &pgconn.PgError{Code: code}) }
	for name, tc := range map[string]struct {
		err  error
		want bool
	}{
		"nothing":              {nil, false},
		"refused":              {&net.OpError{Op: "dial", Err: &os.SyscallError{Err: syscall.ECONNREFUSED}}, true},
		"reset":                {fmt.Errorf("x: %w", syscall.ECONNRESET), true},
		"cut in the middle":    {fmt.Errorf("x: %w", io.ErrUnexpectedEOF), true},
		"no connection free":   {fmt.Errorf("acquire: %w", context.DeadlineExceeded), true},
		"stopped by an admin":  {state("57P01"), true},
		"crashed":              {state("57P02"), true},
		"starting up":          {state("57P03"), true},
		"too many connections": {state("53300"), true},
		"connection lost":      {state("08006"), true},
		"a statement too slow": {state("57014"), true},
		"a new standby":        {state("25006"), true},
		"a deadlock, thrice":   {state("40P01"), true},
		"the client went away": {fmt.Errorf("ask: %w", context.Canceled), false},
		"a unique violation":   {state("23505"), false},
		"no such table":        {state("42P01"), false},
		"no row":               {pgx.ErrNoRows, false},
		"anything else":        {errors.New("x"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := database.Unavailable(tc.err); got != tc.want {
				t.Errorf("Unavailable(%v) = %v", tc.err, got)
			}
		})
	}
}

func TestPool_refusedConnectionsAreAnAbsence(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close() // nobody listens there now
	failsSoon(t, "postgres://u:p@"+addr+"/x?sslmode=disable")
}

// A server that takes connections and says nothing is the worst kind of away.
func TestPool_givesUpOnASilentServerWithinTwoSeconds(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	failsSoon(t, "postgres://u:p@"+l.Addr().String()+"/x?sslmode=disable")
}

func failsSoon(t *testing.T, dsn string) {
	t.Helper()
	pool, err := database.Open(t.Context(), database.Settings{URL: config.DSN(dsn), MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	begun := time.Now()
	_, err = pool.Exec(t.Context(), "SELECT 1")
	if !database.Unavailable(err) {
		t.Errorf("err = %v", err)
	}
	if took := time.Since(begun); took > 2500*time.Millisecond {
		t.Errorf("took %s", took)
	}
}
