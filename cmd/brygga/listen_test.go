package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"brygga/cmd/brygga/config"
)

// writePair writes a certificate for localhost that ends in left, and its key.
func writePair(t *testing.T, certFile, keyFile string, left time.Duration) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), NotAfter: time.Now().Add(left), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestListenerCertificateIsWatched: one that ends soon is told of, and a renewal that cannot be used is told of again and again.
func TestListenerCertificateIsWatched(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	writePair(t, certFile, keyFile, 10*24*time.Hour+time.Hour)
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	files, err := newCertificateFiles(certFile, keyFile, log)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{serverOptions: serverOptions{listener: files, logs: logs{log: log}, now: time.Now, config: &config.Config{Issuer: "https://login.example.se"}}}
	s.warnListener(t.Context())
	for _, want := range []string{"ends in 10 days", "is not for login.example.se"} {
		if strings.Count(out.String(), want) != 1 {
			t.Errorf("the log does not say once %q: %s", want, out.String())
		}
	}
	if err := os.WriteFile(certFile, []byte("half a certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.warnRenewal(t.Context())
	s.warnRenewal(t.Context())
	if got := strings.Count(out.String(), "still cannot be used"); got != 2 {
		t.Errorf("a renewal that cannot be used was told of %d times, want 2: %s", got, out.String())
	}
	writePair(t, certFile, keyFile, 100*24*time.Hour)
	out.Reset()
	s.warnRenewal(t.Context())
	s.config.Issuer = "https://localhost"
	s.warnListener(t.Context())
	if strings.Contains(out.String(), "level=ERROR") || strings.Contains(out.String(), "level=WARN") {
		t.Errorf("a good certificate is complained of: %s", out.String())
	}
}
