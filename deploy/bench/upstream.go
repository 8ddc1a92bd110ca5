package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/codex-platform/codex/pkg/testkit/parts"
	"github.com/codex-platform/codex/pkg/testkit/port"
)

const smallAnswer = `{"items":[{"id":"0190f3c2","name":"report.pdf","size":48211}],"next_cursor":null}`

// upstream answers every path with a small JSON, and the key set where auth
// would: nginx, which leaves most of the machine to the load, or else a server
// of our own.
type upstream struct {
	addr   string // host:port it listens on
	host   string // what clients call the front door
	issuer *issuer
	key    string // the file with the issuer's public key
}

func (b *bench) upstream(ctx context.Context) (*upstream, error) {
	up, keys, err := b.unserved()
	if err != nil {
		return nil, err
	}
	up.addr, err = b.nginxUpstream(ctx)
	if errors.Is(err, errMissing) {
		up.addr, err = b.ownUpstream(keys, func() {})
	}
	return up, err
}

// slowUpstream does some work before each answer but the key set's.
func (b *bench) slowUpstream(work func()) (*upstream, error) {
	up, keys, err := b.unserved()
	if err != nil {
		return nil, err
	}
	up.addr, err = b.ownUpstream(keys, work)
	return up, err
}

// unserved is an upstream without a server yet, and its key set.
func (b *bench) unserved() (*upstream, []byte, error) {
	issuer, err := newIssuer("http://localhost:8000")
	if err != nil {
		return nil, nil, err
	}
	key, err := issuer.pem()
	if err != nil {
		return nil, nil, err
	}
	keys, err := issuer.jwks()
	if err != nil {
		return nil, nil, err
	}
	up := &upstream{host: "localhost:8000", issuer: issuer, key: b.path("key.pem")}
	return up, keys, errors.Join(os.WriteFile(up.key, key, 0o600), os.WriteFile(b.path("jwks.json"), keys, 0o600))
}

func (b *bench) nginxUpstream(ctx context.Context) (string, error) {
	program, err := daemon("nginx")
	if err != nil {
		return "", err
	}
	free, err := port.Free()
	if err != nil {
		return "", err
	}
	config, err := b.fill("upstream.conf", map[string]any{"Listen": port.Addr(free), "Dir": b.dir, "Answer": smallAnswer, "Keys": b.path("jwks.json")})
	if err != nil {
		return "", err
	}
	child, err := parts.Start(parts.Spec{Name: "upstream", Path: program, Args: []string{"-e", "stderr", "-c", config}})
	if err != nil {
		return "", err
	}
	b.ends = append(b.ends, func() { _ = child.Stop() })
	if err := port.Wait(ctx, port.Addr(free)); err != nil {
		return "", errors.Join(err, errors.New(child.LastLines()))
	}
	return port.Addr(free), nil
}

func (b *bench) ownUpstream(keys []byte, work func()) (string, error) {
	serve := func(body []byte, work func()) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			work()
			w.Header()["Content-Type"] = []string{"application/json"}
			_, _ = w.Write(body)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/auth/jwks", serve(keys, func() {}))
	mux.HandleFunc("/", serve([]byte(smallAnswer), work))
	address, err := b.serve(mux.ServeHTTP)
	return strings.TrimPrefix(address, "http://"), err
}

// serve runs a small server of the benchmark's own and gives its address.
func (b *bench) serve(handler http.HandlerFunc) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
	}()
	b.ends = append(b.ends, func() { _ = server.Close() })
	return "http://" + listener.Addr().String(), nil
}
