package site

import (
	"html"
	"regexp"
	"strings"
)

// closed is the policy of a page that brings none: nothing runs, nothing loads.
const closed = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

var metaPolicy = regexp.MustCompile(`(?i)<meta\s+http-equiv="content-security-policy"\s+content="([^"]*)"`)

// policyOf gives the content security policy of a page: what its own meta element
// says, which names the hashes of its own scripts, and that nobody may frame it,
// which a meta element cannot say. The element stays; both say the same.
func policyOf(page []byte) string {
	found := metaPolicy.FindSubmatch(page)
	if found == nil {
		return closed
	}
	policy := strings.TrimRight(strings.TrimSpace(html.UnescapeString(string(found[1]))), ";")
	return policy + "; frame-ancestors 'none'"
}
