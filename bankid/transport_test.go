package bankid

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"brygga/secret"
)

func TestServerMustProveItself_T15(t *testing.T) {
	tests := []struct {
		name string
		cert tls.Certificate
	}{
		{"chain to another root", otherRoot().issue(x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})},
		{"another name", serverRoot().issue(x509.Certificate{DNSNames: []string{"appapi2.bankid.com"}})},
		{"expired", serverRoot().issue(x509.Certificate{
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(-time.Minute),
		})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPeer(t, func(http.ResponseWriter, *http.Request) { t.Error("the impostor got a request") },
				func(s *httptest.Server) { s.TLS.Certificates = []tls.Certificate{tt.cert} })
			_, err := newAPI(t, p.options()).Auth(t.Context(), AuthRequest{EndUserIP: endUser})
			if !errors.Is(err, ErrUntrustedServer) || errors.Is(err, ErrUnavailable) {
				t.Errorf("got error %v", err)
			}
		})
	}
}

func TestCertificateRefusedInHandshake(t *testing.T) {
	versions := map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13}
	for name, version := range versions {
		t.Run(name, func(t *testing.T) {
			p := newPeer(t, answer(405, ""), func(s *httptest.Server) {
				s.TLS.MinVersion, s.TLS.MaxVersion = version, version
				s.TLS.ClientCAs = otherRoot().pool()
			})
			if err := newAPI(t, p.options()).Probe(t.Context()); !errors.Is(err, ErrCertificateRefused) || errors.Is(err, ErrUnavailable) {
				t.Errorf("got error %v", err)
			}
		})
		t.Run(name+" accepted", func(t *testing.T) {
			p := newPeer(t, answer(405, ""), func(s *httptest.Server) { s.TLS.MinVersion, s.TLS.MaxVersion = version, version })
			if err := newAPI(t, p.options()).Probe(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOldTLSRefused(t *testing.T) {
	p := newPeer(t, answer(405, ""), func(s *httptest.Server) {
		s.TLS.MinVersion, s.TLS.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	})
	if err := newAPI(t, p.options()).Probe(t.Context()); err == nil {
		t.Error("TLS 1.1 was accepted")
	}
}

func TestHTTP1EvenIfMoreIsOffered(t *testing.T) {
	var got request
	p := newPeer(t, record(t, &got, 405, ""), func(s *httptest.Server) { s.EnableHTTP2 = true })
	if err := newAPI(t, p.options()).Probe(t.Context()); err != nil || got.Proto != "HTTP/1.1" {
		t.Errorf("spoke %s, error %v", got.Proto, err)
	}
}

// moodyListener hands its first connections to spoil instead of the server.
type moodyListener struct {
	net.Listener
	accepted atomic.Int32
	spoil    func(net.Conn)
	until    int32
}

func (l *moodyListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil || l.accepted.Add(1) > l.until {
			return conn, err
		}
		l.spoil(conn)
	}
}

func TestConnectingIsTriedAgain(t *testing.T) {
	tests := []struct {
		name     string
		spoil    func(t *testing.T) func(net.Conn)
		until    int32
		want     error
		accepted int32
	}{
		{"closed once", func(*testing.T) func(net.Conn) { return func(c net.Conn) { c.Close() } }, 1, nil, 2},
		{"stalled once", func(t *testing.T) func(net.Conn) {
			return func(c net.Conn) { t.Cleanup(func() { c.Close() }) }
		}, 1, nil, 2},
		{"closed always", func(*testing.T) func(net.Conn) { return func(c net.Conn) { c.Close() } }, 100, ErrUnavailable, dialAttempts},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := &moodyListener{spoil: tt.spoil(t), until: tt.until}
			p := newPeer(t, answer(405, ""), func(s *httptest.Server) { l.Listener, s.Listener = s.Listener, l })
			o := p.options()
			o.ConnectTimeout = 2 * time.Second
			if strings.HasPrefix(tt.name, "stalled") {
				o.ConnectTimeout = 300 * time.Millisecond
			}
			if err := newAPI(t, o).Probe(t.Context()); !errors.Is(err, tt.want) {
				t.Errorf("got error %v, want %v", err, tt.want)
			}
			if got := l.accepted.Load(); got != tt.accepted {
				t.Errorf("%d connections, want %d", got, tt.accepted)
			}
		})
	}
}

// TestLostAnswerIsNotSentAgain closes a connection after the request was read: once a fresh one, once one that has served
// before, which is where net/http would send an idempotent request again.
func TestLostAnswerIsNotSentAgain(t *testing.T) {
	for _, served := range []int32{0, 1} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { listener.Close() })
		secure := tls.NewListener(listener, &tls.Config{
			Certificates: []tls.Certificate{serverRoot().issue(x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})},
			ClientAuth:   tls.RequireAndVerifyClientCert,
			ClientCAs:    bankRoot().pool(),
		})
		var requests atomic.Int32
		go func() {
			for {
				conn, err := secure.Accept()
				if err != nil {
					return
				}
				go func() {
					defer conn.Close()
					for in := bufio.NewReader(conn); ; {
						r, err := http.ReadRequest(in)
						if err != nil {
							return
						}
						io.Copy(io.Discard, r.Body)
						if requests.Add(1) > served {
							return
						}
						io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
					}
				}()
			}
		}()
		cert := relyingParty()
		o := blankOptions(cert)
		o.BaseURL = "https://" + listener.Addr().String() + "/rp/v6.0"
		a := newAPI(t, o)
		for range served {
			if err := a.Cancel(t.Context(), secret.New(testRef)); err != nil {
				t.Fatal(err)
			}
		}
		_, err = a.Auth(t.Context(), AuthRequest{EndUserIP: endUser})
		if !errors.Is(err, ErrUnavailable) {
			t.Errorf("got error %v", err)
		}
		if got := requests.Load(); got != served+1 {
			t.Errorf("after %d served requests, auth was sent %d times", served, got-served)
		}
	}
}

