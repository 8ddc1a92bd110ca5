package keeper

import (
	"context"
	"fmt"
	"os"

	"github.com/codex-platform/codex/pkg/testkit/parts"
	"github.com/codex-platform/codex/pkg/testkit/port"
)

// kind is a server that a keeper can own.
type kind string

const (
	postgres kind = "postgres"
	s3       kind = "s3"
)

// The keys of the tests' S3 server, which listens on loopback only and lives as long as the run.
const (
	s3AccessKey = "test-access-key"
	s3SecretKey = "test-secret-key-of-throw-away-buckets"
)

// connections is enough for many packages at once, each with some tests that open a pool.
const connections = 300

// server is what the keeper needs of either.
type server interface {
	Stop() error
	Done() <-chan struct{}
}

// base is the folder for the data: in memory for databases, which are many and small, on disk for objects.
func (k kind) base() string {
	if k == postgres {
		return FastDir()
	}
	return os.TempDir()
}

// start runs the server on a free port; it tries another one when somebody was quicker to take the first.
func (k kind) start(ctx context.Context, data, root, cache string) (server, any, error) {
	var last error
	for range 3 {
		p, err := port.Free()
		if err != nil {
			return nil, nil, err
		}
		var s server
		var cfg any
		if k == postgres {
			s, cfg, last = startPostgres(ctx, data, cache, p)
		} else {
			s, cfg, last = startS3(ctx, data, root, cache, p)
		}
		if last == nil {
			return s, cfg, nil
		}
	}
	return nil, nil, last
}

func startPostgres(ctx context.Context, data, cache string, p int) (server, any, error) {
	programs, err := parts.FindPostgres(ctx, cache)
	if err != nil {
		return nil, nil, err
	}
	cfg := parts.PostgresConfig{Programs: programs, Dir: data, Port: p, MaxConnections: connections}
	s, err := parts.StartPostgres(ctx, cfg)
	return s, cfg, err
}

func startS3(ctx context.Context, data, root, cache string, p int) (server, any, error) {
	program, err := parts.BuildS3(ctx, root, cache, os.Stderr)
	if err != nil {
		return nil, nil, err
	}
	cfg := parts.S3Config{Program: program, Dir: data, Port: p, AccessKey: s3AccessKey, SecretKey: s3SecretKey}
	s, err := parts.StartS3(ctx, cfg)
	return s, cfg, err
}

// clean removes what a killed keeper left behind; its server got a signal to end when the keeper died.
func (k kind) clean(ctx context.Context, data string) error {
	if k == postgres {
		if err := parts.EndPostgres(ctx, data); err != nil {
			return fmt.Errorf("end the last run's server: %w", err)
		}
	}
	return os.RemoveAll(data)
}
