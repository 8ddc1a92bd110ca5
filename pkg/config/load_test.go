package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/config"
)

// Store is embedded, as the rooms' settings are in a service's.
type Store struct {
	URL  config.DSN `env:"STORE_URL,required" help:"the store"`
	Size int32      `env:"STORE_CONNS" envDefault:"10" unit:"connections" help:"at most so many"`
}

func (s Store) Validate() []config.Fault {
	if s.Size < 1 {
		return []config.Fault{{Name: "STORE_CONNS", Problem: "is less than 1", Example: "10"}}
	}
	return nil
}

// Other has a field of the same Go name as Store.
type Other struct {
	URL config.URL `env:"OTHER_URL" help:"somebody else"`
}

type settings struct {
	config.Base
	Store
	Other
	Nested struct {
		Port int `env:"PORT" envDefault:"1"`
	} `envPrefix:"NESTED_"`

	Addr    string         `env:"ADDR" envDefault:":8003" help:"where it listens"`
	Wait    time.Duration  `env:"WAIT" envDefault:"5s" help:"how long"`
	Max     config.Size    `env:"MAX" envDefault:"1GiB" unit:"bytes"`
	On      bool           `env:"ON"`
	Level   slog.Level     `env:"LEVEL" envDefault:"info"`
	Ratio   float64        `env:"RATIO"`
	Names   []string       `env:"NAMES"`
	Nets    []netip.Prefix `env:"NETS"`
	Keys    config.Secrets `env:"KEYS,required" min:"32" help:"the first one signs"`
	Foreign config.Secret  `env:"FOREIGN_KEY,required"`
	ignored string
	Skipped func() `env:"-"`
}

const key = "0123456789abcdef0123456789abcdef"

// good is an environment without a fault.
func good(more ...string) []string {
	return append([]string{
		"STORE_URL=postgres://codex:Zk4fQ0pB@db/codex", "KEYS=" + key, "FOREIGN_KEY=k", "PATH=/bin", "UNKNOWN_THING=1",
	}, more...)
}

func load(t *testing.T, environ []string) settings {
	t.Helper()
	s, err := config.Load[settings](environ)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// faults loads what is faulty and gives "NAME problem" for each fault.
func faults(t *testing.T, environ []string) []string {
	t.Helper()
	_, err := config.Load[settings](environ)
	var f *config.Faults
	if !errors.As(err, &f) {
		t.Fatalf("got %v, want faults", err)
	}
	if config.ExitCode(err) != 2 {
		t.Errorf("exit code %d", config.ExitCode(err))
	}
	var got []string
	for _, fault := range f.List {
		got = append(got, fault.Name+" "+fault.Problem)
	}
	return got
}

func TestLoad_readsEveryType(t *testing.T) {
	t.Parallel()
	got := load(t, good("APP_ENV=test", "ADDR=", "WAIT=1m", "MAX=64KiB", "ON=true", "LEVEL=warn", "RATIO=0.5", "NAMES= a, b,,c ",
		"NETS=10.0.0.0/8, ::1/128", "OTHER_URL=https://x.test/base/", "NESTED_PORT=7", "STORE_CONNS=3", "KEYS="+key+" , "+key+"2"))

	if got.AppEnv != "test" || got.Development() || got.Addr != ":8003" || got.Wait != time.Minute || got.Max != 64<<10 || !got.On ||
		got.Level != slog.LevelWarn || got.Ratio != 0.5 || !slices.Equal(got.Names, []string{"a", "b", "c"}) || len(got.Nets) != 2 ||
		got.Other.URL != "https://x.test/base" || got.Nested.Port != 7 || got.Size != 3 ||
		!slices.Equal(got.Keys.Reveal(), []string{key, key + "2"}) || got.Foreign.Reveal() != "k" {
		t.Errorf("got %+v, keys %q", got, got.Keys.Reveal())
	}
	if plain := load(t, good()); plain.AppEnv != config.Production || plain.Max != 1<<30 || plain.Names != nil || plain.ignored != "" || plain.Skipped != nil {
		t.Errorf("the defaults are %+v", plain)
	}
}

func TestLoad_namesAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	got := faults(t, []string{
		"APP_ENV=prod", "OTHER_URL=x.test", "STORE_CONNS=0", "NESTED_PORT=x", "WAIT=5", "MAX=1 elephant", "ON=maybe",
		"LEVEL=loud", "RATIO=half", "NETS=10.0.0.0", "KEYS=short",
	})
	want := []string{
		"STORE_URL is missing",
		"OTHER_URL is not an absolute http or https URL",
		"NESTED_PORT is not a whole number",
		"WAIT is not a duration",
		"MAX is not a size such as 1048576, 64KiB or 5GiB",
		"ON is not true or false",
		"LEVEL is not debug, info, warn or error",
		"RATIO is not a number",
		"NETS is not a list of the right things, separated by commas",
		"KEYS is shorter than 32 bytes",
		"FOREIGN_KEY is missing",
		"APP_ENV is not development, test or production",
		"STORE_CONNS is less than 1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestLoad_wantsAddressesToListenOn(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{":0", ":8080", "127.0.0.1:8080", "[::1]:8080", "localhost:8080"} {
		if got := load(t, good("ADDR="+addr)); got.Addr != addr {
			t.Errorf("ADDR=%s became %q", addr, got.Addr)
		}
	}
	for _, addr := range []string{"8080", "bogus", ":http", ":65536", "::1:8080", "http://localhost:8080"} {
		if got := faults(t, good("ADDR="+addr)); !slices.Equal(got, []string{"ADDR is not an address to listen on, like :8080 or 127.0.0.1:8080"}) {
			t.Errorf("ADDR=%s: %q", addr, got)
		}
	}
}

