package main

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"brygga/bankid"
	"brygga/bankid/bankidsim"
	"brygga/cmd/brygga/config"
	"brygga/keys"
	"brygga/login"
	"brygga/secret"
)

// newOptions are those of a server with a simulator that nobody runs, in a directory of its own.
func newOptions(t *testing.T) serverOptions {
	t.Helper()
	sim, err := bankidsim.New(bankidsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	certificate := sim.ClientCertificate().TLS
	return serverOptions{
		config: &config.Config{
			Issuer: "http://localhost:8080", Data: filepath.Join(t.TempDir(), "data"), MasterKey: keys.NewMasterKey(),
			BankID: config.BankID{Environment: config.Custom, Verify: string(login.VerifyOff)}, Page: config.Page{ServiceName: "Brygga"},
		},
		bankid: bankid.Options{
			BaseURL: "https://localhost:1/rp/v6.0", Certificate: bankid.CertificateSource{TLS: &certificate}, RootCAsPEM: sim.ServerRootPEM(),
		},
		verifier: lateVerifier(sim), logs: logs{log: slog.New(slog.DiscardHandler)}, now: time.Now,
	}
}

// TestPartlyBuiltServer lets each part of a server fail to be built: what was built before is closed, and before it is known that
// the server can start nothing is made.
func TestPartlyBuiltServer(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(t *testing.T, o *serverOptions)
		clean bool // no data directory is made
	}{
		{"certificate", func(_ *testing.T, o *serverOptions) {
			o.bankid.Certificate = bankid.CertificateSource{CertFile: "none.pem", KeyFile: "none.pem"}
		}, true},
		{"second certificate", func(_ *testing.T, o *serverOptions) {
			o.certificates = map[string]bankid.CertificateSource{"a": o.bankid.Certificate, "b": {PKCS12File: "none.p12"}}
		}, true},
		{"roots", func(_ *testing.T, o *serverOptions) { o.bankid.RootCAsPEM = []byte("none") }, true},
		{"outbound", func(_ *testing.T, o *serverOptions) { o.config.Outbound.RootCAFile = "none.pem" }, true},
		{"master key", func(_ *testing.T, o *serverOptions) { o.config.MasterKey = secret.New("short") }, true},
		{"data", func(t *testing.T, o *serverOptions) {
			if err := os.WriteFile(o.config.Data, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"verification", func(_ *testing.T, o *serverOptions) { o.config.BankID.Verify = "maybe" }, false},
		{"issuer", func(_ *testing.T, o *serverOptions) { o.config.Issuer = "ftp://localhost" }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := newOptions(t)
			tt.spoil(t, &o)
			s, err := newServer(t.Context(), o)
			if err == nil {
				s.close()
				t.Fatal("the server was built")
			}
			if _, err := os.Stat(filepath.Join(o.config.Data, socketFile)); err == nil {
				t.Error("the socket was left behind")
			}
			if _, err := os.Stat(o.config.Data); tt.clean && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s was made before it was known that the server can start", o.config.Data)
			}
		})
	}
	t.Run("all parts", func(t *testing.T) {
		s, err := newServer(t.Context(), newOptions(t))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
}
