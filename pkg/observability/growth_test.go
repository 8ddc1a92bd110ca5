package observability_test

import (
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/observability"
)

// hostile are pieces that make a careless search look at the rest of the text
// again and again.
var hostile = []string{
	"a", "0", " ", "-", ".", "_", "@", ":", "\\", "\"", "'", "%", "{", "(", "+", "\xc2", "é",
	"a@", "a@b", "@b.", "a:b@", "a://", "a://b:c", "a://b:c/", "eyJ-", "eyJa.", "token=", "token=\"", "token=\\\"", "token:[",
	"\"token\":", "token ", "token :", "password: a ", "code=", "code=\"", "code='a\"", "code=[", "name: a.", "cookie: ", "-----BEGIN ",
	"-----BEGIN -----END ", "1 ", "12-", "+1-", "+1 (2) ", "(1", "(030) ", "0171/", "00", "4111 ", "4111-1111-", "DE89 3704 ", "Bearer ", "Bearer a ",
	"%25", "%40", "%2525", "%%2", "secret_", "_secret_a1", "sk_live_", "dev-only-", "reset-password/", "abcdefghijklmnopqrstu.", "12345678-1234-", "{a:b ", "map[token:a b",
}

func TestRedact_costGrowsWithTheLength(t *testing.T) {
	// Not parallel: it compares times.
	for _, piece := range hostile {
		expectLinear(t, piece, "")
		if strings.Contains(piece, ":") {
			expectLinear(t, piece, "{") // as in a struct that Go printed
		}
	}
}

// expectLinear compares 1 MiB with 64 KiB: 16 times the time is right, and a
// search that starts over at every piece shows 256 times, which is a minute or
// more. What is done in half a second needs no comparison; 80 times leaves
// room for a busy machine and the race detector.
func expectLinear(t *testing.T, piece, before string) {
	t.Helper()
	short := before + strings.Repeat(piece, 64<<10/len(piece))
	long := before + strings.Repeat(piece, 1<<20/len(piece))
	for range 3 {
		if took := fastest(1, long); took < time.Second/2 || took < 80*fastest(3, short) {
			return
		}
	}
	t.Errorf("%q repeated behind %q: 16 times the length costs far more than 16 times the time", piece, before)
}

func fastest(runs int, text string) time.Duration {
	best := time.Hour
	for range runs {
		begin := time.Now()
		observability.Redact(text)
		best = min(best, time.Since(begin))
	}
	return best
}

// BenchmarkHostile prints the throughput on the worst of the pieces.
func BenchmarkHostile(b *testing.B) {
	for _, piece := range []string{"a@b", "token=", "4111-1111-", "%2525", "+1 (2) "} {
		text := strings.Repeat(piece, 1<<20/len(piece))
		b.Run(piece, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				observability.Redact(text)
			}
		})
	}
}
