package config

import (
	"errors"
	"fmt"
	"strings"
)

// Fault is one thing that is wrong with one variable.
type Fault struct {
	// Name is the variable.
	Name string
	// Problem says what is wrong with it, and never repeats its value.
	Problem string
	// Example is a value that would do.
	Example string
}

// assignment shows the example as one would write it: a secret's by its file
// where the example is one, in the form "/path (with NAME_FILE)".
func (f Fault) assignment() string {
	if path, ok := strings.CutSuffix(f.Example, " (with "+f.Name+"_FILE)"); ok {
		return f.Name + "_FILE=" + path
	}
	return f.Name + "=" + f.Example
}

// Faults is the error of Load: everything that is wrong, at once.
type Faults struct {
	List []Fault
}

// Error lists every fault on a line of its own, with an example.
func (f *Faults) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d fault%s in the settings:", len(f.List), plural(len(f.List)))
	for _, fault := range f.List {
		fmt.Fprintf(&b, "\n  %s %s", fault.Name, fault.Problem)
		if fault.Example != "" {
			fmt.Fprintf(&b, "\n      for example %s", fault.assignment())
		}
	}
	return b.String()
}

// ExitCode gives the code that a process ends with: 0 for no error, 2 for
// faulty settings or a wrong command line, 1 for anything else.
func ExitCode(err error) int {
	var faults *Faults
	var wrong usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &faults), errors.As(err, &wrong):
		return 2
	}
	return 1
}

// usageError is a command line that makes no sense.
type usageError string

// Usage is the error of a command whose words make no sense; the process then ends
// with 2.
func Usage(text string) error { return usageError(text) }

func (e usageError) Error() string { return string(e) }

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}
