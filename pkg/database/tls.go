package database

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/codex-platform/codex/pkg/config"
)

const verifyFull = "verify-full"

// namesMode finds a spelled-out sslmode in both forms of an address: as a
// parameter of a URL and as a word of a libpq string.
var namesMode = regexp.MustCompile(`(?:^|[?&\s])sslmode\s*=\s*'?([a-z-]+)`)

// secure gives the address with the certificate check that it must have:
// verify-full when another machine is meant and the address names no mode. A
// weaker mode for another machine is given back as well, to be warned of.
func secure(name, dsn string) (secured, weak string, err error) {
	parsed, err := pgconn.ParseConfig(dsn)
	if err != nil {
		return "", "", unreadable(name)
	}
	mode := ""
	if m := namesMode.FindStringSubmatch(dsn); m != nil {
		mode = m[1]
	}
	switch {
	case staysHere(parsed):
		return dsn, "", nil
	case mode == "":
		secured, err = withMode(name, dsn)
		return secured, "", err
	case mode != verifyFull:
		weak = mode
	}
	return dsn, weak, nil
}

// withMode adds sslmode=verify-full to an address that names no mode.
func withMode(name, dsn string) (string, error) {
	if !strings.Contains(dsn, "://") {
		return dsn + " sslmode=" + verifyFull, nil
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return "", unreadable(name)
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += "sslmode=" + verifyFull
	return u.String(), nil
}

// staysHere tells whether every host of the address is this machine.
func staysHere(c *pgconn.Config) bool {
	if !local(c.Host) {
		return false
	}
	for _, f := range c.Fallbacks {
		if !local(f.Host) {
			return false
		}
	}
	return true
}

func local(host string) bool {
	if strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") || host == "localhost" {
		return true // a socket in the file system, an abstract one, or the name itself
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// unreadable is the error of an address that cannot be parsed.
func unreadable(name string) error {
	return fmt.Errorf("read the database's address: %w", &config.Faults{List: []config.Fault{unreadableFault(name)}})
}

// unreadableFault does not repeat the parser's own words: they may quote the
// address, and the password in it.
func unreadableFault(name string) config.Fault {
	return config.Fault{Name: name, Problem: "is not an address of PostgreSQL", Example: "postgres://user:password@host:5432/name"}
}
