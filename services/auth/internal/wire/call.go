package wire

import (
	"io"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/codex-platform/codex/pkg/httpapi"
	"github.com/codex-platform/codex/pkg/security"
)

// Call is one request as features look at it: headers, cookies, query. It lives
// as long as its handler runs.
type Call struct {
	// Address is the client's, as far as it can be told; see security.Proxies.
	Address netip.Addr
	// OnBehalf is that of the operation; see Op.
	OnBehalf bool
	// ActorID is who acts as the person whose session the call belongs to, once
	// that was looked up; "" for the person.
	ActorID string

	ctx     huma.Context
	request *http.Request
	members Members
}

// Resolve takes hold of the request; it is huma's hook.
func (c *Call) Resolve(ctx huma.Context) []error {
	c.ctx, c.request = ctx, httpapi.Request(ctx)
	return nil
}

// Method gives the request's method.
func (c *Call) Method() string { return c.request.Method }

// Path gives the request's path.
func (c *Call) Path() string { return c.request.URL.Path }

// Header gives a header's first value, or "".
func (c *Call) Header(name string) string { return c.request.Header.Get(name) }

// HasHeader tells whether a header was sent, with whatever value.
func (c *Call) HasHeader(name string) bool { return len(c.request.Header.Values(name)) > 0 }

// Query gives a query parameter's first value, or "".
func (c *Call) Query(name string) string {
	if c.request.URL.RawQuery == "" {
		return ""
	}
	return c.request.URL.Query().Get(name)
}

// Queries gives all values of a query parameter.
func (c *Call) Queries(name string) []string { return c.request.URL.Query()[name] }

// QueryNames lists the query parameters, in a fixed order.
func (c *Call) QueryNames() []string { return slices.Sorted(maps.Keys(c.request.URL.Query())) }

// MustQuery gives a query parameter that has to be there, though it may be empty.
func (c *Call) MustQuery(name string) (string, error) {
	if !c.request.URL.Query().Has(name) {
		return "", Invalid("query."+name, "Invalid input: expected string, received undefined")
	}
	return c.Query(name), nil
}

// Param gives a parameter of the path.
func (c *Call) Param(name string) string { return c.ctx.Param(name) }

// Cookie gives a cookie's value, percent-decoded.
func (c *Call) Cookie(name string) (string, bool) {
	raw, ok := security.ReadCookie(c.request.Header, name)
	if !ok {
		return "", false
	}
	return security.DecodeCookieValue(raw)
}

// CookieNames lists the cookies whose names begin with start, each once.
func (c *Call) CookieNames(start string) (names []string) {
	for _, line := range c.request.Header["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			name, _, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
			if ok && strings.HasPrefix(name, start) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// Bearer gives the token of the Authorization header, percent-decoded where it
// came that way.
func (c *Call) Bearer() (string, bool) {
	token, ok := security.BearerToken(c.Header("Authorization"))
	if ok && strings.Contains(token, "%") {
		return security.DecodeCookieValue(token)
	}
	return token, ok
}

// Members are the names of the body; none for a request without one.
func (c *Call) Members() Members { return c.members }

// maxAgent bounds what is kept of a User-Agent header, in bytes.
const maxAgent = 512

// UserAgent gives the header's value in a form that can be stored and shown.
func (c *Call) UserAgent() string {
	agent := c.Header("User-Agent")
	if len(agent) > maxAgent {
		agent = agent[:maxAgent]
	}
	if !utf8.ValidString(agent) || strings.ContainsFunc(agent, control) {
		agent = strings.Map(func(r rune) rune {
			if control(r) {
				return -1
			}
			return r
		}, strings.ToValidUTF8(agent, ""))
	}
	return agent
}

// IP gives the client's address in the form in which sessions keep it: IPv6 cut
// to its /64, "" when it is unknown.
func (c *Call) IP() string {
	if !c.Address.IsValid() {
		return ""
	}
	return security.LimitKey(c.Address)
}

// read takes the members of a JSON body. Its form was checked before: see
// httpapi, which refuses doubled names, trailing data and other types.
func (c *Call) read() error {
	raw, err := io.ReadAll(c.ctx.BodyReader())
	if err != nil {
		return err
	}
	c.members, err = readObject(raw)
	return err
}

// CallOf makes a call of a request and the members of its body, for those who
// have one without a route: tests of rules.
func CallOf(r *http.Request, members Members) *Call {
	return &Call{request: r, members: members}
}
