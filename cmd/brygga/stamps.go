package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"brygga/audit/sink"
	"brygga/audit/tree"
	"brygga/bankid/bankidsim"
	"brygga/cmd/brygga/config"
	"brygga/evidence/archive"
)

// newStamps returns what has evidence stamped, as a sink of the audit log, or nil when nobody is asked for stamps. It begins with the first event of the log: what
// was kept before an authority was named is stamped with the time at which it was.
func (s *server) newStamps(process string) (*sink.Sink, error) {
	authority := s.stamps
	if t := &s.config.Evidence.Timestamp; authority == nil && t.Used() {
		made, err := newStampAuthority(t, s.now)
		if err != nil {
			return nil, fail(exitUsage, "look at evidence.timestamp of the configuration", "%w", err)
		}
		authority = func() (*archive.Authority, error) { return made, nil }
	}
	if authority == nil {
		return nil, nil
	}
	return s.addSink(sink.Options{Name: config.StampSink, Process: process, Wants: archive.Wants, FromStart: true, Receiver: &lateStamper{s, authority}})
}

// lateStamper is an archive.Stamper whose authority is made when there is something to stamp.
type lateStamper struct {
	s         *server
	authority func() (*archive.Authority, error)
}

// Deliver has the records stamped that the events name.
func (l *lateStamper) Deliver(ctx context.Context, events []tree.Leaf) (int, error) {
	authority, err := l.authority()
	if err != nil {
		return 0, err
	}
	stamper := archive.Stamper{Store: l.s.store, Authority: authority, Log: l.s.log, Now: l.s.now}
	return stamper.Deliver(ctx, events)
}

// newStampAuthority returns the authority of the configuration.
func newStampAuthority(t *config.Timestamp, now func() time.Time) (*archive.Authority, error) {
	roots, err := certificates(t.RootFile)
	if err != nil {
		return nil, err
	}
	servers, err := certificates(t.CAFile)
	if err != nil {
		return nil, err
	}
	return &archive.Authority{URL: t.URL, Policy: t.Policy, Roots: roots, Client: stampClient(t, servers), Now: now}, nil
}

func stampClient(t *config.Timestamp, servers *x509.CertPool) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: servers}
	return &http.Client{
		Transport: transport, Timeout: t.Timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// lateStamps is the authority of a simulator, which makes its keys when it is first asked.
func lateStamps(sim *bankidsim.Simulator, url string, client *http.Client) func() (*archive.Authority, error) {
	return sync.OnceValues(func() (*archive.Authority, error) {
		text, err := sim.StampRootPEM()
		if err != nil {
			return nil, err
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(text) {
			return nil, errors.New("the simulator's authority has no root")
		}
		return &archive.Authority{URL: url, Roots: roots, Client: client, Now: sim.Now}, nil
	})
}

// inspectStamps looks at what evidence.timestamp names.
func inspectStamps(all *config.Config, f config.Findings) {
	t := &all.Evidence.Timestamp
	for key, file := range map[string]string{"root_file": t.RootFile, "ca_file": t.CAFile} {
		if _, err := certificates(file); err != nil && f.Sound("evidence.timestamp."+key) {
			f.Fault("evidence.timestamp."+key, err.Error(), "name a file with certificates in PEM")
		}
	}
}

// sinkList are the sinks of the configuration, and what has evidence stamped if there is an authority.
func (s *server) sinkList() []config.Sink {
	all := s.config.Audit.Sinks
	if s.stamps != nil || s.config.Evidence.Timestamp.Used() {
		all = append(slices.Clone(all), config.Sink{Name: config.StampSink, Kind: config.KindStamps, FromStart: true})
	}
	return all
}
