package httpapi

import (
	"net"
	"net/http"
	"sync"
)

// unused are connections on which no request has come yet. Browsers and clients
// open some ahead of need; net/http's Shutdown waits five seconds for each of them.
type unused struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

// closeUnused makes the server end such connections first when it stops.
func closeUnused(server *http.Server) {
	u := &unused{conns: map[net.Conn]struct{}{}}
	server.ConnState = u.note
	server.RegisterOnShutdown(u.close)
}

func (u *unused) note(c net.Conn, state http.ConnState) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if state == http.StateNew {
		u.conns[c] = struct{}{}
	} else {
		delete(u.conns, c)
	}
}

func (u *unused) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for c := range u.conns {
		c.Close()
	}
}
