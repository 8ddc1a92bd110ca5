package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"text/template"
	"time"

	"github.com/codex-platform/codex/pkg/testkit/parts"
	"github.com/codex-platform/codex/pkg/testkit/port"
)

//go:embed haproxy.cfg.tmpl
var haproxyTemplate string

const checkedPath = "/api/storage/v1/files"

// benchGateway sends the same signed requests through our gateway and through
// HAProxy, one thread each, to one small upstream, and compares CPU a request.
func benchGateway(ctx context.Context, b *bench) error {
	upstream, err := b.upstream()
	if err != nil {
		return err
	}
	headers, err := b.bearers(upstream.issuer, 1000)
	if err != nil {
		return err
	}
	ours, err := b.gateway(ctx, upstream)
	if err != nil {
		return err
	}
	peer, peerURL, err := b.haproxy(ctx, upstream)
	if err != nil {
		return err
	}
	targets := []struct {
		name, url string
		pid       int
		rounds    []load
	}{
		{name: "codex gateway, all checks", url: ours.url + checkedPath, pid: ours.Pid()},
		{name: "haproxy, JWT + two stick tables", url: peerURL + checkedPath, pid: peer.Pid()},
		{name: "haproxy, plain proxying", url: peerURL + "/plain", pid: peer.Pid()},
	}
	for range b.rounds {
		for i := range targets {
			t := &targets[i]
			seen, err := b.press(ctx, t.url, upstream.host, headers, t.pid)
			if err != nil {
				return err
			}
			t.rounds = append(t.rounds, seen)
		}
	}
	cpu := make([]time.Duration, len(targets))
	for i, t := range targets {
		var rate float64
		var p50, p99 time.Duration
		cpu[i], rate, p50, p99 = medians(t.rounds)
		fmt.Printf("  %-34s %8s CPU a request  %7.0f req/s  p50 %8s  p99 %8s  %5.1f MiB\n", t.name, cpu[i].Round(100*time.Nanosecond), rate, p50, p99, residentMiB(t.pid))
	}
	fmt.Printf("  ratio %.2f of HAProxy with the same checks, %.2f of HAProxy plain\n", float64(cpu[0])/float64(cpu[1]), float64(cpu[0])/float64(cpu[2]))
	return nil
}

// upstream answers every path with a small JSON, and the key set where auth would.
type upstream struct {
	addr   string // host:port it listens on
	host   string // what clients call the front door
	issuer *issuer
}

func (b *bench) upstream() (*upstream, error) {
	const name = "http://localhost:8000"
	issuer, err := newIssuer(name)
	if err != nil {
		return nil, err
	}
	keys, err := issuer.jwks()
	if err != nil {
		return nil, err
	}
	answer := []byte(`{"items":[{"id":"0190f3c2","name":"report.pdf","size":48211}],"next_cursor":null}`)
	serve := func(body []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Content-Type"] = []string{"application/json"}
			_, _ = w.Write(body)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/auth/jwks", serve(keys))
	mux.HandleFunc("/", serve(answer))
	address, err := b.serve(mux.ServeHTTP)
	if err != nil {
		return nil, err
	}
	return &upstream{addr: strings.TrimPrefix(address, "http://"), host: "localhost:8000", issuer: issuer}, nil
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

// bearers writes one Authorization line for each of n users.
func (b *bench) bearers(issuer *issuer, n int) (string, error) {
	file, err := os.Create(b.path("bearers"))
	if err != nil {
		return "", err
	}
	defer file.Close()
	for user := range n {
		token, err := issuer.token(user)
		if err != nil {
			return "", err
		}
		if _, err := fmt.Fprintf(file, "Authorization: Bearer %s\n", token); err != nil {
			return "", err
		}
	}
	return file.Name(), nil
}

func (b *bench) gateway(ctx context.Context, up *upstream) (*program, error) {
	path, err := b.build(ctx, "gateway")
	if err != nil {
		return nil, err
	}
	redis, err := b.redis(ctx)
	if err != nil {
		return nil, err
	}
	url := "http://" + up.addr
	settings := map[string]string{
		"GOMAXPROCS": "1", "PUBLIC_URL": up.issuer.name, "SERVICE_TOKENS": secret(), "REDIS_URL": redis.URL(),
		"AUTH_URL": url, "STORAGE_URL": url, "WEBHOOK_URL": url, "WEB_URL": url,
	}
	for name, value := range unlimited {
		settings[name] = value
	}
	return b.start(ctx, path, settings)
}

// unlimited keeps both limits counting and never refusing, as in HAProxy's configuration.
var unlimited = map[string]string{
	"LIMIT_API": "1000000000/1m", "LIMIT_API_ADDRESS": "1000000000/1m",
}

func (b *bench) redis(ctx context.Context) (*parts.Redis, error) {
	found, err := parts.FindRedis(ctx, b.root+"/.bin")
	if err != nil {
		return nil, err
	}
	free, err := port.Free()
	if err != nil {
		return nil, err
	}
	redis, err := parts.StartRedis(ctx, parts.RedisConfig{Program: found, Dir: b.path("redis"), Port: free, Output: io.Discard})
	if err != nil {
		return nil, err
	}
	b.ends = append(b.ends, func() { _ = redis.Stop() })
	return redis, nil
}

func (b *bench) haproxy(ctx context.Context, up *upstream) (*parts.Child, string, error) {
	found, err := haproxyProgram()
	if err != nil {
		return nil, "", err
	}
	key, err := up.issuer.pem()
	if err != nil {
		return nil, "", err
	}
	free, err := port.Free()
	if err != nil {
		return nil, "", err
	}
	if err := os.WriteFile(b.path("key.pem"), key, 0o600); err != nil {
		return nil, "", err
	}
	config, err := os.Create(b.path("haproxy.cfg"))
	if err != nil {
		return nil, "", err
	}
	defer config.Close()
	err = template.Must(template.New("haproxy").Parse(haproxyTemplate)).Execute(config, map[string]string{
		"Listen": port.Addr(free), "Key": b.path("key.pem"), "Issuer": up.issuer.name, "Upstream": up.addr,
	})
	if err != nil {
		return nil, "", err
	}
	child, err := parts.Start(parts.Spec{Name: "haproxy", Path: found, Args: []string{"-db", "-f", config.Name()}})
	if err != nil {
		return nil, "", err
	}
	b.ends = append(b.ends, func() { _ = child.Stop() })
	return child, "http://" + port.Addr(free), port.Wait(ctx, port.Addr(free))
}

// haproxyProgram also looks where Debian keeps daemons, which an ordinary user's PATH leaves out.
func haproxyProgram() (string, error) {
	if found, err := exec.LookPath("haproxy"); err == nil {
		return found, nil
	}
	if found, err := exec.LookPath("/usr/sbin/haproxy"); err == nil {
		return found, nil
	}
	return "", errors.New("haproxy is missing: make deps installs it")
}
