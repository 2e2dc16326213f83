package netidsim

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// Options configures a Simulator. The zero value will do.
type Options struct {
	Logger *slog.Logger     // nil means no logging
	Now    func() time.Time // nil means time.Now

	// Settings are how the service is set up; nil means DefaultSettings. They can be changed while it runs.
	Settings *Settings
	// AnyCaller lets callers in without a certificate, as servers for tests do. One that is shown is checked all the same.
	AnyCaller bool
	// Users are the people with cards; nil means three made-up ones.
	Users []User
	// Hosts are names and addresses of the service besides localhost, 127.0.0.1 and ::1.
	Hosts []string
	Chaos *Chaos
	// StyleSheet follows that of the app's page, and Icon is its icon as SVG, so that it can look like the pages around it.
	StyleSheet, Icon []byte
}

// Simulator is a Net iD Access Server in memory. All methods may be called concurrently.
type Simulator struct {
	log              *slog.Logger
	base             func() time.Time
	anyCaller        bool
	styleSheet, icon []byte

	pki    *pki
	client ClientCertificate

	mu      sync.Mutex // guards all below
	offset  time.Duration
	set     Settings
	orders  []*order
	users   []*User
	scripts map[string][]string
	callers map[string]registration
	chaos   Chaos
}

// New makes a simulator with fresh certificates and no orders. Errors mean a fault in the options or in the source of randomness.
func New(o Options) (*Simulator, error) {
	s := &Simulator{
		log: o.Logger, base: o.Now, anyCaller: o.AnyCaller, styleSheet: o.StyleSheet, icon: o.Icon, set: DefaultSettings(),
		scripts: map[string][]string{}, callers: map[string]registration{},
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.base == nil {
		s.base = time.Now
	}
	var err error
	if s.pki, err = newPKI(o.Hosts); err != nil {
		return nil, fmt.Errorf("netidsim: make certificates: %w", err)
	}
	if s.client, err = s.pki.newClient("Brygga (test)"); err != nil {
		return nil, fmt.Errorf("netidsim: make client certificate: %w", err)
	}
	return s, s.fill(o)
}

// fill adds settings, people and misbehaviour.
func (s *Simulator) fill(o Options) error {
	if o.Settings != nil {
		if err := s.SetSettings(*o.Settings); err != nil {
			return fmt.Errorf("netidsim: options: %w", err)
		}
	}
	if o.Users == nil {
		o.Users = testUsers()
	}
	for _, u := range o.Users {
		if _, err := s.AddUser(u); err != nil {
			return fmt.Errorf("netidsim: options: %w", err)
		}
	}
	if o.Chaos == nil {
		return nil
	}
	return s.SetChaos(*o.Chaos)
}

// now is the simulator's time. The caller holds the lock.
func (s *Simulator) now() time.Time { return s.base().Add(s.offset) }

// Now returns the simulator's time: the clock it was given plus what Advance added.
func (s *Simulator) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

// Advance moves the simulator's time forward by d, for all orders at once: a *Refusal when d is negative. Signatures keep the real time.
func (s *Simulator) Advance(d time.Duration) (time.Time, error) {
	if d < 0 {
		return time.Time{}, refuse(http.StatusBadRequest, "badRequest", "the clock only moves forward")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += d
	return s.now(), nil
}

// ServerRootPEM returns the root that a client pins for the service.
func (s *Simulator) ServerRootPEM() []byte { return s.pki.serverRoot.certPEM() }

// IssuerPEM returns the authority that issues people's cards.
func (s *Simulator) IssuerPEM() []byte { return s.pki.cards.ca.certPEM() }

// MobileIssuerPEM returns the authority that issues the certificates in phones, of people who are Mobile.
func (s *Simulator) MobileIssuerPEM() []byte { return s.pki.phones.ca.certPEM() }

// ClientCertificate returns the client certificate made by New.
func (s *Simulator) ClientCertificate() ClientCertificate { return s.client }

// IssueClientCertificate makes a certificate for one more caller. Orders belong to the certificate that began them.
func (s *Simulator) IssueClientCertificate(name string) (ClientCertificate, error) {
	c, err := s.pki.newClient(name)
	if err != nil {
		return ClientCertificate{}, fmt.Errorf("netidsim: issue client certificate: %w", err)
	}
	return c, nil
}

// TLSConfig returns the configuration of the service's listener.
func (s *Simulator) TLSConfig() *tls.Config {
	c := &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{s.pki.server}, NextProtos: []string{"http/1.1"},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: s.pki.callers.pool(),
	}
	if s.anyCaller {
		c.ClientAuth = tls.VerifyClientCertIfGiven
	}
	refusing := c.Clone()
	refusing.ClientAuth, refusing.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		if s.Chaos().RejectCertificate {
			return refusing, nil
		}
		return nil, nil
	}
	return c
}

// Server returns a server for Service with its TLS configuration; the caller gives it a listener through ServeTLS(listener, "", "") and shuts it down.
func (s *Simulator) Server() *http.Server {
	srv := s.server(s.Service())
	srv.TLSConfig = s.TLSConfig()
	srv.Protocols = new(http.Protocols)
	srv.Protocols.SetHTTP1(true)
	return srv
}

// AppServer returns a server for App; the caller gives it a loopback listener and shuts it down.
func (s *Simulator) AppServer() *http.Server { return s.server(s.App()) }

func (s *Simulator) server(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}
