//go:build !linux

package httpapi

// forgetProgram does something on Linux only.
func forgetProgram() {}
