package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"time"
)

// floorCommand as the only argument makes this program the server that floor measures.
const floorCommand = "constant-answers"

// serveConstant answers every request with the same few bytes until the process is ended.
func serveConstant(address string) error {
	return http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte("constant"))
	}))
}

// floors are CPU microseconds for one request: at about the rate of requests that the logins make, and by as many busy
// connections as the endpoints are measured with.
type floors struct{ paced, busy float64 }

// floor returns the CPU microseconds that a server which does nothing uses for one request: what this machine, kernel and net/http cost by themselves. The other figures are read against it.
func (b *bench) floor(ctx context.Context) (f floors, err error) {
	self, err := os.Executable()
	if err != nil {
		return f, err
	}
	address, err := freePort()
	if err != nil {
		return f, err
	}
	s := &server{Cmd: exec.CommandContext(ctx, self, floorCommand, address)}
	if err := s.Start(); err != nil {
		return f, err
	}
	defer func() {
		s.Process.Kill()
		s.Wait()
	}()
	for try := 0; ; try++ {
		if status, _ := b.get(ctx, "http://"+address); status == http.StatusOK {
			break
		}
		if try == 1000 {
			return f, fmt.Errorf("no answer from the constant server at %s", address)
		}
		time.Sleep(5 * time.Millisecond)
	}
	address = "http://" + address
	const visitors, visits = 100, 60
	paced, err := s.using(func() error {
		return each(visitors, visitors, func(i int) error {
			time.Sleep(time.Duration(i) * time.Millisecond)
			for range visits {
				if err := b.expect(b.get(ctx, address)); err != nil {
					return err
				}
				time.Sleep(100 * time.Millisecond)
			}
			return nil
		})
	})
	if err != nil {
		return f, err
	}
	busy, err := s.using(func() error {
		return each(calls, workers, func(int) error { return b.expect(b.get(ctx, address)) })
	})
	return floors{paced / (visitors * visits) * 1e6, busy / calls * 1e6}, err
}

// freePort returns a loopback address that nobody listens on just now.
func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}
