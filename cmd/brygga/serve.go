package main

import (
	"context"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"brygga/bankid"
	"brygga/cmd/brygga/config"
	"brygga/web"
)

func newServeCommand(h *host) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the server", Args: cobra.NoArgs,
		Long: "Run the server until SIGINT or SIGTERM. It then finishes the requests under way and ends with code 0; a second signal\n" +
			"ends it at once. Logins that are under way go on after the next start.\n\n" +
			"SIGHUP has it read the configuration and its files again: clients, the section page, the level of the log and certificates are\n" +
			"taken over, the log says what else waits for a restart, and a configuration that is wrong changes nothing.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file == "" {
				return fail(exitUsage, "give --config FILE; \"brygga config init\" writes one", "no configuration")
			}
			// What comes before the server can read again is kept until it can.
			hangUp := make(chan os.Signal, 1)
			signal.Notify(hangUp, syscall.SIGHUP)
			defer signal.Stop(hangUp)
			read := func() (*config.Config, *looks, error) { return loadChecked(file, h.environ, time.Now) }
			c, looks, err := read()
			if err != nil {
				return err
			}
			log, level := newLogger(h, c.Log)
			slog.SetDefault(log) // libraries log there
			tuneMemory(h, log)
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			return serve(ctx, serverOptions{config: c, dressed: looks, log: log, level: level, hangUp: hangUp, read: read, now: time.Now})
		},
	}
	cmd.Flags().StringVar(&file, "config", variable(h, "BRYGGA_CONFIG"), "configuration `file` (or BRYGGA_CONFIG)")
	return cmd
}

// serve listens, builds a server from the configuration and runs it until ctx is done.
func serve(ctx context.Context, o serverOptions) error {
	c, log := o.config, o.log
	for _, warning := range c.Warnings() {
		log.WarnContext(ctx, "configuration", "warning", warning)
	}
	var err error
	if o.verifier, err = newVerifier(&c.BankID, o.now); err != nil {
		return err
	}
	var on listeners
	on, o.listener, err = listenAll(ctx, c, log)
	if err != nil {
		return err
	}
	o.bankid, o.phone, o.certificates = c.BankID.Options(), bankid.Form(c.BankID.PhoneURL), c.BankID.Sources()
	s, err := newServer(ctx, o)
	if err != nil {
		on.close()
		return err
	}
	return s.run(ctx, on)
}

// listenAll listens where the configuration says. It returns the certificate of the public listener, if that has one.
func listenAll(ctx context.Context, c *config.Config, log *slog.Logger) (on listeners, files *certificateFiles, err error) {
	defer func() {
		if err != nil {
			on.close()
		}
	}()
	public, err := listen(ctx, "listen", c.Listen)
	if err != nil {
		return on, nil, err
	}
	on.public = []net.Listener{public}
	if c.TLS.CertificateFile != "" {
		if files, err = newCertificateFiles(c.TLS.CertificateFile, c.TLS.KeyFile, log); err != nil {
			return on, nil, err
		}
		on.public[0] = files.listener(public)
	}
	admin, err := listen(ctx, "admin_listen", c.AdminListen)
	if err != nil {
		return on, nil, err
	}
	on.admin = []net.Listener{admin}
	return on, files, nil
}

// newLogger returns the logger for the configuration, which is checked already, and what sets its level.
func newLogger(h *host, c config.Log) (*slog.Logger, *slog.LevelVar) {
	level := new(slog.LevelVar)
	level.Set(logLevel(c.Level))
	options := &slog.HandlerOptions{Level: level}
	if c.Format == "text" {
		return slog.New(web.WithRequestID(slog.NewTextHandler(h.err, options))), level
	}
	return slog.New(web.WithRequestID(slog.NewJSONHandler(h.err, options))), level
}

// logLevel returns the level of that name, which is checked already.
func logLevel(name string) (level slog.Level) {
	if err := level.UnmarshalText([]byte(name)); err != nil {
		return slog.LevelInfo
	}
	return level
}

// untilSignal returns a context that ends at the first SIGINT, SIGTERM or signal of more. The second ends the process at once.
func untilSignal(parent context.Context, more ...os.Signal) (ctx context.Context, stop func()) {
	more = append(more, os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, more...)
	done := make(chan struct{})
	go func() {
		select {
		case <-signals:
			cancel()
		case <-done:
			return
		}
		select {
		case <-signals:
			os.Exit(exitForced)
		case <-done:
		}
	}()
	return ctx, sync.OnceFunc(func() {
		signal.Stop(signals)
		close(done)
		cancel()
	})
}
