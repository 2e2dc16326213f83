package bankid

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"brygga/secret"
)

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
	r, err := a.request(c)
	if err != nil {
		return 0, err
	}
	deadline := time.Now().Add(a.timeout)
	if given, ok := ctx.Deadline(); ok && given.Before(deadline) {
		deadline = given
	}
	if err := a.slots.acquire(ctx, deadline, c.urgent()); err != nil {
		return 0, networkError(ctx, err)
	}
	defer a.slots.release(c.urgent())
	sent := a.now()
	if !c.urgent() {
		defer func() { a.slots.collected(a.now().Sub(sent)) }()
	}
	body := a.bodies.Get().(*bytes.Buffer)
	defer a.recycle(body)
	resp, err := a.conns.call(ctx, deadline, r, body)
	if err != nil {
		return 0, networkError(ctx, err)
	}
	if a.clock != nil {
		a.tellClock(resp.header, sent)
	}
	switch {
	case resp.status != c.want && resp.status < 400:
		return resp.status, fmt.Errorf("%w: HTTP %d", ErrBadResponse, resp.status)
	case resp.status != c.want:
		// The status alone says enough, so a body that breaks off does not matter.
		answer := newAPIError(c.name, resp.status, body.Bytes())
		answer.RetryAfter = retryAfter(resp.header.Get("Retry-After"), a.now())
		return resp.status, answer
	case resp.broken != nil:
		return resp.status, networkError(ctx, resp.broken)
	}
	if c.header != nil {
		c.header(resp.header)
	}
	return resp.status, c.read(body.Bytes())
}

// tellClock tells how far BankID's clock is ahead: it read its own between our two looks at ours, and cut the fraction off.
func (a *API) tellClock(header http.Header, sent time.Time) {
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		a.clock(date.Add(time.Second / 2).Sub(sent.Add(a.now().Sub(sent) / 2)))
	}
}

func (a *API) request(c call) (httpRequest, error) {
	r := httpRequest{method: c.method, path: a.path + c.path, head: a.head}
	if c.body == nil {
		return r, nil
	}
	var err error
	r.body, err = json.Marshal(c.body)
	return r, err
}

// keptBody is the longest body whose memory is kept for the next: results come to 20 kB.
const keptBody = 64 << 10

// recycle keeps the memory of a body, but nothing of what BankID said in it.
func (a *API) recycle(body *bytes.Buffer) {
	if body.Cap() <= keptBody {
		clear(body.Bytes())
		body.Reset()
		a.bodies.Put(body)
	}
}

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

// newAPIError reads what it can from an answer that is no success. Bodies of proxies, and those of 405, may be HTML or
// empty; then the status stands alone.
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
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return context.Canceled
	case untrustedServer(err):
		return fmt.Errorf("%w: %w", ErrUntrustedServer, err)
	case refusedCertificate(err):
		return fmt.Errorf("%w: %w", ErrCertificateRefused, err)
	case errors.Is(err, errNotHTTP), errors.Is(err, errTooLong):
		return fmt.Errorf("%w: %w", ErrBadResponse, err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = context.DeadlineExceeded
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
