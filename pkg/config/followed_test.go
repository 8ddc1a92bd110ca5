package config_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/codex-platform/codex/pkg/config"
)

type following struct {
	config.Base
	Keys config.FollowedSecrets `env:"KEYS,required" min:"16"`
}

// DEP-04: a secret's file is followed; half of one, or a weak one, changes nothing.
func TestFollowedSecrets_areThoseOfTheFile(t *testing.T) {
	t.Parallel()
	const first, second = "0123456789abcdef-1", "0123456789abcdef-2"
	path := filepath.Join(t.TempDir(), "keys")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(first)
	s, err := config.Load[following]([]string{"APP_ENV=test", "KEYS_FILE=" + path})
	if err != nil {
		t.Fatal(err)
	}
	told := &bytes.Buffer{}
	keys := s.Keys.Follow(slog.New(slog.NewTextHandler(told, nil)))
	for _, step := range []struct {
		text string
		want []string
	}{
		{first, []string{first}},
		{second + "," + first + "\n", []string{second, first}},
		{"weak", []string{second, first}},
		{"", []string{second, first}},
		{second, []string{second}},
	} {
		write(step.text)
		if got := keys(); !slices.Equal(got, step.want) {
			t.Errorf("%q: %q, want %q", step.text, got, step.want)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if got := keys(); !slices.Equal(got, []string{second}) {
		t.Errorf("without the file: %q", got)
	}
	if strings.Count(told.String(), "the old ones stay") != 3 || strings.Contains(told.String(), "0123456789") {
		t.Errorf("told: %s", told)
	}
}

func TestFollowedSecrets_ofTheEnvironmentStay(t *testing.T) {
	t.Parallel()
	s, err := config.Load[following]([]string{"APP_ENV=test", "KEYS=0123456789abcdef"})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Keys.Follow(slog.New(slog.DiscardHandler))(); !slices.Equal(got, []string{"0123456789abcdef"}) {
		t.Errorf("%q", got)
	}
	if _, err := config.Load[following]([]string{"APP_ENV=test", "KEYS=weak"}); err == nil || !strings.Contains(err.Error(), "shorter than 16") {
		t.Errorf("a weak one: %v", err)
	}
}
