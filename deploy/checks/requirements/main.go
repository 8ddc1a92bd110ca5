// Command requirements writes which test proves which requirement: a
// REQUIREMENTS.md in the folder of whoever answers for a group of them.
//
// A test proves what its comment begins with, in Go and in the web app's tests
// alike:
//
//	// GW-02, GW-10: a service reads the request that was checked, or nothing.
//	func TestSmuggling(t *testing.T) {
//
// The requirements themselves stand in list.txt.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "requirements:", err)
		os.Exit(1)
	}
}

// run rewrites the tables of the repository in this folder.
func run(root string) error {
	tables, err := tablesOf(root)
	if err != nil {
		return err
	}
	for path, text := range tables {
		if err := os.WriteFile(filepath.Join(root, path), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
