package main

import (
	"fmt"
	"slices"
	"strings"
)

const preface = `# Requirements and their tests

Written by ` + "`make requirements`" + ` from the comments of the tests; the list is ` + "`deploy/checks/requirements/list.txt`" + `.
Priority 1 must hold before a first release.

| id | priority | what holds | proved by |
|---|---|---|---|
`

// tablesOf gives the text of every table by its path. A test that names an id
// which the list does not have is an error, and so is a requirement without a test
// in a group that must be complete.
func tablesOf(root string) (map[string]string, error) {
	list, err := parseList(listed)
	if err != nil {
		return nil, err
	}
	tests, err := findTests(root)
	if err != nil {
		return nil, err
	}
	proofs := map[string][]test{}
	for _, t := range tests {
		for _, id := range t.ids {
			proofs[id] = append(proofs[id], t)
		}
	}
	tables, missing := map[string]string{}, []string(nil)
	for _, r := range list {
		path := owners[r.group()] + "/REQUIREMENTS.md"
		if tables[path] == "" {
			tables[path] = preface
		}
		tables[path] += fmt.Sprintf("| %s | %d | %s | %s |\n", r.id, r.priority, r.text, proof(proofs[r.id]))
		if len(proofs[r.id]) == 0 && r.priority <= complete[r.group()] {
			missing = append(missing, r.id)
		}
		delete(proofs, r.id)
	}
	for id, by := range proofs {
		return nil, fmt.Errorf("%s of %s names %s, which is no requirement", by[0].name, by[0].folder, id)
	}
	if missing != nil {
		return nil, fmt.Errorf("no test says that it proves %s", strings.Join(missing, ", "))
	}
	return tables, nil
}

// proof names the tests by folder.
func proof(tests []test) string {
	var folders []string
	names := map[string][]string{}
	for _, t := range tests {
		if names[t.folder] == nil {
			folders = append(folders, t.folder)
		}
		names[t.folder] = append(names[t.folder], "`"+strings.ReplaceAll(t.name, "|", `\|`)+"`")
	}
	slices.Sort(folders)
	for i, folder := range folders {
		slices.Sort(names[folder])
		folders[i] = folder + ": " + strings.Join(names[folder], ", ")
	}
	return strings.Join(folders, "; ")
}
