package bankid

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"brygga/secret"
)

// Where BankID answers. Each environment has its own server root and its own client certificates.
const (
	ProductionURL = "https://appapi2.bankid.com/rp/v6.0"
	TestURL       = "https://appapi2.test.bankid.com/rp/v6.0"
)

// What an Options field means when it is zero.
const (
	DefaultConnectTimeout = 4 * time.Second
	DefaultTimeout        = 15 * time.Second
	DefaultMaxConns       = 512
	DefaultReloadEvery    = 30 * time.Second
)

// Options configures an API. BaseURL, Certificate and one of RootCAsPEM and RootCAsFile must be given.
type Options struct {
	// BaseURL is ProductionURL, TestURL or the https address of a simulator, path included.
	BaseURL string

	// Certificate is what the relying party shows to BankID.
	Certificate CertificateSource

	// RootCAsPEM or RootCAsFile holds the PEM certificates which BankID's server certificate must chain to. The
	// operating system's roots are never used: BankID's root is in no such list.
	RootCAsPEM  []byte
	RootCAsFile string

	// ConnectTimeout bounds one attempt to connect, the TLS handshake included; a failed attempt is followed by one more.
	ConnectTimeout time.Duration
	// Timeout bounds one whole call, connecting included. A caller's context may end it sooner.
	Timeout time.Duration
	// MaxConns bounds the connections, busy or kept for reuse. Calls beyond it wait for a free one, collects behind all others.
	MaxConns int
	// ReloadEvery is the shortest time between two looks at the certificate files; negative means only Reload looks.
	ReloadEvery time.Duration

	Now    func() time.Time // nil means time.Now
	Logger *slog.Logger     // nil means no logging

	// Observe, if set, is told of every call that was sent: its name ("auth", "collect", "probe", …), the HTTP status or 0, a word
	// from a small fixed set ("" for success, a known ErrorCode, "unavailable", "bad_response", …) and how long it took.
	// It runs in the caller's goroutine and must be safe for concurrent use.
	Observe func(call string, status int, code string, d time.Duration)
	// ObserveClock, if set, is told how far BankID's clock is ahead of ours, by every answer that says so. BankID says it in whole
	// seconds, so it is right to a second at best. It runs as Observe does.
	ObserveClock func(ahead time.Duration)
}

// CertificateSource names the relying party's certificate and key in exactly one of three ways.
type CertificateSource struct {
	// CertFile and KeyFile are PEM files. An empty KeyFile means that CertFile holds the key too.
	CertFile, KeyFile string

	// PKCS12File is a .p12 or .pfx file, opened with Passphrase.
	PKCS12File string
	Passphrase secret.String

	// TLS is a certificate in memory, which Reload leaves alone.
	TLS *tls.Certificate
}

// API calls one BankID environment with one relying party certificate. It is safe for concurrent use and keeps
// connections open between calls.
type API struct {
	path    string // of the API at its host, with a slash at its end
	head    string // the lines of a request's header that all calls have
	slots   *slots
	conns   *pool
	bodies  sync.Pool // of *bytes.Buffer
	cert    *clientCertificate
	us      atomic.Pointer[holder] // of the certificate that was asked for last
	timeout time.Duration
	now     func() time.Time
	observe func(call string, status int, code string, d time.Duration)
	clock   func(ahead time.Duration)
}

// New checks o, reads the files it names and returns an API. It sends nothing: call Probe to learn whether BankID can be
// reached and accepts the certificate. All faults in o are reported at once, each naming its field. A certificate that is not
// valid now is logged as an error and taken: Auth and Sign then return ErrUnavailable until its files hold a valid one.
func New(o Options) (*API, error) {
	o = o.withDefaults()
	base, errBase := checkBaseURL(o.BaseURL)
	roots, errRoots := loadRoots(o)
	cert, errCert := newClientCertificate(o)
	var errNumbers error
	if o.ConnectTimeout < 0 || o.Timeout < 0 || o.MaxConns < 0 {
		errNumbers = errors.New("bankid: ConnectTimeout, Timeout and MaxConns must not be negative")
	}
	if err := errors.Join(errBase, errRoots, errCert, errNumbers); err != nil {
		return nil, err
	}
	conns := newPool(newDialer(base, roots, cert, o.ConnectTimeout).dial)
	cert.changed = conns.renew
	return &API{
		path:    base.EscapedPath() + "/",
		head:    "Host: " + base.Host + "\r\nUser-Agent: brygga\r\nAccept: application/json\r\n",
		slots:   &slots{size: o.MaxConns},
		conns:   conns,
		bodies:  sync.Pool{New: func() any { return new(bytes.Buffer) }},
		cert:    cert,
		timeout: o.Timeout,
		now:     o.Now,
		observe: o.Observe,
		clock:   o.ObserveClock,
	}, nil
}

// Close closes the connections that are kept for reuse. Calls that are under way go on; those that wait for a connection, and later
// ones, fail with ErrUnavailable.
func (a *API) Close() { a.conns.close() }

