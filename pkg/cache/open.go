package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/redis/go-redis/extra/redisotel/v9"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

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

// Validate refuses an address that no client can be made from.
func (s Settings) Validate() []config.Fault {
	if s.URL == "" {
		return nil
	}
	rdb, err := newClient(s.URL.Reveal())
	if err != nil {
		return []config.Fault{{Name: "REDIS_URL", Problem: "is not an address of Redis", Example: "redis://user:password@host:6379/0"}}
	}
	_ = rdb.Close() // it has opened nothing yet
	return nil
}

// Open makes the client; it does not need the server to be up. The client is nil
// when no address is set: everything in this package takes that as "no Redis".
func Open(s Settings, log *slog.Logger) (redis.UniversalClient, error) {
	if s.URL == "" {
		log.Warn("no Redis address is set: limits are kept by each process for itself")
		return nil, nil
	}
	silenceLibrary()
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

var errAddress = errors.New("REDIS_URL is not like redis://user:password@host:6379/0")

// newClient picks the kind of client by the address. Short limits and no retries
// everywhere: a slow Redis must cost a request less than what it saves. Errors
// do not repeat the address: it may hold a password.
func newClient(raw string) (redis.UniversalClient, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errAddress
	}
	query := u.Query()
	more, master := query["addr"], query.Get("master_name")
	query.Del("addr")
	query.Del("master_name")
	u.RawQuery = query.Encode()
	one, err := redis.ParseURL(u.String())
	if err != nil {
		return nil, errAddress
	}
	return redis.NewUniversalClient(&redis.UniversalOptions{
		Addrs:      append([]string{one.Addr}, more...),
		MasterName: master,
		DB:         one.DB, Username: one.Username, Password: one.Password, TLSConfig: one.TLSConfig,
		SentinelUsername: one.Username, SentinelPassword: one.Password,
		DialTimeout: dialTimeout, ReadTimeout: callTimeout, WriteTimeout: callTimeout,
		MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}), nil
}

// silence stands in for the client library's own log: every user of Redis here
// tells its loss and return once, with one line each.
type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

var silenceLibrary = sync.OnceFunc(func() { redis.SetLogger(silence{}) })
