// Command words has a setting of a type of its own.
package main

import (
	"errors"
	"fmt"

	"github.com/codex-platform/codex/pkg/config"
)

type size string

// UnmarshalText takes nothing.
func (size) UnmarshalText([]byte) error { return errors.New("not small or whole") }

func main() {
	_, err := config.Load[struct {
		Size size `env:"SIZE"`
	}]([]string{"SIZE=big"})
	fmt.Println(err)
}
