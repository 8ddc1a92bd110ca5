package state

import (
	"encoding/json"
	"os"
	"slices"
	"sync"

	"github.com/codex-platform/codex/pkg/testkit/parts"
)

// children is the list of running child processes, on disk.
type children struct {
	path string

	mu   sync.Mutex
	list []parts.Process
}

func (c *children) load() []parts.Process {
	var list []parts.Process
	raw, err := os.ReadFile(c.path)
	if err != nil || json.Unmarshal(raw, &list) != nil {
		return nil
	}
	return list
}

func (c *children) add(pid int) error {
	p, err := parts.Identify(pid)
	if err != nil {
		return nil // it has ended already, and who waits for it will say so
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, p)
	return c.save()
}

func (c *children) remove(pid int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = slices.DeleteFunc(c.list, func(p parts.Process) bool { return p.Pid == pid })
	return c.save()
}

func (c *children) clear() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = nil
	return c.save()
}

func (c *children) save() error {
	raw, err := json.Marshal(c.list)
	if err != nil {
		return err
	}
	return replace(c.path, raw)
}
