package security_test

import (
	"testing"

	"github.com/codex-platform/codex/pkg/security"
)

func TestServiceTokens_acceptAllAndSendTheFirst(t *testing.T) {
	t.Parallel()
	s := security.NewServiceTokens([]string{"", "new-token", "old-token"})
	if s.Current() != "new-token" {
		t.Errorf("Current = %q", s.Current())
	}
	for header, want := range map[string]bool{
		"Bearer new-token":       true,
		"bearer old-token":       true,
		"Bearer new-token, x":    false,
		"Bearer new":             false,
		"Bearer new-token2":      false,
		"Bearer ":                false,
		"Bearer":                 false,
		"Basic new-token":        false,
		"new-token":              false,
		"":                       false,
		"Bearer new-token extra": false,
	} {
		if got := s.Check(header); got != want {
			t.Errorf("Check(%q) = %v, want %v", header, got, want)
		}
	}
}

func TestServiceTokens_withoutAnyRefuseEverything(t *testing.T) {
	t.Parallel()
	for _, list := range [][]string{nil, {""}} {
		s := security.NewServiceTokens(list)
		for _, header := range []string{"", "Bearer ", "Bearer x"} {
			if s.Check(header) {
				t.Errorf("%q was accepted by an empty list", header)
			}
		}
	}
}

func TestFollowServiceTokens_areThoseOfTheMoment(t *testing.T) {
	t.Parallel()
	list := []string{"old"}
	s := security.FollowServiceTokens(func() []string { return list })
	before := s.Current()
	list = []string{"new", "old"}
	if before != "old" || s.Current() != "new" || !s.Check("Bearer old") || !s.Check("Bearer new") {
		t.Errorf("sent %q, then %q", before, s.Current())
	}
	if list = []string{"new"}; s.Check("Bearer old") {
		t.Error("the old one is accepted after its end")
	}
}
