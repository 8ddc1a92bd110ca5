package database_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/database"
)

func TestOpen_wantsACheckedCertificateFromOtherMachines(t *testing.T) {
	// Not parallel: the warning goes to the process's own logger.
	for name, tc := range map[string]struct {
		dsn     string
		checked bool // the certificate
		tls     bool // at all
		warned  bool
	}{
		"another machine":            {"postgres://u:p@db.example.com/codex", true, true, false},
		"another machine, with more": {"postgres://u:p@db.example.com/codex?application_name=x", true, true, false},
		"another machine, libpq":     {"host=db.example.com user=u password=p dbname=codex", true, true, false},
		"one of two":                 {"postgres://u:p@localhost,db.example.com/codex", true, true, false},
		"asked for":                  {"postgres://u:p@db.example.com/codex?sslmode=verify-full", true, true, false},
		"weaker, spelled out":        {"postgres://u:p@db.example.com/codex?sslmode=require", false, true, true},
		"none, spelled out":          {"postgres://u:p@db.example.com/codex?sslmode=disable", false, false, true},
		"none, spelled out, libpq":   {"host=db.example.com user=u sslmode = 'disable'", false, false, true},
		"this machine, none":         {"postgres://u:p@127.0.0.1/codex?sslmode=disable", false, false, false},
		"this machine, by name":      {"postgres://u:p@localhost/codex", false, true, false},
		"a socket":                   {"host=/run/postgresql user=u", false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			before := slog.Default()
			slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
			defer slog.SetDefault(before)
			pool, err := database.Open(t.Context(), database.Settings{URL: config.DSN(tc.dsn), MaxConns: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			tls := pool.Config().ConnConfig.TLSConfig
			if (tls != nil) != tc.tls {
				t.Fatalf("TLS = %v, want %v", tls != nil, tc.tls)
			}
			if checked := tls != nil && !tls.InsecureSkipVerify && tls.ServerName != ""; checked != tc.checked {
				t.Errorf("checked = %v, want %v", checked, tc.checked)
			}
			if warned := log.Len() > 0; warned != tc.warned || strings.Contains(log.String(), "example.com") {
				t.Errorf("log: %s", &log)
			}
		})
	}
}

func TestSettings_nameEveryAddressThatCannotBeRead(t *testing.T) {
	t.Parallel()
	faults := database.Settings{URL: "mysql://u:hunter2@h/x", DirectURL: "hunter2", MaxConns: 0}.Validate()
	var names []string
	for _, f := range faults {
		names = append(names, f.Name)
		if strings.Contains(f.Problem+f.Example, "hunter2") {
			t.Errorf("%+v repeats the value", f)
		}
	}
	if got := strings.Join(names, " "); got != "DATABASE_URL DATABASE_DIRECT_URL DATABASE_MAX_CONNS" {
		t.Errorf("faults of %s", got)
	}
}

func TestOpen_namesTheSettingAndNotItsValue(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{"postgres://u:hunter2@host:port/x", "postgres://u:hunter2@[::1/x", "hunter2", "postgres://u:hunter2@h/x?sslmode=perhaps"} {
		_, err := database.Open(t.Context(), database.Settings{URL: config.DSN(dsn), MaxConns: 1})
		if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "DATABASE_URL") {
			t.Errorf("err = %v", err)
		}
		if config.ExitCode(err) != 2 {
			t.Errorf("exit code = %d", config.ExitCode(err))
		}
	}
}

func TestSettings_directFallsBack(t *testing.T) {
	t.Parallel()
	if got := (database.Settings{URL: "a"}).Direct().Reveal(); got != "a" {
		t.Errorf("got %s", got)
	}
	if got := (database.Settings{URL: "a", DirectURL: "b"}).Direct().Reveal(); got != "b" {
		t.Errorf("got %s", got)
	}
}
