package security_test

import (
	"math"
	"regexp"
	"testing"

	"github.com/codex-platform/codex/pkg/security"
)

func TestToken_isOfTheContractsAlphabet(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[A-Za-z0-9]*$`)
	seen := map[string]bool{}
	for _, n := range []int{0, 1, 24, 32, 100} {
		for range 100 {
			token := security.Token(n)
			if len(token) != n || !form.MatchString(token) {
				t.Fatalf("Token(%d) = %q", n, token)
			}
			if n >= 24 && seen[token] {
				t.Fatalf("%q came twice", token)
			}
			seen[token] = true
		}
	}
	if id := security.NewID(); len(id) != 32 {
		t.Errorf("an id has %d characters", len(id))
	}
}

func TestToken_favoursNoCharacter(t *testing.T) {
	t.Parallel()
	const n = 62 * 10_000
	counts := map[rune]int{}
	for _, r := range security.Token(n) {
		counts[r]++
	}
	// 10,000 expected each; six standard deviations are 600. Taking bytes modulo
	// 62 would give the first eight letters 2,000 more.
	for r, count := range counts {
		if math.Abs(float64(count-n/62)) > 600 {
			t.Errorf("%q came %d times of %d", r, count, n)
		}
	}
	if len(counts) != 62 {
		t.Errorf("%d different characters", len(counts))
	}
}

func TestHashToken_isSHA256(t *testing.T) {
	t.Parallel()
	sum := security.HashToken("abc")
	if len(sum) != 32 || sum[0] != 0xba || sum[31] != 0xad {
		t.Errorf("HashToken = %x", sum)
	}
}
