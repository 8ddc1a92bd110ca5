package main

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestTables_areFresh(t *testing.T) {
	t.Parallel()
	root := "../../.."
	tables, err := tablesOf(root)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range tables {
		got, err := os.ReadFile(filepath.Join(root, path))
		if err != nil || string(got) != want {
			t.Errorf("%s is stale: make requirements (%v)", path, err)
		}
	}
}

func TestFindTests_readsBothLanguages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a_test.go": "package a\n\n// GW-02, GW-10: so\n// it is.\nfunc TestA(t *testing.T) {}\n\n// GW-03 and SES-01 so.\nfunc FuzzB(f *testing.F) {}\n\n" +
			"// Not first: GW-04.\nfunc TestC(t *testing.T) {}\n\n// GW-05: no test.\nfunc help() {}\n",
		"b.test.ts":               "// AUTH-14: told.\n// More.\ntest('the old address', () => {})\n  // OAU-08\n  it(\"stays\", () => {})\n",
		"node_modules/c.test.mjs": "// GW-06: not ours.\ntest('x', () => {})\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := findTests(dir)
	want := []test{
		{".", "TestA", []string{"GW-02", "GW-10"}}, {".", "FuzzB", []string{"GW-03", "SES-01"}},
		{".", "the old address", []string{"AUTH-14"}}, {".", "stays", []string{"OAU-08"}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v %v, want %v", got, err, want)
	}
}

func TestParseList_namesTheFaultyLine(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"GW-1 1 x", "GW-01 x", "GW-01 1 ", "XX-01 1 x"} {
		if _, err := parseList(line); err == nil {
			t.Errorf("%q was taken", line)
		}
	}
}
