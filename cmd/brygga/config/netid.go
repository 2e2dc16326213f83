package config

import (
	"crypto/x509"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"brygga/clients"
	"brygga/netid"
	"brygga/netid/netidlogin"
	"brygga/outbound"
)

// NetID is the Net iD Access that logs people in beside BankID. Default none: BankID is the only eID.
//
// A login by it is believed only when its signature proves who made it, whatever bankid.verify says.
type NetID struct {
	// URL is the address of the web service, such as https://access.example.org/nias/ServiceServer.asmx. Required.
	URL string `yaml:"url"`
	// InsecureHTTP lets URL be an http address on this machine, for development. Default false.
	InsecureHTTP bool `yaml:"insecure_http"`
	// HTTPClient names the one of http_clients by which the service is called. Required.
	HTTPClient string `yaml:"http_client"`
	// Certificates are further certificates of ours, for clients whose policy names one: the app shows each one's own name. What
	// has no certificate here of a name that bankid.certificates has, is shown that of HTTPClient. Default none.
	Certificates []Certificate `yaml:"certificates"`
	// SOAP is 1.1 or 1.2. Default 1.1.
	SOAP string `yaml:"soap"`
	// WSDL is 1 for services from before September 2022, and 2 for later ones. Default 2.
	WSDL string `yaml:"wsdl"`
	// ServiceOptions is the element options of each request, whose meaning the service's vendor tells. Excludes WSDL 1. Default none.
	ServiceOptions string `yaml:"service_options"`
	// UnknownStatusEnds ends an order whose status is a word that brygga does not know. Default false: such an order goes on, and when
	// the word meant an end, the next answer says so.
	UnknownStatusEnds bool `yaml:"unknown_status_ends"`

	// Issuers are the authorities whose certificates people may log in with. Required.
	Issuers []NetIDIssuer `yaml:"issuers"`
	// SignatureFormat is what we are registered for at the service: pkcs7, raw-256 or raw-512. Default pkcs7.
	SignatureFormat string `yaml:"signature_format"`
	// Signed says which bytes the service has people sign, in which services differ.
	Signed NetIDSigned `yaml:"signed"`
	// Revocation says by what it is known that a certificate was not revoked: ocsp, by an OCSP answer in each result, or service,
	// by the service's word where a result has none. Default ocsp.
	Revocation string `yaml:"revocation"`
	// MaxOCSPAge is how old an OCSP answer may be when the order begins, as some issuers make them ahead. Default 24h, at most 7d.
	MaxOCSPAge time.Duration `yaml:"max_ocsp_age"`
	// ClockSkew is how far other clocks may be from ours. Default 2m, at most 10m.
	ClockSkew time.Duration `yaml:"clock_skew"`
	// KeyPurposes are the extended key usages, of which a certificate must have one unless it has none at all: client_auth,
	// email_protection or any. Default client_auth and email_protection.
	KeyPurposes []string `yaml:"key_purposes"`

	// Identifier is where certificates have what a person is known by, as the service is set up: serialNumber, of the subject, or upn,
	// among the alternative names. Default serialNumber.
	Identifier string `yaml:"identifier"`
	// UserInfo is the element of a result that must repeat it: personalNumber, userId or userUniqueName. Default the first that is there.
	UserInfo string `yaml:"user_info"`
	// SerialNumberKey says what serial numbers are: personalNumber, hsaId for personal numbers and HSA-IDs, or employeeNumber for the numbers of an
	// employer, which are never personal numbers whatever they look like. Default personalNumber: nobody is known by any other.
	SerialNumberKey string `yaml:"serial_number_key"`

	// PINAlways says that every card and key takes its PIN each time, so that the demands pin_code and sign_pin_code of a policy are met. Signatures need it
	// unless the policy says sign_pin_code: no. Default false: whether keys on phones do is for their issuer to tell.
	PINAlways bool `yaml:"pin_always"`

	// OtherDevice allows logins on another device than the one with the page: the person is named, and that person's app asks. Whoever
	// knows an identifier can have its owner asked. Default false.
	OtherDevice bool `yaml:"other_device"`
	// Identifiers are the rules of what people may be named by, in the order in which they are tried. Default personal numbers alone.
	Identifiers []NetIDIdentifier `yaml:"identifiers"`
	// RegisteredName is what we are registered as at the service, which the app shows: the page then says so. Default none.
	RegisteredName string `yaml:"registered_name"`
	// Return says in which browsers the app is told the way back to the page: all, or ios, where it needs one. Default all.
	Return string `yaml:"return"`
	// CustomIdentifier tags the audit events of logins by Net iD (CUSTOMER_IDENTIFIER), where the client has no tag of its own. Default none.
	CustomIdentifier string `yaml:"custom_identifier"`
	// AppURL is where launch links lead instead of to the Net iD app: the virtual card app of a simulator. Only with
	// bankid.environment: custom.
	AppURL string `yaml:"app_url"`
}

