package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"brygga/admin"
	"brygga/audit"
	"brygga/audit/sink"
	"brygga/cmd/brygga/config"
	"brygga/outbound"
	"brygga/storage"
	"brygga/webhook"
)

// newSinks returns what hands audit events over.
func (s *server) newSinks() (all []*sink.Sink, err error) {
	process := rand.Text()
	for _, c := range s.config.Audit.Sinks {
		receiver, err := newReceiver(c, s.outbound, s.now)
		if err != nil {
			return nil, err
		}
		if hooks, ok := receiver.(*sink.Hooks); ok {
			hooks.Traceparent = s.tracer.Traceparent
		}
		wants, unknown := audit.Select(c.Events)
		if unknown != "" {
			return nil, fail(exitUsage, "see docs/events.md", "audit sink %s: %q stands for no event", c.Name, unknown)
		}
		made, err := s.addSink(sink.Options{Wants: wants, Name: c.Name, Process: process, Receiver: receiver, FromStart: c.FromStart})
		if err != nil {
			return nil, err
		}
		all = append(all, made)
	}
	stamps, err := s.newStamps(process)
	if err != nil || stamps == nil {
		return all, err
	}
	return append(all, stamps), nil
}

// addSink returns a sink with its metrics.
func (s *server) addSink(o sink.Options) (*sink.Sink, error) {
	o.Log, o.Secrets, o.Logger, o.Now = s.tree.Tree, s.store, s.log, s.now
	o.Failed, o.Delivered = s.metrics.sinkErrs.WithLabelValues(o.Name).Inc, s.metrics.delivered(o.Name)
	made, err := sink.New(o)
	if err != nil {
		return nil, err
	}
	s.metrics.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "brygga_audit_sink_behind_events", Help: "Signed audit events that a sink has not got yet; the same on all processes that share a store.", ConstLabels: prometheus.Labels{"sink": o.Name},
	}, func() float64 { return float64(made.Behind()) }))
	return made, nil
}

// newReceiver returns where the sink leads.
func newReceiver(c config.Sink, calls *outbound.Caller, now func() time.Time) (sink.Receiver, error) {
	var line audit.Line
	if c.Format == "cef" {
		line = audit.CEF(buildVersion())
	}
	switch c.Kind {
	case config.KindFile:
		return &sink.File{Path: c.Path, MaxBytes: int64(c.MaxMiB) << 20, Keep: c.Keep, Line: line}, nil
	case config.KindWebhook:
		keys, err := webhook.ParseSecret(c.Secret)
		return &sink.Webhook{URL: c.URL, Outbound: calls, Keys: keys, Now: now}, err
	case config.KindHooks:
		keys, err := webhook.ParseSecret(c.Secret)
		return &sink.Hooks{Webhook: sink.Webhook{URL: c.URL, Outbound: calls, Keys: keys, Now: now}}, err
	}
	host, _ := os.Hostname() // a message without it is one, too
	syslog := &sink.Syslog{Address: c.Address, Host: host, Line: line}
	if c.Protocol == "tcp" {
		return syslog, nil
	}
	roots, err := certificates(c.RootCAFile)
	if err != nil {
		return nil, fail(exitUsage, "name a file with certificates in PEM", "audit sink %s: root_ca_file: %w", c.Name, err)
	}
	syslog.TLS = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	if c.CertificateFile != "" {
		syslog.TLS.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(c.CertificateFile, c.KeyFile)
			return &pair, err
		}
	}
	return syslog, nil
}

// inspectSinks looks at what sinks name.
func inspectSinks(all *config.Config, f config.Findings) {
	for i, c := range all.Audit.Sinks {
		key := fmt.Sprintf("audit.sinks[%d].", i)
		if info, err := os.Stat(filepath.Dir(c.Path)); c.Kind == config.KindFile && f.Sound(key+"path") && (err != nil || !info.IsDir()) {
			f.Fault(key+"path", "lies in no directory that is there", "make the directory, and let the server's user write to it")
		}
		if _, err := certificates(c.RootCAFile); err != nil && f.Sound(key+"root_ca_file") {
			f.Fault(key+"root_ca_file", err.Error(), "name a file with certificates in PEM")
		}
		if c.CertificateFile == "" || !f.Sound(key+"certificate_file") || !f.Sound(key+"key_file") {
			continue
		}
		if _, err := tls.LoadX509KeyPair(c.CertificateFile, c.KeyFile); err != nil {
			f.Fault(key+"certificate_file", err.Error(), "name a certificate and its key in PEM")
		}
	}
}

