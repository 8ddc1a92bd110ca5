package e2e_test

import (
	"os"
	"testing"

	"github.com/codex-platform/codex/deploy/e2e/stack"
)

func TestMain(m *testing.M) { os.Exit(stack.Run(m)) }
