package ports_test

import (
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/codex-platform/codex/deploy/local/internal/ports"
	"github.com/codex-platform/codex/pkg/config"
)

func load(t *testing.T, environ ...string) ports.Ports {
	t.Helper()
	p, err := config.Load[ports.Ports](environ)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAssign_autoTakesFreePortsForAllThatNobodyNames(t *testing.T) {
	t.Parallel()
	environ := []string{"CODEX_PORTS=auto", "GATEWAY_PORT=18765"}
	p := load(t, environ...)

	if err := p.Assign(environ); err != nil {
		t.Fatal(err)
	}

	if p.Gateway != 18765 {
		t.Errorf("gateway on %d, want the named port", p.Gateway)
	}
	if p.Auth == 8001 || p.Auth == p.AuthPrivate {
		t.Errorf("auth on %d and %d, want two free ports", p.Auth, p.AuthPrivate)
	}
}

func TestCheck_namesTheHolderAndTheVariable(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	busy := l.Addr().(*net.TCPAddr).Port
	environ := []string{"CODEX_PORTS=auto", "REDIS_PORT=" + strconv.Itoa(busy)}
	p := load(t, environ...)
	if err := p.Assign(environ); err != nil {
		t.Fatal(err)
	}

	err = p.Check()

	if err == nil {
		t.Fatal("a taken port was found free")
	}
	for _, want := range []string{strconv.Itoa(busy), "REDIS_PORT=", "pid " + strconv.Itoa(os.Getpid())} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
	if err := p.Check(busy); err != nil {
		t.Errorf("a port that is not needed counts: %v", err)
	}
}
