// Package freeport finds loopback ports for servers that tests start as processes of their own.
//
// A port that was listened on and let go may be anybody's before the server has it: the kernel gives it to an outgoing connection, another test
// asks for one at that moment. These are below those that the kernel gives away (from 32768 on), and each is handed out once, also beside other
// processes that use this package.
package freeport

import (
	"errors"
	"fmt"
	"net"
	"sync"
)

const (
	first, last = 10_000, 32_000
	block       = 400
)

var (
	mu        sync.Mutex
	next, end int
	// guards listen on the first port of each block that is this process's, and so keep it from others.
	guards []net.Listener
)

// Take returns a port that nobody listens on. It may be called concurrently.
func Take() (int, error) { return Row(1) }

// Row returns the first of n ports in a row, below 400, that nobody listens on. It may be called concurrently.
func Row(n int) (int, error) {
	mu.Lock()
	defer mu.Unlock()
	for {
		if next+n > end {
			if err := grow(); err != nil {
				return 0, err
			}
		}
		row := next
		next += n
		if free(row, n) {
			return row, nil
		}
	}
}

// grow takes the first block that no process has.
func grow() error {
	for port := first; port+block <= last; port += block {
		if guard, err := listen(port); err == nil {
			guards = append(guards, guard)
			next, end = port+1, port+block
			return nil
		}
	}
	return errors.New("freeport: every block of ports has its owner")
}

func free(row, n int) bool {
	for port := row; port < row+n; port++ {
		l, err := listen(port)
		if err != nil {
			return false
		}
		l.Close()
	}
	return true
}

func listen(port int) (net.Listener, error) {
	return net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
}
