package parts

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/codex-platform/codex/pkg/testkit/port"
)

// RedisProgram is the server program and what it needs around it.
type RedisProgram struct {
	Path   string
	Env    []string // added to our environment
	Source string   // where it was found, for people
}

// FindRedis looks on PATH and then, on Debian and its kin, unpacks the distribution's packages into cache without installing them.
func FindRedis(ctx context.Context, cache string) (RedisProgram, error) {
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return RedisProgram{Path: path, Source: path}, nil
		}
	}
	p, err := debianRedis(ctx, cache)
	if err != nil {
		return p, fmt.Errorf("Redis was not found: install it (Debian: apt-get install redis-server; macOS: brew install redis): %w", err)
	}
	return p, nil
}

// debianRedis downloads four packages (1 MB) and unpacks them: no root, nothing installed, no service started.
func debianRedis(ctx context.Context, cache string) (RedisProgram, error) {
	dir := filepath.Join(cache, "redis-deb")
	program := filepath.Join(dir, "usr/bin/redis-server")
	found := func() (RedisProgram, bool) {
		_, err := os.Stat(program)
		libs, _ := filepath.Glob(filepath.Join(dir, "usr/lib/*-linux-gnu*"))
		return RedisProgram{Path: program, Env: []string{"LD_LIBRARY_PATH=" + strings.Join(libs, ":")}, Source: dir}, err == nil
	}
	unlock, err := Lock(ctx, dir+".lock")
	if err != nil {
		return RedisProgram{}, err
	}
	defer unlock()
	if p, ok := found(); ok {
		return p, nil
	}
	if err := unpackDebian(ctx, dir, "redis-server", "redis-tools", "liblzf1", "libjemalloc2"); err != nil {
		return RedisProgram{}, err
	}
	p, ok := found()
	if !ok {
		return p, errors.New("the unpacked packages hold no redis-server")
	}
	return p, nil
}

func unpackDebian(ctx context.Context, dir string, packages ...string) error {
	debs := filepath.Join(dir, "debs")
	if err := os.MkdirAll(debs, 0o755); err != nil {
		return err
	}
	get := exec.CommandContext(ctx, "apt-get", append([]string{"download"}, packages...)...)
	get.Dir = debs
	if out, err := get.CombinedOutput(); err != nil {
		return fmt.Errorf("apt-get download: %w\n%s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(debs, "*.deb"))
	if err != nil {
		return err
	}
	for _, f := range files {
		if out, err := exec.CommandContext(ctx, "dpkg", "-x", f, dir).CombinedOutput(); err != nil {
			return fmt.Errorf("dpkg -x %s: %w\n%s", filepath.Base(f), err, out)
		}
	}
	return nil
}

// RedisConfig describes one server.
type RedisConfig struct {
	Program RedisProgram
	Dir     string // working folder; made when missing
	Port    int
	Durable bool // keeps its data in Dir over a restart
	Output  io.Writer
}

// Redis is a running Redis server.
type Redis struct {
	*Child
	cfg RedisConfig
}

// StartRedis starts a server on loopback and waits until it answers.
func StartRedis(ctx context.Context, cfg RedisConfig) (*Redis, error) {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("folder of Redis: %w", err)
	}
	persist := []string{"--save", "", "--appendonly", "no"}
	if cfg.Durable {
		persist = []string{"--save", "60 1", "--appendonly", "yes"}
	}
	child, err := Start(Spec{
		Name: "redis", Path: cfg.Program.Path, Dir: cfg.Dir, Env: append(os.Environ(), cfg.Program.Env...), Output: cfg.Output,
		Args: append([]string{"--bind", "127.0.0.1", "--port", strconv.Itoa(cfg.Port), "--dir", cfg.Dir, "--loglevel", "warning"}, persist...),
	})
	if err != nil {
		return nil, err
	}
	r := &Redis{Child: child, cfg: cfg}
	if err := r.ready(ctx); err != nil {
		child.Kill()
		return nil, err
	}
	return r, nil
}

// URL is the server's address.
func (r *Redis) URL() string { return "redis://" + port.Addr(r.cfg.Port) }

func (r *Redis) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		if ping(ctx, port.Addr(r.cfg.Port)) {
			return nil
		}
		select {
		case <-r.Done():
			return r.Err()
		case <-ctx.Done():
			return fmt.Errorf("redis is not ready: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// ping is true when a Redis server that has loaded its data answers.
func ping(ctx context.Context, addr string) bool {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	if _, err := io.WriteString(conn, "PING\r\n"); err != nil {
		return false
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	return err == nil && strings.HasPrefix(line, "+PONG")
}
