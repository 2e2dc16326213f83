package bankid

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"brygga/secret"
)

func TestOptionsRefused(t *testing.T) {
	dir := t.TempDir()
	good := relyingParty()
	certFile, keyFile := writePEM(t, dir, good, time.Now())
	empty, missing, encrypted := filepath.Join(dir, "empty"), filepath.Join(dir, "missing"), filepath.Join(dir, "encrypted")
	writeFile(t, empty, nil, time.Now())
	writeFile(t, encrypted, []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----\n"), time.Now())
	strange := tls.Certificate{Certificate: good.Certificate, PrivateKey: relyingParty().PrivateKey}

	tests := []struct {
		name   string
		change func(*Options)
		want   string // what the operator must find in the text
	}{
		{"no address", func(o *Options) { o.BaseURL = "" }, "BaseURL"},
		{"plain HTTP", func(o *Options) { o.BaseURL = "http://127.0.0.1/rp/v6.0" }, "BaseURL"},
		{"no host", func(o *Options) { o.BaseURL = "https:///rp/v6.0" }, "BaseURL"},
		{"query", func(o *Options) { o.BaseURL += "?a=b" }, "BaseURL"},
		{"password", func(o *Options) { o.BaseURL = "https://a:b@localhost/" }, "BaseURL"},
		{"no roots", func(o *Options) { o.RootCAsPEM = nil }, "RootCAsPEM"},
		{"roots twice", func(o *Options) { o.RootCAsFile = certFile }, "RootCAsPEM"},
		{"roots missing", func(o *Options) { o.RootCAsPEM, o.RootCAsFile = nil, missing }, missing},
		{"roots empty", func(o *Options) { o.RootCAsPEM, o.RootCAsFile = nil, empty }, "no PEM certificate"},
		{"roots not PEM", func(o *Options) { o.RootCAsPEM = []byte("hello") }, "no PEM certificate"},
		{"a key among the roots", func(o *Options) { o.RootCAsPEM = append(serverRoot().pem(), keyPEM(good.PrivateKey)...) }, `"PRIVATE KEY"`},
		{"a broken root", func(o *Options) {
			o.RootCAsPEM = []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
		}, "parse certificate in the file of root certificates"},
		{"no certificate", func(o *Options) { o.Certificate = CertificateSource{} }, "exactly one way"},
		{"two certificates", func(o *Options) { o.Certificate.CertFile = certFile }, "exactly one way"},
		{"key alone", func(o *Options) { o.Certificate = CertificateSource{KeyFile: keyFile} }, "KeyFile needs CertFile"},
		{"passphrase alone", func(o *Options) { o.Certificate = CertificateSource{Passphrase: secret.New("x")} }, "needs PKCS12File"},
		{"file missing", func(o *Options) { o.Certificate = CertificateSource{CertFile: missing, KeyFile: keyFile} }, missing},
		{"file empty", func(o *Options) { o.Certificate = CertificateSource{CertFile: empty, KeyFile: keyFile} }, "certificate"},
		{"key missing", func(o *Options) { o.Certificate = CertificateSource{CertFile: certFile} }, "private key"},
		{"key encrypted", func(o *Options) { o.Certificate = CertificateSource{CertFile: certFile, KeyFile: encrypted} }, "PKCS#12"},
		{"not PKCS#12", func(o *Options) { o.Certificate = CertificateSource{PKCS12File: certFile} }, "PKCS#12"},
		{"key of another", func(o *Options) { o.Certificate.TLS = &strange }, "does not belong"},
		{"nothing in memory", func(o *Options) { o.Certificate.TLS = &tls.Certificate{} }, "no certificate"},
		{"negative time", func(o *Options) { o.Timeout = -1 }, "Timeout"},
		{"negative connections", func(o *Options) { o.MaxConns = -1 }, "MaxConns"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := blankOptions(good)
			tt.change(&o)
			a, err := New(o)
			if err == nil || a != nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error that says %q", err, tt.want)
			}
		})
	}
	t.Run("all at once", func(t *testing.T) {
		_, err := New(Options{})
		for _, want := range []string{"BaseURL", "RootCAsPEM", "certificate"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want it to name %s", err, want)
			}
		}
	})
}

// blankOptions returns options that are right, for no server in particular.
func blankOptions(cert tls.Certificate) Options {
	return Options{BaseURL: TestURL, Certificate: CertificateSource{TLS: &cert}, RootCAsPEM: serverRoot().pem()}
}

func TestRootsFromFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(name, append(otherRoot().pem(), serverRoot().pem()...), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newPeer(t, answer(405, ""))
	o := p.options()
	o.RootCAsPEM, o.RootCAsFile = nil, name
	if err := newAPI(t, o).Probe(t.Context()); err != nil {
		t.Error(err)
	}
}
