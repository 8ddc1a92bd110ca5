package customer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"

	"github.com/codex-platform/codex/pkg/observability"
	"github.com/codex-platform/codex/pkg/security"
)

// ErrUnknown means that auth knows no such person.
var ErrUnknown = errors.New("no such person")

const (
	authTimeout = 3 * time.Second
	maxPerson   = 64 << 10 // bytes
)

// Person is who somebody is, as auth says.
type Person struct {
	Email string `json:"email"`
	Name  string `json:"name"`
}

// Auth asks the auth service.
type Auth struct {
	url    string
	tokens security.ServiceTokens
	client *http.Client
}

// NewAuth makes a client of the auth service at this base address.
func NewAuth(url string, tokens security.ServiceTokens) *Auth {
	return &Auth{url: strings.TrimSuffix(url, "/"), tokens: tokens, client: &http.Client{
		Timeout:   authTimeout,
		Transport: otelhttp.NewTransport(http.DefaultTransport),
		// The service token must not follow a redirect elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Person gives who somebody is, or ErrUnknown.
func (a *Auth) Person(ctx context.Context, userID string) (Person, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url+"/internal/v1/users/"+url.PathEscape(userID), nil)
	if err != nil {
		return Person{}, fmt.Errorf("ask auth: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+a.tokens.Current())
	if id := observability.RequestID(ctx); id != "" {
		req.Header.Set("X-Request-Id", id)
	}
	res, err := a.client.Do(req)
	if err != nil {
		return Person{}, fmt.Errorf("ask auth: %w", err)
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return Person{}, ErrUnknown
	default:
		return Person{}, fmt.Errorf("ask auth: status %d", res.StatusCode)
	}
	var p Person
	if err := json.NewDecoder(io.LimitReader(res.Body, maxPerson)).Decode(&p); err != nil {
		return Person{}, fmt.Errorf("ask auth: %w", err)
	}
	return p, nil
}
