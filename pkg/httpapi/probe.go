package httpapi

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/codex-platform/codex/pkg/config"
)

// probeTimeout leaves room below the three seconds that container platforms give a check.
const probeTimeout = 2 * time.Second

// ProbeCommand is "probe": it asks the service that runs beside it whether it is
// ready and fails when it is not. Images hold nothing else that could ask.
func ProbeCommand[S any](privateAddr func(S) string) config.Command[S] {
	return config.Command[S]{
		Name:    "probe",
		Summary: "ask the running service at PRIVATE_ADDR whether it is ready (exit 0) or not (exit 1)",
		Needs:   []string{},
		Run: func(ctx context.Context, s S, _ []string, _ io.Writer) error {
			return probe(ctx, privateAddr(s))
		},
	}
}

func probe(ctx context.Context, addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("PRIVATE_ADDR: %w", err)
	}
	if host == "" {
		host = "localhost"
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("ask for readiness: %w", err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("ask for readiness: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", answer.Status)
	}
	return nil
}
