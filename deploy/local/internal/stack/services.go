package stack

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/codex-platform/codex/deploy/local/internal/service"
)

// names are the five services.
var names = []string{"gateway", "auth", "webhook", "storage", "web"}

// Services are the names of the five services, whose logs are shown unless others are asked for.
func Services() []string { return names }

// startServices starts all at once: none needs another to become ready.
func (s *Stack) startServices(ctx context.Context) (string, error) {
	for _, name := range names {
		svc, err := s.service(name)
		if err != nil {
			return "", err
		}
		s.mu.Lock()
		s.services = append(s.services, svc)
		s.mu.Unlock()
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, svc := range s.running() {
		g.Go(func() error { return svc.Start(ctx) })
	}
	return strings.Join(names, ", "), g.Wait()
}

func (s *Stack) service(name string) (*service.Service, error) {
	out, err := s.Logs.Writer(name)
	if err != nil {
		return nil, err
	}
	_, private := s.portsOf(name)
	return &service.Service{
		Name: name, Binary: s.Repo.Binary(name), Env: s.environment(name), Ready: loopback(private) + "/readyz",
		Output: out, Register: s.Folder, Say: s.Logs.Say, Changed: s.republish,
	}, nil
}

// republish writes the new process ids.
func (s *Stack) republish() {
	if err := s.publish(); err != nil {
		s.Logs.Say("%v", err)
	}
}

// both writes to two places.
type both struct {
	a io.Writer
	b *strings.Builder
}

func (w both) Write(p []byte) (int, error) {
	fmt.Fprint(w.b, string(bytes.ToValidUTF8(p, nil)))
	return w.a.Write(p)
}
