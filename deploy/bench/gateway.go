package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/codex-platform/codex/pkg/testkit/parts"
)

const (
	checkedPath = "/api/storage/v1/files"
	plainPath   = "/plain"
	users       = 1000
)

// benchGateway sends the same requests, signed with ES256 for a thousand users,
// through our gateway and through its peers, one thread each, to one small
// upstream. What is compared is the CPU that the gateway's process uses for a
// request; Redis's is shown beside it.
func benchGateway(ctx context.Context, b *bench) error {
	w, err := b.gateways(ctx)
	if err != nil {
		return err
	}
	targets := w.targets(ctx)
	for _, t := range targets {
		if err := w.refuses(ctx, t); err != nil {
			return err
		}
	}
	for range b.rounds {
		for _, t := range targets {
			seen, err := b.press(ctx, t.url, w.up.host, w.headers, t.pids...)
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			t.rounds = append(t.rounds, seen)
		}
	}
	found := results(targets)
	found.print()
	found.printRatios()
	verdict("most memory of codex under this load", peakMiB(w.watched.Pid()), "MiB", 60, "")
	if err := w.added(ctx, targets, middle(found[codexWatched]).perSecond); err != nil {
		return err
	}
	if err := w.idling(ctx); err != nil {
		return err
	}
	b.allocations(ctx)
	return nil
}

// gateways is everything that runs for the comparison.
type gateways struct {
	*bench
	up       *upstream
	headers  string   // a file with an Authorization line for each user
	requests [][]byte // the same, whole
	redis    *parts.Redis
	program  string
	plain    *program // ours without an access line or traces
	watched  *program // ours as it is run, with both
}

func (b *bench) gateways(ctx context.Context) (*gateways, error) {
	w := &gateways{bench: b}
	var err error
	if w.program, err = b.build(ctx, "gateway"); err != nil {
		return nil, err
	}
	b.separate()
	if w.up, err = b.upstream(ctx); err != nil {
		return nil, err
	}
	if err := w.sign(); err != nil {
		return nil, err
	}
	if w.redis, err = b.redis(ctx); err != nil {
		return nil, err
	}
	if w.plain, err = w.ours(ctx, map[string]string{"LOG_LEVEL": "error", "OTEL_TRACES_SAMPLER_ARG": "0"}); err != nil {
		return nil, err
	}
	w.watched, err = w.ours(ctx, nil)
	return w, err
}

// ours starts our gateway with one thread, a JSON access line a request, one
// trace in a hundred, and limits that count and never refuse, as the peers' do.
func (w *gateways) ours(ctx context.Context, other map[string]string) (*program, error) {
	service := "http://" + w.up.addr
	settings := map[string]string{
		"GOMAXPROCS": "1", "PUBLIC_URL": w.up.issuer.name, "SERVICE_TOKENS": secret(), "REDIS_URL": w.redis.URL(),
		"AUTH_URL": service, "STORAGE_URL": service, "WEBHOOK_URL": service, "WEB_URL": service,
		"LIMIT_API": "1000000000/1m", "LIMIT_API_ADDRESS": "1000000000/1m",
		"LOG_LEVEL": "info", "LOG_FORMAT": "json", "OTEL_EXPORTER_OTLP_ENDPOINT": service, "OTEL_TRACES_SAMPLER_ARG": "0.01",
	}
	maps.Copy(settings, other)
	return w.start(ctx, w.program, settings)
}

// sign makes each user's request, for wrk and for our own client.
func (w *gateways) sign() error {
	w.headers = w.path("bearers")
	file, err := os.Create(w.headers)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewWriter(file)
	for user := range users {
		token, err := w.up.issuer.token(user)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(lines, "Authorization: Bearer %s\n", token)
		w.requests = append(w.requests, fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nAccept: application/json\r\n\r\n", checkedPath, w.up.host, token))
	}
	return lines.Flush()
}

// refuses proves that what is measured does check tokens: a request without one
// and a token with another one's signature get 401.
func (w *gateways) refuses(ctx context.Context, t *target) error {
	if !t.checks {
		return nil
	}
	good, err := w.up.issuer.token(0)
	if err != nil {
		return err
	}
	for name, authorization := range map[string]string{"no token": "", "a forged token": "Bearer " + good[:len(good)-8] + "AAAAAAAA"} {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url, nil)
		if err != nil {
			return err
		}
		request.Host = w.up.host
		request.Header.Set("Authorization", authorization)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusUnauthorized {
			return fmt.Errorf("%s answers %s to %s: the figures would mean nothing", t.name, answer.Status, name)
		}
	}
	return nil
}

// share of the gateway's most that counts as a usual load.
const share = 0.3

// steady are those whose latency at a usual load is measured: ours, none, the peers.
var steady = []string{codexWatched, direct, haproxyChecks, nginxChecks, haproxyPlain, nginxPlain}

// added prints what the gateway adds to the median latency at a usual load, and what
// its peers add to it: most of that is a machine's own time to wake who is written to.
func (w *gateways) added(ctx context.Context, targets []*target, most float64) error {
	latencies := map[string][]float64{}
	for range w.rounds {
		for _, t := range targets {
			if !slices.Contains(steady, t.name) {
				continue
			}
			at, err := url.Parse(t.url)
			if err != nil {
				return err
			}
			p50, err := w.paced(ctx, at.Host, w.requestsTo(at.Path), most*share)
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			latencies[t.name] = append(latencies[t.name], p50.Seconds()*1e6)
		}
	}
	unloaded := median(latencies[direct])
	var beside strings.Builder
	for _, peer := range steady[2:] {
		if found := latencies[peer]; found != nil {
			fmt.Fprintf(&beside, "; %s adds %.0f", peer, median(found)-unloaded)
		}
	}
	verdict(fmt.Sprintf("added p50 at %.0f req/s, %.0f %% of the most", most*share, share*100),
		median(latencies[codexWatched])-unloaded, "µs", 200, fmt.Sprintf(" (%.0f direct%s)", unloaded, beside.String()))
	return nil
}

// requestsTo are everybody's, to another path.
func (w *gateways) requestsTo(path string) [][]byte {
	all := make([][]byte, len(w.requests))
	for i, request := range w.requests {
		all[i] = bytes.Replace(request, []byte(checkedPath), []byte(path), 1)
	}
	return all
}

// idling prints what a waiting connection costs, of a gateway that has not been under load.
func (w *gateways) idling(ctx context.Context) error {
	fresh, err := w.ours(ctx, nil)
	if err != nil {
		return err
	}
	kib, err := w.idle(ctx, fresh.address(), w.requests, fresh.Pid())
	if err != nil {
		return fmt.Errorf("idle connections: %w", err)
	}
	verdict(fmt.Sprintf("an idle keep-alive connection, of %d", idleConnections), kib, "KiB", 20, "")
	return nil
}
