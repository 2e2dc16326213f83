package main

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"brygga/admin"
	"brygga/bankid"
	"brygga/cmd/brygga/config"
	"brygga/eid"
	"brygga/login"
	"brygga/netid"
	"brygga/netid/netidlogin"
	"brygga/web"
	"brygga/web/netiddialect"
)

// netIDParts are what Net iD Access is spoken to with, and its results are checked by: those of the configuration, or of a simulator.
type netIDParts struct {
	options  netid.Options
	verifier netid.VerifierOptions
	// certificates are ours by the names that policies call them, the default one without a name; there may be none.
	certificates map[string]bankid.CertificateSource
}

// netIDFrom returns the parts that a configuration names, nil where it has no Net iD Access.
func netIDFrom(c *config.Config) (*netIDParts, error) {
	if !c.NetID.Used() {
		return nil, nil
	}
	client := c.HTTPClientOf(c.NetID.HTTPClient)
	options, errOptions := c.NetID.Options(client)
	verifier, errVerifier := c.NetID.VerifierOptions()
	if err := errors.Join(errOptions, errVerifier); err != nil {
		return nil, fail(exitUsage, "look at the section netid of the configuration, and at http_clients", "%w", err)
	}
	return &netIDParts{options, verifier, netIDSources(c)}, nil
}

// netIDSources returns where the certificates for Net iD Access are.
func netIDSources(c *config.Config) map[string]bankid.CertificateSource {
	sources := make(map[string]bankid.CertificateSource)
	for _, certificate := range c.NetID.Certificates {
		sources[certificate.Name] = certificate.Source()
	}
	if certificate := c.HTTPClientOf(c.NetID.HTTPClient).Certificate(); certificate.Set() {
		sources[""] = certificate.Source()
	}
	return sources
}

// netIDService is a Net iD Access as a running server speaks to it.
type netIDService struct {
	// apis are by certificate. One that policies name for another eID alone stands there with the default certificate.
	apis         map[string]*netid.API
	certificates map[string]*ownCertificate
	verifier     *netid.Verifier
	health       *eidHealth
}

// openNetID makes what speaks to Net iD Access, where there is one.
func (s *server) openNetID() (err error) {
	p := s.netid
	if p == nil {
		return nil
	}
	health := newNetIDHealth(s.metrics.watchNetID(), s.log, s.now)
	p.options.Now, p.verifier.Now, p.options.Observe = s.now, s.now, health.call
	if s.cards, err = p.open(s.log); err != nil {
		return err
	}
	s.cards.health = health
	for name, certificate := range s.cards.certificates {
		s.metrics.watchEnd(netIDCertificateEnds, certificateName(name), func() time.Time { return certificate.leaf().NotAfter })
	}
	return nil
}

