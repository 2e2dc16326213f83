package bankid

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"brygga/secret"
)

const (
	// maxResponse bounds a response. A result is about 20 kB, but the signature repeats the texts of a sign order, which
	// may have 240 000 characters and are coded in base64 once more.
	maxResponse = 1 << 20
	// dialAttempts is how often a connection is tried: some first handshakes with BankID's test host hang.
	dialAttempts = 2
	// idleTimeout closes connections before BankID does: a call on a connection that the other side closes at that moment
	// is lost, and lost calls are not sent again.
	idleTimeout = 30 * time.Second
)

// newTransport returns a transport for HTTP/1.1 over mutual TLS, which trusts only roots. It has no proxy, no HTTP/2 and no
// session cache, so that a new connection always shows the newest certificate.
//
// It repeats no call whose bytes may have reached BankID: net/http does that for idempotent methods and requests with an
// Idempotency-Key only, and otherwise just for calls of which nothing was written.
func newTransport(roots *x509.CertPool, cert *clientCertificate, o Options) *http.Transport {
	d := &tls.Dialer{
		NetDialer: &net.Dialer{KeepAlive: 30 * time.Second},
		Config: &tls.Config{
			RootCAs:    roots,
			MinVersion: tls.VersionTLS12,
			NextProtos: []string{"http/1.1"},
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				return cert.current(), nil
			},
		},
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return dial(ctx, d, network, addr, o.ConnectTimeout)
		},
		Protocols:           protocols,
		DisableCompression:  true,
		MaxIdleConns:        o.MaxConns,
		MaxIdleConnsPerHost: o.MaxConns,
		MaxConnsPerHost:     o.MaxConns,
		IdleConnTimeout:     idleTimeout,
	}
}

// dial connects and shakes hands, each attempt within timeout. It tries again unless the fault is one of certificates,
// which another attempt would only repeat.
func dial(ctx context.Context, d *tls.Dialer, network, addr string, timeout time.Duration) (conn net.Conn, err error) {
	for range dialAttempts {
		attempt, cancel := context.WithTimeout(ctx, timeout)
		conn, err = d.DialContext(attempt, network, addr)
		cancel()
		if err == nil || ctx.Err() != nil || untrustedServer(err) || refusedCertificate(err) {
			break
		}
	}
	return conn, err
}

// call is one request to send.
type call struct {
	name   string // for errors and Observe
	method string
	path   string
	want   int                     // the only HTTP status that is a success
	body   any                     // nil, or what becomes the JSON
	read   func(body []byte) error // takes in the answer of a success
	header func(h http.Header)     // if set, sees the header of a success first
}

// urgent reports whether somebody waits for just this call: all but collects, which come again.
func (c *call) urgent() bool { return c.name != "collect" }

// post is the call of all that BankID offers.
func post(path string, body any, read func(body []byte) error) call {
	return call{name: path, method: http.MethodPost, path: path, want: http.StatusOK, body: body, read: read}
}

func ignore([]byte) error { return nil }

// do sends c once and reports it to observe.
func (a *API) do(ctx context.Context, c call) error {
	start := a.now()
	a.cert.check(start)
	status, err := a.send(ctx, c)
	if a.observe != nil {
		a.observe(c.name, status, observedCode(err), a.now().Sub(start))
	}
	if err != nil {
		return fmt.Errorf("bankid: %s: %w", c.name, err)
	}
	return nil
}

