// Package validation owns the value types that text from outside becomes at
// the door: whoever holds a validation.Email need not check it again.
//
// Each type has a Parse function and reads itself from JSON, path and query
// through encoding.TextUnmarshaler. Its errors say what is wrong and never
// repeat what was sent. The package knows no HTTP and no service.
package validation

// Error is one thing that is wrong with one value from outside.
type Error struct {
	// Field names the value in general words: "email", "cursor". The door
	// replaces it by the member's real place.
	Field string
	// Detail says what is wrong, for people, without the value.
	Detail string
}

// Error gives the field and what is wrong with it.
func (e *Error) Error() string { return e.Field + ": " + e.Detail }
