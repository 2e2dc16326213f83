package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// certificateAge is the shortest time between two looks at the certificate files.
const certificateAge = time.Second

// certificateFiles is a certificate that is read again when its files change. A pair that cannot be read, as when only one
// file has been replaced so far, leaves the old certificate in use.
type certificateFiles struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	stamp   string // of the files that current came from, or that last failed
	failed  error  // why the files cannot be used, if so; current is older then
	looked  time.Time
}

func newCertificateFiles(certFile, keyFile string, log *slog.Logger) (*certificateFiles, error) {
	certificate, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fail(exitUsage, "look at tls in the configuration: both files must be PEM and belong together", "certificate of the listener: %w", err)
	}
	c := &certificateFiles{certFile: certFile, keyFile: keyFile, log: log, current: &certificate, looked: time.Now()}
	c.stamp = c.stampOf()
	return c, nil
}

// stampOf changes whenever one of the files does.
func (c *certificateFiles) stampOf() string {
	stamp := ""
	for _, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return "missing"
		}
		stamp += name + " " + info.ModTime().UTC().String() + strconv.FormatInt(info.Size(), 10) + " "
	}
	return stamp
}

// certificate returns the certificate for a new connection.
func (c *certificateFiles) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) >= certificateAge {
		c.replace()
	}
	return c.current, nil
}

// look reads the files if they have changed.
func (c *certificateFiles) look() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.replace()
}

// readFrom reads these files from now on, at once if they have changed, and reports whether they hold another certificate.
func (c *certificateFiles) readFrom(certFile, keyFile string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.certFile, c.keyFile = certFile, keyFile
	return c.replace()
}

// replace reads the files if they have changed, and reports whether they hold another certificate.
func (c *certificateFiles) replace() bool {
	c.looked = time.Now()
	stamp := c.stampOf()
	if stamp == c.stamp {
		return false
	}
	c.stamp = stamp
	fresh, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if c.failed = err; err != nil {
		c.log.Error("the new certificate of the listener cannot be used, the old one stays", "err", err)
		return false
	}
	c.current = &fresh
	c.log.Info("certificate of the listener read again", "expires", fresh.Leaf.NotAfter)
	return true
}

// state returns the certificate in use, and why the files that should take its place cannot be used.
func (c *certificateFiles) state() (leaf *x509.Certificate, failed error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current.Leaf, c.failed
}

// listener wraps inner in TLS with the certificate.
func (c *certificateFiles) listener(inner net.Listener) net.Listener {
	return tls.NewListener(inner, &tls.Config{
		GetCertificate: c.certificate, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
	})
}

// listen listens on address, which the key or flag of that name gave.
func listen(ctx context.Context, name, address string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fail(exitUnavailable, "stop what listens there, or set "+name+" to another port", "%s: %s is in use by another process", name, address)
	case errors.Is(err, syscall.EACCES):
		return nil, fail(exitUnavailable, "set "+name+" to a port from 1024 on, or allow this program to use low ports", "%s: no right to listen on %s", name, address)
	case err != nil:
		return nil, fail(exitUnavailable, "set "+name+" to an address of this machine", "%s: %w", name, err)
	}
	return listener, nil
}

// listenLoopback listens on a port of host. For localhost that is 127.0.0.1, and ::1 where the machine has it, as browsers may
// take either. Port 0 chooses a free one.
func listenLoopback(ctx context.Context, host string, port int) ([]net.Listener, error) {
	hosts := []string{host}
	if host == "" || host == "localhost" {
		hosts = []string{"127.0.0.1", "::1"}
	}
	var on []net.Listener
	for i, host := range hosts {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		switch {
		case err == nil:
			on = append(on, listener)
			port = listener.Addr().(*net.TCPAddr).Port
		case i > 0 && !errors.Is(err, syscall.EADDRINUSE): // no IPv6 here
		default:
			listeners{public: on}.close()
			if errors.Is(err, syscall.EADDRINUSE) {
				return nil, fail(exitUnavailable, "stop what uses it, or choose others: brygga dev --port 18080", "port %d is in use by another process", port)
			}
			return nil, fail(exitUnavailable, "choose others: brygga dev --port 18080", "port %d cannot be used: %w", port, err)
		}
	}
	return on, nil
}

// errorLog makes net/http log where the rest does. Failed handshakes are what scanners cause all day, and no warning.
func errorLog(to *slog.Logger) *log.Logger {
	return log.New(writerFunc(func(line []byte) (int, error) {
		level := slog.LevelWarn
		if bytes.HasPrefix(line, []byte("http: TLS handshake error")) {
			level = slog.LevelDebug
		}
		to.Log(context.Background(), level, "http server", "err", string(bytes.TrimSpace(line)))
		return len(line), nil
	}), "", 0)
}
