package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/codex-platform/codex/pkg/security"
)

const (
	headerTimeout = 5 * time.Second
	idleTimeout   = 60 * time.Second
	// net/http allows 4 KiB more than it is told: 16 KiB in all (GW-11).
	maxHeaderBytes = 16<<10 - 4<<10
	// privateStop bounds the end of the private listener.
	privateStop = time.Second
)

// ServeSettings say where to listen and how to stop; see Settings.Serve.
type ServeSettings struct {
	// Addr and PrivateAddr are host:port of the two listeners.
	Addr, PrivateAddr string
	// Health runs while the process serves and falls first when it stops.
	Health *Health
	// Grace is how long the process goes on serving after it has become not
	// ready, until the platform sends it no new requests.
	Grace time.Duration
	// Drain bounds the end of the requests that are running then; default 25 s.
	Drain time.Duration
	// Front, when set, makes the public listener's connections out of plain ones:
	// with TLS, for example.
	Front func(net.Listener) net.Listener
	// MaxConnections bounds the public listener; 0: as many as there is memory for.
	MaxConnections int
	// Proxies stand for many clients: one of them may have all connections.
	Proxies security.Proxies
	// Tune, when set, has the last word on the public listener's server.
	Tune func(*http.Server)
	// Listening, when set, is told the addresses once both are open.
	Listening func(public, private net.Addr)
}

// Serve runs a service until ctx ends and then stops it in order (DEP-07):
// readiness falls, requests go on for the grace, each on the last turn of its
// connection, no new ones are accepted, the running ones come to their end, and the private listener, which tells all
// this, goes last. Nil is a clean stop; an error is a listener that could not be
// opened, or requests that had to be cut off.
func Serve(ctx context.Context, s ServeSettings, public, private http.Handler, log *slog.Logger) error {
	if s.Health == nil {
		s.Health = NewHealth(log)
	}
	if s.Drain == 0 {
		s.Drain = 25 * time.Second
	}
	inner, outer, err := listen(ctx, s)
	if err != nil {
		return err
	}
	// Requests and checks outlive ctx: it only says that the end has begun.
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	go s.Health.Run(life)

	memory := memoryLimit(os.DirFS("/"))
	limitMemory(memory)
	if s.MaxConnections == 0 {
		s.MaxConnections = connectionsFor(memory)
	}
	failed := make(chan error, 2)
	run := func(l net.Listener, h http.Handler, tune func(*http.Server)) *http.Server {
		server := newServer(context.WithoutCancel(ctx), h, log)
		boundConnections(server, s.MaxConnections, s.Proxies)
		if tune != nil {
			tune(server)
		}
		go func() { failed <- server.Serve(l) }()
		return server
	}
	privateServer := run(inner, private, nil)
	publicServer := run(outer, s.Health.sendAway(public), s.Tune)
	log.InfoContext(ctx, "serving", "addr", outer.Addr().String(), "private_addr", inner.Addr().String())
	if s.Listening != nil {
		s.Listening(outer.Addr(), inner.Addr())
	}

	select {
	case <-ctx.Done():
		err = nil
	case err = <-failed:
		err = fmt.Errorf("serve: %w", err)
	}
	return errors.Join(err, stop(life, s, publicServer, privateServer, log))
}

// listen opens both listeners, or none.
func listen(ctx context.Context, s ServeSettings) (private, public net.Listener, err error) {
	var l net.ListenConfig
	if private, err = l.Listen(ctx, "tcp", s.PrivateAddr); err != nil {
		return nil, nil, fmt.Errorf("open PRIVATE_ADDR: %w", err)
	}
	if public, err = l.Listen(ctx, "tcp", s.Addr); err != nil {
		private.Close()
		return nil, nil, fmt.Errorf("open ADDR: %w", err)
	}
	if s.Front != nil {
		public = s.Front(public)
	}
	return private, public, nil
}

// newServer bounds what a client may send and how long it may take before a
// handler is asked; bodies are bounded where they are read.
func newServer(life context.Context, h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		BaseContext:       func(net.Listener) context.Context { return life }, // without a cancel: each connection would be noted in it
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),  // clients that hang up, mostly
	}
}

func stop(life context.Context, s ServeSettings, public, private *http.Server, log *slog.Logger) error {
	s.Health.Draining()
	log.InfoContext(life, "stopping", "grace", s.Grace.String(), "drain", s.Drain.String())
	pause(life, s.Grace)

	limited, cancel := context.WithTimeout(life, s.Drain)
	defer cancel()
	err := public.Shutdown(limited)
	if err != nil {
		err = errors.Join(fmt.Errorf("requests were still running after %s and were cut off: %w", s.Drain, err), public.Close())
	}

	limited, cancel = context.WithTimeout(life, privateStop)
	defer cancel()
	if private.Shutdown(limited) != nil {
		_ = private.Close() // a scraper that holds on is no reason to stay
	}
	log.InfoContext(life, "stopped")
	return err
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// sendAway tells clients to use another connection for their next request once the
// process is about to stop: by the end of the grace none is left on which one could
// meet the end.
func (h *Health) sendAway(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}
