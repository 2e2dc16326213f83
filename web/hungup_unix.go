//go:build unix

package web

import (
	"net"
	"syscall"
)

// hungUp reports whether the other side of a connection has closed it, or has sent anything: on the connection of a stream, which has
// nothing more to ask, that is how TLS says the same.
func hungUp(conn net.Conn) bool {
	if over, ok := conn.(interface{ NetConn() net.Conn }); ok { // TLS
		conn = over.NetConn()
	}
	under, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := under.SyscallConn()
	if err != nil {
		return true
	}
	silent := false
	err = raw.Read(func(fd uintptr) bool {
		var one [1]byte
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		silent = err == syscall.EAGAIN || err == syscall.EINTR
		return true
	})
	return err != nil || !silent
}
