// Package limit owns how answers show rate limits.
package limit

import (
	"strconv"
	"strings"
	"time"

	"github.com/codex-platform/codex/pkg/cache"
)

// Policies writes the RateLimit-Policy field (draft-ietf-httpapi-ratelimit-headers,
// structured fields): "api-user";q=600;w=60.
func Policies(limits ...cache.Limit) string {
	var b strings.Builder
	for i, l := range limits {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(`"` + l.Name + `";q=` + strconv.Itoa(l.Rate) + ";w=" + strconv.Itoa(int(l.Per.Seconds())))
	}
	return b.String()
}

// State writes the RateLimit field: "api-user";r=599;t=1, r what is left, t the
// seconds until the whole quota is there again.
func State(decisions []cache.Decision) string {
	var room [256]byte
	b := room[:0]
	for i, d := range decisions {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, '"')
		b = append(b, d.Limit.Name...)
		b = append(b, `";r=`...)
		b = strconv.AppendInt(b, int64(max(d.Remaining, 0)), 10)
		b = append(b, ";t="...)
		b = strconv.AppendInt(b, int64((d.ResetAfter+time.Second-1)/time.Second), 10)
	}
	return string(b)
}
