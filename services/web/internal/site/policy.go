package site

import (
	"html"
	"regexp"
	"strings"

	"github.com/codex-platform/codex/services/web/internal/violation"
)

// closed is the policy of a page that brings none: nothing runs, nothing loads.
const closed = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

var metaPolicy = regexp.MustCompile(`(?i)<meta\s+http-equiv="content-security-policy"\s+content="([^"]*)"`)

// policyOf gives the content security policy of a page: what its own meta element
// says, which names the hashes of its own scripts, and what a meta element cannot
// say: that nobody may frame it, and where a browser reports what it kept the page
// from. The element stays; both say the same.
func policyOf(page []byte) string {
	found := metaPolicy.FindSubmatch(page)
	if found == nil {
		return closed
	}
	policy := strings.TrimRight(strings.TrimSpace(html.UnescapeString(string(found[1]))), ";")
	return policy + "; frame-ancestors 'none'; report-uri " + violation.Path
}
