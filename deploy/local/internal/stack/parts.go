package stack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/objectstore"
	"github.com/codex-platform/codex/pkg/testkit/inbox"
	"github.com/codex-platform/codex/pkg/testkit/oidc"
	"github.com/codex-platform/codex/pkg/testkit/parts"
	"github.com/codex-platform/codex/pkg/testkit/port"
	"github.com/codex-platform/codex/pkg/testkit/stripetest"
)

// part is a backing part that runs because of us.
type part struct{ stop func() error }

// objects is where files go.
type objects struct {
	endpoint, accessKey, secretKey string
}

// billing is Stripe or the one that stands in for it.
type billing struct {
	url        string // empty: Stripe's own
	key        string
	signatures []string
	standIn    *stripetest.Server
}

// inboxPage is the mail inbox; nil when mail goes elsewhere.
type inboxPage struct{ *inbox.Server }

// adopt notes a child process and reports it when it ends by itself.
func (s *Stack) adopt(child *parts.Child) error {
	if err := s.Folder.Remember(child.Pid()); err != nil {
		child.Kill()
		return err
	}
	s.add(part{stop: func() error {
		return errors.Join(child.Stop(), s.Folder.Forget(child.Pid()))
	}})
	go func() {
		<-child.Done()
		s.mu.Lock()
		expected := s.closed
		s.mu.Unlock()
		if !expected {
			s.failed <- child.Err()
		}
	}()
	return nil
}

func (s *Stack) add(p part) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parts = append(s.parts, p)
}

func (s *Stack) startRedis(ctx context.Context) error {
	if foreign := s.Settings.RedisURL.Reveal(); foreign != "" {
		s.redisURL = foreign
		return nil
	}
	return s.Board.Step("redis", func() (string, error) {
		program, err := parts.FindRedis(ctx, s.Repo.Bin)
		if err != nil {
			return s.miniRedis(err)
		}
		out, err := s.Logs.Writer("redis")
		if err != nil {
			return "", err
		}
		r, err := parts.StartRedis(ctx, parts.RedisConfig{
			Program: program, Dir: s.Folder.Path("redis"), Port: s.Settings.Redis, Durable: true, Output: out,
		})
		if err != nil {
			return "", err
		}
		s.redisURL = r.URL()
		return program.Source, s.adopt(r.Child)
	})
}

// miniRedis keeps everything in the launcher's memory: enough to try the product, not to test it.
func (s *Stack) miniRedis(why error) (string, error) {
	m := miniredis.NewMiniRedis()
	m.ClockTTL(true) // or nothing would ever expire
	if err := m.StartAddr(port.Addr(s.Settings.Redis)); err != nil {
		return "", err
	}
	s.redisURL = "redis://" + m.Addr()
	s.add(part{stop: func() error { m.Close(); return nil }})
	s.note("Redis is a small one inside the launcher, since " + why.Error())
	return "in memory, inside the launcher", nil
}

func (s *Stack) startS3(ctx context.Context) error {
	c := s.Settings
	if c.S3Endpoint != "" {
		s.s3 = objects{endpoint: c.S3Endpoint.String(), accessKey: c.S3AccessKey, secretKey: c.S3SecretKey.Reveal()}
		return s.ensureBucket(ctx)
	}
	return s.Board.Step("s3", func() (string, error) {
		program, err := parts.BuildS3(ctx, s.Repo.Root, s.Repo.Bin, boardLine{s})
		if err != nil {
			return "", err
		}
		out, err := s.Logs.Writer("s3")
		if err != nil {
			return "", err
		}
		s.s3 = objects{accessKey: c.S3AccessKey, secretKey: s.secrets.S3}
		server, err := parts.StartS3(ctx, parts.S3Config{
			Program: program, Dir: s.Folder.Path("s3"), Port: c.S3, AccessKey: s.s3.accessKey, SecretKey: s.s3.secretKey, Output: out,
		})
		if err != nil {
			return "", err
		}
		s.s3.endpoint = server.URL()
		if err := s.adopt(server.Child); err != nil {
			return "", err
		}
		return s.s3.endpoint, s.ensureBucket(ctx)
	})
}

