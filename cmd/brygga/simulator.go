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
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"brygga/bankid/bankidsim"
	"brygga/cmd/brygga/config"
	"brygga/templates"
	"brygga/web"
)

// simulatorOptions are what a simulator of its own is made from.
type simulatorOptions struct {
	listen, phone, out string
	rsa                bool
	chaos              *bankidsim.Chaos
	log                *slog.Logger
	netid              bool // run a Net iD Access too
	cards              cardOptions
}

func newSimulatorCommand(h *host) *cobra.Command {
	var o simulatorOptions
	var calm bool
	cmd := &cobra.Command{
		Use: "simulator", Short: "Run a simulated BankID for any relying party", Args: cobra.NoArgs,
		Long: "Run a simulated BankID: the Relying Party API over mutual TLS, and a virtual phone with a control API for scripts. The\n" +
			"certificates that a relying party needs are made at each start and written to the directory that --out names.\n\n" +
			"With --netid it runs a simulated Net iD Access too: its SOAP web service, and a virtual card app.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !calm {
				o.chaos = bankidsim.MildChaos()
			}
			o.log = newLogs(h, config.Log{Level: "warn", Format: "text"}).log
			ctx, stop := untilSignal(cmd.Context(), syscall.SIGHUP)
			defer stop()
			return runSimulator(ctx, o, h.out)
		},
	}
	cmd.Flags().StringVar(&o.listen, "listen", "127.0.0.1:8083", "`address` of the BankID API")
	cmd.Flags().StringVar(&o.phone, "phone-listen", "127.0.0.1:8082", "`address` of the virtual phone, on loopback")
	cmd.Flags().StringVar(&o.out, "out", "brygga-simulator", "`directory` for the certificates")
	cmd.Flags().BoolVar(&o.rsa, "rsa", false, "a client certificate with an RSA key, as banks issue them")
	cmd.Flags().BoolVar(&calm, "no-chaos", false, "a BankID without delays and surprises")
	cmd.Flags().BoolVar(&o.netid, "netid", false, "a Net iD Access too")
	cmd.Flags().StringVar(&o.cards.listen, "netid-listen", "127.0.0.1:8085", "`address` of the web service of Net iD Access")
	cmd.Flags().StringVar(&o.cards.app, "netid-app-listen", "127.0.0.1:8084", "`address` of the virtual card app, on loopback")
	cmd.Flags().StringVar(&o.cards.users, "netid-users", "", "`file` with people who have cards, as JSON")
	return cmd
}

// runSimulator runs a simulator until ctx is done.
func runSimulator(ctx context.Context, o simulatorOptions, w io.Writer) error {
	if host, _, err := net.SplitHostPort(o.phone); err != nil || !oneOf(host, "localhost", "127.0.0.1", "::1") {
		return fail(exitUsage, "write it as 127.0.0.1:8082", "--phone-listen %q is not a loopback address: whoever reaches the phone can be anyone", o.phone)
	}
	host, _, err := net.SplitHostPort(o.listen)
	if err != nil {
		return fail(exitUsage, "write it as 127.0.0.1:8083", "--listen %q is not an address: %w", o.listen, err)
	}
	sim, err := bankidsim.New(bankidsim.Options{
		Logger: o.log, Chaos: o.chaos, RSA: o.rsa, Hosts: nonEmpty(host), StyleSheet: templates.Tokens(), Icon: templates.Mark(),
	})
	if err != nil {
		return err
	}
	defer sim.Close()
	api, err := listen(ctx, "--listen", o.listen)
	if err != nil {
		return err
	}
	phone, err := listen(ctx, "--phone-listen", o.phone)
	if err != nil {
		return errors.Join(err, api.Close())
	}
	if err := writeCertificates(sim, o.out); err != nil {
		return errors.Join(err, api.Close(), phone.Close())
	}
	fmt.Fprintf(w, `BankID simulator. Nobody is really identified.

  BankID API      https://%s/rp/v6.0
  Virtual phone   http://%s/
  Certificates    %s

For brygga serve:
  bankid:
    environment: custom
    url: https://%s/rp/v6.0
    phone_url: http://%s/
    root_ca_file: %s
    signature_root_file: %s
    certificate_file: %s
    key_file: %s

Ctrl-C ends it.
`, api.Addr(), phone.Addr(), o.out, api.Addr(), phone.Addr(),
		filepath.Join(o.out, "ca.pem"), filepath.Join(o.out, "signature-root.pem"), filepath.Join(o.out, "client.pem"), filepath.Join(o.out, "client-key.pem"))
	if !o.netid {
		return serveSimulator(ctx, sim, api, phone)
	}
	return withCards(ctx, o, w, func(ctx context.Context) error { return serveSimulator(ctx, sim, api, phone) }, api, phone)
}

// withCards runs a Net iD Access beside what serve does; either ends the other. The listeners are closed when it cannot be started.
func withCards(ctx context.Context, o simulatorOptions, w io.Writer, serve func(context.Context) error, open ...io.Closer) error {
	o.cards.out, o.cards.log = o.out, o.log
	cards, err := newCardService(ctx, o.cards)
	if err != nil {
		for _, listener := range open {
			err = errors.Join(err, listener.Close())
		}
		return err
	}
	cards.banner(w, o.out)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() {
		defer stop()
		ended <- cards.serve(ctx)
	}()
	err = serve(ctx)
	stop()
	return errors.Join(err, <-ended)
}

// serveSimulator serves until ctx is done or a listener fails.
func serveSimulator(ctx context.Context, sim *bankidsim.Simulator, api, phone net.Listener) error {
	apiServer, phoneServer := sim.APIServer(), newPhoneServer(sim)
	return serveAll(ctx, []serving{
		{apiServer, func() error { return apiServer.ServeTLS(api, "", "") }},
		{phoneServer, func() error { return phoneServer.Serve(phone) }},
	})
}

// newPhoneServer returns what serves the virtual phone: under names of this machine alone, as whoever reaches it can be anyone.
func newPhoneServer(sim *bankidsim.Simulator) *http.Server {
	server := sim.PhoneServer()
	server.Handler = web.GuardHost(server.Handler)
	return server
}

func nonEmpty(host string) []string {
	if host == "" {
		return nil
	}
	return []string{host}
}

// writeCertificates writes what a relying party needs: the roots to pin, and a certificate with its key.
func writeCertificates(sim *bankidsim.Simulator, dir string) error {
	certificate := sim.ClientCertificate()
	signatures, err := sim.SignatureRootPEM()
	if err != nil {
		return err
	}
	return writeFiles(dir, []pemFile{
		{"ca.pem", sim.ServerRootPEM()}, {"signature-root.pem", signatures}, {"client.pem", certificate.CertPEM}, {"client-key.pem", certificate.KeyPEM},
	})
}

// pemFile is a file of certificates.
type pemFile struct {
	name string
	text []byte
}

// writeFiles writes files into a directory, in their order: who has waited for the last finds all of them.
func writeFiles(dir string, files []pemFile) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, file := range files {
		path := filepath.Join(dir, file.name)
		// Under a name of its own first, so that nobody reads half a file, and the mode is right from the start.
		fresh := fmt.Sprintf("%s.%d", path, time.Now().UnixNano())
		if err := writeNew(fresh, string(file.text)); err != nil {
			return err
		}
		if err := os.Rename(fresh, path); err != nil {
			return err
		}
	}
	return nil
}