// NetIDIssuer is an authority that issues certificates to people.
type NetIDIssuer struct {
	// Name is what it is called here. The numbers of an employer are told apart by it, so that it must stay. Required.
	Name string `yaml:"name"`
	// CertificateFile holds its own certificate in PEM: the one that signs those of people, and none above it. Required.
	CertificateFile string `yaml:"certificate_file" kind:"path"`
	// SerialNumberKey is netid.serial_number_key for its certificates. Default that one.
	SerialNumberKey string `yaml:"serial_number_key"`
	// ACRValues are the levels that logins with its certificates may be given, out of the acr_values of netid in methods, the first where an app asks for
	// none of them. A login of another level than an app must have is refused. Default all of those.
	ACRValues []string `yaml:"acr_values"`
	// AMR is the claim of that name for its certificates, such as sc, hwk, pin and mfa (RFC 8176). Default that of netid in methods.
	AMR []string `yaml:"amr"`
	// AuthnProvider is the address by which apps ask for its certificates alone, and are told that one was used. Default that of netid in methods.
	AuthnProvider string `yaml:"authn_provider"`
}

// NetIDIdentifier is the rule of one kind of identifier that somebody may type. Whoever is named so must have in the certificate what was sent.
type NetIDIdentifier struct {
	// Kind is personalNumber, hsaId, employeeNumber, userPrincipalName or email. Each may be there once. Required.
	Kind string `yaml:"kind"`
	// Pattern is a regular expression (RE2) for all of the text, in which UPNs and addresses are in small letters and the others in capitals. Not
	// for personal numbers. Default the form of the kind.
	Pattern string `yaml:"pattern"`
	// UserID is what the service is sent: {value} stands for the text, {local} for its part before the @. Default {value}.
	UserID string `yaml:"user_id"`
	// Key is what that is in the certificate: personalNumber, hsaId, employeeNumber or userPrincipalName. Default kind, and for an email userPrincipalName.
	Key string `yaml:"key"`
}

// NetIDSigned says which bytes are signed. The vendor does not publish it; by default the texts as they were sent, what the app shows first.
type NetIDSigned struct {
	// HiddenFirst puts what the app does not show before what it shows. Default false.
	HiddenFirst bool `yaml:"hidden_first"`
	// Separator stands between the two where there are both. Default none.
	Separator string `yaml:"separator"`
	// Decoded says that what the app does not show is signed as the bytes which its base64 stands for. Default false.
	Decoded bool `yaml:"decoded"`
	// UTF16 says that texts are signed in UTF-16, the lower byte first. Default false: in UTF-8.
	UTF16 bool `yaml:"utf16"`
}

// Used reports whether anything is said of a Net iD Access.
func (n *NetID) Used() bool { return !reflect.ValueOf(n).Elem().IsZero() }

// CertificateNames returns the names of the further certificates.
func (n *NetID) CertificateNames() []string { return namesOf(n.Certificates) }

func (c *Config) checkNetID(r *reader) {
	n := &c.NetID
	if !n.Used() {
		return
	}
	c.checkNetIDService(r)
	c.checkNetIDIssuers(r)
	for key, of := range map[string]struct {
		value   string
		allowed []string
	}{
		"soap":             {n.SOAP, []string{string(netid.SOAP11), string(netid.SOAP12)}},
		"wsdl":             {n.WSDL, []string{string(netid.Version1), string(netid.Version2)}},
		"signature_format": {n.SignatureFormat, []string{string(netid.FormatPKCS7), string(netid.FormatRaw256), string(netid.FormatRaw512)}},
		"revocation":       {n.Revocation, []string{string(netid.RevocationOCSP), string(netid.RevocationService)}},
		"identifier":       {n.Identifier, []string{string(netid.FieldSerialNumber), string(netid.FieldPrincipalName)}},
		"user_info":        {n.UserInfo, []string{string(netid.UserInfoPersonalNumber), string(netid.UserInfoUserID), string(netid.UserInfoUniqueName)}},
		"return":           {n.Return, []string{returnAll, returnIOS}},

		"serial_number_key": {n.SerialNumberKey, netidlogin.SerialNumberKeys()},
	} {
		if of.value != "" {
			r.word("netid."+key, of.value, of.allowed...)
		}
	}
	for _, purpose := range n.KeyPurposes {
		r.word("netid.key_purposes", purpose, keyPurposes...)
	}
	r.between("netid.max_ocsp_age", n.MaxOCSPAge, time.Minute, 7*24*time.Hour)
	r.between("netid.clock_skew", n.ClockSkew, time.Second, 10*time.Minute)
	if n.ServiceOptions != "" && n.WSDL == string(netid.Version1) {
		r.fault("netid.service_options", "is sent by services of WSDL version 2 alone", "remove it, or write netid.wsdl: 2")
	}
	if n.Revocation == string(netid.RevocationService) {
		c.warnings = append(c.warnings, "netid.revocation: service; results without an OCSP answer are believed, so that a card may go on working that was blocked")
	}
	r.length("netid.custom_identifier", n.CustomIdentifier, clients.MaxName)
	r.length("netid.registered_name", n.RegisteredName, clients.MaxName)
	o := n.MethodOptions()
	if key, err := o.CheckIdentifiers(); err != nil {
		r.fault("netid."+key, err.Error(), "see netid.identifiers in config.example.yaml")
	}
	if len(n.Identifiers) > 0 && !n.OtherDevice {
		r.fault("netid.identifiers", "is of no use", "write netid.other_device: true, or remove it")
	}
}

