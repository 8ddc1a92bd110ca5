package httpapi

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestUnchanged(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]uintptr{
		"00400000-01777000 r-xp 00000000 fe:00 99    /srv/auth\n":           0x1377000,
		"01777000-02c71000 r--p 0137d000 fe:00 99    /srv/auth\n":           0x14fa000,
		"02c71000-02d2f000 rw-p 02871000 fe:00 99    /srv/auth\n":           0, // its own copy
		"7f0000000000-7f0000001000 r-xp 00000000 fe:00 99 /lib/other.so\n":  0,
		"7f0000000000-7f0000001000 r-xp 00000000 fe:00 99 /old/srv/auth2\n": 0,
		"7f0000002000-7f0000003000 r-xp 00000000 00:00 0  [vdso]\n":         0,
		"7f0000004000-7f0000005000 r--p 00000000 00:00 0\n":                 0,
		"02c71000 r--p 0137d000 fe:00 99 /srv/auth\n":                       0,
		"": 0,
	} {
		if _, size, ok := unchanged(line, "/srv/auth"); ok != (want > 0) || ok && size != want {
			t.Errorf("%q: %#x, %v, want %#x", line, size, ok, want)
		}
	}
}

// filePages is how much of the program's file is mapped, in KiB.
func filePages(t *testing.T) int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "RssFile:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		t.Skip("the kernel does not tell")
	}
	pages, err := strconv.Atoi(fields[0])
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

func TestForgetProgram(t *testing.T) {
	before := filePages(t)
	forgetProgram()
	if after := filePages(t); after >= before {
		t.Errorf("%d KiB of the file are mapped, were %d", after, before)
	}
}
