package cache

import (
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/redis/go-redis/extra/redisotel/v9"
	"github.com/redis/go-redis/v9"

	"github.com/codex-platform/codex/pkg/config"
)

const (
	dialTimeout = 500 * time.Millisecond
	callTimeout = 300 * time.Millisecond
)

// Settings say where Redis is. An empty address means that there is none.
type Settings struct {
	URL config.DSN `env:"REDIS_URL" help:"Redis: redis://host:6379/0; further cluster nodes as ?addr=host:port, Sentinel as ?master_name=name&addr=host:port" example:"redis://127.0.0.1:6379/0"`
}

// Open makes the client; it does not need the server to be up. The client is nil
// when no address is set: everything in this package takes that as "no Redis".
func Open(s Settings, log *slog.Logger) (redis.UniversalClient, error) {
	if s.URL == "" {
		log.Warn("no Redis address is set: limits are kept by each process for itself")
		return nil, nil
	}
	rdb, err := newClient(s.URL.Reveal())
	if err != nil {
		return nil, err
	}
	if err := redisotel.InstrumentTracing(rdb, redisotel.WithDBStatement(false), redisotel.WithCallerEnabled(false)); err != nil {
		return nil, fmt.Errorf("trace redis: %w", err)
	}
	if err := redisotel.InstrumentMetrics(rdb); err != nil {
		return nil, fmt.Errorf("measure redis: %w", err)
	}
	return rdb, nil
}

// newClient picks the kind of client by the address. Short limits and no retries
// everywhere: a slow Redis must cost a request less than what it saves.
func newClient(raw string) (redis.UniversalClient, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("REDIS_URL is not an address") // err would repeat the password
	}
	query := u.Query()
	switch {
	case query.Has("master_name"):
		o, err := redis.ParseFailoverURL(raw)
		if err != nil {
			return nil, fmt.Errorf("REDIS_URL does not name a Sentinel")
		}
		o.DialTimeout, o.ReadTimeout, o.WriteTimeout = dialTimeout, callTimeout, callTimeout
		o.MaxRetries, o.ContextTimeoutEnabled = -1, true
		return redis.NewFailoverClient(o), nil
	case query.Has("addr"):
		o, err := redis.ParseClusterURL(raw)
		if err != nil {
			return nil, fmt.Errorf("REDIS_URL does not name a cluster")
		}
		o.DialTimeout, o.ReadTimeout, o.WriteTimeout = dialTimeout, callTimeout, callTimeout
		o.MaxRetries, o.ContextTimeoutEnabled = -1, true
		return redis.NewClusterClient(o), nil
	}
	o, err := redis.ParseURL(raw)
	if err != nil {
		return nil, fmt.Errorf("REDIS_URL is not like redis://host:6379/0")
	}
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = dialTimeout, callTimeout, callTimeout
	o.MaxRetries, o.ContextTimeoutEnabled = -1, true
	return redis.NewClient(o), nil
}
