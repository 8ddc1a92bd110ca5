package keeper

import (
	"os"
	"syscall"
)

const (
	sharedMemory = "/dev/shm"
	tmpfsMagic   = 0x01021994
	enough       = 1 << 30 // containers often have 64 MB there
)

// FastDir is a folder in memory, if there is one with room, else the system's temporary folder.
func FastDir() string {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(sharedMemory, &fs); err != nil || fs.Type != tmpfsMagic || fs.Bavail*uint64(fs.Bsize) < enough {
		return os.TempDir()
	}
	return sharedMemory
}
