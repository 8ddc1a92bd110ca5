package httpapi

import (
	"testing"
	"testing/fstest"
)

func TestMemoryLimit_isTheSmallestOfTheGroups(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"no groups": {nil, 0},
		"version 2, in a container": {map[string]string{
			"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "134217728\n"}, 128 << 20},
		"version 2, outside": {map[string]string{
			"proc/self/cgroup": "0::/system.slice/codex.service\n", "sys/fs/cgroup/memory.max": "max\n",
			"sys/fs/cgroup/system.slice/codex.service/memory.max": "67108864\n"}, 64 << 20},
		"version 2, none": {map[string]string{
			"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"}, 0},
		"version 1": {map[string]string{
			"proc/self/cgroup": "5:memory:/pod/one\n4:cpu:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
			"sys/fs/cgroup/memory/pod/one/memory.limit_in_bytes": "268435456\n"}, 256 << 20},
		"version 1, none": {map[string]string{
			"proc/self/cgroup": "5:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, 0},
		"a path that leads out": {map[string]string{
			"proc/self/cgroup": "0::/../../..\n", "sys/fs/cgroup/memory.max": "junk\n"}, 0},
	} {
		root := fstest.MapFS{}
		for file, content := range tc.files {
			root[file] = &fstest.MapFile{Data: []byte(content)}
		}
		if got := memoryLimit(root); got != tc.want {
			t.Errorf("%s: %d, want %d", name, got, tc.want)
		}
	}
}

func TestConnectionsFor_followsTheMemory(t *testing.T) {
	t.Parallel()
	for limit, want := range map[int64]int{0: 16384, 128 << 20: 4096, 64 << 30: 16384, 1 << 20: 64} {
		if got := connectionsFor(limit); got != want {
			t.Errorf("%d bytes: %d connections, want %d", limit, got, want)
		}
	}
}
