package password_test

import (
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/codex-platform/codex/pkg/security"
	"github.com/codex-platform/codex/pkg/validation"

	"github.com/codex-platform/codex/services/auth/internal/breach"
	"github.com/codex-platform/codex/services/auth/internal/password"
)

var policy = password.Policy{
	Limits: validation.DefaultPasswordLimits,
	Hasher: security.NewHasher(security.HashParams{MemoryKiB: 64, Iterations: 1}),
}

// AUTH-01: the limits count code points.
func TestChoose_countsCharacters(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		"1234567":                          password.ErrTooShort,
		"k7-Vq2.b":                         nil,
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

// AUTH-03: frequent passwords and those made of the service's or the owner's
// words are refused.
func TestChoose_refusesWhatIsTriedFirst(t *testing.T) {
	t.Parallel()
	p := policy
	p.Service = []string{"Codex", "app.codex.example"}
	for text, want := range map[string]error{
		"password123": password.ErrCompromised, "qwertyuiop": password.ErrCompromised, "codexcodex": password.ErrCompromised,
		"AdaLovelace1": password.ErrCompromised, "ada@example.test": password.ErrCompromised, "a good passphrase": nil,
	} {
		if _, err := p.Choose(text, "ada@example.test", "Ada Lovelace"); !errors.Is(err, want) {
			t.Errorf("Choose(%q) = %v, want %v", text, err, want)
		}
	}
}

func TestHash_refusesWhatLeaked(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "f")
	if _, err := (breach.Build{From: strings.NewReader("a leaked phrase\n"), To: file, Report: func(int, int64) {}}).Run(); err != nil {
		t.Fatal(err)
	}
	filter, err := breach.OpenFilter(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = filter.Close() })
	p := policy
	p.Leaks = breach.Leaks{Filter: filter, Log: slog.New(slog.DiscardHandler)}
	if _, err := p.Hash(t.Context(), "a leaked phrase"); !errors.Is(err, password.ErrCompromised) {
		t.Errorf("leaked: %v", err)
	}
	if _, err := p.Hash(t.Context(), "a fresh phrase"); err != nil {
		t.Errorf("fresh: %v", err)
	}
	if s, err := p.Strength(t.Context(), "a leaked phrase"); s.Score != 0 || s.Reason != "PASSWORD_COMPROMISED" || err != nil {
		t.Errorf("strength: %+v, %v", s, err)
	}
}

func TestStrength(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]password.Strength{
		"short":                          {Score: 0, Reason: "PASSWORD_TOO_SHORT"},
		strings.Repeat("x", 129):         {Score: 0, Reason: "PASSWORD_TOO_LONG"},
		"password123":                    {Score: 0, Reason: "PASSWORD_COMPROMISED"},
		"abababababababab":               {Score: 1, Reason: "REPETITIVE"},
		strings.Repeat("x", 60):          {Score: 1, Reason: "REPETITIVE"},
		"blanket7":                       {Score: 1, Reason: "SHORT"},
		"correct-horse-battery-staple-9": {Score: 4, Reason: "GOOD"},
		"k7-Vq2.bN4xT":                   {Score: 3, Reason: "GOOD"},
	} {
		if got, err := policy.Strength(t.Context(), text); got != want || err != nil {
			t.Errorf("Strength(%q) = %+v, %v; want %+v", text, got, err, want)
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
		"an unknown form of hash":    {"a good passphrase", &unknown, false, false},
	} {
		ok, _, err := policy.Match(t.Context(), tc.typed, tc.hash)
		if ok != tc.ok || (err != nil) != tc.fails {
			t.Errorf("%s: %v, %v", name, ok, err)
		}
	}
}
