package config

import (
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
)

// help writes what the program, or one command of it, does and needs.
func (p Program[S]) help(words []string, out io.Writer) error {
	var b strings.Builder
	group := p.group(words)
	switch {
	case len(words) == 0:
		p.overview(&b)
	case len(group) > 0:
		fmt.Fprintf(&b, "Commands:\n")
		for _, c := range group {
			fmt.Fprintf(&b, "  %-*s %s\n", widest(group), c.Name, c.Summary)
		}
	default:
		c, _, err := p.find(words)
		if err != nil {
			return err
		}
		p.explain(&b, c)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// explain tells of one command: its flags, and the variables that it needs; all, where
// it does not name them.
func (p Program[S]) explain(b *strings.Builder, c Command[S]) {
	fmt.Fprintf(b, "%s %s: %s\n\nUsage: %s %s\n", p.Name, c.Name, c.Summary, p.Name, strings.TrimSpace(c.Name+" "+c.Args))
	if len(c.Flags) > 0 {
		b.WriteString("\nFlags:\n")
		for _, f := range c.Flags {
			fmt.Fprintf(b, "  %-20s %s\n", f.Name, f.Help)
		}
	}
	if c.Needs == nil {
		p.variables(b)
		return
	}
	if len(c.Needs) > 0 {
		b.WriteString("\nVariables that it needs:\n")
		describeAll(b, variablesOf(reflect.TypeFor[S]()), func(v variable) bool { return slices.Contains(c.Needs, v.name) })
	}
	fmt.Fprintf(b, "\n%s --help lists every variable.\n", p.Name)
}

// variables describes all that there are.
func (p Program[S]) variables(b *strings.Builder) {
	b.WriteString("\nVariables (an empty one counts as not set):\n")
	describeAll(b, variablesOf(reflect.TypeFor[S]()), func(variable) bool { return true })
	for _, g := range groupsOf(reflect.TypeFor[S](), nil) {
		fmt.Fprintf(b, "\n  For each name in %s, in capital letters in the place of *:\n", g.list)
		for _, v := range walk(g.elem, g.prefix, nil) {
			describeVariable(b, v)
		}
	}
}

// describeAll writes the variables that are wanted, each once: two parts may read one.
func describeAll(b *strings.Builder, variables []variable, wanted func(variable) bool) {
	seen := map[string]bool{}
	for _, v := range variables {
		if wanted(v) && !seen[v.name] {
			seen[v.name] = true
			describeVariable(b, v)
		}
	}
}

func (p Program[S]) overview(b *strings.Builder) {
	fmt.Fprintf(b, "%s: %s\n\nUsage: %s [command]\n\nCommands:\n", p.Name, p.Summary, p.Name)
	width := widest(p.Commands)
	for i, c := range p.Commands {
		note := ""
		if i == 0 {
			note = " (the default)"
		}
		fmt.Fprintf(b, "  %-*s %s%s\n", width, c.Name, c.Summary, note)
	}
	fmt.Fprintf(b, "  %-*s %s\n", width, "help COMMAND", "explain one of them")
	fmt.Fprintf(b, "\nFlags:\n  %-*s show this\n  %-*s show the version, the commit and the Go version\n", width, "--help", width, "--version")
	p.variables(b)
}

// widest gives the width of a column of commands.
func widest[S any](commands []Command[S]) int {
	width := 16
	for _, c := range commands {
		width = max(width, len(c.Name))
	}
	return width
}

// describeVariable writes one variable: its name, what must be known, its meaning.
func describeVariable(b *strings.Builder, v variable) {
	fmt.Fprintf(b, "\n  %s%s\n", v.name, noteOf(v))
	if v.help != "" {
		fmt.Fprintf(b, "      %s\n", v.help)
	}
	if v.secret() {
		fmt.Fprintf(b, "      or %s=/path/to/file\n", v.fileName())
	}
	if example := exampleOf(v); v.def == "" && example != "" {
		fmt.Fprintf(b, "      example: %s\n", example)
	}
}

// noteOf is the remark in brackets behind a name.
func noteOf(v variable) string {
	var notes []string
	if v.required {
		notes = append(notes, "required")
	}
	if v.def != "" {
		notes = append(notes, "default "+v.def)
	}
	if v.unit != "" {
		notes = append(notes, "in "+v.unit)
	}
	if v.min > 0 {
		notes = append(notes, fmt.Sprintf("at least %d bytes each", v.min))
	}
	if v.secret() {
		notes = append(notes, "secret")
	}
	if len(notes) == 0 {
		return ""
	}
	return " (" + strings.Join(notes, ", ") + ")"
}

// nearest gives the command whose name is closest to a mistyped one, or "".
func (p Program[S]) nearest(given ...string) string {
	best, least := "", 4 // more than three edits away is another word
	for _, c := range p.Commands {
		for _, word := range given {
			if d := distance(word, c.Name); d < least {
				best, least = c.Name, d
			}
		}
	}
	return best
}

// distance is the number of single-letter edits between two words (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
