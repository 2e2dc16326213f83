package sink

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// issue returns a certificate of its own for 127.0.0.1, and a pool that has it.
func issue(t *testing.T, name string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(made)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// syslogReceiver keeps the messages of whole connections. It reads at most one message when cut is set, and then breaks off.
type syslogReceiver struct {
	net.Listener
	mu  sync.Mutex
	got []string
	cut bool
}

// receive starts a receiver, by TLS when there is a configuration.
func receive(t *testing.T, config *tls.Config) *syslogReceiver {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &syslogReceiver{Listener: listener}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			r.mu.Lock()
			cut := r.cut
			r.mu.Unlock()
			if cut { // as with data that nobody has read, and without waiting for it
				conn.(*net.TCPConn).SetLinger(0)
			}
			if config != nil {
				conn = tls.Server(conn, config)
			}
			if messages, err := readFrames(conn, cut); err == nil {
				r.mu.Lock()
				r.got = append(r.got, messages...)
				r.mu.Unlock()
			}
			conn.Close()
		}
	}()
	return r
}

func readFrames(r io.Reader, one bool) (messages []string, err error) {
	in := bufio.NewReaderSize(r, 16)
	for {
		var n int
		if _, err := fmt.Fscanf(in, "%d ", &n); errors.Is(err, io.EOF) {
			return messages, nil
		} else if err != nil {
			return nil, err
		}
		message := make([]byte, n)
		if _, err := io.ReadFull(in, message); err != nil {
			return nil, err
		}
		if messages = append(messages, string(message)); one {
			return nil, errDown
		}
	}
}

func (r *syslogReceiver) ids() (ids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, message := range r.got {
		ids = append(ids, regexp.MustCompile(`e\d{6}`).FindString(message))
	}
	return ids
}

// TestSyslog: what a receiver reads that speaks RFC 5425, with a certificate of ours, also after it broke off in the midst of a batch.
func TestSyslog(t *testing.T) {
	f := newFixture(t)
	server, roots := issue(t, "receiver")
	client, clients := issue(t, "brygga")
	r := receive(t, &tls.Config{Certificates: []tls.Certificate{server}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients})
	s := f.sink("a", &Syslog{Address: r.Addr().String(), TLS: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{client}}, Host: "node å 1"}, true)
	f.happen(300)
	r.cut = true
	if _, err := s.step(t.Context()); err == nil {
		t.Error("a receiver that broke off has got everything")
	}
	r.mu.Lock()
	r.cut = false
	r.mu.Unlock()
	f.drain(s)
	f.want(r.ids(), 1, 300)
	if want := `<110>1 2026-03-01T12:00:00.000000Z node1 brygga - WEB_100001 - {"id":"e000001"`; !strings.HasPrefix(r.got[0], want) {
		t.Errorf("the message is %q, want %q", r.got[0], want)
	}
}

// TestSyslogRefused: neither a receiver under another root gets an event, nor one of another name, and one that refuses us has got none.
func TestSyslogRefused(t *testing.T) {
	f := newFixture(t)
	server, roots := issue(t, "receiver")
	_, others := issue(t, "another")
	open := receive(t, &tls.Config{Certificates: []tls.Certificate{server}})
	closed := receive(t, &tls.Config{Certificates: []tls.Certificate{server}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: others})
	_, port, err := net.SplitHostPort(open.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	f.happen(1)
	for name, to := range map[string]*Syslog{
		"another root":   {Address: open.Addr().String(), TLS: &tls.Config{RootCAs: others}},
		"another name":   {Address: "localhost:" + port, TLS: &tls.Config{RootCAs: roots}},
		"no certificate": {Address: closed.Addr().String(), TLS: &tls.Config{RootCAs: roots}},
	} {
		if _, err := f.sink("a", to, true).step(t.Context()); err == nil {
			t.Errorf("%s: delivered", name)
		}
	}
	if len(open.ids())+len(closed.ids()) > 0 {
		t.Errorf("they got %q and %q", open.got, closed.got)
	}
}

// TestSyslogUnread: what a receiver has not read is not delivered, whether it hangs, closes before it has read everything or speaks no TLS.
func TestSyslogUnread(t *testing.T) {
	server, roots := issue(t, "receiver")
	config := &tls.Config{Certificates: []tls.Certificate{server}}
	for name, meet := range map[string]func(conn net.Conn, end <-chan struct{}){
		"hangs at once":         func(_ net.Conn, end <-chan struct{}) { <-end },
		"hangs after TLS began": func(conn net.Conn, end <-chan struct{}) { tls.Server(conn, config).Handshake(); <-end },
		"closes at once":        func(net.Conn, <-chan struct{}) {},
		"closes unread":         func(conn net.Conn, _ <-chan struct{}) { tls.Server(conn, config).Handshake() },
		"closes amid a frame": func(conn net.Conn, _ <-chan struct{}) {
			secured := tls.Server(conn, config)
			io.ReadFull(secured, make([]byte, 100))
		},
		"speaks no TLS": func(conn net.Conn, _ <-chan struct{}) { io.WriteString(conn, "220 mail.example.se ESMTP\r\n") },
	} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		end := make(chan struct{})
		go func() {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			meet(conn, end)
			conn.Close()
		}()
		f := newFixture(t)
		f.happen(200)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(300*time.Millisecond, cancel)
		s := f.sink("a", &Syslog{Address: listener.Addr().String(), TLS: &tls.Config{RootCAs: roots}}, true)
		if _, err := s.step(ctx); err == nil || s.Behind() != 200 {
			t.Errorf("%s: %v, %d behind", name, err, s.Behind())
		}
		cancel()
		close(end)
		listener.Close()
	}
}

// TestSyslogPlain: plain TCP has the same framing.
func TestSyslogPlain(t *testing.T) {
	f := newFixture(t)
	r := receive(t, nil)
	f.happen(2)
	s := f.sink("a", &Syslog{Address: r.Addr().String()}, true)
	f.drain(s)
	f.want(r.ids(), 1, 2)
}
