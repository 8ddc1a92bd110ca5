package gateway_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

const (
	slowClients = 2000
	idleClients = 5000
)

// huge answers with more than any socket's buffers hold.
func huge(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != filesPath+"/huge" {
		answers(w, r)
		return
	}
	piece := make([]byte, 64<<10)
	for range 1 << 10 {
		if _, err := w.Write(piece); err != nil {
			return
		}
	}
}

// slow is one client of three kinds: a head that never ends, a body of a byte a
// second, an answer that is not read. It comes again when it is cut off.
func slow(t *testing.T, addr, token string, kind int, stop <-chan struct{}) {
	begin := []string{
		"GET " + filesPath + " HTTP/1.1\r\nHost: app.example\r\n",
		"POST " + filesPath + "/1 HTTP/1.1\r\nHost: app.example\r\nAuthorization: Bearer " + token + "\r\nContent-Length: 1000\r\n\r\n",
		"GET " + filesPath + "/huge HTTP/1.1\r\nHost: app.example\r\nAuthorization: Bearer " + token + "\r\n\r\n",
	}[kind]
	drip := []string{"X", "x", ""}[kind]
	beat := time.NewTicker(time.Second)
	defer beat.Stop()
	var conn net.Conn
	defer func() {
		if conn != nil {
			conn.Close()
		}
	}()
	for {
		var err error
		if conn == nil {
			if conn, err = (&net.Dialer{Timeout: 5 * time.Second}).DialContext(t.Context(), "tcp", addr); err == nil {
				_, err = io.WriteString(conn, begin)
			}
		} else {
			_, err = io.WriteString(conn, drip)
		}
		if err != nil && conn != nil {
			conn.Close()
			conn = nil
		}
		select {
		case <-stop:
			return
		case <-beat.C:
		}
	}
}

// Two thousand slow clients take neither the answers nor the memory of the others.
func TestSlowClients_takeNothingFromTheGoodOnes(t *testing.T) {
	i := newIssuer(t)
	g := run(t, i.auth(t).URL, service(t, huge).URL, "GOMEMLIMIT=115MiB")
	token := i.token(t, "u1")
	stop := make(chan struct{})
	var good tally
	load := good.clients(t, 8, stop, func(int) string { return g.addr }, get(token))
	eventually(t, "what requests alone cause", func() bool { return good.all.Load() > 4000 })
	before := g.memory("VmRSS")
	most := before
	var all sync.WaitGroup
	come := time.NewTicker(3 * time.Millisecond)
	for n := range slowClients {
		<-come.C
		all.Go(func() { slow(t, g.addr, token, n%3, stop) })
	}
	come.Stop()
	end, look := time.After(time.Duration(size(6, 30))*time.Second), time.NewTicker(200*time.Millisecond)
	defer look.Stop()
	for over := false; !over; { // longer than a head may take
		select {
		case <-end:
			over = true
		case <-look.C:
			most = max(most, g.memory("VmRSS"))
		}
	}
	close(stop)
	load.Wait()
	all.Wait()
	each := float64(most-before) / slowClients
	t.Logf("FIGURE %d slow clients: %s; %.1f KiB a connection, %d MiB at most", slowClients, &good, each, g.memory("VmHWM")>>10)
	if good.failed() != 0 {
		t.Errorf("failed: %v", good.bad)
	}
	if each > 32 || g.memory("VmHWM") > 128<<10 {
		t.Errorf("%.1f KiB a connection, %d MiB", each, g.memory("VmHWM")>>10)
	}
}

// A connection that waits costs little, and there is an end to how many there are.
func TestIdleConnections_costLittle(t *testing.T) {
	i := newIssuer(t)
	g := run(t, i.auth(t).URL, service(t, answers).URL, fmt.Sprintf("MAX_CONNECTIONS=%d", 2*idleClients))
	request := get(i.token(t, "u1"))
	ask := func() *wire {
		line, err := dial(t.Context(), g.addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { line.Close() })
		if status, again, err := line.ask(request); err != nil || status != http.StatusOK || !again {
			t.Fatalf("%d %v %v", status, again, err)
		}
		return line
	}
	first := ask()
	for range 2000 { // what the first requests alone cause is not the connections'
		if status, _, err := first.ask(request); err != nil || status != http.StatusOK {
			t.Fatalf("%d %v", status, err)
		}
	}
	before := g.memory("VmRSS")
	for range idleClients - 1 {
		ask()
	}
	each := float64(g.memory("VmRSS")-before) / idleClients
	t.Logf("FIGURE %d idle connections: %.1f KiB each", idleClients, each)
	if each > 20 {
		t.Errorf("%.1f KiB each", each)
	}
	one, err := dial(t.Context(), g.addr) // over the half that one address may have
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	if _, _, err := one.ask(request); err == nil {
		t.Error("one address got more than half of all connections")
	}
	if status, _, err := first.ask(request); err != nil || status != http.StatusOK {
		t.Errorf("an older one: %d %v", status, err)
	}
}
