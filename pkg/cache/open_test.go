package cache_test

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/codex-platform/codex/pkg/cache"
	"github.com/codex-platform/codex/pkg/config"
)

// open makes a client as services do.
func open(t testing.TB, address string) redis.UniversalClient {
	t.Helper()
	rdb, err := cache.Open(cache.Settings{URL: config.DSN(address)}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

func TestOpen_picksTheKindOfClient(t *testing.T) {
	t.Parallel()
	if _, single := open(t, "redis://127.0.0.1:1/3").(*redis.Client); !single {
		t.Error("one address is no single client")
	}
	if _, cluster := open(t, "redis://127.0.0.1:1?addr=127.0.0.1:2&addr=127.0.0.1:3").(*redis.ClusterClient); !cluster {
		t.Error("several addresses are no cluster")
	}
	if _, single := open(t, "rediss://u:p@127.0.0.1:1?master_name=main&addr=127.0.0.1:2").(*redis.Client); !single {
		t.Error("a Sentinel gives no failover client")
	}
}

func TestSettings_refuseWhatIsNoAddressOfRedis(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"ftp://u:hunter2@host", "hunter2", "redis://u:hunter2@host/x", "redis://[::1"} {
		faults := cache.Settings{URL: config.DSN(address)}.Validate()
		if len(faults) != 1 || faults[0].Name != "REDIS_URL" || strings.Contains(faults[0].Problem, "hunter2") {
			t.Errorf("%s: %+v", address, faults)
		}
	}
	for _, address := range []string{"", "redis://127.0.0.1:1/3", "rediss://u:p@h:1?master_name=main&addr=h:2"} {
		if faults := (cache.Settings{URL: config.DSN(address)}).Validate(); faults != nil {
			t.Errorf("%s: %+v", address, faults)
		}
	}
}

func TestOpen_withoutAnAddressIsNoRedis(t *testing.T) {
	t.Parallel()
	log, lines := recorded()
	rdb, err := cache.Open(cache.Settings{}, log)
	if err != nil || rdb != nil || len(lines()) != 1 {
		t.Errorf("got %v, %v, log %q", rdb, err, lines())
	}
}

func TestOpen_keepsThePasswordOutOfItsError(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"http://u:hunter2@x", "redis://u:hunter2@h:port", "redis://u:hunter2@h/zero", "redis://u:hunter2@h?nonsense=1", "://hunter2"} {
		_, err := cache.Open(cache.Settings{URL: config.DSN(address)}, quiet())
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("error: %v", err)
		}
	}
}
