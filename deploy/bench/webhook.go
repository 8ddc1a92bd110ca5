package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	events  = 4000 // a round
	senders = 32
)

// benchWebhook compares how many signed events a second the webhook service
// acknowledges, each durable before its 200, with the simplest handler that
// keeps the same promise: verify, commit one row, answer.
func benchWebhook(ctx context.Context, b *bench) error {
	path, err := b.build(ctx, "webhook")
	if err != nil {
		return err
	}
	postgres, err := b.postgres(ctx)
	if err != nil {
		return err
	}
	url := postgres.URL("postgres")
	if err := b.migrate(ctx, path, url); err != nil {
		return err
	}
	signing := "whsec_" + secret()
	webhook, err := b.start(ctx, path, map[string]string{
		"PUBLIC_URL": "http://localhost:8000", "DATABASE_URL": url, "DATABASE_DIRECT_URL": url, "SERVICE_TOKENS": secret(),
		"STRIPE_SECRET_KEY": "sk_test_" + secret(), "STRIPE_WEBHOOK_SECRETS": signing, "STRIPE_API_URL": "http://127.0.0.1:1",
		"JWKS_URL": "http://127.0.0.1:1/jwks", "AUTH_URL": "http://127.0.0.1:1", "STORAGE_URL": "http://127.0.0.1:1",
	})
	if err != nil {
		return err
	}
	floor, err := b.singleRows(ctx, url, signing)
	if err != nil {
		return err
	}
	ours := newSender(webhook.url+"/webhooks/stripe", signing)
	simple := newSender(floor, signing)
	var acks, commits []float64
	for range b.rounds {
		committed, err := timed(ctx, simple.send)
		if err != nil {
			return err
		}
		acknowledged, err := timed(ctx, ours.send)
		if err != nil {
			return err
		}
		commits, acks = append(commits, committed), append(acks, acknowledged)
	}
	fmt.Printf("  %-34s %7.0f /s, worked off meanwhile\n", "events acknowledged", median(acks))
	fmt.Printf("  %-34s %7.0f /s, nothing worked off\n", "floor: one committed row an event", median(commits))
	fmt.Printf("  ratio %.2f of the floor, %d connections\n", median(acks)/median(commits), senders)
	return nil
}

// timed spreads one round over the senders and gives what was done a second.
func timed(ctx context.Context, one func(ctx context.Context) error) (float64, error) {
	var next atomic.Int64
	var group sync.WaitGroup
	failed := make(chan error, senders)
	start := time.Now()
	for range senders {
		group.Go(func() {
			for next.Add(1) <= events {
				if err := one(ctx); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	group.Wait()
	close(failed)
	return events / time.Since(start).Seconds(), <-failed
}

// eventSender signs events as Stripe does.
type eventSender struct {
	url, secret string
	client      *http.Client
	serial      atomic.Int64
}

func newSender(url, secret string) *eventSender {
	return &eventSender{url: url, secret: secret, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}}}
}

func (s *eventSender) send(ctx context.Context) error {
	now := time.Now().Unix()
	body := event(s.serial.Add(1), now)
	mac := hmac.New(sha256.New, []byte(s.secret))
	fmt.Fprintf(mac, "%d.%s", now, body)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Stripe-Signature", fmt.Sprintf("t=%d,v1=%s", now, hex.EncodeToString(mac.Sum(nil))))
	answer, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	said, _ := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("event: %s %s", answer.Status, said)
	}
	return nil
}

// event is a customer's update of about 1.3 KB, the size of a common event.
func event(serial, created int64) []byte {
	body, _ := json.Marshal(map[string]any{ // strings and numbers alone: it cannot fail
		"id": fmt.Sprintf("evt_bench%d_%d", created, serial), "object": "event", "api_version": "2023-10-16", "created": created,
		"livemode": false, "pending_webhooks": 1, "type": "customer.updated",
		"data": map[string]any{"object": map[string]any{
			"id": fmt.Sprintf("cus_bench%d", serial%500), "object": "customer", "created": created, "livemode": false,
			"currency": "eur", "delinquent": false, "description": string(bytes.Repeat([]byte("x"), 900)),
		}},
	})
	return body
}

// singleRows is the floor: a handler that verifies, commits one row and answers.
// It gives its address.
func (b *bench) singleRows(ctx context.Context, databaseURL, secret string) (string, error) {
	config, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		return "", err
	}
	config.MaxConns = senders
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return "", err
	}
	b.ends = append(b.ends, pool.Close)
	if _, err := pool.Exec(ctx, `CREATE TABLE public.bench_rows (id text PRIMARY KEY, payload bytea NOT NULL, received_at timestamptz NOT NULL DEFAULT now())`); err != nil {
		return "", err
	}
	return b.serve(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var envelope struct{ ID string }
		if err != nil || !genuine(secret, r.Header.Get("Stripe-Signature"), body) || json.Unmarshal(body, &envelope) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_, err = pool.Exec(r.Context(), `INSERT INTO public.bench_rows (id, payload) VALUES ($1, $2) ON CONFLICT DO NOTHING`, envelope.ID, body)
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
}

// genuine verifies a signature header of one time stamp and one signature.
func genuine(secret, header string, body []byte) bool {
	at, signature, found := strings.Cut(strings.TrimPrefix(header, "t="), ",v1=")
	got, err := hex.DecodeString(signature)
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%s.%s", at, body)
	return found && err == nil && hmac.Equal(got, mac.Sum(nil))
}
