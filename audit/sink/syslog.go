package sink

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"brygga/audit"
	"brygga/audit/tree"
)

// Syslog receives events as messages of RFC 5424 over TLS (RFC 5425), or over plain TCP with the same framing (RFC 6587 §3.4.1). There is a
// connection for each delivery: syslog has no answers, and that the receiver closes after us is all that tells that it has read everything.
type Syslog struct {
	// Address is host and port. TLS is how to speak to it, whose ServerName is set from Address; nil means plain TCP.
	Address string
	TLS     *tls.Config
	// Host is the name of this machine, as the messages say; empty for none.
	Host string
	// Line writes an event; nil means its line of JSON, byte for byte what the audit tree has signed.
	Line audit.Line
}

// Deliver sends the events and returns when the receiver has read them and closed the connection.
func (s *Syslog) Deliver(ctx context.Context, events []tree.Leaf) (delivered int, err error) {
	if err := s.send(ctx, events); err != nil {
		return 0, err
	}
	return len(events), nil
}

func (s *Syslog) send(ctx context.Context, events []tree.Leaf) error {
	conn, below, err := s.dial(ctx)
	if err != nil {
		return fmt.Errorf("call %s: %w", s.Address, err)
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		conn.SetDeadline(deadline)
	}
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	if _, err := conn.Write(s.frames(events)); err != nil {
		return fmt.Errorf("send to %s: %w", s.Address, err)
	}
	if err := hangUp(conn, below); err != nil {
		return fmt.Errorf("wait for %s to close: %w", s.Address, err)
	}
	return nil
}

// hangUp says that nothing more comes, and returns nil when the other side has closed after it has read everything. RFC 5425 §4.4 wants a
// close_notify, which common receivers leave out. One that has not read everything may send it as well; its connection is then reset.
func hangUp(conn net.Conn, below *net.TCPConn) error {
	if secured, ok := conn.(*tls.Conn); ok {
		if err := secured.CloseWrite(); err != nil {
			return err
		}
	}
	if err := below.CloseWrite(); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, conn); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	_, err := io.Copy(io.Discard, below)
	return err
}

// dial returns a connection, and the one of TCP below it, which may be the same.
func (s *Syslog) dial(ctx context.Context) (net.Conn, *net.TCPConn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return nil, nil, err
	}
	below := conn.(*net.TCPConn)
	if s.TLS == nil {
		return below, below, nil
	}
	config := s.TLS.Clone()
	if config.ServerName, _, err = net.SplitHostPort(s.Address); err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	return secured, below, nil
}

// frames returns the messages with their lengths before them (RFC 5425 §4.3).
func (s *Syslog) frames(events []tree.Leaf) []byte {
	var all bytes.Buffer
	for i := range events {
		message := s.message(&events[i])
		fmt.Fprintf(&all, "%d %s", len(message), message)
	}
	return all.Bytes()
}

// logAudit is the facility "log audit" (RFC 5424 §6.2.1).
const logAudit = 13

// message returns an event as RFC 5424 §6 writes it. The name of the message is the event's number.
func (s *Syslog) message(leaf *tree.Leaf) string {
	e := &leaf.Event
	text := string(leaf.Text)
	if s.Line != nil {
		text = s.Line(e)
	}
	return fmt.Sprintf("<%d>1 %s %s brygga - %s - %s", logAudit*8+severity(audit.Type(e.Type)), e.Time.UTC().Format("2006-01-02T15:04:05.000000Z"), printable(s.Host, 255), printable(e.Type, 32), text)
}

// severity returns that of RFC 5424 §6.2.1: warning, notice or informational.
func severity(t audit.Type) int {
	switch n := t.Severity(); {
	case n >= 6:
		return 4
	case n >= 3:
		return 5
	}
	return 6
}

// printable returns the text as a field of the header, "-" for none: printing ASCII without spaces, at most so many bytes.
func printable(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, text)
	if text == "" {
		return "-"
	}
	return text[:min(most, len(text))]
}
