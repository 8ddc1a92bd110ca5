//go:build !linux

package keeper

import "os"

// FastDir is the system's temporary folder.
func FastDir() string { return os.TempDir() }
