package config

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version and commit are set by the linker when an image is built:
//
//	-ldflags "-X github.com/codex-platform/codex/pkg/config.version=v1.2.3 -X ….commit=0123abc"
var version, commit string

// Version gives the version of this binary: the linker's, that of the main
// module, or "devel".
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

// Commit gives the commit that this binary was built from, or "unknown".
func Commit() string {
	if commit != "" {
		return commit
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}

func versionLine(program string) string {
	return fmt.Sprintf("%s %s (commit %s, %s)", program, Version(), Commit(), runtime.Version())
}
