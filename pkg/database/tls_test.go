package database_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"testing"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/database"
)

// DEP-09: a server whose certificate nobody vouches for does not get the password.
func TestPool_refusesAForeignCertificate(t *testing.T) {
	t.Parallel()
	donor := httptest.NewTLSServer(nil) // for its self-signed certificate
	defer donor.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	said := make(chan string, 16)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			said <- impersonate(conn, donor.TLS.Certificates)
		}
	}()
	pool, err := database.Open(t.Context(), database.Settings{
		URL: config.DSN("postgres://u:hunter2@" + l.Addr().String() + "/x?sslmode=verify-full"), MaxConns: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	_, err = pool.Exec(t.Context(), "SELECT 1")
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		t.Errorf("err = %v", err)
	}
	if got := <-said; got != "" {
		t.Errorf("the impostor was told %q", got)
	}
}

// impersonate answers a PostgreSQL client's wish for TLS and gives what the client then says.
func impersonate(conn net.Conn, certificates []tls.Certificate) string {
	defer conn.Close()
	wish := make([]byte, 8)
	if _, err := io.ReadFull(conn, wish); err != nil {
		return ""
	}
	if _, err := conn.Write([]byte("S")); err != nil {
		return ""
	}
	text, _ := io.ReadAll(tls.Server(conn, &tls.Config{Certificates: certificates, MinVersion: tls.VersionTLS12}))
	return string(text)
}
