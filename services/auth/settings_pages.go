package main

import (
	"errors"
	"net/url"

	"github.com/codex-platform/codex/pkg/security"
)

// pagePath is a page of the app below PUBLIC_URL, with a query or a fragment where
// the app has one.
type pagePath string

// UnmarshalText reads a path that cannot lead anywhere else, as for redirects.
func (p *pagePath) UnmarshalText(text []byte) error {
	u, err := url.Parse(string(text))
	if err != nil || !(security.Origins{}).SafeRedirect(string(text)) || text[0] != '/' {
		return errors.New("not a path below PUBLIC_URL, such as /sign-in: one / in front, no // or .. in it, and neither host nor blanks")
	}
	*p = pagePath(u.String())
	return nil
}

// page gives the absolute address of a page.
func (s settings) page(p pagePath) string { return s.at(string(p)) }

// at gives the absolute address of a path below PUBLIC_URL.
func (s settings) at(path string) string { return s.PublicURL.String() + path }
