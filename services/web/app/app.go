// Package app holds the built web app, as part of the program. The sources beside
// this file become build/ by `make web`; without that, build/ holds nothing to
// serve and the program says so.
package app

import (
	"embed"
	"io/fs"
)

// The folder must exist when Go compiles, hence build/.gitkeep in the repository.
//
//go:embed all:build
var built embed.FS

// Files gives what `make web` has built.
func Files() (fs.FS, error) { return fs.Sub(built, "build") }
