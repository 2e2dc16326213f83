package bankid

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

const (
	// maxResponse bounds a response. A result is about 20 kB, but the signature repeats the texts of a sign order, which
	// may have 240 000 characters and are coded in base64 once more.
	maxResponse = 1 << 20
	// maxHead bounds its status line and header, of which BankID's take some hundred bytes.
	maxHead = 64 << 10
	// maxInterim is how many informational responses may come before the answer; BankID has no reason to send any.
	maxInterim = 5
	// keptRequest is the longest request whose memory is kept for the next.
	keptRequest = 4 << 10
)

var (
	errNotHTTP = errors.New("what came is no HTTP response")
	errTooLong = errors.New("the response is too long")
)

// conn is one connection to BankID. It serves one call at a time, in the goroutine of its caller (RFC 9112 §9.3).
type conn struct {
	tls   *tls.Conn
	below *watched // what TLS runs on
	in    *bufio.Reader
	out   []byte // the request

	left  int64 // how many bytes may still be read
	fault error // what the network said last; nil as long as a fault must lie in what came

	// Of the call that it served last.
	sent     bool // BankID may have read the request
	answered bool // a part of an answer came
	reusable bool // another call may follow

	generation int       // of the pool, when it was made
	calls      int       // how many it has served
	since      time.Time // when it became idle last; zero if it never was
	abort      func()    // ends the reading and writing under way
}

func newConn(secure *tls.Conn, below *watched) *conn {
	c := &conn{tls: secure, below: below}
	c.in = bufio.NewReader(c)
	c.abort = func() { secure.SetDeadline(time.Unix(1, 0)) }
	return c
}

// Read reads from BankID, for in.
func (c *conn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTooLong
	}
	n, err := c.tls.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	c.answered = c.answered || n > 0
	if err != nil {
		c.fault = err
	}
	return n, err
}

// ready gives the next call until deadline, and reports whether the connection can serve it.
func (c *conn) ready(deadline time.Time) bool {
	return c.tls.SetDeadline(deadline) == nil && (c.fresh() || c.quiet())
}

// fresh reports whether the connection has neither served nor waited for a call: one that has may have been closed meanwhile.
func (c *conn) fresh() bool { return c.calls == 0 && c.since.IsZero() }

// quiet reports whether BankID has neither closed a connection that was kept nor said anything on it that nobody asked for, which the
// next call would take for its answer.
func (c *conn) quiet() bool {
	c.left = 1
	c.below.watch(true)
	_, err := c.in.Peek(1)
	return errors.Is(err, os.ErrDeadlineExceeded) && c.below.watch(false)
}

// httpRequest is a call as it goes over the wire.
type httpRequest struct {
	method, path string
	head         string // the header's lines that all calls have, each ended
	body         []byte // JSON, or nothing
}

// httpResponse is what came of a call: the body is in the buffer that was given.
type httpResponse struct {
	status int
	header http.Header
	broken error // why the body is not whole
}

// exchange sends r and reads the response, its body into body, until the deadline that ready set or the end of ctx. A fault of what
// came, rather than of the network, is errNotHTTP or errTooLong.
func (c *conn) exchange(ctx context.Context, r httpRequest, body *bytes.Buffer) (httpResponse, error) {
	c.calls++
	c.sent, c.answered, c.reusable = false, false, false
	if err := ctx.Err(); err != nil {
		return httpResponse{}, err
	}
	given := func() bool { return true }
	if ctx.Done() != nil {
		given = context.AfterFunc(ctx, c.abort)
	}
	failed := c.send(r)
	if failed != nil && !c.sent {
		given()
		return httpResponse{}, failed
	}
	// What was not read to its end may have been answered all the same, and an alert says why it was not read.
	resp, err := c.receive(body)
	c.reusable = given() && c.reusable && failed == nil
	if err != nil && failed != nil && !refusedCertificate(err) {
		err = failed
	}
	return resp, err
}

// lost reports whether r, which failed with err, may be sent again: BankID cannot have read it, or it only asks and BankID closed the
// connection without a word (RFC 9110 §9.2.2).
func (c *conn) lost(r httpRequest, err error) bool {
	timeout := errors.Is(err, os.ErrDeadlineExceeded)
	return !timeout && (!c.sent || r.method == http.MethodGet && !c.answered)
}

// send notes whether anything was sent. TLS seals a request in records, so BankID can read nothing of it before one is out.
func (c *conn) send(r httpRequest) error {
	c.out = append(c.out[:0], r.method...)
	c.out = append(c.out, ' ')
	c.out = append(c.out, r.path...)
	c.out = append(c.out, " HTTP/1.1\r\n"...)
	c.out = append(c.out, r.head...)
	if r.body != nil {
		// BankID answers 415 if a charset follows.
		c.out = append(c.out, "Content-Type: application/json\r\nContent-Length: "...)
		c.out = strconv.AppendInt(c.out, int64(len(r.body)), 10)
		c.out = append(c.out, "\r\n"...)
	}
	c.out = append(c.out, "\r\n"...)
	c.out = append(c.out, r.body...)
	n, err := c.tls.Write(c.out)
	clear(c.out)
	if cap(c.out) > keptRequest {
		c.out = nil
	}
	c.sent = n > 0
	return err
}

func (c *conn) receive(body *bytes.Buffer) (httpResponse, error) {
	resp, err := c.receiveHead()
	if err != nil {
		return httpResponse{}, err
	}
	c.left = 4 * maxResponse // with what chunks add to it
	if n := resp.ContentLength; 0 < n && n <= maxResponse {
		body.Grow(int(n) + bytes.MinRead)
	}
	_, err = body.ReadFrom(io.LimitReader(resp.Body, maxResponse+1))
	switch {
	case err != nil:
		err = c.reason()
	case body.Len() > maxResponse:
		err = errTooLong
	}
	c.reusable = err == nil && !resp.Close && resp.StatusCode != http.StatusSwitchingProtocols && c.in.Buffered() == 0
	return httpResponse{status: resp.StatusCode, header: resp.Header, broken: err}, nil
}

// receiveHead reads the head of the answer, and passes over informational ones (RFC 9110 §15.2).
func (c *conn) receiveHead() (*http.Response, error) {
	for range maxInterim + 1 {
		c.left, c.fault = maxHead, nil
		resp, err := http.ReadResponse(c.in, nil)
		if err != nil {
			return nil, c.reason()
		}
		if resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, nil
		}
	}
	return nil, errNotHTTP
}

// reason returns why reading failed. The texts of net/http quote what could not be read, which may be anything: they end here.
func (c *conn) reason() error {
	switch {
	case errors.Is(c.fault, io.EOF):
		return io.ErrUnexpectedEOF
	case c.fault != nil:
		return c.fault
	case c.left <= 0:
		return errTooLong
	}
	return errNotHTTP
}

// close says goodbye to BankID.
func (c *conn) close() { c.tls.Close() }

// drop closes a connection on which something went wrong, without a word that might have to wait.
func (c *conn) drop() { c.below.Close() }
