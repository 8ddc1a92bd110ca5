package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/codex-platform/codex/pkg/config"
	"github.com/codex-platform/codex/pkg/testkit/inbox"
	"github.com/codex-platform/codex/pkg/testkit/stripetest"
)

// The inbox and the Stripe stand-in also run alone, for docker compose, where each part is a container.

// inboxSettings say where the inbox is.
type inboxSettings struct {
	config.Base
	HTTPAddr string `env:"INBOX_ADDR" envDefault:"127.0.0.1:8025" help:"where the page and the JSON API are"`
	SMTPAddr string `env:"SMTP_ADDR" envDefault:"127.0.0.1:1025" help:"where mail is taken"`
	Dir      string `env:"INBOX_DIR" help:"folder of the mails; default: one that goes with the machine"`
}

func inboxProgram() config.Program[inboxSettings] {
	return config.Program[inboxSettings]{
		Name: "local", Summary: "the mail inbox alone",
		Commands: []config.Command[inboxSettings]{{
			Name: "inbox", Summary: "take mail by SMTP and show it on a page",
			Run: func(ctx context.Context, s inboxSettings, _ []string, out io.Writer) error {
				if s.Dir == "" {
					s.Dir = filepath.Join(os.TempDir(), "codex-inbox")
				}
				box, err := inbox.Start(inbox.Options{Dir: s.Dir, SMTPAddr: s.SMTPAddr, HTTPAddr: s.HTTPAddr})
				if err != nil {
					return err
				}
				fmt.Fprintf(out, "inbox on %s, SMTP on %s\n", s.HTTPAddr, s.SMTPAddr)
				<-ctx.Done()
				return box.Close()
			},
		}},
	}
}

// stripeSettings say where the stand-in is and whom it tells.
type stripeSettings struct {
	config.Base
	Addr       string         `env:"STRIPE_ADDR" envDefault:"127.0.0.1:12111" help:"where the API and the pay page are"`
	PageURL    string         `env:"STRIPE_PAGE_URL" envDefault:"http://localhost:12111" help:"the address of the pay page in the browser"`
	WebhookURL string         `env:"STRIPE_WEBHOOK_URL" envDefault:"http://localhost:8000/webhooks/stripe" help:"where events go"`
	SecretKey  config.Secret  `env:"STRIPE_SECRET_KEY,required" help:"the API key to accept"`
	Signatures config.Secrets `env:"STRIPE_WEBHOOK_SECRETS,required" help:"the first one signs the events"`
	StateFile  string         `env:"STRIPE_STATE_FILE" help:"keeps the state over restarts; default: all is forgotten"`
}

func stripeProgram() config.Program[stripeSettings] {
	return config.Program[stripeSettings]{
		Name: "local", Summary: "the stand-in for Stripe alone",
		Commands: []config.Command[stripeSettings]{{Name: "stripe", Summary: "stand in for Stripe: API, pay page, signed events", Run: standIn}},
	}
}

func standIn(ctx context.Context, s stripeSettings, _ []string, out io.Writer) error {
	stripe, err := stripetest.New(stripetest.Options{
		SecretKey: s.SecretKey.Reveal(), WebhookSecret: s.Signatures[0].Reveal(), WebhookURL: s.WebhookURL, URL: s.PageURL, StateFile: s.StateFile,
	})
	if err != nil {
		return err
	}
	front := &http.Server{Addr: s.Addr, Handler: stripe, ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- front.ListenAndServe() }()
	fmt.Fprintf(out, "stand-in for Stripe on %s\n", s.Addr)
	select {
	case <-ctx.Done():
		return errors.Join(front.Close(), stripe.Close())
	case err := <-failed:
		return errors.Join(err, stripe.Close())
	}
}