func TestFaults_showAFileWhereASecretCanComeFromOne(t *testing.T) {
	t.Parallel()
	err := &config.Faults{List: []config.Fault{{Name: "KEY", Problem: "is missing", Example: "/run/secrets/key (with KEY_FILE)"}}}
	if !strings.Contains(err.Error(), "for example KEY_FILE=/run/secrets/key") {
		t.Errorf("got %v", err)
	}
}

func TestLoad_neverRepeatsAValue(t *testing.T) {
	t.Parallel()
	const typed = "typed-by-hand"
	var environ []string
	for _, name := range []string{"APP_ENV", "OTHER_URL", "STORE_CONNS", "WAIT", "MAX", "ON", "LEVEL", "RATIO", "NETS", "KEYS", "NESTED_PORT", "FOREIGN_KEY_FILE"} {
		environ = append(environ, name+"="+typed)
	}
	_, err := config.Load[settings](environ)
	if err == nil || strings.Contains(err.Error(), typed) {
		t.Errorf("got %v", err)
	}
	for _, want := range []string{"13 faults in the settings:", "WAIT is not a duration", "for example WAIT=5s", "for example KEYS=$(openssl rand -hex 32)"} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
}

func TestLoad_refusesSecretsThatAreNone(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"KEYS=dev-only-" + key:                      "KEYS is a development secret, and APP_ENV is not development",
		"KEYS=changemechangemechangemechangeme":     "KEYS is a sample value: make one of your own",
		"KEYS=" + key + ",0123456789abcdef":         "KEYS has a member (number 2) that is shorter than 32 bytes",
		"KEYS=,":                                    "KEYS holds no secret",
		"FOREIGN_KEY=dev-only-1":                    "FOREIGN_KEY is a development secret, and APP_ENV is not development",
		"FOREIGN_KEY=change-me":                     "FOREIGN_KEY is a sample value: make one of your own",
		"FOREIGN_KEY=Secret":                        "FOREIGN_KEY is a sample value: make one of your own",
		"FOREIGN_KEY=____":                          "FOREIGN_KEY is a sample value: make one of your own",
		"STORE_URL=postgres://u:postgres@db/x":      "STORE_URL holds a password for development, or a sample: use your own",
		"STORE_URL=postgres://u:dev-only-1@db/x":    "STORE_URL holds a password for development, or a sample: use your own",
		"STORE_URL=host=db password='password' x=y": "STORE_URL holds a password for development, or a sample: use your own",
	} {
		for _, where := range []string{"production", "test"} {
			if got := faults(t, good(value, "APP_ENV="+where)); !slices.Equal(got, []string{want}) {
				t.Errorf("%s in %s: got %q", value, where, got)
			}
		}
	}
	load(t, good("APP_ENV=development", "KEYS=dev-only-"+key, "FOREIGN_KEY=secret", "STORE_URL=postgres://u:postgres@db/x"))
	if got := faults(t, good("APP_ENV=development", "KEYS=dev-only-1")); len(got) != 1 {
		t.Errorf("a short secret passed in development: %q", got)
	}
	for _, dsn := range []string{"postgres://db/x", "postgres://u:@db/x", "host=db user=u", "redis://:Zk4fQ0@cache:6379"} {
		load(t, good("STORE_URL="+dsn))
	}
}

