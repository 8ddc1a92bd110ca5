// Package seed makes the demo accounts through the same doors that people use: sign-up, the mail's link, uploads and a
// bought plan.
package seed

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"
)

// person is a browser with its cookies.
type person struct {
	origin string
	client *http.Client
}

func newPerson(origin string) (*person, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &person{origin: origin, client: &http.Client{Jar: jar, CheckRedirect: stay, Timeout: 30 * time.Second}}, nil
}

// call sends a request and reads the answer into out, which may be nil. Any status but 2xx is an error.
func (p *person) call(ctx context.Context, method, path string, body, out any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	if body == nil {
		raw = nil
	}
	status, text, err := p.send(ctx, method, p.origin+path, "application/json", raw)
	if err != nil {
		return err
	}
	if status/100 != 2 {
		return fmt.Errorf("%s %s: status %d: %s", method, path, status, text)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

func (p *person) send(ctx context.Context, method, address, kind string, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Origin", p.origin)
	if len(body) > 0 {
		req.Header.Set("Content-Type", kind)
	}
	res, err := p.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, text, err
}

// form sends an HTML form, as the pay page has one.
func (p *person) form(ctx context.Context, address string, values url.Values) error {
	status, text, err := p.send(ctx, http.MethodPost, address, "application/x-www-form-urlencoded", []byte(values.Encode()))
	if err != nil {
		return err
	}
	if status >= http.StatusBadRequest {
		return fmt.Errorf("form: status %d: %s", status, strings.TrimSpace(string(text)))
	}
	return nil
}

// open follows a link, as from a mail. A redirect is its usual answer.
func (p *person) open(ctx context.Context, link string) error {
	status, text, err := p.send(ctx, http.MethodGet, link, "", nil)
	if err != nil {
		return err
	}
	if status >= http.StatusBadRequest {
		return fmt.Errorf("open the link of the mail: status %d: %s", status, text)
	}
	return nil
}

// eventually repeats f until it is done or fails, or the context ends.
func eventually(ctx context.Context, f func() (done bool, err error)) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		done, err := f()
		if err != nil || done {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
