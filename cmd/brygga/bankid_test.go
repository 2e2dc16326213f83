package main

import (
	"bytes"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"brygga/bankid"
	"brygga/bankid/bankidsim"
	"brygga/cmd/brygga/config"
)

// newSimulated serves a simulator and returns the configuration of a relying party of it, without verification.
func newSimulated(t *testing.T) (*bankidsim.Simulator, *config.Config) {
	t.Helper()
	sim, err := bankidsim.New(bankidsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, done := sim.APIServer(), make(chan struct{})
	go func() { defer close(done); server.ServeTLS(l, "", "") }()
	t.Cleanup(func() { server.Close(); <-done; sim.Close() })
	dir := t.TempDir()
	c := &config.Config{BankID: config.BankID{
		Environment: config.Custom, URL: "https://" + l.Addr().String() + "/rp/v6.0", Verify: "off",
		CertificateFile: filepath.Join(dir, "c.pem"), KeyFile: filepath.Join(dir, "k.pem"), RootCAFile: filepath.Join(dir, "ca.pem"),
	}}
	rp := sim.ClientCertificate()
	for name, text := range map[string][]byte{c.BankID.CertificateFile: rp.CertPEM, c.BankID.KeyFile: rp.KeyPEM, c.BankID.RootCAFile: sim.ServerRootPEM()} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return sim, c
}

func TestBankIDCheck(t *testing.T) {
	t.Parallel()
	sim, c := newSimulated(t)
	end := sim.ClientCertificate().TLS.Leaf.NotAfter
	at := func(moment time.Time) func() time.Time { return func() time.Time { return moment } }
	tests := []struct {
		name string
		now  func() time.Time
		want []string // what the problems say, in order
	}{
		{"well", time.Now, nil},
		{"30 days left", at(end.Add(-certificateWarning)), []string{"ends in 30 days", "clock differs"}},
		{"one second more", at(end.Add(-certificateWarning - time.Second)), []string{"clock differs"}},
		{"over", at(end.Add(time.Hour)), []string{"not now", "clock differs"}},
		{"clock ahead", func() time.Time { return time.Now().Add(time.Minute) }, []string{"clock differs"}},
		{"clock behind", func() time.Time { return time.Now().Add(-time.Minute) }, []string{"clock differs"}},
	}
	for _, tt := range tests {
		r := checkBankID(t.Context(), c, tt.now)
		problems := r.Certificates[0].Problems
		if r.OK != (len(tt.want) == 0) || len(problems) != len(tt.want) {
			t.Errorf("%s: ok %v, problems %q", tt.name, r.OK, problems)
			continue
		}
		for i, want := range tt.want {
			if !strings.Contains(problems[i], want) {
				t.Errorf("%s: %q, want %q", tt.name, problems[i], want)
			}
		}
	}
	if orders := sim.Orders(""); len(orders) > 0 {
		t.Errorf("the check made orders: %v", orders)
	}
	for _, tt := range []struct {
		environment, issuer string
		foreign             bool
	}{
		{config.Production, "CN=Testbank A RP CA v1 for BankID Test,O=Testbank A AB (publ),C=SE", true},
		{config.Production, "CN=Example Bank RP CA v1 for BankID,O=Example Bank,C=SE", false},
		{config.Test, "CN=Testbank A RP CA v1 for BankID Test,O=Testbank A AB (publ),C=SE", false},
		{config.Test, "CN=Example Bank RP CA v1 for BankID,O=Example Bank,C=SE", true},
		{config.Custom, "CN=anything", false},
	} {
		if got := foreignEnvironment(tt.environment, tt.issuer) != ""; got != tt.foreign {
			t.Errorf("%s in %s: foreign %v", tt.issuer, tt.environment, got)
		}
	}
}

func TestCertificateWarnings(t *testing.T) {
	t.Parallel()
	sim, c := newSimulated(t)
	end := sim.ClientCertificate().TLS.Leaf.NotAfter
	api, err := bankid.New(c.BankID.Options())
	if err != nil {
		t.Fatal(err)
	}
	defer api.Close()
	for left, want := range map[time.Duration]string{
		certificateWarning + time.Second: "", certificateWarning: "days_left=30", time.Hour: "days_left=0", -time.Hour: "logins fail",
	} {
		var log bytes.Buffer
		s := &server{apis: map[string]*bankid.API{"": api}}
		s.log, s.now = slog.New(slog.NewTextHandler(&log, nil)), func() time.Time { return end.Add(-left) }
		s.warnCertificates(t.Context())
		if got := log.String(); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s before the end: %q, want %s", left, got, want)
		}
		m := &metrics{registry: prometheus.NewRegistry()}
		m.watchEnd(bankIDCertificateEnds, "default", func() time.Time { return api.CertificateInfo().NotAfter })
		families, err := m.registry.Gather()
		if err != nil || len(families) != 1 || families[0].GetMetric()[0].GetGauge().GetValue() != float64(end.Unix()) {
			t.Errorf("%s before the end: the metric is %v, %v", left, families, err)
		}
	}
}
