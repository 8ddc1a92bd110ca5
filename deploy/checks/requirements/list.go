package main

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"
)

//go:embed list.txt
var listed string

// requirement is a line of the list.
type requirement struct {
	id       string
	priority int
	text     string
}

func (r requirement) group() string {
	group, _, _ := strings.Cut(r.id, "-")
	return group
}

// owners say where a group's table stands.
var owners = map[string]string{
	"AUTH": "services/auth", "SES": "services/auth", "OAU": "services/auth", "MFA": "services/auth",
	"GW": "services/gateway", "WH": "services/webhook", "STO": "services/storage",
	"LOG": "pkg/observability", "DEP": "deploy",
}

// complete are the groups of which every requirement up to this priority must have
// a test.
var complete = map[string]int{"AUTH": 2, "SES": 2, "OAU": 2, "MFA": 2, "GW": 2}

var listLine = regexp.MustCompile(`^([A-Z]+-\d\d) ([123]) (\S.*)$`)

// parseList reads list.txt.
func parseList(text string) ([]requirement, error) {
	var all []requirement
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		m := listLine.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("list.txt: %q is not: id, priority, text", line)
		}
		r := requirement{id: m[1], priority: int(m[2][0] - '0'), text: m[3]}
		if owners[r.group()] == "" {
			return nil, fmt.Errorf("list.txt: nobody owns %s", r.id)
		}
		all = append(all, r)
	}
	return all, nil
}
