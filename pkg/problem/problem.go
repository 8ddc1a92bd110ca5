// Package problem owns the one kind of error that may leave a process: a
// refusal that we chose, with a status and a code that a client may rely on.
//
// A rule declares its refusals once, beside itself, and returns them like any
// other error; everything that is not a Problem is a fault and is shown to
// clients only as Internal. How a Problem is written on the wire is decided by
// each service's renderer: RFC 9457 by default (see Document), and the form
// {code, message} in auth. The package knows nothing of HTTP servers.
package problem

import (
	"slices"
	"time"
)

// Problem is a refusal: what a client is told, and nothing else. Declared
// problems are shared between requests and therefore never changed; the With
// methods give changed copies.
type Problem struct {
	// Status is the HTTP status of the answer.
	Status int
	// Code names the refusal for programs, in capitals: SHARE_NOT_FOUND.
	Code string
	// Message tells people what happened and what to do. It never repeats
	// what was sent in.
	Message string
	// Fields names the members of the input that were refused, if any.
	Fields []Field
	// RetryAfter says when trying again makes sense; zero means: unknown.
	RetryAfter time.Duration
}

// Field is one refused member of the input.
type Field struct {
	// Pointer is a JSON pointer into the body ("/name"), or the place and the
	// name of a parameter ("query/limit", "path/id", "header/range").
	Pointer string `json:"pointer"`
	// Detail says what is wrong, without repeating the value.
	Detail string `json:"detail"`
}

// New declares a refusal, once and in a variable: Declared lists it. The code is
// what clients match on, the message is for people.
func New(status int, code, message string) *Problem {
	return declare(&Problem{Status: status, Code: code, Message: message})
}

// Error gives the code and the message, so that a log line can be searched for the code.
func (p *Problem) Error() string {
	return p.Code + ": " + p.Message
}

// Is tells errors.Is that two problems are the same when their codes are: a
// copy with other fields or another message is still the declared refusal.
func (p *Problem) Is(target error) bool {
	t, ok := target.(*Problem)
	return ok && t != nil && p != nil && t.Code == p.Code
}

// WithFields returns a copy that also names these members of the input.
func (p *Problem) WithFields(fields ...Field) *Problem {
	c := *p
	c.Fields = slices.Concat(p.Fields, fields)
	return &c
}

// WithRetryAfter returns a copy that says when trying again makes sense.
func (p *Problem) WithRetryAfter(d time.Duration) *Problem {
	c := *p
	c.RetryAfter = d
	return &c
}

// WithMessage returns a copy with another text for people and the same code.
func (p *Problem) WithMessage(message string) *Problem {
	c := *p
	c.Message = message
	return &c
}