func newAuditSinks(h *host, where *whereFlags) *cobra.Command {
	var output, forget string
	cmd := &cobra.Command{
		Use: "sinks", Short: "List the sinks, and how many events wait for each", Args: cobra.NoArgs,
		Long: "List where audit events are handed over to, as audit.sinks of the configuration says, and how many signed events each has not got yet. Who begins\n" +
			"here for the first time is behind by nothing, or by the whole log when from_start is set. A sink that the configuration has no more is removed:\n" +
			"if it comes back it goes on from where it was, unless --forget makes it a new one.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			return withOperations(cmd, h, where, func(ctx context.Context, s operations) error {
				if forget != "" {
					return forgotten(forget, s.ForgetSink(ctx, forget))
				}
				views, err := s.Sinks(ctx)
				if err != nil {
					return tampered(err)
				}
				if output == "json" {
					return writeJSON(h.out, views)
				}
				if len(views) == 0 {
					_, err := fmt.Fprintln(h.out, "audit events are handed over to nobody: the configuration has no audit.sinks")
					return err
				}
				rows := [][]string{{"NAME", "KIND", "BEHIND"}}
				for _, v := range views {
					rows = append(rows, []string{v.Name, v.Kind, strconv.FormatInt(v.Behind, 10)})
				}
				return table(h.out, rows...)
			})
		},
	}
	outputFlag(cmd, &output)
	cmd.Flags().StringVar(&forget, "forget", "", "forget how far the removed sink of that `name` has come")
	return cmd
}

// forgotten gives the errors of forgetting a sink their remedies.
func forgotten(name string, err error) error {
	switch {
	case errors.Is(err, admin.ErrSinkUsed):
		return fail(exitConflict, "remove it from audit.sinks first, on all servers", "the sink %q is in use", cut(name))
	case errors.Is(err, storage.ErrNotFound):
		return fail(exitNotFound, "\"brygga audit sinks\" lists those that are known", "there is no sink %q", cut(name))
	case errors.Is(err, storage.ErrConflict):
		return fail(exitConflict, "remove it from audit.sinks there and wait half a minute", "a server delivers to the sink %q", cut(name))
	}
	return err
}

// sinks are those of an installation.
type sinks struct{ o *operator }

// ForgetSink makes a sink that the configuration has no more a new one; see admin.Sinks.
func (s sinks) ForgetSink(ctx context.Context, name string) error {
	if slices.ContainsFunc(s.o.sinks, func(c config.Sink) bool { return c.Name == name }) {
		return admin.ErrSinkUsed
	}
	return sink.Forget(ctx, s.o.store, name, s.o.now().UTC())
}

// Sinks returns the sinks of the configuration, and those that were there before.
func (s sinks) Sinks(ctx context.Context) ([]admin.Sink, error) {
	views := []admin.Sink{}
	all := slices.Clone(s.o.sinks)
	known, err := sink.Names(ctx, s.o.store)
	for _, name := range known {
		if !slices.ContainsFunc(all, func(c config.Sink) bool { return c.Name == name }) {
			all = append(all, config.Sink{Name: name, Kind: admin.RemovedSink})
		}
	}
	if len(all) == 0 || err != nil {
		return views, err
	}
	log, err := s.o.tree(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		behind, err := sink.Backlog(ctx, s.o.store, log, c.Name, c.FromStart)
		if err != nil {
			return nil, err
		}
		views = append(views, admin.Sink{Name: c.Name, Kind: c.Kind, Behind: behind})
	}
	return views, nil
}