func (a *API) send(ctx context.Context, c call) (status int, err error) {
	within, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	req, err := a.newRequest(within, c)
	if err != nil {
		return 0, err
	}
	if err := a.slots.acquire(within, c.urgent()); err != nil {
		return 0, networkError(ctx, err)
	}
	defer a.slots.release(c.urgent())
	if !c.urgent() {
		defer func(began time.Time) { a.slots.collected(a.now().Sub(began)) }(a.now())
	}
	sent := a.now()
	resp, err := a.client.Do(req)
	if err != nil {
		return 0, networkError(ctx, err)
	}
	defer resp.Body.Close()
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil && a.clock != nil {
		// It read its clock between our two looks at ours, and cut the fraction off.
		a.clock(date.Add(time.Second / 2).Sub(sent.Add(a.now().Sub(sent) / 2)))
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse+1))
	switch {
	case resp.StatusCode != c.want && resp.StatusCode < 400:
		return resp.StatusCode, fmt.Errorf("%w: HTTP %d", ErrBadResponse, resp.StatusCode)
	case resp.StatusCode != c.want:
		// The status alone says enough, so a body that breaks off does not matter.
		answer := newAPIError(c.name, resp.StatusCode, body)
		answer.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), a.now())
		return resp.StatusCode, answer
	case err != nil:
		return resp.StatusCode, networkError(ctx, err)
	case len(body) > maxResponse:
		return resp.StatusCode, fmt.Errorf("%w: longer than %d bytes", ErrBadResponse, maxResponse)
	}
	if c.header != nil {
		c.header(resp.Header)
	}
	return resp.StatusCode, c.read(body)
}

func (a *API) newRequest(ctx context.Context, c call) (*http.Request, error) {
	var body io.Reader
	if c.body != nil {
		text, err := json.Marshal(c.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, c.method, a.base+"/"+c.path, body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		// BankID answers 415 if a charset follows.
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "brygga")
	return req, nil
}

// newAPIError reads what it can from an answer that is no success. Bodies of proxies, and those of 405, may be HTML or
// empty; then the status stands alone.
// retryAfter reads the header of that name: seconds, or a date.
func retryAfter(value string, now time.Time) time.Duration {
	wait := time.Duration(0)
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if date, err := http.ParseTime(value); err == nil {
		wait = date.Sub(now)
	}
	return min(max(wait, 0), MaxRetryAfter)
}

func newAPIError(call string, status int, body []byte) *APIError {
	var wire struct {
		ErrorCode string `json:"errorCode"`
		Details   string `json:"details"`
	}
	e := &APIError{Call: call, Status: status}
	if json.Unmarshal(body, &wire) == nil {
		e.Code, _ = parseErrorCode(wire.ErrorCode)
		e.details = secret.New(wire.Details)
	}
	return e
}

// networkError says why no answer came. A call that the caller gave up is context.Canceled and nothing else.
func networkError(ctx context.Context, err error) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return context.Canceled
	case untrustedServer(err):
		return fmt.Errorf("%w: %w", ErrUntrustedServer, err)
	case refusedCertificate(err):
		return fmt.Errorf("%w: %w", ErrCertificateRefused, err)
	case strings.Contains(err.Error(), "malformed"):
		// net/http quotes what it could not read, which may be anything: the text ends here.
		return fmt.Errorf("%w: not HTTP", ErrBadResponse)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// untrustedServer reports whether a handshake failed over the server's certificate.
func untrustedServer(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// refusedCertificate reports whether the server ended the connection with an alert about our certificate. crypto/tls tells
// alerts apart by their text only; handshake_failure is what some servers send for want of a certificate.
func refusedCertificate(err error) bool {
	alert, ok := errors.AsType[*net.OpError](err)
	if !ok || alert.Op != "remote error" {
		return false
	}
	text := alert.Err.Error()
	return strings.Contains(text, "certificate") || strings.HasSuffix(text, "access denied") ||
		strings.HasSuffix(text, "handshake failure")
}

// observedCode returns the word for err that Options.Observe gets: one of a fixed set, as it may become a metric label.
func observedCode(err error) string {
	if e, ok := errors.AsType[*APIError](err); ok {
		if e.Code.Known() {
			return string(e.Code)
		}
		return "other"
	}
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrUnavailable):
		return "unavailable"
	case errors.Is(err, ErrCertificateRefused):
		return "certificate_refused"
	case errors.Is(err, ErrUntrustedServer):
		return "untrusted_server"
	case errors.Is(err, ErrBadResponse):
		return "bad_response"
	case errors.Is(err, context.Canceled):
		return "canceled"
	}
	return "other"
}