func (o Options) withDefaults() Options {
	if o.ConnectTimeout == 0 {
		o.ConnectTimeout = DefaultConnectTimeout
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.MaxConns == 0 {
		o.MaxConns = DefaultMaxConns
	}
	if o.ReloadEvery == 0 {
		o.ReloadEvery = DefaultReloadEvery
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func checkBaseURL(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(text, "/"))
	if err != nil || strings.ContainsFunc(u.Host, func(r rune) bool { return r > unicode.MaxASCII }) || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("bankid: BaseURL must be an https address without query, such as %s", TestURL)
	}
	return u, nil
}

// loadRoots returns the pinned roots. A file without a certificate, or with anything else in it, is refused: an empty pool
// would fail every call, and a pool of nil would mean the operating system's.
func loadRoots(o Options) (*x509.CertPool, error) {
	text := o.RootCAsPEM
	if (len(text) == 0) == (o.RootCAsFile == "") {
		return nil, errors.New("bankid: give BankID's root certificate in one of RootCAsPEM and RootCAsFile")
	}
	if o.RootCAsFile != "" {
		var err error
		if text, err = os.ReadFile(o.RootCAsFile); err != nil {
			return nil, fmt.Errorf("bankid: read RootCAsFile: %w", err)
		}
	}
	return ParseRoots(text)
}

// ParseRoots returns the certificates of a PEM text as a pool, and refuses a text that holds none, or anything else besides.
func ParseRoots(text []byte) (*x509.CertPool, error) {
	return parsePool(text, "the file of root certificates", func(*x509.Certificate) error { return nil })
}

// parsePool returns the certificates of a PEM text, all of which accept takes, as a pool. It refuses a text that holds none, or anything
// else besides. name is what errors call the text.
func parsePool(text []byte, name string, accept func(*x509.Certificate) error) (*x509.CertPool, error) {
	pool, count := x509.NewCertPool(), 0
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("bankid: %s holds a PEM block of type %q; only CERTIFICATE belongs there", name, block.Type)
		}
		root, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("bankid: parse certificate in %s: %w", name, err)
		}
		if err := accept(root); err != nil {
			return nil, fmt.Errorf("bankid: %s holds %w", name, err)
		}
		pool.AddCert(root)
		count++
	}
	if count == 0 {
		return nil, fmt.Errorf("bankid: %s holds no PEM certificate", name)
	}
	return pool, nil
}

// Auth starts an identification and returns its pending order. An *InvalidRequestError means that nothing was sent. After
// any other error an order may exist at BankID all the same: do not send the request again by itself (BankID API: auth).
func (a *API) Auth(ctx context.Context, r AuthRequest) (Order, error) {
	wire, err := r.wire(authLimits)
	if err != nil {
		return Order{}, err
	}
	return a.start(ctx, KindAuth, wire)
}

// Sign starts a sign order. It is as Auth, but UserVisibleData is required and the texts may be longer (BankID API: sign).
func (a *API) Sign(ctx context.Context, r SignRequest) (Order, error) {
	wire, err := AuthRequest(r).wire(signLimits)
	if err != nil {
		return Order{}, err
	}
	return a.start(ctx, KindSign, wire)
}

// PhoneAuth starts the identification of somebody who is on a call with the relying party. The order has an OrderRef and
// no other token. ErrAlreadyInProgress means that another order for the person was open; BankID then drops that one too
// (BankID API: phone/auth).
func (a *API) PhoneAuth(ctx context.Context, r PhoneAuthRequest) (Order, error) {
	wire, err := r.wire(authLimits)
	if err != nil {
		return Order{}, err
	}
	return a.start(ctx, KindPhoneAuth, wire)
}

// PhoneSign starts a sign order for somebody on a call. It is as PhoneAuth, but UserVisibleData is required and the texts
// may be longer (BankID API: phone/sign).
func (a *API) PhoneSign(ctx context.Context, r PhoneSignRequest) (Order, error) {
	wire, err := PhoneAuthRequest(r).wire(signLimits)
	if err != nil {
		return Order{}, err
	}
	return a.start(ctx, KindPhoneSign, wire)
}

// Collect asks for the state of an order. A failed order is a response and not an error. A final response comes once: a
// second collect, like one for an unknown order or one of another certificate, is ErrOrderGone. A response about another
// order than the one asked for, or complete without a person, is ErrForeignResult or
// ErrNamelessResult (BankID API: collect).
func (a *API) Collect(ctx context.Context, orderRef secret.String) (CollectResponse, error) {
	if orderRef.IsZero() {
		return CollectResponse{}, &InvalidRequestError{Field: "orderRef", Reason: "is missing"}
	}
	var c CollectResponse
	err := a.do(ctx, post("collect", wireRef{orderRef.Reveal()}, func(body []byte) (err error) {
		if c, err = parseCollect(body); err == nil && !c.OrderRef.Equal(orderRef) {
			err = fmt.Errorf("%w: it names another order", ErrForeignResult)
		}
		return err
	}))
	if err != nil {
		return CollectResponse{}, err
	}
	return c, nil
}

// Cancel ends a pending order. ErrOrderGone means that there was nothing left to end: the order is finished, cancelled or
// unknown (BankID API: cancel).
func (a *API) Cancel(ctx context.Context, orderRef secret.String) error {
	if orderRef.IsZero() {
		return &InvalidRequestError{Field: "orderRef", Reason: "is missing"}
	}
	return a.do(ctx, post("cancel", wireRef{orderRef.Reveal()}, ignore))
}

// Probe asks BankID for something that it must refuse, GET /auth, and returns nil if it does so. That proves the network,
// BankID's server certificate and ours without creating an order.
func (a *API) Probe(ctx context.Context) error {
	_, err := a.ProbeClock(ctx)
	return err
}

// ProbeClock is Probe and returns what BankID's clock said, in whole seconds, from the header of its answer; zero when the
// answer had none.
func (a *API) ProbeClock(ctx context.Context) (time.Time, error) {
	var clock time.Time
	err := a.do(ctx, call{
		name: "probe", method: http.MethodGet, path: "auth", want: http.StatusMethodNotAllowed, read: ignore,
		header: func(h http.Header) { clock, _ = http.ParseTime(h.Get("Date")) },
	})
	return clock, err
}
