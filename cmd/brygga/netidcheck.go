package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net/http/httptrace"
	"slices"
	"time"

	"brygga/bankid"
	"brygga/cmd/brygga/config"
	"brygga/netid"
)

// netIDReport is what "brygga netid check" found.
type netIDReport struct {
	OK         bool   `json:"ok"`
	URL        string `json:"url"`
	HTTPClient string `json:"http_client"`
	SOAP       string `json:"soap"`
	WSDL       string `json:"wsdl"` // as it is configured
	Revocation string `json:"revocation"`
	// Issuers are the authorities of people's cards, and Certificates ours.
	Issuers      []certificateLife  `json:"issuers"`
	Certificates []netIDCertificate `json:"certificates"`
}

// certificateLife is who a certificate is for, and how long.
type certificateLife struct {
	Name       string    `json:"name,omitempty"`
	CommonName string    `json:"common_name,omitempty"`
	Issuer     string    `json:"issuer,omitempty"`
	NotBefore  time.Time `json:"not_before,omitzero"`
	NotAfter   time.Time `json:"not_after,omitzero"`
	DaysLeft   int       `json:"days_left"`
	Problems   []string  `json:"problems,omitempty"`
}

// netIDCertificate is one of ours, and what the service answers whoever shows it.
type netIDCertificate struct {
	certificateLife
	// AskedFor says that the service asked for a certificate. One for tests does not.
	AskedFor  bool `json:"asked_for"`
	Reachable bool `json:"reachable"`
	// WSDL is the version that the service has, empty for one that is not known.
	WSDL string `json:"wsdl,omitempty"`
	// Server is the service's own certificate.
	Server *certificateLife `json:"server,omitempty"`

	unreachable bool // the service did not answer, which says nothing of the certificate
}

// lifeReport describes a certificate, nil for none.
func lifeReport(name string, leaf *x509.Certificate, now time.Time) certificateLife {
	r := certificateLife{Name: name}
	if leaf == nil {
		return r
	}
	r.CommonName, r.Issuer = cmp.Or(leaf.Subject.CommonName, leaf.Subject.String()), leaf.Issuer.String()
	r.NotBefore, r.NotAfter, r.DaysLeft = leaf.NotBefore.UTC(), leaf.NotAfter.UTC(), daysLeft(leaf.NotAfter.Sub(now))
	switch {
	case now.Before(leaf.NotBefore):
		r.problem("is not valid before %s", moment(leaf.NotBefore))
	case now.After(leaf.NotAfter):
		r.problem("ended on %s", moment(leaf.NotAfter))
	}
	return r
}

func (l *certificateLife) problem(format string, values ...any) {
	l.Problems = append(l.Problems, fmt.Sprintf(format, values...))
}

func (l *certificateLife) until() string {
	if l.NotAfter.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s (%d days)", moment(l.NotAfter), l.DaysLeft)
}

// checkNetID looks at everything and never stops at the first problem. An error is one of the configuration.
func checkNetID(ctx context.Context, c *config.Config, now func() time.Time) (netIDReport, error) {
	parts, err := netIDFrom(c)
	if err != nil {
		return netIDReport{}, err
	}
	if _, err := netid.NewVerifier(parts.verifier); err != nil {
		return netIDReport{}, fail(exitUsage, "look at the section netid of the configuration", "%w", err)
	}
	n := &c.NetID
	r := netIDReport{
		OK: true, URL: n.URL, HTTPClient: n.HTTPClient, SOAP: cmp.Or(n.SOAP, string(netid.SOAP11)), WSDL: cmp.Or(n.WSDL, string(netid.Version2)),
		Revocation: cmp.Or(n.Revocation, string(netid.RevocationOCSP)),
	}
	for _, issuer := range parts.verifier.Issuers {
		r.Issuers = append(r.Issuers, lifeReport(issuer.Name, issuer.Certificate, now()))
	}
	names := slices.Sorted(maps.Keys(parts.certificates))
	if !slices.Contains(names, "") {
		names = append(names, "")
	}
	for _, name := range names {
		source, there := parts.certificates[name]
		r.Certificates = append(r.Certificates, checkNetIDCertificate(ctx, name, source, there, parts.options, r.WSDL, now))
	}
	for _, i := range r.Issuers {
		r.OK = r.OK && len(i.Problems) == 0
	}
	for _, certificate := range r.Certificates {
		r.OK = r.OK && len(certificate.Problems) == 0
	}
	return r, nil
}

// checkNetIDCertificate looks at one certificate of ours and asks the service with it; without one it asks as nobody in particular.
func checkNetIDCertificate(ctx context.Context, name string, source bankid.CertificateSource, there bool, options netid.Options, wsdl string, now func() time.Time) (r netIDCertificate) {
	shown := &tls.Certificate{}
	r.Name = certificateName(name)
	if there {
		var err error
		if shown, err = source.Load(); err != nil {
			r.problem("%v", err)
			return r
		}
		r.certificateLife = lifeReport(r.Name, shown.Leaf, now())
		if left := shown.Leaf.NotAfter.Sub(now()); left > 0 && left <= certificateWarning {
			r.problem("ends in %d days: order a new certificate from its issuer", r.DaysLeft)
		}
	}
	options.Profile.Certificate = func() (*tls.Certificate, error) { r.AskedFor = true; return shown, nil }
	api, err := netid.New(options)
	r.AskedFor = false // New looks at the certificate too
	if err != nil {
		r.problem("%v", err)
		return r
	}
	defer api.Close()
	r.probe(ctx, api, wsdl, now)
	if r.Reachable && there && !r.AskedFor {
		r.problem("the service does not ask for it: everybody may call such a service, which is one for tests")
	}
	return r
}

func (r *netIDCertificate) probe(ctx context.Context, api *netid.API, wsdl string, now func() time.Time) {
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{TLSHandshakeDone: func(state tls.ConnectionState, err error) {
		if err == nil && len(state.PeerCertificates) > 0 {
			server := lifeReport("", state.PeerCertificates[0], now())
			r.Server = &server
		}
	}})
	version, err := api.Probe(ctx)
	r.WSDL = string(version)
	switch {
	case errors.Is(err, netid.ErrRefused):
		r.problem("Net iD Access refuses it: %v", err)
	case errors.Is(err, netid.ErrUntrustedServer):
		r.problem("the server does not prove to be Net iD Access: look at root_ca_file of its http_client, and at netid.url: %v", err)
	case errors.Is(err, netid.ErrBadResponse), statusOf(err) != 0 && statusOf(err) < 500:
		r.Reachable = true
		r.problem("what answers is no Net iD Access: look at netid.url: %v", err)
	case err != nil:
		r.unreachable = true
		r.problem("Net iD Access was not reached: %v", err)
	default:
		r.Reachable = true
		if r.WSDL == "" {
			r.problem("the WSDL of the service is of a version that brygga does not know")
		} else if r.WSDL != wsdl {
			r.problem("the service has WSDL version %s: write netid.wsdl: %s", r.WSDL, r.WSDL)
		}
	}
}

// statusOf returns the HTTP status with which the service refused, 0 for none.
func statusOf(err error) int {
	if refused, ok := errors.AsType[*netid.ServiceError](err); ok {
		return refused.Status
	}
	return 0
}
