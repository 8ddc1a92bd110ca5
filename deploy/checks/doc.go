// Package checks reads the repository from outside: the compose file, the
// charts, the modules that must build alone, the shares of the tests. It
// knows files and commands, never the product's code.
package checks
