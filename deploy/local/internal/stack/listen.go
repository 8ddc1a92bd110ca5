package stack

import (
	"fmt"
	"net"
	"net/http"
)

// listen serves in the background; an address that is taken is an error at once.
func listen(s *http.Server) error {
	l, err := net.Listen("tcp", s.Addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	go func() { _ = s.Serve(l) }() // ends with Close
	return nil
}
