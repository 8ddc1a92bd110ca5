package limit

import (
	"errors"
	"slices"
	"strings"

	"github.com/codex-platform/codex/pkg/cache"
)

// PathRules are limits of single paths, the most specific first.
type PathRules []pathRule

type pathRule struct {
	path  string // below the base
	below bool   // and everything that begins with it
	limit cache.Limit
}

var (
	errRules = errors.New("not like /sign-in/*=10/1m; /get-session=off")
	errTwice = errors.New("two rules for one path")
)

// UnmarshalText reads "/sign-in/*=10/1m; /get-session=off". A star stands for any
// rest, at the end alone.
func (p *PathRules) UnmarshalText(text []byte) error {
	var rules PathRules
	for entry := range strings.SplitSeq(string(text), ";") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		pattern, rate, ok := strings.Cut(entry, "=")
		pattern, rate = strings.TrimSpace(pattern), strings.TrimSpace(rate)
		path, below := strings.CutSuffix(pattern, "*")
		if !ok || !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "*?#\\\" ") {
			return errRules
		}
		rule := pathRule{path: path, below: below}
		if rate != "off" {
			var r cache.Rate
			if err := r.UnmarshalText([]byte(rate)); err != nil {
				return err
			}
			rule.limit = r.Named(pattern)
		}
		if slices.ContainsFunc(rules, func(x pathRule) bool { return x.path == path && x.below == below }) {
			return errTwice
		}
		rules = append(rules, rule)
	}
	slices.SortStableFunc(rules, pathRule.compare)
	*p = rules
	return nil
}

// compare puts whole paths before beginnings, and longer beginnings before shorter.
func (x pathRule) compare(y pathRule) int {
	if x.below != y.below {
		if x.below {
			return 1
		}
		return -1
	}
	return len(y.path) - len(x.path)
}

// of gives the limit of a path, without a rate for none; false where no rule is.
func (p PathRules) of(path string) (cache.Limit, bool) {
	for _, x := range p {
		if path == x.path || x.below && strings.HasPrefix(path, x.path) {
			return x.limit, true
		}
	}
	return cache.Limit{}, false
}
