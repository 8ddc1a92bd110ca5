//go:build !unix

package socket

import (
	"errors"
	"net"
)

// ErrStale is what a connection gives that was used before and is not quiet any more.
var ErrStale = errors.New("the idle connection has ended")

// Asker cannot look into a socket here: no connection is used twice.
type Asker struct{}

// NewAsker makes none.
func NewAsker(net.Conn) *Asker { return nil }

// Quiet never holds.
func (*Asker) Quiet() bool { return false }

// Wait does not.
func (*Asker) Wait() {}

// Ask cannot.
func (*Asker) Ask([]byte, []byte, bool) (int, error) { return 0, errors.ErrUnsupported }
