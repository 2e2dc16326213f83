package main

import (
	"context"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"brygga/freeport"
)

// floorCommand as the only argument makes this program the server that answers with constant bytes: what the machine, its kernel and
// net/http cost by themselves.
const floorCommand = "constant-answers"

// serveConstant answers every request with the same few bytes until the process is ended.
func serveConstant(address string) error {
	return http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte("constant"))
	}))
}

// startConstant starts that server.
func (b *bench) startConstant(ctx context.Context) (*provider, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	address, err := freePort()
	if err != nil {
		return nil, err
	}
	p := &provider{name: constantBytes, browser: b.browser}
	p.metadata.Issuer = "http://" + address
	p.server, err = b.launch(ctx, address, self, floorCommand, address)
	return p, err
}

// paced returns the CPU microseconds of one request at about the rate at which logins make them.
func (p *provider) paced(ctx context.Context) (float64, error) {
	const visitors, visits = 100, 60
	cpu, err := p.using(func() error {
		return each(visitors, visitors, func(i int) error {
			time.Sleep(time.Duration(i) * time.Millisecond)
			for range visits {
				if _, err := p.get(ctx, p.metadata.Issuer, ""); err != nil {
					return err
				}
				time.Sleep(100 * time.Millisecond)
			}
			return nil
		})
	})
	return cpu / (visitors * visits) * 1e6, err
}

// freePort returns a loopback address that nobody listens on.
func freePort() (string, error) {
	port, err := freeport.Take()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), err
}
