package identity

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"golang.org/x/sync/singleflight"

	"github.com/codex-platform/codex/pkg/observability"
	"github.com/codex-platform/codex/pkg/problem"
	"github.com/codex-platform/codex/pkg/security"
)

const (
	exchangeTimeout = 1500 * time.Millisecond
	exchangeKeep    = 5 * time.Second // requests already on their way when the first answer set the cookie
	refusalKeep     = 5 * time.Second // a dead cookie asks auth once in this time
	exchangeEntries = 8192
	exchangeMaxBody = 16 << 10
	maxSession      = 512
)

// grant is what auth gave for a session cookie. An empty token is auth's "no".
type grant struct {
	token string
	asked time.Time // when auth was asked
	until time.Time // how long this answer is believed
}

// Exchanger turns session cookies into tokens at auth.
type Exchanger struct {
	url    string
	client *http.Client
	tokens security.ServiceTokens
	now    func() time.Time
	flight singleflight.Group

	mu     sync.Mutex
	grants map[[sha256.Size]byte]grant // by hash: the heap holds no session cookies
}

// NewExchanger asks auth at this base address.
func NewExchanger(auth string, client *http.Client, tokens security.ServiceTokens, now func() time.Time) *Exchanger {
	return &Exchanger{
		url: auth + "/internal/v1/sessions/exchange", client: client, tokens: tokens, now: now,
		grants: map[[sha256.Size]byte]grant{},
	}
}

// Forget drops what is known of a session cookie (as sent): auth has just changed
// the session.
func (x *Exchanger) Forget(cookie string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.grants, sha256.Sum256([]byte(cookie)))
}

// known is the last answer for this cookie, while it is believed.
func (x *Exchanger) known(cookie string) (grant, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	g, ok := x.grants[sha256.Sum256([]byte(cookie))]
	return g, ok && x.now().Before(g.until)
}

// ask asks auth, once for all who ask for the same cookie at the same time. The
// question outlives the caller who happened to begin it. problem.Unauthorized is
// auth's "no"; problem.Unavailable means that auth could not answer.
func (x *Exchanger) ask(ctx context.Context, cookie string) (grant, error) {
	value, ok := security.DecodeCookieValue(cookie)
	if !ok || len(value) > maxSession {
		return grant{}, problem.Unauthorized
	}
	result := x.flight.DoChan(cookie, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), exchangeTimeout)
		defer cancel()
		asked := x.now()
		token, err := x.post(ctx, value)
		if err != nil {
			return grant{}, err
		}
		g := grant{token: token, asked: asked, until: x.now().Add(exchangeKeep)}
		if token == "" {
			g.until = x.now().Add(refusalKeep)
		}
		x.remember(cookie, g)
		return g, nil
	})
	select {
	case <-ctx.Done():
		return grant{}, ctx.Err()
	case r := <-result:
		g, _ := r.Val.(grant)
		return g, r.Err
	}
}

// remember keeps an answer. When there are too many the ended ones go, and if
// that is not enough all: the next requests ask again.
func (x *Exchanger) remember(cookie string, g grant) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.grants) >= exchangeEntries {
		now := x.now()
		for key, old := range x.grants {
			if !now.Before(old.until) {
				delete(x.grants, key)
			}
		}
		if len(x.grants) >= exchangeEntries {
			clear(x.grants)
		}
	}
	x.grants[sha256.Sum256([]byte(cookie))] = g
}

// post returns the token, or "" when auth knows no such session.
func (x *Exchanger) post(ctx context.Context, value string) (string, error) {
	body, err := json.Marshal(map[string]string{"cookie": value})
	if err != nil {
		return "", fmt.Errorf("exchange session: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, x.url, bytes.NewReader(body))
	if err != nil {
		return "", fmt.Errorf("exchange session: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+x.tokens.Current())
	req.Header.Set("X-Request-Id", observability.RequestID(ctx))
	otel.GetTextMapPropagator().Inject(ctx, propagation.HeaderCarrier(req.Header))
	res, err := x.client.Do(req)
	if err != nil {
		return "", unavailable("exchange session: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(res.Body, exchangeMaxBody))
	if err != nil {
		return "", unavailable("exchange session: %w", err)
	}
	return readGrant(res.StatusCode, raw)
}

// readGrant believes a "no" only with auth's code: a 401 for a wrong service
// token, or from something between, must not sign people out.
func readGrant(status int, raw []byte) (string, error) {
	var got struct {
		JWT  string `json:"jwt"`
		Code string `json:"code"`
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		return "", unavailable("exchange session: status %d, %w", status, err)
	}
	switch {
	case status == http.StatusOK && got.JWT != "":
		return got.JWT, nil
	case status == http.StatusUnauthorized && got.Code == NoSession:
		return "", nil
	}
	return "", unavailable("exchange session: status %d, code %q", status, got.Code)
}

// NoSession is the code by which auth says that a cookie stands for no session.
const NoSession = "UNAUTHORIZED"

// unavailable keeps the reason for the log and shows the client a 503.
func unavailable(format string, args ...any) error {
	return fmt.Errorf("%w: %w", problem.Unavailable, fmt.Errorf(format, args...))
}
