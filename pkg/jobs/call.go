package jobs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/riverqueue/river"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"

	"github.com/codex-platform/codex/pkg/observability"
	"github.com/codex-platform/codex/pkg/security"
)

const (
	// QueueCalls is the queue of calls: while another service is away they wait
	// for each other, and for nothing else.
	QueueCalls  = "calls"
	callWorkers = 4
	callTimeout = 10 * time.Second
)

// Call is the outbox: a request to another service that is repeated until it
// succeeds. It must bear repetition and may arrive after a later one, so the
// path or the body says which version of the truth it brings. It succeeds with
// any 2xx, and a DELETE also with a 404.
//
//	jobs.Call{Target: "storage", Method: http.MethodDelete, Path: "/internal/v1/users/" + id}
type Call struct {
	// Target names the other service; where it lives is a setting of the process
	// that makes the call, not of the one that inserted it.
	Target string `json:"target"`
	Method string `json:"method"`
	// Path is absolute and, where it holds an id, escaped.
	Path string `json:"path"`
	// Body is sent as JSON; empty: no body.
	Body json.RawMessage `json:"body,omitempty"`
}

// Kind names the job.
func (Call) Kind() string { return "call" }

// InsertOpts puts calls in a queue of their own.
func (Call) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: QueueCalls} }

// CallQueues is the entry of Options.Queues for a service that makes calls.
func CallQueues() map[string]int { return map[string]int{QueueCalls: callWorkers} }

// Caller is the worker of Call.
type Caller struct {
	river.WorkerDefaults[Call]

	targets map[string]string
	tokens  security.ServiceTokens
	client  *http.Client
}

// NewCaller makes the worker. targets are the base URLs of the other services by
// name; a call to one that is not there waits until it is.
func NewCaller(targets map[string]string, tokens security.ServiceTokens) *Caller {
	return &Caller{targets: targets, tokens: tokens, client: &http.Client{
		Timeout:   callTimeout,
		Transport: otelhttp.NewTransport(http.DefaultTransport),
		// The service token must not follow a redirect elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Work makes the call once.
func (c *Caller) Work(ctx context.Context, job *river.Job[Call]) error {
	call := job.Args
	base := c.targets[call.Target]
	if base == "" {
		return fmt.Errorf("call %s: no address is set for it", call.Target)
	}
	req, err := http.NewRequestWithContext(ctx, call.Method, strings.TrimSuffix(base, "/")+call.Path, bytes.NewReader(call.Body))
	if err != nil {
		return fmt.Errorf("call %s: %w", call.Target, err)
	}
	req.Header.Set("Authorization", "Bearer "+c.tokens.Current())
	if len(call.Body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	if id := observability.RequestID(ctx); id != "" {
		req.Header.Set("X-Request-Id", id)
	}
	res, err := c.client.Do(req)
	if err != nil {
		return fmt.Errorf("call %s: %w", call.Target, err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection can be used again
	if succeeded(call.Method, res.StatusCode) {
		return nil
	}
	return fmt.Errorf("call %s: %s answered %d", call.Target, call.Method, res.StatusCode)
}

func succeeded(method string, status int) bool {
	return status/100 == 2 || method == http.MethodDelete && status == http.StatusNotFound
}
