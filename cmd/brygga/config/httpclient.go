package config

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"time"

	"brygga/clients"
	"brygga/login"
	"brygga/netid"
	"brygga/secret"
)

// HTTPClient is how an internal service is called. Several services may share one.
type HTTPClient struct {
	// Name is what services call it by. Required.
	Name string `yaml:"name"`
	// Proxy is the http or https address of a proxy, with user and password if it wants them. That of the environment is never used. Default none.
	Proxy secret.String `yaml:"proxy"`
	// ProxyFile is a file with that address. Excludes Proxy.
	ProxyFile string `yaml:"proxy_file" kind:"path"`
	// RootCAFile holds the roots in PEM that the service's certificate must chain to; those of the operating system are never trusted.
	RootCAFile string `yaml:"root_ca_file" kind:"path"`
	// PKCS12File, Passphrase, PassphraseFile, CertificateFile and KeyFile are our certificate, as in the section bankid. Default none, for
	// services that want none.
	PKCS12File      string        `yaml:"pkcs12_file" kind:"path"`
	Passphrase      secret.String `yaml:"passphrase"`
	PassphraseFile  string        `yaml:"passphrase_file" kind:"path"`
	CertificateFile string        `yaml:"certificate_file" kind:"path"`
	KeyFile         string        `yaml:"key_file" kind:"path"`
	// ConnectTimeout bounds connecting and, by itself, the TLS handshake; Timeout one attempt as a whole. Defaults 3s and 10s, at most 15s.
	ConnectTimeout time.Duration `yaml:"connect_timeout"`
	Timeout        time.Duration `yaml:"timeout"`
	// Retries is how often a call is sent again that timed out, and for no other reason. Default 2, which is the most.
	Retries int `yaml:"retries"`
}

func (h *HTTPClient) setDefaults() { h.Retries = netid.DefaultRetries }

// HTTPClientOf returns the one of that name, nil where there is none.
func (c *Config) HTTPClientOf(name string) *HTTPClient {
	if i := slices.IndexFunc(c.HTTPClients, func(h HTTPClient) bool { return h.Name == name }); i >= 0 {
		return &c.HTTPClients[i]
	}
	return nil
}

func (c *Config) httpClientNames() []string {
	names := make([]string, len(c.HTTPClients))
	for i := range c.HTTPClients {
		names[i] = c.HTTPClients[i].Name
	}
	return names
}

// Certificate returns our certificate as one of a list.
func (h *HTTPClient) Certificate() Certificate {
	return Certificate{"", h.PKCS12File, h.Passphrase, h.PassphraseFile, h.CertificateFile, h.KeyFile}
}

func (c *Config) checkHTTPClients(r *reader) {
	for i := range c.HTTPClients {
		section, h := "http_clients["+itoa(i)+"]", &c.HTTPClients[i]
		switch {
		case h.Name == "":
			r.fault(section+".name", "missing", "write the name that services call it by")
		case slices.Contains(c.httpClientNames()[:i], h.Name):
			r.fault(section+".name", "is the name of another one too", "give each a name of its own")
		}
		r.length(section+".name", h.Name, clients.MaxName)
		h.check(r, section)
		if h.Certificate().Set() || !h.Passphrase.IsZero() || h.KeyFile != "" {
			c.checkCertificate(r, section, h.Certificate())
		}
		if h.ProxyFile != "" {
			c.warnOpen(section+".proxy_file", h.ProxyFile)
		}
	}
}

func (h *HTTPClient) check(r *reader, section string) {
	r.readable(section+".root_ca_file", h.RootCAFile)
	r.between(section+".connect_timeout", h.ConnectTimeout, 100*time.Millisecond, login.MakeTime)
	r.between(section+".timeout", h.Timeout, 100*time.Millisecond, login.MakeTime)
	if h.Retries < 0 || h.Retries > netid.MaxRetries {
		r.fault(section+".retries", itoa(h.Retries)+" is out of range", fmt.Sprintf("write 0 to %d", netid.MaxRetries))
	}
	key := section + ".proxy"
	if h.ProxyFile != "" {
		key += "_file"
	}
	u, err := url.Parse(h.Proxy.Reveal())
	if !h.Proxy.IsZero() && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "") {
		r.fault(key, "is not the http or https address of a proxy", "write it as http://proxy.example.org:3128") // it may hold a password
	}
}

// SameButCertificates reports whether two lists say the same but for what our certificates are, where either has one.
func SameButCertificates(a, b []HTTPClient) bool {
	return slices.EqualFunc(a, b, func(a, b HTTPClient) bool {
		same := a.Certificate().Set() == b.Certificate().Set()
		for _, h := range []*HTTPClient{&a, &b} {
			h.PKCS12File, h.Passphrase, h.PassphraseFile, h.CertificateFile, h.KeyFile = "", secret.String{}, "", "", ""
		}
		return same && reflect.DeepEqual(a, b)
	})
}

// Profile returns it for package netid, without our certificate.
func (h *HTTPClient) Profile() (netid.Profile, error) {
	p := netid.Profile{Name: h.Name, Proxy: h.Proxy, ConnectTimeout: h.ConnectTimeout, Timeout: h.Timeout, Retries: h.Retries}
	if h.Retries == 0 {
		p.Retries = -1
	}
	if h.RootCAFile == "" {
		return p, nil
	}
	var err error
	p.RootCAsPEM, err = ReadFile(h.RootCAFile, maxFile)
	return p, err
}
