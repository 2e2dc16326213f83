package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"brygga/clients"
	"brygga/login"
	"brygga/netid/netidlogin"
	"brygga/storage"
)

// Method is what is said of an eID beside how to speak to it. Where a list of Scopes, Devices or Networks is empty it bounds nothing.
type Method struct {
	// Name is the name of the eID's section: bankid or netid. Required.
	Name string `yaml:"name"`
	// Label is what people read on the page where they choose, by language tag. Default: the eID's own name.
	Label map[string]string `yaml:"label"`
	// LogoFile is its logo on that page, a PNG, JPEG, GIF or SVG file. Default: for BankID page.bankid_logo_file, else our own picture.
	LogoFile string `yaml:"logo_file" kind:"path"`
	// ACRValues are the levels out of tokens that its logins may be given, the first where an app asks for none of them. Required where there are
	// several eIDs; one alone gives all.
	ACRValues []string `yaml:"acr_values"`
	// AMR is the claim of that name. Default: the name and mfa.
	AMR []string `yaml:"amr"`
	// AuthnProvider is the address by which apps ask for it, and are told that it was used. Default: the issuer, /authn/ and the name.
	AuthnProvider string `yaml:"authn_provider"`
	// Scopes are those of which an app must ask for one.
	Scopes []string `yaml:"scopes"`
	// Devices are those on which the page offers it: phone, tablet or computer.
	Devices []string `yaml:"devices"`
	// Networks are those from which it is offered.
	Networks []netip.Prefix `yaml:"networks"`
}

// configured returns the names of the eIDs that have a section.
func (c *Config) configured() []string {
	if c.NetID.Used() {
		return []string{login.MethodBankID, netidlogin.Name}
	}
	return []string{login.MethodBankID}
}

// MethodNames returns the names of the eIDs: those of Methods first, in their order.
func (c *Config) MethodNames() (names []string) {
	for _, m := range c.Methods {
		names = append(names, m.Name)
	}
	for _, name := range c.configured() {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// ClientMethods returns the eIDs with what is fixed of each and the keys by which it may name people, in the order of MethodNames.
func (c *Config) ClientMethods() (methods []clients.Method) {
	for _, name := range c.MethodNames() {
		m := clients.Method{Name: name, Keys: []string{storage.KeyPersonalNumber}, Traits: login.BankIDTraits()}
		if name == netidlogin.Name {
			of := c.NetID.MethodOptions()
			m.Keys, m.Traits = of.Keys(), netidlogin.TraitsOf(of)
		}
		methods = append(methods, m)
	}
	return methods
}

// Offers returns for which logins each eID is offered.
func (c *Config) Offers() map[string]login.Offer {
	offers := make(map[string]login.Offer)
	for _, m := range c.Methods {
		offers[m.Name] = login.Offer{ACRValues: m.ACRValues, Scopes: m.Scopes, Devices: m.Devices, Networks: m.Networks}
	}
	return offers
}

// MethodOf returns what is said of the eID of that name: nothing where it is not among Methods.
func (c *Config) MethodOf(name string) Method {
	if i := slices.IndexFunc(c.Methods, func(m Method) bool { return m.Name == name }); i >= 0 {
		return c.Methods[i]
	}
	return Method{Name: name}
}

// checkMethods reports what is wrong with what is said of the eIDs.
func (c *Config) checkMethods(r *reader, configured []string) {
	seen, providers := map[string]bool{}, map[string]bool{}
	for i := range c.Methods {
		section, m := "methods["+itoa(i)+"]", &c.Methods[i]
		r.word(section+".name", m.Name, configured...)
		if m.Name != "" && seen[m.Name] {
			r.fault(section+".name", "is the name of another one too", "say what is to be said of an eID in one place")
		}
		seen[m.Name] = true
		c.checkMethod(r, section, m)
		if m.AuthnProvider != "" && providers[m.AuthnProvider] {
			r.fault(section+".authn_provider", "is that of another one too", "give each eID an address of its own")
		}
		providers[m.AuthnProvider] = true
	}
	if len(configured) > 1 && !c.development {
		c.checkLevels(r, configured, seen)
	}
}

func (c *Config) checkMethod(r *reader, section string, m *Method) {
	r.address(section+".authn_provider", m.AuthnProvider, "https", "http", "urn")
	r.labels(section+".label", m.Label)
	r.readable(section+".logo_file", m.LogoFile)
	for _, device := range m.Devices {
		r.word(section+".devices", device, login.Devices()...)
	}
	for _, scope := range m.Scopes {
		if scope == "openid" {
			r.fault(section+".scopes", "has openid, which every login asks for", "leave it out")
		} else {
			r.word(section+".scopes", scope, storage.Scopes()[1:]...)
		}
	}
	for i, acr := range m.ACRValues {
		switch _, stepped := c.Tokens.ACRPolicies[acr]; {
		case !stepped && !slices.Contains(c.ACRs(), acr):
			r.fault(section+".acr_values", fmt.Sprintf("%q is no level that may be asserted", acr), "write some of tokens.acr_values, or add it there")
		case stepped && i == 0:
			r.fault(section+".acr_values", "begins with a level that has demands of its own", "put one of tokens.acr_values first: it is for logins that ask for none")
		}
	}
}

// checkLevels wants to be told the levels of each of several eIDs: one that came later must not be given those of another.
func (c *Config) checkLevels(r *reader, configured []string, seen map[string]bool) {
	for i, m := range c.Methods {
		if len(m.ACRValues) == 0 {
			r.fault("methods["+itoa(i)+"].acr_values", "missing", "write the levels out of tokens.acr_values that logins by it may be given")
		}
	}
	for _, name := range configured {
		if !seen[name] {
			r.fault("methods", "says nothing of "+name, "with several eIDs each needs a name and acr_values here, the one first that apps have which name none")
		}
	}
}

// labels checks texts that people read, by language tag.
func (r *reader) labels(key string, texts map[string]string) {
	for _, p := range clients.CheckTexts(key, texts) {
		r.fault(strings.TrimSuffix(key+"."+p.At, "."), p.Problem, p.Remedy)
	}
}
