package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
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

// floor returns the CPU microseconds that a server which does nothing uses for one request, at about the rate of requests
// that the logins make: what this machine, kernel and net/http cost by themselves. The other figures are read against it.
func (b *bench) floor(ctx context.Context) (float64, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	address, err := freePort()
	if err != nil {
		return 0, err
	}
	s := &server{Cmd: exec.CommandContext(ctx, self, floorCommand, address)}
	if err := s.Start(); err != nil {
		return 0, err
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
			return 0, fmt.Errorf("no answer from the constant server at %s", address)
		}
		time.Sleep(5 * time.Millisecond)
	}
	const workers, each = 100, 60
	before, err := s.cpu()
	if err != nil {
		return 0, err
	}
	var group sync.WaitGroup
	for i := range workers {
		group.Go(func() {
			time.Sleep(time.Duration(i) * time.Millisecond)
			for range each {
				b.get(ctx, "http://"+address)
				time.Sleep(100 * time.Millisecond)
			}
		})
	}
	group.Wait()
	after, err := s.cpu()
	return (after - before) / (workers * each) * 1e6, err
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