// The values of NetID.Return.
const (
	returnAll = "all"
	returnIOS = "ios"
)

// The values of NetID.KeyPurposes.
const (
	purposeClient = "client_auth"
	purposeEmail  = "email_protection"
	purposeAny    = "any"
)

var keyPurposes = []string{purposeClient, purposeEmail, purposeAny}

func (c *Config) checkNetIDService(r *reader) {
	n := &c.NetID
	const remedy = "write it as https://access.example.org/nias/ServiceServer.asmx"
	switch u, err := url.Parse(n.URL); {
	case n.URL == "":
		r.fault("netid.url", "missing", remedy+", or leave out the section")
	case err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		r.fault("netid.url", fmt.Sprintf("%q is not the address of a web service, without query", n.URL), remedy)
	case u.Scheme == "http" && n.InsecureHTTP && !outbound.IsLoopback(u.Hostname()):
		r.fault("netid.url", "is http, and not on this machine", remedy)
	case u.Scheme == "http" && !n.InsecureHTTP, u.Scheme != "http" && u.Scheme != "https":
		r.fault("netid.url", fmt.Sprintf("%q is not an https address", n.URL), remedy+"; for development on this machine set netid.insecure_http: true")
	}
	switch {
	case n.HTTPClient == "":
		r.fault("netid.http_client", "missing", "write the name of one of http_clients, which says how the service is called")
	case c.HTTPClientOf(n.HTTPClient) == nil:
		r.fault("netid.http_client", fmt.Sprintf("none of http_clients is called %q", n.HTTPClient), "write one of them: "+strings.Join(c.httpClientNames(), ", "))
	default:
		c.checkNetIDClient(r, c.HTTPClientOf(n.HTTPClient))
	}
	c.checkFurther(r, "netid.certificates", n.Certificates)
	if n.AppURL != "" {
		r.address("netid.app_url", n.AppURL, "https", "http")
		if c.BankID.Environment != Custom {
			r.fault("netid.app_url", "only works with bankid.environment: custom", "remove the key: launch links lead to the Net iD app")
		}
	}
}

// checkNetIDClient wants to know whom to believe, as whoever answers in the place of the service learns who logs in.
func (c *Config) checkNetIDClient(r *reader, client *HTTPClient) {
	if client.RootCAFile == "" && !(c.NetID.InsecureHTTP && strings.HasPrefix(c.NetID.URL, "http:")) {
		r.fault("netid.http_client", fmt.Sprintf("%q has no root_ca_file", client.Name), "name there a PEM file with the root of the service's certificate; no other is trusted")
	}
	if !client.Certificate().Set() && !c.LocalIssuer() {
		c.warnings = append(c.warnings, fmt.Sprintf("netid.http_client: %q has no certificate of ours: services for tests alone let such callers in, and show them as Company ANY", client.Name))
	}
}

func (c *Config) checkNetIDIssuers(r *reader) {
	if len(c.NetID.Issuers) == 0 {
		r.fault("netid.issuers", "missing", "name the authorities whose certificates people have, each with its own certificate in PEM")
	}
	seen, providers := map[string]bool{}, map[string]bool{}
	for _, m := range c.Methods {
		providers[m.AuthnProvider] = true
	}
	for i, issuer := range c.NetID.Issuers {
		section := "netid.issuers[" + itoa(i) + "]"
		switch {
		case issuer.Name == "":
			r.fault(section+".name", "missing", "write what it is called")
		case seen[issuer.Name]:
			r.fault(section+".name", "is the name of another one too", "give each issuer a name of its own")
		}
		seen[issuer.Name] = true
		r.length(section+".name", issuer.Name, clients.MaxName)
		if issuer.CertificateFile == "" {
			r.fault(section+".certificate_file", "missing", "name a PEM file with the certificate of the authority that signs those of people")
		}
		r.readable(section+".certificate_file", issuer.CertificateFile)
		if issuer.SerialNumberKey != "" {
			r.word(section+".serial_number_key", issuer.SerialNumberKey, netidlogin.SerialNumberKeys()...)
		}
		c.checkNetIDLevels(r, section, &issuer, providers)
	}
}

