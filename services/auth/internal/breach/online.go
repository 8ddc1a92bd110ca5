package breach

import (
	"bufio"
	"context"
	"crypto/sha1" //nolint:gosec // the form of the range services, not a defence
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	rangeTime  = 2 * time.Second
	rangeBytes = 1 << 20
	// prefixLen is how much of the hash the service is told: about one in a
	// million passwords begins like this.
	prefixLen = 5
)

// Range asks a service that answers with the hashes that begin like one
// (k-anonymity): it learns neither the password nor its hash.
type Range struct {
	URL    string
	Client *http.Client
}

// NewRange makes a client for a service. It follows no redirect: what is asked
// must not go elsewhere.
func NewRange(url string, transport http.RoundTripper) *Range {
	return &Range{URL: strings.TrimSuffix(url, "/"), Client: &http.Client{
		Transport:     transport,
		Timeout:       rangeTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Has tells whether the service knows a password.
func (r *Range) Has(ctx context.Context, password string) (bool, error) {
	sum := sha1.Sum([]byte(password)) //nolint:gosec // see above
	text := strings.ToUpper(hex.EncodeToString(sum[:]))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL+"/"+text[:prefixLen], nil)
	if err != nil {
		return false, fmt.Errorf("ask for leaked passwords: %w", err)
	}
	req.Header.Set("Add-Padding", "true") // the answer's length then tells nothing of the prefix
	res, err := r.Client.Do(req)
	if err != nil {
		return false, fmt.Errorf("ask for leaked passwords: %w", withoutURL(err))
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return false, fmt.Errorf("ask for leaked passwords: status %d", res.StatusCode)
	}
	return listedIn(res.Body, text[prefixLen:])
}

// withoutURL takes the address out of an error: it ends in the prefix.
func withoutURL(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}

// listedIn looks for the rest of a hash among lines of REST:COUNT. A count of
// zero is padding.
func listedIn(body io.Reader, rest string) (bool, error) {
	limited := &io.LimitedReader{R: body, N: rangeBytes + 1}
	lines := bufio.NewScanner(limited)
	for lines.Scan() {
		sum, count, ok := strings.Cut(strings.TrimSpace(lines.Text()), ":")
		if ok && strings.EqualFold(sum, rest) {
			return strings.TrimLeft(count, "0") != "", nil
		}
	}
	if err := lines.Err(); err != nil {
		return false, fmt.Errorf("read leaked passwords: %w", err)
	}
	if limited.N <= 0 {
		return false, errors.New("read leaked passwords: longer than 1 MiB")
	}
	return false, nil
}
