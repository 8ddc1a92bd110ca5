package database

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"
)

// SQLSTATEs that are dealt with by name (PostgreSQL manual, appendix A).
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	undefinedTable       = "42P01"
	lockNotAvailable     = "55P03"
	queryCanceled        = "57014" // the statement timeout: a caller that went away shows as its context's error
	adminShutdown        = "57P01"
	crashShutdown        = "57P02"
	cannotConnectNow     = "57P03" // starting up, or a standby that does not take readers
	readOnlyTransaction  = "25006" // the primary has just become a standby
)

// Unavailable tells whether an error means that PostgreSQL cannot be used right
// now: refused, reset and timed-out connections, a server that starts, stops,
// is full or too slow, or a pool without a free connection. Trying again later
// is the right answer to these, and 503 the right status.
func Unavailable(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return unavailableState(pg.Code)
	}
	var connect *pgconn.ConnectError
	var network *net.OpError
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.Timeout(err) ||
		isAny(err, context.DeadlineExceeded, pgconn.ErrConnClosed, puddle.ErrClosedPool, puddle.ErrNotAvailable,
			io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE)
}

func unavailableState(code string) bool {
	switch code {
	case serializationFailure, deadlockDetected, queryCanceled, adminShutdown, crashShutdown, cannotConnectNow, readOnlyTransaction:
		return true
	}
	// 08: the connection is broken. 53: out of connections, memory or disk.
	return strings.HasPrefix(code, "08") || strings.HasPrefix(code, "53")
}

func isAny(err error, targets ...error) bool {
	for _, target := range targets {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}
