//go:build !unix

package upstream

import "syscall"

// peeker cannot look into a socket here: no connection is used twice.
type peeker struct{}

func newPeeker(syscall.RawConn) *peeker { return nil }

func (*peeker) quiet() bool { return false }

func (*peeker) wait() {}
