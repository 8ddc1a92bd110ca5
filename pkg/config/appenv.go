package config

import "slices"

// The kinds of environment that APP_ENV names.
const (
	Development = "development"
	Test        = "test"
	Production  = "production"
)

// Base is what every settings struct embeds: where the process runs. The
// default is the strict one, so that a forgotten variable never weakens anything.
type Base struct {
	AppEnv string `env:"APP_ENV" envDefault:"production" example:"production" help:"where this runs: development, test or production; samples and development secrets are refused outside development"`
}

// Development tells whether this is somebody's own machine.
func (b Base) Development() bool { return b.AppEnv == Development }

// Validate refuses an unknown kind of environment.
func (b Base) Validate() []Fault {
	if slices.Contains([]string{Development, Test, Production}, b.AppEnv) {
		return nil
	}
	return []Fault{{Name: "APP_ENV", Problem: "is not development, test or production", Example: Production}}
}
