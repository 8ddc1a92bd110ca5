package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// client is one keep-alive connection that sends prepared requests.
type client struct {
	conn   net.Conn
	answer *bufio.Reader
}

func dialClient(ctx context.Context, addr string) (*client, error) {
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &client{conn, bufio.NewReaderSize(conn, 2048)}, nil
}

// ask sends one request and reads its whole answer. again: the connection can be used once more.
func (c *client) ask(request []byte) (status int, again bool, err error) {
	if err := c.conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return 0, false, err
	}
	if _, err := c.conn.Write(request); err != nil {
		return 0, false, err
	}
	answer, err := http.ReadResponse(c.answer, nil)
	if err != nil {
		return 0, false, err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, !answer.Close, err
}

// askWell is ask where only 200 will do.
func (c *client) askWell(request []byte) error {
	status, _, err := c.ask(request)
	if err == nil && status != http.StatusOK {
		return fmt.Errorf("answered %d", status)
	}
	return err
}

// pacedConnections share the rate: each has its own beat, and they are staggered.
const pacedConnections = 16

// paced sends at a steady rate, whatever the answers do, and gives the median
// latency. A request that had to wait for the answer before it counts from its
// beat on: a slow server does not thin out its own load.
func (b *bench) paced(ctx context.Context, addr string, requests [][]byte, perSecond float64) (time.Duration, error) {
	between := time.Duration(float64(time.Second) / perSecond)
	began := time.Now().Add(50 * time.Millisecond)
	latencies, errs := make([][]time.Duration, pacedConnections), make([]error, pacedConnections)
	var all sync.WaitGroup
	for i := range pacedConnections {
		all.Go(func() {
			first := began.Add(time.Duration(i) * between)
			latencies[i], errs[i] = beat(ctx, addr, requests[i:], first, began.Add(b.length), pacedConnections*between)
		})
	}
	all.Wait()
	seen := slices.Concat(latencies...)
	if err := errors.Join(errs...); err != nil || len(seen) == 0 {
		return 0, fmt.Errorf("at a steady rate: %w", err)
	}
	slices.Sort(seen)
	return seen[len(seen)/2], nil
}

// beat sends one request at every beat on one connection.
func beat(ctx context.Context, addr string, requests [][]byte, next, end time.Time, every time.Duration) ([]time.Duration, error) {
	c, err := dialClient(ctx, addr)
	if err != nil {
		return nil, err
	}
	defer c.conn.Close()
	var latencies []time.Duration
	for turn := 0; next.Before(end) && ctx.Err() == nil; turn += pacedConnections {
		sent := next
		if early := time.Until(next); early > 0 {
			time.Sleep(early)
			sent = time.Now() // waking late is this machine's doing, not the server's
		}
		if err := c.askWell(requests[turn%len(requests)]); err != nil {
			return nil, err
		}
		latencies = append(latencies, time.Since(sent))
		next = next.Add(every)
	}
	return latencies, ctx.Err()
}
