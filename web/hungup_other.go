//go:build !unix

package web

import "net"

// hungUp cannot tell here: a stream whose browser has gone ends when its writes fail.
func hungUp(net.Conn) bool { return false }
