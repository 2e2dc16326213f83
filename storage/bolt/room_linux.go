package bolt

import (
	"os"
	"syscall"
)

// allocate gives the file blocks on disk from offset on, and makes it as long as that.
func allocate(file *os.File, offset, length int64) error {
	return syscall.Fallocate(int(file.Fd()), 0, offset, length)
}
