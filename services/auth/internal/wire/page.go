package wire

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/codex-platform/codex/pkg/httpapi"
)

// Page is an answer to a browser that follows a link: a redirect, HTML or JSON.
type Page struct {
	Headers
	ContentType string `header:"Content-Type"`
	Status      int
	Body        []byte
}

// Redirect leads the browser on. What is not ASCII in the address is written as
// browsers would (RFC 3986 §2.1): no proxy on the way has to guess.
func Redirect(to string) *Page {
	p := &Page{Status: http.StatusFound}
	p.Location = ascii(to)
	return p
}

func ascii(address string) string {
	var b strings.Builder
	for i := range len(address) {
		if c := address[i]; c < 0x21 || c > 0x7e {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// JSON answers a link that leads nowhere else.
func JSON(body any) *Page {
	text, err := json.Marshal(body)
	if err != nil {
		text = []byte("null") // our own types can be written
	}
	return &Page{Status: http.StatusOK, ContentType: "application/json", Body: text}
}

// HTML shows a page.
func HTML(text []byte) *Page {
	return &Page{Status: http.StatusOK, ContentType: "text/html; charset=utf-8", Body: text}
}

// GetPage adds an operation that people open in a browser.
func GetPage(r *Router, op Op, handle func(ctx context.Context, c *Call) (*Page, error)) {
	described := op.describe(r, http.MethodGet)
	described.Responses = map[string]*huma.Response{
		"200": {Description: "What happened", Content: map[string]*huma.MediaType{
			"application/json": {Schema: &huma.Schema{Type: huma.TypeObject}},
			"text/html":        {Schema: &huma.Schema{Type: huma.TypeString}},
		}},
		"302": {Description: "On to the page that the link names"},
	}
	httpapi.Register(r.API, described, func(ctx context.Context, in *input) (*Page, error) {
		c := in.take(ctx, op)
		if err := r.Before(ctx, c); err != nil {
			return nil, err
		}
		page, err := handle(ctx, c)
		if page != nil {
			page.settle()
		}
		return page, err
	})
}

// AddQuery adds a parameter to an address, in front of its fragment.
func AddQuery(address, name, value string) string {
	address, fragment, found := strings.Cut(address, "#")
	if found {
		fragment = "#" + fragment
	}
	sep := "?"
	if strings.Contains(address, "?") {
		sep = "&"
	}
	return address + sep + name + "=" + url.QueryEscape(value) + fragment
}

// AtLeast waits until floor has passed since began, so that an answer's time
// does not tell what was found.
func AtLeast(ctx context.Context, began time.Time, floor time.Duration) error {
	timer := time.NewTimer(floor - time.Since(began))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait: %w", ctx.Err())
	}
}