func TestLoad_takesSecretsFromFiles(t *testing.T) {
	t.Parallel()
	file := func(content string) string {
		path := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	got := load(t, []string{
		"KEYS_FILE=" + file(key+"\n"), "FOREIGN_KEY_FILE=" + file(" with blanks \r\n"), "STORE_URL_FILE=" + file("postgres://db/x"), "FOREIGN_KEY=",
	})
	if got.Keys[0].Reveal() != key || got.Foreign.Reveal() != " with blanks " || got.Store.URL.Reveal() != "postgres://db/x" {
		t.Errorf("got %q %q %q", got.Keys.Reveal(), got.Foreign.Reveal(), got.Store.URL.Reveal())
	}
	for path, want := range map[string]string{
		"/does/not/exist":                  "FOREIGN_KEY has a _FILE variable, but that file cannot be read",
		t.TempDir():                        "FOREIGN_KEY has a _FILE variable, but that file cannot be read",
		file(""):                           "FOREIGN_KEY has a _FILE variable, but that file is empty",
		file(strings.Repeat("a", 1<<20+1)): "FOREIGN_KEY has a _FILE variable, but that file is larger than 1 MiB",
		file("dev-only-" + key):            "FOREIGN_KEY is a development secret, and APP_ENV is not development",
	} {
		if got := faults(t, good("FOREIGN_KEY=", "FOREIGN_KEY_FILE="+path)); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: got %q", path, got)
		}
	}
	if got := faults(t, good("FOREIGN_KEY_FILE=/x")); !slices.Equal(got, []string{"FOREIGN_KEY is set, and so is FOREIGN_KEY_FILE: one of them too many"}) {
		t.Errorf("got %q", got)
	}
}

func TestSecrets_printAsRedacted(t *testing.T) {
	t.Parallel()
	s := load(t, good())
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "a", s.Keys, "b", s.Foreign, "c", s.Store.URL, "d", s)
	asJSON, err := json.Marshal(struct {
		A config.Secrets
		B config.Secret
		C config.DSN
	}{s.Keys, s.Foreign, s.Store.URL})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{log.String(), string(asJSON), fmt.Sprintf("%v %+v %#v %s %q", s.Keys, s.Store, s.Foreign, s.Foreign, s.Store.URL), fmt.Sprintf("%#v %x", s.Keys, s.Keys)} {
		if strings.Contains(text, key) || strings.Contains(text, "Zk4fQ0pB") || !strings.Contains(text, "redacted") && !strings.Contains(text, "7265646163746564") {
			t.Errorf("got %s", text)
		}
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]config.Size{"0": 0, "1048576": 1 << 20, "64KiB": 64 << 10, "5GiB": 5 << 30, "2 GB": 2e9, "10B": 10, "1tib": 1 << 40, "1kb": 1000, "3MiB": 3 << 20, "7MB": 7e6, "1TB": 1e12} {
		var got config.Size
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q = %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-1", "1.5GiB", "GiB", "9223372036854775807KiB", "1XB"} {
		var got config.Size
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q = %d", text, got)
		}
	}
}

func TestURL(t *testing.T) {
	t.Parallel()
	var got config.URL
	for text, want := range map[string]string{
		"https://x.test:8443/a//": "https://x.test:8443/a", "HTTPS://X.Test/A%2fb/": "https://x.test/A%2fb", // as a browser writes it
		"https://x.test:443": "https://x.test", "http://x.test:80/a": "http://x.test/a", "http://x.test:443": "http://x.test:443", "https://x.test:": "https://x.test",
		"https://x.test:0443": "https://x.test", "http://[::1]:080": "http://[::1]", "http://[FE80::1]:8000": "http://[fe80::1]:8000", "http://x.test:65535": "http://x.test:65535",
	} {
		if err := got.UnmarshalText([]byte(text)); err != nil || got.String() != want || got.HTTPS() != strings.HasPrefix(want, "https:") {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x.test", "/a", "ftp://x.test", "http://", "http://u:p@x.test", "http://x.test/?a", "http://x.test/#a", "http://x.test/?", "http://[", "javascript://x", "http://x.test:99999", "http://x.test:65536", "http://x.test:0", "http://:80", "http://:", "http://größe.test"} {
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q passed", text)
		}
	}
	if config.URL("http://x").HTTPS() || config.URL("").HTTPS() {
		t.Error("http is not https")
	}
}
