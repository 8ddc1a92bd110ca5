// Package config owns the way from the environment to a settings struct, and
// from the command line to the command that runs.
//
// It is the only room that reads the environment. A binary describes what it
// needs as one struct with tags and what it can do as a list of commands:
//
//	type settings struct {
//		config.Base
//		database.Settings
//		Addr    string         `env:"ADDR" envDefault:":8003" help:"where the service listens"`
//		Secrets config.Secrets `env:"AUTH_SECRETS,required" min:"32" help:"keys; the first one signs"`
//	}
//
// Tags: env (name, required), envDefault, help, unit, example, min (bytes of a
// secret). Nested and embedded structs need no tag; envPrefix works for nested
// ones. An empty variable counts as not set, which is what compose files and
// charts write when they have no value. Variables that no field names are ignored.
// A map with the tag each holds one struct for every name in a list; see group.
// A string named ADDR or ..._ADDR must be an address to listen on.
//
// All faults are reported at once, each with the name, what is wrong and an
// example, before anything is opened; values are never repeated. A field of
// type Secret, Secrets or DSN can also come from a file named by NAME_FILE.
// caarlos0/env turns the text of one variable into its Go type.
package config
