package provider

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
)

const (
	maxAnswer  = 1 << 20 // bytes of any answer (OAU-11)
	maxHeaders = 64 << 10
)

var errTooLong = errors.New("longer than 1 MiB")

// NewClient makes the client for all conversations with providers. No answer may
// be long, and none leads elsewhere. limit is for calls that have none of their own.
func NewClient(limit time.Duration) *http.Client {
	transport := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    limit,
		IdleConnTimeout:        30 * time.Second,
		MaxIdleConnsPerHost:    16,
		MaxResponseHeaderBytes: maxHeaders,
		ForceAttemptHTTP2:      true,
	}
	return &http.Client{
		Timeout: limit,
		Transport: otelhttp.NewTransport(bounded{transport},
			otelhttp.WithPropagators(propagation.NewCompositeTextMapPropagator()), // our traces are nothing to them
			otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return "provider " + r.Method })),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// bounded ends answers that are too long with an error.
type bounded struct{ http.RoundTripper }

// RoundTrip gives an answer whose body fails after maxAnswer bytes.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		res.Body = &boundedBody{res.Body, maxAnswer}
	}
	return res, err
}

type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, errTooLong
	}
	return n, err
}

// getJSON reads a document. With a token it is asked for in that token's name.
func getJSON(ctx context.Context, client *http.Client, address, token string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("not an address: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", res.StatusCode)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if json.Unmarshal(body, into) != nil { // its error may repeat what it read
		return errors.New("not the JSON that is expected")
	}
	return nil
}
