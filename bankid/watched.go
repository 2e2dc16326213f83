package bankid

import (
	"net"
	"syscall"
)

// watched is a connection of TCP that can be asked for what has come already.
type watched struct {
	net.Conn
	raw syscall.RawConn

	watching bool
	heard    bool // something has come since it is watched

	// What one look reads into and finds; look is made once, so that looking allocates nothing.
	into []byte
	n    int
	err  error
	look func(fd uintptr) bool
}

func newWatched(c *net.TCPConn) (*watched, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	w := &watched{Conn: c, raw: raw}
	w.look = func(fd uintptr) bool {
		w.n, w.err = readNow(fd, w.into)
		return true
	}
	return w, nil
}

// watch makes Read answer at once from then on, with os.ErrDeadlineExceeded when nothing has come, or ends that. It reports whether
// nothing came meanwhile.
func (w *watched) watch(on bool) (silent bool) {
	silent = !w.heard
	w.watching, w.heard = on, false
	return silent
}

// Read reads what comes next, or what is there already.
func (w *watched) Read(p []byte) (int, error) {
	if !w.watching {
		return w.Conn.Read(p)
	}
	w.into = p
	if err := w.raw.Read(w.look); err != nil {
		return 0, err
	}
	w.into = nil
	w.heard = w.heard || w.n > 0
	return w.n, w.err
}
