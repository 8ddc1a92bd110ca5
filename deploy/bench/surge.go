package main

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"
)

// outcome is one request of a surge: when it was due, how long until its whole
// answer was there, and that answer's status (0: none).
type outcome struct {
	due    time.Time
	took   time.Duration
	status int
}

// surgeConnections bounds what a surge holds open; a request that finds none free has failed.
const surgeConnections = 4000

// surge sends requests when they are due, on as many connections as that takes:
// people who come do not wait for one another.
type surge struct {
	addr     string
	requests [][]byte
	idle     chan *client
	open     chan struct{} // a place for each connection
}

func newSurge(addr string, requests [][]byte) *surge {
	return &surge{addr, requests, make(chan *client, surgeConnections), make(chan struct{}, surgeConnections)}
}

// close ends the connections that wait.
func (s *surge) close() {
	for {
		select {
		case c := <-s.idle:
			_ = c.conn.Close()
		default:
			return
		}
	}
}

// send sends at the rate for the length. The outcomes are there once the function that it returns has returned.
func (s *surge) send(ctx context.Context, perSecond float64, length time.Duration) func() []outcome {
	began := time.Now()
	seen := make([]outcome, int(perSecond*length.Seconds()))
	var all sync.WaitGroup
	for i := range seen {
		seen[i].due = began.Add(time.Duration(float64(i) / perSecond * float64(time.Second)))
		if early := time.Until(seen[i].due); early > 0 {
			time.Sleep(early)
		}
		if ctx.Err() != nil {
			break
		}
		all.Go(func() {
			sent := time.Now()
			seen[i].status = s.one(ctx, s.requests[i%len(s.requests)])
			seen[i].took = time.Since(sent)
		})
	}
	return func() []outcome {
		all.Wait()
		return seen
	}
}

// one sends a request on a connection that waits, or on a new one.
func (s *surge) one(ctx context.Context, request []byte) int {
	var c *client
	select {
	case c = <-s.idle:
	default:
		select {
		case s.open <- struct{}{}:
		default:
			return 0
		}
		var err error
		if c, err = dialClient(ctx, s.addr); err != nil {
			<-s.open
			return 0
		}
	}
	status, again, err := c.ask(request)
	if err != nil || !again {
		_ = c.conn.Close()
		<-s.open
	} else {
		s.idle <- c
	}
	return status
}

// latencies are the sorted ones of the outcomes with the status.
func latencies(seen []outcome, status int) []time.Duration {
	var found []time.Duration
	for _, o := range seen {
		if o.status == status {
			found = append(found, o.took)
		}
	}
	slices.Sort(found)
	return found
}

// inTime counts the good answers that were there within the length.
func inTime(seen []outcome, length time.Duration) int {
	n := 0
	for _, o := range seen {
		if o.status == http.StatusOK && o.due.Sub(seen[0].due)+o.took <= length {
			n++
		}
	}
	return n
}

// percentile of sorted values; 0 of none.
func percentile(sorted []time.Duration, share float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(float64(len(sorted))*share), len(sorted)-1)]
}

// recovered is how long after the surge's end the service was itself again: the end of
// the last quarter of a second in which more than one answer in a hundred was no 200 or
// slower than the limit.
func recovered(seen []outcome, limit time.Duration) time.Duration {
	const window = 250 * time.Millisecond
	all, bad := map[time.Duration]int{}, map[time.Duration]int{}
	for _, o := range seen {
		ends := o.due.Sub(seen[0].due).Truncate(window) + window
		all[ends]++
		if o.status != http.StatusOK || o.took > limit {
			bad[ends]++
		}
	}
	var last time.Duration
	for ends, n := range bad {
		if n*100 > all[ends] {
			last = max(last, ends)
		}
	}
	return last
}
