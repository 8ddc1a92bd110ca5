package password_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/validation"

	"github.com/codex-platform/codex/services/auth/internal/password"
)

var policy = password.Policy{
	Limits: validation.DefaultPasswordLimits,
	Hasher: security.NewHasher(security.HashParams{MemoryKiB: 64, Iterations: 1}),
}

func TestChoose_countsCharacters(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		"1234567":                          password.ErrTooShort,
		"12345678":                         nil,
		strings.Repeat("x", 128):           nil,
		strings.Repeat("x", 129):           password.ErrTooLong,
		strings.Repeat("🔑", 7):             password.ErrTooShort,
		strings.Repeat("🔑", 8):             nil,
		strings.Repeat("🔑", 128):           nil,
		strings.Repeat("🔑", 129):           password.ErrTooLong,
		"        ":                         nil,
		"\xff\xff\xff\xff\xff\xff\xff\xff": password.ErrTooShort,
	} {
		if got, err := policy.Choose(text); !errors.Is(err, want) || err == nil && got.Reveal() != text {
			t.Errorf("Choose(%q) = %q, %v; want %v", text, got.Reveal(), err, want)
		}
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	chosen, err := policy.Choose("a good passphrase")
	if err != nil {
		t.Fatal(err)
	}
	hash, err := policy.Hash(t.Context(), chosen)
	if err != nil {
		t.Fatal(err)
	}
	unknown := "$other$form"
	for name, tc := range map[string]struct {
		typed string
		hash  *string
		ok    bool
		fails bool
	}{
		"right":                      {"a good passphrase", &hash, true, false},
		"wrong":                      {"a bad passphrase", &hash, false, false},
		"shorter than may be chosen": {"x", &hash, false, false},
		"of nobody":                  {"a good passphrase", nil, false, false},
		"too long":                   {strings.Repeat("x", 129), &hash, false, true},
		"too long, of nobody":        {strings.Repeat("x", 129), nil, false, true},
		"an unknown form of hash":    {"a good passphrase", &unknown, false, true},
	} {
		ok, _, err := policy.Match(t.Context(), tc.typed, tc.hash)
		if ok != tc.ok || (err != nil) != tc.fails {
			t.Errorf("%s: %v, %v", name, ok, err)
		}
	}
}
