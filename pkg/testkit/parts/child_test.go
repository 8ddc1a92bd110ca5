package parts_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/codex-platform/codex/pkg/testkit/parts"
)

// shell runs a script and returns when it has printed "ready".
func shell(t *testing.T, script string, grace time.Duration) *parts.Child {
	t.Helper()
	r, w := io.Pipe()
	c, err := parts.Start(parts.Spec{Name: "script", Path: "/bin/sh", Args: []string{"-c", script}, Output: w, Grace: grace})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Kill)
	lines := bufio.NewScanner(r)
	for lines.Scan() && lines.Text() != "ready" {
	}
	go io.Copy(io.Discard, r)
	return c
}

func TestStop_letsTheProgramEndInOrder(t *testing.T) {
	t.Parallel()
	c := shell(t, "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done", 10*time.Second)

	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(c.LastLines(), "bye") {
		t.Errorf("last lines: %q", c.LastLines())
	}
}

func TestStop_killsTheWholeGroupOfAProgramThatDoesNot(t *testing.T) {
	t.Parallel()
	c := shell(t, "trap '' TERM; sleep 600 & echo $!; echo ready; wait; sleep 600", 50*time.Millisecond)

	first, _, _ := strings.Cut(c.LastLines(), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	grandchild, err := parts.Identify(pid)
	if err != nil {
		t.Fatal(err)
	}

	if err := c.Stop(); err == nil {
		t.Error("no error says that it was killed")
	}
	waitGone(t, grandchild)
}

func TestErr_tellsTheLastLines(t *testing.T) {
	t.Parallel()
	c := shell(t, "echo ready; echo out of cheese; exit 3", time.Second)

	if err := c.Err(); !strings.Contains(err.Error(), "out of cheese") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("got %v", err)
	}
}

// asParent makes TestHelperParent a program that starts a child and prints its process id.
const asParent = "CODEX_PARTS_TEST_PARENT"

// TestHelperParent is no test of its own.
func TestHelperParent(t *testing.T) {
	if os.Getenv(asParent) == "" {
		return
	}
	c, err := parts.Start(parts.Spec{Name: "sleep", Path: "/bin/sleep", Args: []string{"600"}})
	if err != nil {
		t.Fatal(err)
	}
	os.Stdout.WriteString(strconv.Itoa(c.Pid()) + "\n")
	<-c.Done()
}

func TestChild_diesWithAKilledParent(t *testing.T) {
	t.Parallel()
	if !parts.ParentDeathSignal {
		t.Logf("this system has no parent-death signal: the launcher's next start ends what is left")
		return
	}
	parent := exec.Command(os.Args[0], "-test.run=^TestHelperParent$")
	parent.Env = append(os.Environ(), asParent+"=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	child, err := parts.Identify(pid)
	if err != nil {
		t.Fatal(err)
	}

	parent.Process.Kill()
	parent.Wait()

	waitGone(t, child)
}

func waitGone(t *testing.T, p parts.Process) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); p.Alive(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%s (pid %d) still runs", p.Name, p.Pid)
		}
	}
}
