package main

import (
	"crypto/tls"
	"fmt"
	"strings"
	"time"

	"brygga/cmd/brygga/config"
	"brygga/netid"
)

// inspectNetID looks at our certificates for Net iD Access, at the roots of its server and at the authorities of people's cards.
func inspectNetID(now func() time.Time) config.Inspection {
	return func(c *config.Config, f config.Findings) {
		for i := range c.HTTPClients {
			section, h := fmt.Sprintf("http_clients[%d]", i), &c.HTTPClients[i]
			inspectOwn(f, section, h.Certificate(), now())
			inspectRoots(f, section+".root_ca_file", h.RootCAFile, now())
		}
		if !c.NetID.Used() {
			return
		}
		for i, further := range c.NetID.Certificates {
			inspectOwn(f, fmt.Sprintf("netid.certificates[%d]", i), further, now())
		}
		for i := range c.NetID.Issuers {
			inspectIssuer(f, fmt.Sprintf("netid.issuers[%d].certificate_file", i), c.NetID.Issuers[i].CertificateFile, now())
		}
	}
}

// inspectIssuer looks at the certificate of an authority that people have cards of. One that has ended is no fault: others may be used still.
func inspectIssuer(f config.Findings, key, path string, now time.Time) {
	if path == "" || !f.Sound(key) {
		return
	}
	text, err := config.ReadFile(path, maxLookFile)
	var issuers []netid.Issuer
	if err == nil {
		issuers, err = netid.ParseIssuers(text)
	}
	if err != nil {
		f.Fault(key, strings.TrimPrefix(err.Error(), "netid: issuers: "), "name a file with the authority's certificate in PEM and nothing else")
	}
	for _, issuer := range issuers {
		if !issuer.Certificate.IsCA {
			f.Fault(key, fmt.Sprintf("%q is no authority's certificate", issuer.Name), "name that of the authority that signs people's certificates")
		}
		if now.After(issuer.Certificate.NotAfter) {
			f.Warn(key, fmt.Sprintf("%q ended on %s", issuer.Name, moment(issuer.Certificate.NotAfter)))
		}
	}
}

// inspectOwn looks at a certificate of ours for any service. One that is over is no fault, as it may be that of a service that is not needed now.
func inspectOwn(f config.Findings, section string, c config.Certificate, now time.Time) {
	certificate := readOwn(f, section, c)
	if certificate == nil {
		return
	}
	key := section + ".certificate_file"
	if c.PKCS12File != "" {
		key = section + ".pkcs12_file"
	}
	switch left := certificate.Leaf.NotAfter.Sub(now); {
	case now.Before(certificate.Leaf.NotBefore):
		f.Warn(key, "is not valid before "+moment(certificate.Leaf.NotBefore)+"; calls fail until then")
	case left < 0:
		f.Warn(key, "ended on "+moment(certificate.Leaf.NotAfter)+"; calls fail")
	case left <= certificateWarning:
		f.Warn(key, fmt.Sprintf("ends in %d days: order a new certificate from its issuer", daysLeft(left)))
	}
}

// readOwn returns a certificate of ours, nil where there is none or it cannot be used: then it has told why.
func readOwn(f config.Findings, section string, c config.Certificate) *tls.Certificate {
	file := section + ".pkcs12_file"
	switch {
	case c.PKCS12File != "":
		if !f.Sound(file) || !f.Sound(section+".passphrase_file") || !f.Sound(section+".passphrase") {
			return nil
		}
	case c.CertificateFile != "":
		file = section + ".certificate_file"
		if !f.Sound(file) || !f.Sound(section+".key_file") || inspectPair(f, file, section+".key_file", c.CertificateFile, c.KeyFile) == nil {
			return nil
		}
	default:
		return nil
	}
	certificate, err := c.Source().Load()
	if err != nil {
		faultCertificate(f, section, file, c, err, "name the certificate's .p12 file, or certificate and key in PEM")
		return nil
	}
	return certificate
}
