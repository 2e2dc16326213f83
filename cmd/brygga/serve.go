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
			"ends it at once. Logins that are under way go on after the next start.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file == "" {
				return fail(exitUsage, "give --config FILE; \"brygga config init\" writes one", "no configuration")
			}
			c, looks, err := loadChecked(file, h.environ, time.Now)
			if err != nil {
				return err
			}
			log := newLogger(h, c.Log)
			slog.SetDefault(log) // libraries log there
			tuneMemory(h, log)
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			return serve(ctx, c, looks, log)
		},
	}
	cmd.Flags().StringVar(&file, "config", variable(h, "BRYGGA_CONFIG"), "configuration `file` (or BRYGGA_CONFIG)")
	return cmd
}

// serve listens, builds a server from the configuration and runs it until ctx is done.
func serve(ctx context.Context, c *config.Config, looks *looks, log *slog.Logger) error {
	for _, warning := range c.Warnings() {
		log.WarnContext(ctx, "configuration", "warning", warning)
	}
	verifier, err := newVerifier(&c.BankID, time.Now)
	if err != nil {
		return err
	}
	on, err := listenAll(ctx, c, log)
	if err != nil {
		return err
	}
	s, err := newServer(ctx, serverOptions{
		config: c, looks: looks, bankid: c.BankID.Options(), phone: bankid.Form(c.BankID.PhoneURL), certificates: c.BankID.Sources(), verifier: verifier,
		log: log, now: time.Now,
	})
	if err != nil {
		on.close()
		return err
	}
	return s.run(ctx, on)
}

// listenAll listens where the configuration says.
func listenAll(ctx context.Context, c *config.Config, log *slog.Logger) (listeners, error) {
	public, err := listen(ctx, "listen", c.Listen)
	if err != nil {
		return listeners{}, err
	}
	on := listeners{public: []net.Listener{public}}
	if c.TLS.CertificateFile != "" {
		files, err := newCertificateFiles(c.TLS.CertificateFile, c.TLS.KeyFile, log)
		if err != nil {
			on.close()
			return listeners{}, err
		}
		on.public[0] = files.listener(public)
	}
	admin, err := listen(ctx, "admin_listen", c.AdminListen)
	if err != nil {
		on.close()
		return listeners{}, err
	}
	on.admin = []net.Listener{admin}
	return on, nil
}

// newLogger returns the logger for the configuration, which is checked already.
func newLogger(h *host, c config.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if c.Format == "text" {
		return slog.New(web.WithRequestID(slog.NewTextHandler(h.err, options)))
	}
	return slog.New(web.WithRequestID(slog.NewJSONHandler(h.err, options)))
}

// untilSignal returns a context that ends at the first SIGINT or SIGTERM. The second ends the process at once.
func untilSignal(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
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
