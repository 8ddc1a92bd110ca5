package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// test is one test and what its comment says it proves.
type test struct {
	folder, name string
	ids          []string
}

const oneID = `(?:AUTH|SES|OAU|MFA|GW|WH|STO|LOG|DEP)-\d\d`

var (
	eachID = regexp.MustCompile(oneID)
	// claim is how a comment begins that names requirements.
	claim = regexp.MustCompile(`^` + oneID + `(?:(?:,| and) ` + oneID + `)*\b`)
	// nodeTest is a test of the web app or the client with the comment above it.
	nodeTest = regexp.MustCompile("(?m)^[ \t]*// (" + oneID + ".*)\n(?:[ \t]*//.*\n)*[ \t]*(?:test|it)\\((['\"`])(.*?)['\"`],")
)

// foreignFolders hold nothing of ours.
var foreignFolders = map[string]bool{"node_modules": true, "build": true, ".svelte-kit": true, "artifacts": true, "testdata": true}

// findTests gives every test below root whose comment begins with an id, in the
// order of their folders and files.
func findTests(root string) ([]test, error) {
	var all []test
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name := entry.Name(); foreignFolders[name] || path != root && name[0] == '.' {
				return filepath.SkipDir
			}
			return nil
		}
		found, err := testsOf(path)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		for i := range found {
			found[i].folder = filepath.ToSlash(folder)
		}
		all = append(all, found...)
		return err
	})
	return all, err
}

func testsOf(path string) ([]test, error) {
	name := filepath.Base(path)
	isGo := strings.HasSuffix(name, "_test.go")
	if !isGo && !strings.Contains(name, ".test.") {
		return nil, nil
	}
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if !isGo {
		return nodeTests(string(source)), nil
	}
	return goTests(source)
}

func goTests(source []byte) ([]test, error) {
	file, err := parser.ParseFile(token.NewFileSet(), "", source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var found []test
	for _, declared := range file.Decls {
		f, ok := declared.(*ast.FuncDecl)
		if !ok || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Test") && !strings.HasPrefix(f.Name.Name, "Fuzz") {
			continue
		}
		if ids := claimed(f.Doc.Text()); ids != nil {
			found = append(found, test{name: f.Name.Name, ids: ids})
		}
	}
	return found, nil
}

func nodeTests(source string) []test {
	var found []test
	for _, m := range nodeTest.FindAllStringSubmatch(source, -1) {
		found = append(found, test{name: m[3], ids: claimed(m[1])})
	}
	return found
}

func claimed(comment string) []string {
	return eachID.FindAllString(claim.FindString(comment), -1)
}
