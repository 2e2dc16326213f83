//go:build unix

package bankid

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// readNow reads what has come on a socket that does not block.
func readNow(fd uintptr, p []byte) (int, error) {
	n, err := syscall.Read(int(fd), p)
	for errors.Is(err, syscall.EINTR) {
		n, err = syscall.Read(int(fd), p)
	}
	switch {
	case errors.Is(err, syscall.EAGAIN):
		return 0, os.ErrDeadlineExceeded // which crypto/tls takes for no lasting fault
	case err != nil:
		return 0, os.NewSyscallError("read", err)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}
