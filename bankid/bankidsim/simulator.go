package bankidsim

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"brygga/background"
)

// Options is what a [Simulator] is made from. The zero value is a simulator that behaves.
type Options struct {
	// Now is the clock; nil means time.Now. Advance adds to it.
	Now func() time.Time
	// Logger receives what happens, without order references, tokens or people; nil means no logging.
	Logger *slog.Logger
	// Chaos is the misbehaviour to begin with; nil means none. MildChaos is what "brygga dev" begins with.
	Chaos *Chaos
	// QRLate and QREarly bound how old, and how far ahead, a QR frame may be when it is scanned. Zero means five and two
	// seconds. BankID does not publish its own bounds.
	QRLate, QREarly time.Duration
	// RPName is the display name in the generated client certificate, which the phone shows; empty means "Brygga (test)".
	RPName string
	// RPOrgNumber is the organisation number in that certificate, ten digits; empty means a made-up one.
	RPOrgNumber string
	// RSA gives that certificate an RSA key, see RPSubject.
	RSA bool
	// Hosts are names and addresses of the API server besides localhost, 127.0.0.1 and ::1.
	Hosts []string
	// Lenient accepts unknown request members, explicit nulls and any text in simpleMarkdownV1. By default they are refused, as that finds faults in
	// clients; what BankID does with them is not published. Chaos
	// has the same switch.
	Lenient bool
	// StyleSheet follows that of the phone's page, so that it can look like the pages around it: custom properties such as --accent,
	// which stand at the head of assets/phone.css. Empty for the colours of the system.
	StyleSheet []byte
	// Icon is the page's icon as SVG; nil means a phone.
	Icon []byte
}

// Simulator is a BankID in memory. All methods may be called concurrently.
type Simulator struct {
	log             *slog.Logger
	base            func() time.Time
	qrLate, qrEarly time.Duration
	lenient         bool

	styleSheet, icon []byte

	tls *transportPKI
	sig *signaturePKI
	// stamps returns the time-stamping authority, which is made when it is first asked for.
	stamps func() (*stampOffice, error)
	rp     RPCertificate
	warm   sync.Once
	busy   background.Group // the key generation that warm starts

	chaos  chaosBox
	misuse misuseLog

	pictures sync.Mutex // held while a picture is read

	mu     sync.Mutex // guards all below
	offset time.Duration
	orders orderTable
	people peopleTable
}

// New makes a simulator with fresh certificates and no orders. It is quick: keys for signatures of people are made when
// the first order is picked up. Errors mean a fault in the options or in the source of randomness.
func New(opts Options) (*Simulator, error) {
	s := &Simulator{
		log: opts.Logger, base: opts.Now, qrLate: opts.QRLate, qrEarly: opts.QREarly, lenient: opts.Lenient,
		styleSheet: opts.StyleSheet, icon: opts.Icon,
		orders: newOrderTable(), people: newPeopleTable(),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.base == nil {
		s.base = time.Now
	}
	if s.qrLate == 0 {
		s.qrLate = 5 * time.Second
	}
	if s.qrEarly == 0 {
		s.qrEarly = 2 * time.Second
	}
	if opts.Chaos != nil {
		if err := s.SetChaos(*opts.Chaos); err != nil {
			return nil, fmt.Errorf("bankidsim: options: %w", err)
		}
	}
	var err error
	if s.tls, err = newTransportPKI(opts.Hosts); err != nil {
		return nil, fmt.Errorf("bankidsim: make transport certificates: %w", err)
	}
	name, number := opts.RPName, opts.RPOrgNumber
	if name == "" {
		name = "Brygga (test)"
	}
	if number == "" {
		number = "5599990008"
	}
	if s.rp, err = s.tls.issueRP(RPSubject{Name: name, OrgNumber: number, RSA: opts.RSA}); err != nil {
		return nil, fmt.Errorf("bankidsim: make client certificate: %w", err)
	}
	s.sig = newSignaturePKI(s.base())
	s.stamps = sync.OnceValues(func() (*stampOffice, error) { return newStampOffice(s.base().AddDate(0, -1, 0)) })
	for _, p := range testPeople() {
		if _, err := s.AddPerson(p); err != nil {
			return nil, fmt.Errorf("bankidsim: test people: %w", err)
		}
	}
	return s, nil
}

// Close waits for work in the background. A closed simulator can still be used.
func (s *Simulator) Close() { s.busy.Wait() }

// Now returns the simulator's time: the clock it was given plus what Advance added.
func (s *Simulator) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

// now is Now for callers that hold mu.
func (s *Simulator) now() time.Time { return s.base().Add(s.offset) }

// Advance moves the simulator's time forward by d, for all orders at once. It returns the new time, or an error when d is
// negative.
func (s *Simulator) Advance(d time.Duration) (time.Time, error) {
	if d < 0 {
		return time.Time{}, errors.New("bankidsim: the clock only moves forward")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += d
	return s.now(), nil
}

// ServerRootPEM returns the root that a client pins for the API server.
func (s *Simulator) ServerRootPEM() []byte { return s.tls.serverRoot.certPEM() }

// SignatureRootPEM returns the root of people's signatures, which is unrelated to the API server's. The first call makes
// its key, which takes a few tenths of a second. The error is a failing source of randomness.
func (s *Simulator) SignatureRootPEM() ([]byte, error) {
	root, err := s.sig.root()
	if err != nil {
		return nil, fmt.Errorf("bankidsim: make signature root: %w", err)
	}
	return root.certPEM(), nil
}

// ClientCertificate returns the client certificate made by New.
func (s *Simulator) ClientCertificate() RPCertificate { return s.rp }

// IssueRPCertificate makes a client certificate for one more relying party. Orders belong to the certificate that started
// them.
func (s *Simulator) IssueRPCertificate(subject RPSubject) (RPCertificate, error) {
	c, err := s.tls.issueRP(subject)
	if err != nil {
		return RPCertificate{}, fmt.Errorf("bankidsim: issue client certificate: %w", err)
	}
	return c, nil
}

// TLSConfig returns the configuration of the API's listener: TLS 1.2 or later, HTTP/1.1, and a client certificate from
// this simulator's own CA required and verified.
func (s *Simulator) TLSConfig() *tls.Config {
	c := &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{s.tls.server},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    s.tls.clientPool(),
		NextProtos:   []string{"http/1.1"},
	}
	c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		return nil, s.chaos.handshake(hello.Context())
	}
	return c
}

// APIServer returns a server for API with its TLS configuration; the caller gives it a listener through
// ServeTLS(listener, "", "") and shuts it down.
func (s *Simulator) APIServer() *http.Server {
	srv := s.server(s.API())
	srv.TLSConfig = s.TLSConfig()
	srv.Protocols = new(http.Protocols)
	srv.Protocols.SetHTTP1(true)
	return srv
}

// PhoneServer returns a server for Phone; the caller gives it a loopback listener and shuts it down.
func (s *Simulator) PhoneServer() *http.Server { return s.server(s.Phone()) }

func (s *Simulator) server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}
