package identity

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
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
	exchangeKeep    = 5 * time.Second // requests already on their way when the first answer came
	refusalKeep     = 5 * time.Second // a dead cookie or key asks auth once in this time
	exchangeEntries = 8192
	exchangeMaxBody = 16 << 10
	maxSession      = 512
)

// grant is what auth gave for a secret. An empty token is auth's "no".
type grant struct {
	token string
	keyID string    // of the API key that the token was made for
	later time.Time // no, but again from then on: the key's own limit is spent
	asked time.Time // when auth was asked
	until time.Time // how long this answer is believed
}

// refusal is what a "no" means to the client.
func (g grant) refusal(now time.Time) error {
	if g.later.IsZero() {
		return problem.Unauthorized
	}
	return problem.TooManyRequests.WithRetryAfter(max(g.later.Sub(now), time.Second))
}

// Exchanger turns secrets of one kind into tokens at auth.
type Exchanger struct {
	url    string
	member string // of the question, that holds the secret
	no     string // the code of auth's "no"
	client *http.Client
	tokens security.ServiceTokens
	now    func() time.Time
	flight singleflight.Group

	mu     sync.Mutex
	grants map[[sha256.Size]byte]grant // by hash: the heap holds no secrets
}

// The codes by which auth says "no". Any other answer must not sign people out.
const (
	NoSession = "UNAUTHORIZED"
	NoAPIKey  = "INVALID_API_KEY"
)

// Sessions asks auth at this base address about session cookies.
func Sessions(auth string, client *http.Client, tokens security.ServiceTokens, now func() time.Time) *Exchanger {
	return newExchanger(auth+"/internal/v1/sessions/exchange", "cookie", NoSession, client, tokens, now)
}

// APIKeys asks auth at this base address about API keys.
func APIKeys(auth string, client *http.Client, tokens security.ServiceTokens, now func() time.Time) *Exchanger {
	return newExchanger(auth+"/internal/v1/api-keys/exchange", "key", NoAPIKey, client, tokens, now)
}

func newExchanger(url, member, no string, client *http.Client, tokens security.ServiceTokens, now func() time.Time) *Exchanger {
	return &Exchanger{
		url: url, member: member, no: no, client: client, tokens: tokens, now: now,
		grants: map[[sha256.Size]byte]grant{},
	}
}

// Forget drops what is known of a secret (as sent): auth has just changed what it
// stands for.
func (x *Exchanger) Forget(sent string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.grants, digest(sent))
}

// digest takes no memory for a secret of usual length.
func digest(sent string) [sha256.Size]byte {
	var room [maxAPIKey]byte
	if len(sent) > len(room) {
		return sha256.Sum256([]byte(sent))
	}
	return sha256.Sum256(room[:copy(room[:], sent)])
}

// known is the last answer for this secret, while it is believed.
func (x *Exchanger) known(sent string) (grant, bool) {
	sum := digest(sent)
	x.mu.Lock()
	defer x.mu.Unlock()
	g, ok := x.grants[sum]
	return g, ok && x.now().Before(g.until)
}

// ask asks auth, once for all who ask for the same secret at the same time. The
// question outlives the caller who happened to begin it. A grant without a token is
// auth's "no"; problem.Unavailable means that auth could not answer.
func (x *Exchanger) ask(ctx context.Context, sent, value string) (grant, error) {
	result := x.flight.DoChan(sent, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), exchangeTimeout)
		defer cancel()
		asked := x.now()
		g, err := x.post(ctx, value)
		if err != nil {
			return grant{}, err
		}
		g.asked, g.until = asked, x.now().Add(exchangeKeep)
		if g.token == "" {
			g.until = x.now().Add(refusalKeep)
		}
		if !g.later.IsZero() && g.later.Before(g.until) {
			g.until = g.later
		}
		x.remember(sent, g)
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
func (x *Exchanger) remember(sent string, g grant) {
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
	x.grants[digest(sent)] = g
}

// post asks once.
func (x *Exchanger) post(ctx context.Context, value string) (grant, error) {
	body, err := json.Marshal(map[string]string{x.member: value})
	if err != nil {
		return grant{}, fmt.Errorf("exchange: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, x.url, bytes.NewReader(body))
	if err != nil {
		return grant{}, fmt.Errorf("exchange: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+x.tokens.Current())
	req.Header.Set("X-Request-Id", observability.RequestID(ctx))
	otel.GetTextMapPropagator().Inject(ctx, propagation.HeaderCarrier(req.Header))
	res, err := x.client.Do(req)
	if err != nil {
		return grant{}, unavailable("exchange: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(res.Body, exchangeMaxBody))
	if err != nil {
		return grant{}, unavailable("exchange: %w", err)
	}
	return x.read(res, raw)
}

// read believes a "no" only with auth's code: a 401 for a wrong service token, or
// from something between, must not sign people out.
func (x *Exchanger) read(res *http.Response, raw []byte) (grant, error) {
	var got struct {
		JWT   string `json:"jwt"`
		KeyID string `json:"key_id"`
		Code  string `json:"code"`
	}
	wait, waits := seconds(res.Header.Get("Retry-After"))
	if err := json.Unmarshal(raw, &got); err != nil {
		return grant{}, unavailable("exchange: status %d, %w", res.StatusCode, err)
	}
	switch ofKey := x.no == NoAPIKey; {
	case res.StatusCode == http.StatusOK && got.JWT != "" && ofKey == (got.KeyID != ""):
		return grant{token: got.JWT, keyID: got.KeyID}, nil
	case res.StatusCode == http.StatusUnauthorized && got.Code == x.no:
		return grant{}, nil
	case res.StatusCode == http.StatusTooManyRequests && ofKey && waits:
		return grant{later: x.now().Add(wait)}, nil
	}
	return grant{}, unavailable("exchange: status %d, code %q", res.StatusCode, got.Code)
}

// seconds reads a Retry-After of at most a day.
func seconds(text string) (time.Duration, bool) {
	n, err := strconv.Atoi(text)
	return time.Duration(n) * time.Second, err == nil && n >= 0 && n <= 24*3600
}

// unavailable keeps the reason for the log and shows the client a 503.
func unavailable(format string, args ...any) error {
	return fmt.Errorf("%w: %w", problem.Unavailable, fmt.Errorf(format, args...))
}
