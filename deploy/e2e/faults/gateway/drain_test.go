package gateway_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/httpapi"
)

// Two gateways are stopped with SIGTERM and started again in turn, under load.
// Clients take the next connection to one that is ready, as a balancer does.
func TestSIGTERM_noRequestFails(t *testing.T) {
	i := newIssuer(t)
	auth, storage := i.auth(t), service(t, answers)
	gateways := []*gateway{run(t, auth.URL, storage.URL), run(t, auth.URL, storage.URL)}
	var ready [2]atomic.Bool
	ready[0].Store(true)
	ready[1].Store(true)
	where := func(turn int) string {
		if n := turn % 2; ready[n].Load() {
			return gateways[n].addr
		}
		return gateways[(turn+1)%2].addr
	}
	var seen tally
	stop := make(chan struct{})
	token := i.token(t, "u1")
	load := seen.clients(t, 16, stop, where, get(token), post(token))
	restarts := 0
	for n := 0; restarts < 4 || seen.all.Load() < int64(size(5000, 120_000)); n = 1 - n {
		before := seen.all.Load()
		g := gateways[n]
		if err := g.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		eventually(t, "readiness to fall", func() bool { return !g.ready() })
		ready[n].Store(false)
		<-g.Done()
		g.start()
		ready[n].Store(true)
		restarts++
		eventually(t, "requests after the restart", func() bool { return seen.all.Load() > before+500 })
	}
	close(stop)
	load.Wait()
	t.Logf("FIGURE %d restarts of two gateways: %s", restarts, &seen)
	if seen.failed() != 0 {
		t.Errorf("failed: %v", seen.bad)
	}
}

// replica is one process of a service, as every service of ours is served.
type replica struct {
	addr    string
	private string
	stop    context.CancelFunc
	ended   chan error
}

func newReplica(t *testing.T, h http.HandlerFunc) *replica {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	listening := make(chan [2]net.Addr, 1)
	r := &replica{stop: stop, ended: make(chan error, 1)}
	log := slog.New(slog.DiscardHandler)
	health := httpapi.NewHealth(log)
	go func() {
		r.ended <- httpapi.Serve(ctx, httpapi.ServeSettings{Addr: "127.0.0.1:0", PrivateAddr: "127.0.0.1:0", Health: health, Grace: time.Second,
			Listening: func(public, private net.Addr) { listening <- [2]net.Addr{public, private} }}, h, httpapi.Private(health, http.NotFoundHandler(), false), log)
	}()
	at := <-listening
	r.addr, r.private = at[0].String(), "http://"+at[1].String()
	return r
}

// balancer spreads connections over replicas, as a cluster's service address does.
type balancer struct {
	net.Listener
	mu       sync.Mutex
	replicas []*replica
	next     int
}

func newBalancer(t *testing.T, replicas ...*replica) *balancer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &balancer{Listener: l, replicas: replicas}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go b.join(in)
		}
	}()
	return b
}

func (b *balancer) join(in net.Conn) {
	defer in.Close()
	b.mu.Lock()
	b.next++
	to := b.replicas[b.next%len(b.replicas)]
	b.mu.Unlock()
	out, err := net.Dial("tcp", to.addr)
	if err != nil {
		return
	}
	defer out.Close()
	ended := make(chan struct{}, 2)
	for _, way := range [][2]*net.TCPConn{{out.(*net.TCPConn), in.(*net.TCPConn)}, {in.(*net.TCPConn), out.(*net.TCPConn)}} {
		go func() {
			_, _ = way[0].ReadFrom(way[1])
			_ = way[0].CloseWrite()
			ended <- struct{}{}
		}()
	}
	<-ended
	<-ended
}

// replace takes one out and puts one in its place.
func (b *balancer) replace(old, by *replica) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, r := range b.replicas {
		if r == old {
			b.replicas[i] = by
		}
	}
}

// A service's replicas are replaced in turn under load, as in a rolling restart.
func TestServiceRestart_noRequestFails(t *testing.T) {
	i := newIssuer(t)
	replicas := []*replica{newReplica(t, answers), newReplica(t, answers)}
	b := newBalancer(t, replicas...)
	auth := i.auth(t)
	g := run(t, auth.URL, "http://"+b.Addr().String())
	var seen tally
	stop := make(chan struct{})
	token := i.token(t, "u1")
	load := seen.clients(t, 16, stop, func(int) string { return g.addr }, get(token), post(token))
	restarts := 0
	for n := 0; restarts < 4 || seen.all.Load() < int64(size(5000, 120_000)); n = 1 - n {
		before, old := seen.all.Load(), replicas[n]
		old.stop()
		eventually(t, "readiness to fall", func() bool { return status(old.private+"/readyz") != http.StatusOK })
		replicas[n] = newReplica(t, answers)
		b.replace(old, replicas[n])
		if err := <-old.ended; err != nil {
			t.Error(err)
		}
		restarts++
		eventually(t, "requests after the restart", func() bool { return seen.all.Load() > before+500 })
	}
	close(stop)
	load.Wait()
	for _, r := range replicas {
		r.stop()
		<-r.ended
	}
	t.Logf("FIGURE %d restarts of a service's replicas, half of the requests POST: %s", restarts, &seen)
	if seen.failed() != 0 {
		t.Errorf("failed: %v", seen.bad)
	}
}

func status(url string) int {
	answer, err := http.Get(url)
	if err != nil {
		return 0
	}
	answer.Body.Close()
	return answer.StatusCode
}
