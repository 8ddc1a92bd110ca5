package main

import (
	"context"
	"fmt"
	"time"
)

const idleConnections = 5000

// idle opens keep-alive connections that have each been answered once, and
// gives what one of them adds to the gateway's resident memory, in KiB.
func (b *bench) idle(ctx context.Context, addr string, requests [][]byte, pid int) (float64, error) {
	first, err := dialClient(ctx, addr)
	if err != nil {
		return 0, err
	}
	defer first.conn.Close()
	for _, request := range requests { // what the first requests alone cause is not the connections'
		if err := first.askWell(request); err != nil {
			return 0, err
		}
	}
	before := residentMiB(pid)
	for i := range idleConnections {
		c, err := dialClient(ctx, addr)
		if err != nil {
			return 0, fmt.Errorf("connection %d: %w", i+1, err)
		}
		defer c.conn.Close()
		if err := c.askWell(requests[i%len(requests)]); err != nil {
			return 0, fmt.Errorf("connection %d: %w", i+1, err)
		}
	}
	select {
	case <-ctx.Done():
	case <-time.After(time.Second): // the last ones become idle
	}
	return (residentMiB(pid) - before) * 1024 / idleConnections, ctx.Err()
}
