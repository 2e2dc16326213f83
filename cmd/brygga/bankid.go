package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"brygga/bankid"
	"brygga/bankid/bankidsim"
	"brygga/cmd/brygga/config"
	"brygga/login"
)

const (
	// certificateWarning is how long before its end a BankID certificate is warned of: a bank needs days to issue the next.
	certificateWarning = 30 * 24 * time.Hour
	// certificateEvery is how often that is looked at.
	certificateEvery = 24 * time.Hour
	// renewalEvery is how often a new certificate of the listener that cannot be used is told of: the old one may end soon.
	renewalEvery = time.Hour
)

// newVerifier returns what checks results, from the file that the configuration names, or nil when nobody looks at evidence.
// It fails when the file cannot be used.
func newVerifier(b *config.BankID, now func() time.Time) (func() (*bankid.Verifier, error), error) {
	if b.Verify == string(login.VerifyOff) {
		return nil, nil
	}
	root, err := os.ReadFile(b.SignatureRootFile)
	if err != nil {
		return nil, fail(exitUsage, "name the member banks' root in bankid.signature_root_file", "%w", err)
	}
	verifier, err := bankid.NewVerifier(bankid.VerifierOptions{RootsPEM: root, CertificatePolicies: b.Policies(), Except: b.Except(), Now: now})
	if err != nil {
		return nil, fail(exitUsage, "look at bankid.signature_root_file", "%w", err)
	}
	return func() (*bankid.Verifier, error) { return verifier, nil }, nil
}

// lateVerifier returns what checks the results of a simulator. It is made with the first result, as a simulator makes the keys
// of people's signatures no sooner, and they take a while.
func lateVerifier(sim *bankidsim.Simulator) func() (*bankid.Verifier, error) {
	return sync.OnceValues(func() (*bankid.Verifier, error) {
		root, err := sim.SignatureRootPEM()
		if err != nil {
			return nil, err
		}
		return bankid.NewVerifier(bankid.VerifierOptions{RootsPEM: root, CertificatePolicies: bankid.TestPolicies(), Now: sim.Now})
	})
}

// openBankID makes an API for each of our certificates.
func (s *server) openBankID() error {
	s.bankid.Now, s.bankid.Logger, s.bankid.Observe = s.now, s.log, s.health.call
	s.bankid.ObserveClock = s.health.clock
	s.apis = make(map[string]*bankid.API)
	certificates := maps.Clone(s.certificates)
	if certificates == nil {
		certificates = make(map[string]bankid.CertificateSource)
	}
	certificates[""] = s.bankid.Certificate
	for _, name := range slices.Sorted(maps.Keys(certificates)) {
		options := s.bankid
		options.Certificate = certificates[name]
		api, err := bankid.New(options)
		if err != nil {
			return fail(exitUsage, "look at the section bankid of the configuration", "certificate %s: %w", certificateName(name), err)
		}
		s.apis[name] = api
		s.metrics.watchEnd(bankIDCertificateEnds, certificateName(name), func() time.Time { return api.CertificateInfo().NotAfter })
	}
	return nil
}

// certificateName is what operators read of a certificate: the one without a name is the default one.
func certificateName(name string) string { return cmp.Or(name, "default") }

// warnCertificates logs a warning for each certificate that ends soon, and an error for each that cannot be used now.
func (s *server) warnCertificates(ctx context.Context) {
	for _, name := range slices.Sorted(maps.Keys(s.apis)) {
		info := s.apis[name].CertificateInfo()
		left := info.NotAfter.Sub(s.now())
		if err := info.ValidAt(s.now()); err != nil {
			s.log.ErrorContext(ctx, "BankID certificate cannot be used: logins fail", "certificate", certificateName(name), "err", err)
			continue
		}
		if left > certificateWarning {
			continue
		}
		s.log.WarnContext(ctx, "BankID certificate ends soon: order a new one from the bank", "certificate", certificateName(name),
			"expires", info.NotAfter.UTC(), "days_left", daysLeft(left))
	}
	s.cards.warn(ctx, s)
}

// warnListener logs what browsers will not like about the listener's certificate.
func (s *server) warnListener(ctx context.Context) {
	leaf, _ := s.listener.state()
	for _, warning := range listenerWarnings(leaf, s.config.Issuer, s.now()) {
		s.log.WarnContext(ctx, "certificate of the listener "+warning, "expires", leaf.NotAfter.UTC())
	}
}

// warnRenewal looks at the files, which nobody may have done for want of connections, and repeats that they cannot be used.
func (s *server) warnRenewal(ctx context.Context) {
	s.listener.look()
	if leaf, failed := s.listener.state(); failed != nil {
		s.log.ErrorContext(ctx, "the new certificate of the listener still cannot be used", "err", failed, "old_expires", leaf.NotAfter.UTC())
	}
}

// daysLeft returns whole days, 0 on the last one and less when it is over.
func daysLeft(left time.Duration) int {
	if left < 0 {
		return int(left/(24*time.Hour)) - 1
	}
	return int(left / (24 * time.Hour))
}

// watchResults adds whether the results of each eID verify, which nobody should have to look for in the log.
func (m *metrics) watchResults(engine *login.Engine, methods []string) {
	for _, method := range methods {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "brygga_results_unverified", Help: "1 while the results of an eID do not verify.", ConstLabels: prometheus.Labels{"eid": method},
		}, func() float64 {
			if engine.ResultsUnverified(method) {
				return 1
			}
			return 0
		}))
	}
}

// checkSkew says what is wrong with our clock by BankID's, or "". It was told in whole seconds while the call ran.
func checkSkew(skew time.Duration) string {
	if skew.Abs() <= bankid.DefaultSkew/4 {
		return ""
	}
	return fmt.Sprintf("this machine's clock differs from BankID's by %s: QR codes and results are refused when it does by much", skew.Round(time.Second))
}
