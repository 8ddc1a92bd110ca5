package stack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/codex-platform/codex/deploy/local/internal/build"
	"github.com/codex-platform/codex/deploy/local/internal/logs"
	"github.com/codex-platform/codex/deploy/local/internal/progress"
	"github.com/codex-platform/codex/deploy/local/internal/seed"
	"github.com/codex-platform/codex/deploy/local/internal/service"
	"github.com/codex-platform/codex/deploy/local/internal/state"
)

// Stack is the running system.
type Stack struct {
	Settings Settings
	Environ  []string // the launcher's own
	Folder   *state.Folder
	Repo     build.Repo
	Board    *progress.Board
	Logs     *logs.Stream

	secrets  state.Secrets
	database admin
	redisURL string
	smtpURL  string
	s3       objects
	stripe   billing
	inbox    inboxPage
	provider string // the demo provider's issuer
	demo     seed.Result

	failed chan error // a backing part that ended by itself

	mu       sync.Mutex
	parts    []part
	services []*service.Service
	notes    []string
	closed   bool // the end of a part is expected
}

// Start brings everything up and returns when the demo is ready to be used.
func (s *Stack) Start(ctx context.Context) error {
	s.failed = make(chan error, 16)
	if err := s.prepare(ctx); err != nil {
		return err
	}
	if err := s.together(ctx, s.buildServices, s.buildWeb, s.startPostgres, s.startRedis, s.startS3, s.startInbox, s.startStripe, s.startProvider); err != nil {
		return err
	}
	if err := s.Board.Step("migrations", func() (string, error) { return s.migrate(ctx) }); err != nil {
		return err
	}
	if err := s.Board.Step("services", func() (string, error) { return s.startServices(ctx) }); err != nil {
		return err
	}
	s.sendEvents()
	if s.Settings.Seed {
		if err := s.Board.Step("demo", func() (string, error) { return s.plant(ctx) }); err != nil {
			return err
		}
	}
	return s.publish()
}

// prepare decides all addresses before anything runs.
func (s *Stack) prepare(ctx context.Context) error {
	left, err := s.Folder.EndLeftovers(ctx)
	if err != nil {
		return err
	}
	if left > 0 {
		s.Board.Note(fmt.Sprintf("ended %d processes that a killed launcher had left", left))
	}
	p := &s.Settings.Ports
	if err := p.Assign(s.Environ); err != nil {
		return err
	}
	if err := p.Check(s.unused()...); err != nil {
		return err
	}
	if s.Settings.PublicURL == "" {
		s.Settings.PublicURL = publicURL(p.Gateway)
	}
	s.secrets, err = s.Folder.Secrets(roles())
	return err
}

// unused are the ports of parts that run elsewhere.
func (s *Stack) unused() []int {
	var list []int
	c := s.Settings
	for _, foreign := range []struct {
		address string
		ports   []int
	}{
		{c.DatabaseURL.Reveal(), []int{c.Postgres}}, {c.RedisURL.Reveal(), []int{c.Redis}}, {c.S3Endpoint.String(), []int{c.S3}},
		{c.SMTPURL.Reveal(), []int{c.SMTP, c.Inbox}}, {c.StripeKey.Reveal(), []int{c.Stripe}},
	} {
		if foreign.address != "" {
			list = append(list, foreign.ports...)
		}
	}
	return list
}

// together runs steps at the same time; the first error ends the others.
func (s *Stack) together(ctx context.Context, steps ...func(context.Context) error) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, step := range steps {
		g.Go(func() error { return step(ctx) })
	}
	return g.Wait()
}

func (s *Stack) buildServices(ctx context.Context) error {
	return s.Board.Step("build services", func() (string, error) {
		return s.Repo.Bin, s.Repo.Services(ctx, "auth", "gateway", "webhook", "storage")
	})
}

// buildWeb makes the web app and then the service that carries it inside.
func (s *Stack) buildWeb(ctx context.Context) error {
	return s.Board.Step("build web app", func() (string, error) {
		built, err := s.Repo.Web(ctx)
		if errors.Is(err, build.ErrNoNode) {
			s.note(err.Error())
			return "left out: no Node.js", s.Repo.Services(ctx, "web")
		}
		if err != nil {
			return "", err
		}
		return map[bool]string{true: "built", false: "as it was"}[built], s.Repo.Services(ctx, "web")
	})
}

// note keeps a remark for the end of the table.
func (s *Stack) note(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes = append(s.notes, text)
}

// Failed gives the error of a backing part that ended by itself.
func (s *Stack) Failed() <-chan error { return s.failed }

func (s *Stack) running() []*service.Service {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.services)
}

// Stop ends everything: first those who call, then those who are called.
func (s *Stack) Stop() error {
	var g errgroup.Group
	for _, svc := range s.running() {
		g.Go(svc.Stop)
	}
	err := g.Wait()
	var rest errgroup.Group
	for _, p := range s.takeParts() {
		rest.Go(p.stop)
	}
	return errors.Join(err, rest.Wait())
}

// Kill ends everything at once, also what is being stopped.
func (s *Stack) Kill() { s.Folder.KillChildren() }

// takeParts hands out the running parts and makes their end an expected one.
func (s *Stack) takeParts() []part {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.parts
	s.parts, s.closed = nil, true
	return list
}