func TestTimeoutAndCancel(t *testing.T) {
	release, entered := make(chan struct{}), make(chan struct{}, 4)
	p := newPeer(t, func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		entered <- struct{}{}
		<-release
	})
	t.Cleanup(func() { close(release) })

	t.Run("our timeout", func(t *testing.T) {
		o := p.options()
		o.Timeout = 50 * time.Millisecond
		_, err := newAPI(t, o).Collect(t.Context(), secret.New(testRef))
		if !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v", err)
		}
	})
	t.Run("the caller's deadline", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := newAPI(t, p.options()).Collect(ctx, secret.New(testRef))
		if !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v", err)
		}
	})
	t.Run("given up by the caller", func(t *testing.T) {
		for len(entered) > 0 {
			<-entered
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-entered
			cancel()
		}()
		_, err := newAPI(t, p.options()).Collect(ctx, secret.New(testRef))
		if !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnavailable) {
			t.Errorf("got error %v", err)
		}
	})
}

func TestResponseLimit(t *testing.T) {
	head, tail := `{"orderRef":"`+testRef+`","status":"pending","x":"`, `"}`
	fill := maxResponse - len(head) - len(tail)
	for _, tt := range []struct {
		more int
		want error
	}{{0, nil}, {1, ErrBadResponse}} {
		p := newPeer(t, answer(200, head+strings.Repeat("x", fill+tt.more)+tail))
		if _, err := newAPI(t, p.options()).Collect(t.Context(), secret.New(testRef)); !errors.Is(err, tt.want) {
			t.Errorf("%d bytes over the limit: got error %v, want %v", tt.more, err, tt.want)
		}
	}
}

// TestEndlessResponse is about memory: without a limit the call would read until its timeout.
func TestEndlessResponse(t *testing.T) {
	p := newPeer(t, func(w http.ResponseWriter, _ *http.Request) {
		for fill := make([]byte, 64<<10); ; {
			if _, err := w.Write(fill); err != nil {
				return
			}
		}
	})
	o := p.options()
	o.Timeout = 2 * time.Second
	if _, err := newAPI(t, o).Collect(t.Context(), secret.New(testRef)); !errors.Is(err, ErrBadResponse) {
		t.Errorf("got error %v", err)
	}
}

func TestConnectionsAreKept(t *testing.T) {
	l := &moodyListener{}
	p := newPeer(t, answer(405, ""), func(s *httptest.Server) { l.Listener, s.Listener = s.Listener, l })
	a := newAPI(t, p.options())
	for range 5 {
		if err := a.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := l.accepted.Load(); got != 1 {
		t.Errorf("%d connections for five calls in a row", got)
	}
}
