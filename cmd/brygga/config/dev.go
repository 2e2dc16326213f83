package config

import (
	"cmp"
	"slices"
	"strings"

	"brygga/bankid"
	"brygga/storage"
)

// devKeys are the keys that a development installation takes from a configuration; a section stands for all below it.
var devKeys = []string{"service_documentation", "bankid.policy", "login", "tokens", "sessions", "limits", "outbound", "keys", "audit.retention", "tracing", "page", "clients"}

// LoadDev returns what the configuration in the file at path says of a development installation: looks, texts, clients, policies
// and limits. Where a server listens, what it stores and which BankID it asks is the installation's own matter: such keys must be
// spelled right, and are left out with the files that they name. ignored lists those that are set. Environment variables do not
// count. Errors are those of Load.
func LoadDev(path string, inspections ...Inspection) (c *Config, ignored []string, err error) {
	c, err = load(path, nil, func(c *Config) {
		c.development = true
		ignored = c.keepDevKeys()
	}, inspections)
	if err != nil {
		return nil, nil, err
	}
	c.BankID.Certificates, c.NetID = nil, NetID{}
	simulate(&c.BankID.Policy)
	for acr, policy := range c.Tokens.ACRPolicies {
		simulate(&policy)
		c.Tokens.ACRPolicies[acr] = policy
	}
	for i := range c.Clients {
		simulate(&c.Clients[i].Policy)
	}
	return c, ignored, nil
}

// simulated are the kinds of BankID that a simulator has, by those of production.
var simulated = map[string]string{
	bankid.PolicyOnFile: bankid.PolicyTestOnFile, bankid.PolicyOnCard: bankid.PolicyTestOnCard, bankid.PolicyMobile: bankid.PolicyTestMobile,
}

// simulate makes a policy one that people of the simulator can meet: it knows one certificate of ours and its own kinds of BankID. A
// pattern of kinds is left out.
func simulate(p *storage.Policy) {
	p.Certificate = ""
	var kinds []string
	for _, kind := range p.CertificatePolicies {
		if !strings.HasSuffix(kind, "*") {
			kinds = append(kinds, cmp.Or(simulated[kind], kind))
		}
	}
	p.CertificatePolicies = kinds
}

// keepDevKeys leaves out what a development installation does not take, and returns the keys that were set.
func (c *Config) keepDevKeys() (ignored []string) {
	defaults := &Config{}
	defaults.setDefaults()
	ignored = slices.DeleteFunc(Changes(defaults, c), func(key string) bool {
		return slices.ContainsFunc(devKeys, func(taken string) bool { return key == taken || strings.HasPrefix(key, taken+".") })
	})
	kept := &Config{
		ServiceDocumentation: c.ServiceDocumentation, Login: c.Login, Tokens: c.Tokens, Sessions: c.Sessions, Limits: c.Limits, Outbound: c.Outbound,
		Keys: c.Keys, Tracing: c.Tracing, Audit: Audit{Retention: c.Audit.Retention}, Page: c.Page, Clients: c.Clients, development: c.development,
	}
	// What is checked by its place in the file is looked at although nothing asks for it.
	kept.BankID.Policy, kept.BankID.Timeout, kept.BankID.MaxConnections = c.BankID.Policy, c.BankID.Timeout, c.BankID.MaxConnections
	for _, certificate := range c.BankID.Certificates { // policies may name them
		kept.BankID.Certificates = append(kept.BankID.Certificates, Certificate{Name: certificate.Name})
	}
	kept.NetID.URL = c.NetID.URL // clients may name it
	for _, certificate := range c.NetID.Certificates {
		kept.NetID.Certificates = append(kept.NetID.Certificates, Certificate{Name: certificate.Name})
	}
	*c = *kept
	return ignored
}

// Simulate gives a development installation its eIDs: the Net iD Access n, beside BankID where that is one. Clients that name an eID which is not
// there are left with the others.
func (c *Config) Simulate(n NetID) {
	c.NetID = n
	there := c.configured()
	for i := range c.Clients {
		of := &c.Clients[i].settings
		of.Methods = slices.DeleteFunc(slices.Clone(of.Methods), func(name string) bool { return !slices.Contains(there, name) })
	}
}
