package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"brygga/netid/netidsim"
	"brygga/templates"
	"brygga/web"
)

// cardOptions are what a simulated Net iD Access is made from.
type cardOptions struct {
	listen, app string
	// users is a file of people with cards; "" for those made up.
	users string
	// out is the directory for the certificates; "" for none.
	out string
	log *slog.Logger
	now func() time.Time
}

// cardService is a simulated Net iD Access that runs.
type cardService struct {
	sim              *netidsim.Simulator
	service, app     *http.Server
	serviceAt, appAt net.Listener
}

// newCardService makes one that listens, and does not serve yet.
func newCardService(ctx context.Context, o cardOptions) (c *cardService, err error) {
	if host, _, err := net.SplitHostPort(o.app); err != nil || !oneOf(host, "localhost", "127.0.0.1", "::1") {
		return nil, fail(exitUsage, "write it as 127.0.0.1:8084", "--netid-app-listen %q is not a loopback address: whoever reaches the app can be anyone", o.app)
	}
	host, _, err := net.SplitHostPort(o.listen)
	if err != nil {
		return nil, fail(exitUsage, "write it as 127.0.0.1:8085", "--netid-listen %q is not an address: %w", o.listen, err)
	}
	users, err := readCardUsers(o.users)
	if err != nil {
		return nil, err
	}
	c = &cardService{}
	c.sim, err = netidsim.New(netidsim.Options{
		Logger: o.log, Now: o.now, Users: users, Hosts: nonEmpty(host), StyleSheet: templates.Tokens(),
	})
	if err != nil {
		return nil, err
	}
	if c.serviceAt, err = listen(ctx, "--netid-listen", o.listen); err != nil {
		return nil, err
	}
	if c.appAt, err = listen(ctx, "--netid-app-listen", o.app); err != nil {
		return nil, errors.Join(err, c.serviceAt.Close())
	}
	c.service, c.app = c.sim.Server(), c.sim.AppServer()
	c.app.Handler = web.GuardHost(c.app.Handler) // under names of this machine alone, as whoever reaches it can be anyone
	if err := c.writeCertificates(o.out); err != nil {
		return nil, errors.Join(err, c.serviceAt.Close(), c.appAt.Close())
	}
	return c, nil
}

func readCardUsers(path string) ([]netidsim.User, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return netidsim.ReadUsers(file)
}

// writeCertificates writes what a caller needs beside what one of BankID does.
func (c *cardService) writeCertificates(dir string) error {
	if dir == "" {
		return nil
	}
	client := c.sim.ClientCertificate()
	return writeFiles(dir, []pemFile{
		{"netid-ca.pem", c.sim.ServerRootPEM()}, {"netid-issuer.pem", c.sim.IssuerPEM()}, {"netid-mobile-issuer.pem", c.sim.MobileIssuerPEM()}, {"netid-client.pem", client.CertPEM}, {"netid-client-key.pem", client.KeyPEM},
	})
}

// banner tells what runs where.
func (c *cardService) banner(w io.Writer, out string) {
	fmt.Fprintf(w, `
Net iD Access simulator. Nobody is really identified.

  Web service     https://%s%s   (?WSDL)
  Card app        http://%s/
`, c.serviceAt.Addr(), netidsim.ServicePath, c.appAt.Addr())
	if out != "" {
		fmt.Fprintf(w, "  Certificates    %s, netid-issuer.pem, netid-mobile-issuer.pem, netid-client.pem, netid-client-key.pem\n", filepath.Join(out, "netid-ca.pem"))
	}
}

// serve serves until ctx is done or a listener fails.
func (c *cardService) serve(ctx context.Context) error {
	return serveAll(ctx, []serving{
		{c.service, func() error { return c.service.ServeTLS(c.serviceAt, "", "") }},
		{c.app, func() error { return c.app.Serve(c.appAt) }},
	})
}

// serving is a server with what makes it serve.
type serving struct {
	server *http.Server
	serve  func() error
}

// serveAll serves until ctx is done or one of the servers fails, and then shuts all of them down.
func serveAll(ctx context.Context, all []serving) error {
	ended := make(chan error, len(all))
	servers := make([]*http.Server, len(all))
	for i, s := range all {
		servers[i] = s.server
		go func() { ended <- s.serve() }()
	}
	left := len(all)
	var err error
	select {
	case <-ctx.Done():
	case err = <-ended:
		left--
	}
	err = errors.Join(err, shutdown(context.WithoutCancel(ctx), servers...))
	for range left {
		if e := <-ended; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}