// open makes an API for each of our certificates.
func (p *netIDParts) open(log *slog.Logger) (of *netIDService, err error) {
	of = &netIDService{apis: make(map[string]*netid.API), certificates: make(map[string]*ownCertificate)}
	if of.verifier, err = netid.NewVerifier(p.verifier); err != nil {
		return nil, fail(exitUsage, "look at the section netid of the configuration", "%w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(p.certificates)) {
		if of.certificates[name], err = newOwnCertificate("netid "+certificateName(name), p.certificates[name], log); err != nil {
			return nil, fail(exitUsage, "look at netid.certificates and http_clients of the configuration", "netid: certificate %s: %w", certificateName(name), err)
		}
	}
	for _, name := range append(slices.Sorted(maps.Keys(p.certificates)), "") {
		options := p.options
		if certificate := of.certificates[name]; certificate != nil {
			options.Profile.Certificate = certificate.get
		}
		if of.apis[name] != nil {
			continue
		}
		if of.apis[name], err = netid.New(options); err != nil {
			return nil, fail(exitUsage, "look at the section netid of the configuration, and at http_clients", "%w", err)
		}
	}
	return of, nil
}

// methods returns the eIDs that logins are possible by. A certificate of ours that a policy names and one of them has not is its default one there.
func (s *server) methods() (all []eid.Method, err error) {
	apis := maps.Clone(s.apis)
	for _, name := range s.config.CertificateNames() {
		if apis[name] == nil {
			apis[name] = apis[""]
		}
	}
	bankID, err := login.BankID(login.BankIDOptions{APIs: apis, MobilePolicy: s.config.BankID.MobilePolicy(), Verifier: s.verifier, Phone: s.phone})
	if err != nil || s.cards == nil {
		return []eid.Method{bankID}, err
	}
	netID, err := s.netIDMethod()
	if err != nil {
		return nil, err
	}
	byName := map[string]eid.Method{login.MethodBankID: bankID, netidlogin.Name: netID}
	for _, name := range s.config.MethodNames() {
		all = append(all, byName[name])
	}
	return all, nil
}

func (s *server) netIDMethod() (eid.Method, error) {
	o := s.config.NetID.MethodOptions()
	o.APIs, o.Verifier, o.Logger, o.Now = maps.Clone(s.cards.apis), s.cards.verifier, s.log, s.now
	for _, name := range s.config.CertificateNames() {
		if o.APIs[name] == nil {
			o.APIs[name] = o.APIs[""]
		}
	}
	return netidlogin.New(o)
}

// dialects are those of pages that were written for older products.
func (s *server) dialects() map[string]web.Dialect {
	if s.cards == nil {
		return nil
	}
	return map[string]web.Dialect{netidlogin.Name: netiddialect.New()}
}

// reload reads the certificates again, from where a configuration says that they are, and returns which are others now. A certificate that the
// configuration no longer has goes on until the restart that the log speaks of.
func (n *netIDService) reload(ctx context.Context, s *server, fresh *config.Config) (changed []string) {
	if n == nil || !fresh.NetID.Used() || fresh.HTTPClientOf(fresh.NetID.HTTPClient) == nil {
		return nil
	}
	sources := netIDSources(fresh)
	for _, name := range slices.Sorted(maps.Keys(n.certificates)) {
		certificate := n.certificates[name]
		source, named := sources[name]
		if !named {
			continue
		}
		other, err := certificate.readFrom(source)
		if err != nil {
			s.log.ErrorContext(ctx, "the new certificate cannot be used, the old one stays", "certificate", certificate.name, "err", err)
		}
		if other {
			n.apis[name].Close() // what is open shows the old one
			changed = append(changed, certificate.name)
		}
	}
	return changed
}

// expiries returns when our certificates end.
func (n *netIDService) expiries() (all []admin.Expiry) {
	if n == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(n.certificates)) {
		all = append(all, admin.Expiry{Kind: admin.ExpiresNetID, Name: certificateName(name), Ends: n.certificates[name].leaf().NotAfter})
	}
	return all
}

// details is how the service is, and our certificates for it.
func (n *netIDService) details(now time.Time) (all []admin.Detail) {
	if n == nil {
		return nil
	}
	all = append(all, of("netid", "Net iD Access", "", n.health.detail()))
	for _, name := range slices.Sorted(maps.Keys(n.certificates)) {
		leaf, called := n.certificates[name].leaf(), certificateName(name)
		all = append(all, of("netid-certificate", "Net iD Access certificate "+called, called, lifeOf(leaf.NotBefore, leaf.NotAfter, now)))
	}
	return all
}

// close closes the connections.
func (n *netIDService) close() {
	if n == nil {
		return
	}
	for _, api := range n.apis {
		api.Close()
	}
}

// warn logs a warning for each certificate that ends soon, and an error for each that cannot be used now.
func (n *netIDService) warn(ctx context.Context, s *server) {
	if n == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(n.certificates)) {
		leaf, now := n.certificates[name].leaf(), s.now()
		switch left := leaf.NotAfter.Sub(now); {
		case now.Before(leaf.NotBefore) || left < 0:
			s.log.ErrorContext(ctx, "Net iD Access certificate cannot be used: logins by it fail", "certificate", certificateName(name),
				"valid_from", leaf.NotBefore.UTC(), "expires", leaf.NotAfter.UTC())
		case left <= certificateWarning:
			s.log.WarnContext(ctx, "Net iD Access certificate ends soon: order a new one from its issuer", "certificate", certificateName(name),
				"expires", leaf.NotAfter.UTC(), "days_left", daysLeft(left))
		}
	}
}

// addNetID adds what pages say and show of Net iD.
func (l *looks) addNetID(n *config.NetID) error {
	if l.eids == nil {
		l.eids = make(map[string]web.EID)
	}
	e := l.eids[netidlogin.Name]
	if e.PhoneURL = n.AppURL; e.Logo == nil {
		e.Logo = netidlogin.Logo()
	}
	l.eids[netidlogin.Name] = e
	with, err := l.messages.WithEID(netidlogin.Name, netidlogin.Texts())
	if err == nil {
		l.messages = with
	}
	return err
}
