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
	var issuerChanged bool
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the server", Args: cobra.NoArgs,
		Long: "Run the server until SIGINT or SIGTERM. It then finishes the requests under way and ends with code 0; a second signal\n" +
			"ends it at once. Logins that are under way go on after the next start. systemd is told when the server is ready\n" +
			"(Type=notify or notify-reload).\n\n" +
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
			out := newLogs(h, c.Log)
			slog.SetDefault(out.log) // libraries log there
			tuneMemory(h, out.log)
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			return serve(ctx, serverOptions{config: c, dressed: looks, logs: out, hangUp: hangUp, read: read, now: time.Now,
				issuerChanged: issuerChanged, starter: currentUser(h), out: h.out, manager: newServiceManager(h, out.log)})
		},
	}
	cmd.Flags().StringVar(&file, "config", variable(h, "BRYGGA_CONFIG"), "configuration `file` (or BRYGGA_CONFIG)")
	cmd.Flags().BoolVar(&issuerChanged, "issuer-changed", false, "start with another issuer than before: apps must be told of it")
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
	if o.netid, err = netIDFrom(c); err != nil {
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

// logs are where a server writes: to standard error, all of them.
type logs struct {
	log *slog.Logger
	// level is the least level that log writes.
	level *slog.LevelVar
	// events writes at every level: it is for lines of the audit log, of which none may be missing.
	events *slog.Logger
}

// newLogs returns the logs of the configuration, which is checked already.
func newLogs(h *host, c config.Log) logs {
	level := new(slog.LevelVar)
	level.Set(logLevel(c.Level))
	all := &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: withUnits}
	var to slog.Handler = slog.NewJSONHandler(h.err, all)
	if c.Format == "text" {
		to = slog.NewTextHandler(h.err, all)
	}
	to = web.WithRequestID(to)
	return logs{slog.New(leveled{to, level}), level, slog.New(to)}
}

// withUnits writes lengths of time with their unit, which slog's JSON leaves out.
func withUnits(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

// leveled passes on lines from a level on.
type leveled struct {
	slog.Handler
	level slog.Leveler
}

// Enabled reports whether lines of that level are passed on.
func (l leveled) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= l.level.Level() && l.Handler.Enabled(ctx, level)
}

// WithAttrs keeps the level.
func (l leveled) WithAttrs(attrs []slog.Attr) slog.Handler {
	return leveled{l.Handler.WithAttrs(attrs), l.level}
}

// WithGroup keeps the level.
func (l leveled) WithGroup(name string) slog.Handler {
	return leveled{l.Handler.WithGroup(name), l.level}
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