// checkNetIDLevels reports what is wrong with what apps are told of an issuer. Levels are among those for which Net iD is offered at all.
func (c *Config) checkNetIDLevels(r *reader, section string, issuer *NetIDIssuer, providers map[string]bool) {
	offered := c.MethodOf(netidlogin.Name).ACRValues
	for _, acr := range issuer.ACRValues {
		if _, stepped := c.Tokens.ACRPolicies[acr]; stepped || !slices.Contains(offered, acr) {
			r.fault(section+".acr_values", fmt.Sprintf("%q is none of those of netid in methods", acr), "write some of them, without those of tokens.acr_policies, or add it there")
		}
	}
	r.address(section+".authn_provider", issuer.AuthnProvider, "https", "http", "urn")
	if issuer.AuthnProvider != "" && providers[issuer.AuthnProvider] {
		r.fault(section+".authn_provider", "is that of another one too", "give each issuer and each eID an address of its own, or leave it out")
	}
	providers[issuer.AuthnProvider] = true
}

// Options returns how package netid is to speak to the service, without the certificate of ours, clock and observer. What is wrong with its files
// New says.
func (n *NetID) Options(client *HTTPClient) (netid.Options, error) {
	profile, err := client.Profile()
	return netid.Options{
		URL: n.URL, Profile: profile, InsecureHTTP: n.InsecureHTTP && strings.HasPrefix(n.URL, "http:"), SOAP: netid.SOAP(n.SOAP),
		Version: netid.Version(n.WSDL), Format: netid.Format(n.SignatureFormat), ServiceOptions: n.ServiceOptions, UnknownEnds: n.UnknownStatusEnds,
	}, err
}

// VerifierOptions returns how results are checked, without the clock. An error names the file that cannot be used.
func (n *NetID) VerifierOptions() (netid.VerifierOptions, error) {
	o := netid.VerifierOptions{
		Format: netid.Format(n.SignatureFormat), Identifier: netid.IdentifierField(n.Identifier), UserInfo: netid.UserInfoField(n.UserInfo),
		Layout:     netid.Layout{NonVisibleFirst: n.Signed.HiddenFirst, Separator: n.Signed.Separator, Decoded: n.Signed.Decoded, UTF16: n.Signed.UTF16},
		Revocation: netid.Revocation(n.Revocation), MaxOCSPAge: n.MaxOCSPAge, Skew: n.ClockSkew, KeyPurposes: n.purposes(),
	}
	for i := range n.Issuers {
		issuers, err := n.Issuers[i].read()
		if err != nil {
			return o, err
		}
		o.Issuers = append(o.Issuers, issuers...)
	}
	return o, nil
}

func (n *NetID) purposes() (all []x509.ExtKeyUsage) {
	usages := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageEmailProtection, x509.ExtKeyUsageAny}
	for _, purpose := range n.KeyPurposes {
		if i := slices.Index(keyPurposes, purpose); i >= 0 {
			all = append(all, usages[i])
		}
	}
	return all
}

// read returns the authority under its name here. A file may hold several certificates of it: that of before, and the one that follows.
func (i *NetIDIssuer) read() ([]netid.Issuer, error) {
	text, err := ReadFile(i.CertificateFile, maxFile)
	if err != nil {
		return nil, err
	}
	issuers, err := netid.ParseIssuers(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", i.CertificateFile, err)
	}
	for j := range issuers {
		issuers[j].Name = i.Name
	}
	return issuers, nil
}

// MethodOptions returns what is said of the method, without its parts.
func (n *NetID) MethodOptions() netidlogin.Options {
	issuers := make(map[string]netidlogin.Issuer)
	for _, issuer := range n.Issuers {
		issuers[issuer.Name] = netidlogin.Issuer{SerialNumberKey: issuer.SerialNumberKey}
	}
	var identifiers []netidlogin.Identifier
	for _, id := range n.Identifiers {
		identifiers = append(identifiers, netidlogin.Identifier(id))
	}
	return netidlogin.Options{
		Format: netid.Format(n.SignatureFormat), AlwaysPIN: n.PINAlways,
		Identifiers: identifiers, RegisteredName: n.RegisteredName,
		SerialNumberKey: n.SerialNumberKey, Issuers: issuers, OtherDevice: n.OtherDevice, NoReturnElsewhere: n.Return == returnIOS, App: n.AppURL,
		CustomIdentifier: n.CustomIdentifier,
	}
}