func (s *Stack) ensureBucket(ctx context.Context) error {
	bucket, err := objectstore.Open(objectstore.Settings{
		Endpoint: config.URL(s.s3.endpoint), Region: s.Settings.S3Region, Bucket: s.Settings.S3Bucket,
		AccessKey: s.s3.accessKey, SecretKey: config.Secret(s.s3.secretKey), PathStyle: true, PartBuffers: 1,
	})
	if err != nil {
		return err
	}
	return bucket.Ensure(ctx)
}

// boardLine passes a line of output on to the board.
type boardLine struct{ s *Stack }

func (b boardLine) Write(p []byte) (int, error) {
	b.s.Board.Note(strings.TrimSpace(string(p)))
	return len(p), nil
}

func (s *Stack) startInbox(context.Context) error {
	if foreign := s.Settings.SMTPURL.Reveal(); foreign != "" {
		s.smtpURL = foreign
		return nil
	}
	return s.Board.Step("inbox", func() (string, error) {
		box, err := inbox.Start(inbox.Options{
			Dir: s.Folder.Path("inbox"), SMTPAddr: port.Addr(s.Settings.SMTP), HTTPAddr: port.Addr(s.Settings.Inbox),
		})
		if err != nil {
			return "", err
		}
		s.inbox, s.smtpURL = inboxPage{box}, box.SMTPURL()
		s.add(part{stop: box.Close})
		return box.URL(), nil
	})
}

func (s *Stack) startStripe(context.Context) error {
	c := s.Settings
	if c.StripeKey != "" {
		s.stripe = billing{url: c.StripeURL, key: c.StripeKey.Reveal()}
		for _, secret := range c.StripeSignature {
			s.stripe.signatures = append(s.stripe.signatures, secret.Reveal())
		}
		return nil
	}
	return s.Board.Step("stripe stand-in", func() (string, error) {
		address := "http://localhost:" + portOf(c.Stripe)
		standIn, err := stripetest.New(stripetest.Options{
			SecretKey: s.secrets.StripeKey, WebhookSecret: s.secrets.StripeSignature, URL: address,
			StateFile: s.Folder.Path("stripe.json"),
		})
		if err != nil {
			return "", err
		}
		front := &http.Server{Addr: port.Addr(c.Stripe), Handler: standIn, ReadHeaderTimeout: 5 * time.Second}
		if err := listen(front); err != nil {
			return "", err
		}
		s.stripe = billing{url: address, key: s.secrets.StripeKey, signatures: []string{s.secrets.StripeSignature}, standIn: standIn}
		end := func() error { return errors.Join(front.Close(), standIn.Close()) }
		s.add(part{stop: end})
		return address, nil
	})
}

// demoProvider is its id in the address of sign-in.
const demoProvider = "demo"

// startProvider starts who stands in for Google and the like.
func (s *Stack) startProvider(context.Context) error {
	return s.Board.Step("demo provider", func() (string, error) {
		provider := oidc.New(oidc.Options{ClientID: "codex", Secret: s.secrets.Provider, Ask: true})
		provider.URL = "http://localhost:" + portOf(s.Settings.Provider)
		front := &http.Server{Addr: port.Addr(s.Settings.Provider), Handler: provider, ReadHeaderTimeout: 5 * time.Second}
		if err := listen(front); err != nil {
			return "", err
		}
		s.provider = provider.URL
		s.add(part{stop: front.Close})
		return provider.URL, nil
	})
}

// sendEvents lets the stand-in send its events, now that somebody takes them: after failed attempts it would pause.
func (s *Stack) sendEvents() {
	if s.stripe.standIn != nil {
		s.stripe.standIn.SetWebhook(s.Settings.PublicURL.String() + "/webhooks/stripe")
	}
}

func loopback(n int) string { return "http://" + port.Addr(n) }

func portOf(n int) string { return fmt.Sprint(n) }

func publicURL(gateway int) config.URL { return config.URL("http://localhost:" + portOf(gateway)) }

func withUser(address *url.URL, user, password, database string) string {
	u := *address
	u.User, u.Path = url.UserPassword(user, password), "/"+database
	return u.String()
}
