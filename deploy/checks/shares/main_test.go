package main

import "testing"

func TestAddSortsTestsByKind(t *testing.T) {
	var s shares
	s.add("pass", "codex/pkg/x", "TestA")
	s.add("pass", "codex/pkg/x", "TestA/case")
	s.add("run", "codex/pkg/x", "TestA")
	s.add("skip", "codex/pkg/x", "TestB")
	s.add("skip", "codex/deploy/e2e", "TestC")
	s.add("pass", "codex/pkg/x", "")
	if want := (shares{unit: 1, integration: 1, e2e: 1}); s != want {
		t.Errorf("counted %+v, want %+v", s, want)
	}
}

func TestReportRefusesAPyramidOnItsHead(t *testing.T) {
	for name, tc := range map[string]struct {
		shares shares
		fails  bool
	}{
		"as aimed":                       {shares{70, 25, 5}, false},
		"as many integration as unit":    {shares{30, 30, 5}, true},
		"as many end-to-end as the next": {shares{70, 5, 5}, true},
		"none":                           {shares{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tc.shares.report(); (err != nil) != tc.fails {
				t.Errorf("report = %v", err)
			}
		})
	}
}
