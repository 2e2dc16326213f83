package conformance

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"

	jose "github.com/go-jose/go-jose/v4"
)

// Config says what is registered for the suite at the provider. It is the JSON file that the command reads.
type Config struct {
	// Issuer is the provider's issuer identifier.
	Issuer string `json:"issuer"`
	// RootCAFile has further roots for the provider's certificate, in PEM.
	RootCAFile string `json:"root_ca_file,omitempty"`
	// Short is a second installation with the same clients and people, whose lives are so short that a check can wait for their
	// end. Without it the suite lifetimes is left out.
	Short *Short `json:"short,omitempty"`
	// BackEnd is what a back end has that makes orders over a JSON:API. Without it the suite backend is left out.
	BackEnd *BackEnd `json:"back_end,omitempty"`
	// Cards is the control API of a virtual card app, by which people log in with Net iD Access. Without it the suite cards is left out.
	Cards string `json:"cards,omitempty"`
	// Listen is where the suite itself answers for its clients, over HTTPS; the provider reaches it at BaseURL.
	Listen Listen `json:"listen"`
	// Login says how a person logs in.
	Login Login `json:"login"`
	// People can log in. Checks that run at once use different ones, so there should be as many.
	People []Person `json:"people"`
	// Clients by role; Roles says what each must be registered as.
	Clients map[string]*Client `json:"clients"`
}

// Short is an installation with short lives, in seconds, that lets each client ask for little.
type Short struct {
	Issuer       string `json:"issuer"`
	Session      int    `json:"session"`
	AccessToken  int    `json:"access_token"`
	RefreshToken int    `json:"refresh_token"`
	// RequestsPerMinute is how many requests a client may make.
	RequestsPerMinute int `json:"requests_per_minute"`
}

// Listen is where the suite serves key sets and takes back-channel logouts.
type Listen struct {
	Address         string `json:"address"`
	BaseURL         string `json:"base_url"`
	CertificateFile string `json:"certificate_file"`
	KeyFile         string `json:"key_file"`
}

// Person is somebody who can log in.
type Person struct {
	// Name is what the driver knows the person by: a personal number, a user name.
	Name string `json:"name"`
	// Password is for drivers that type one.
	Password string `json:"password,omitempty"`
	// Claims are what the provider says of the person, by claim name, as far as the suite shall compare it.
	Claims map[string]string `json:"claims"`
	// Special keeps the person for the checks that ask for the word: "coordination".
	Special string `json:"special,omitempty"`
}

// Client is a client that is registered at the provider.
type Client struct {
	ID                     string   `json:"id"`
	AuthMethod             string   `json:"auth_method"`
	Secret                 string   `json:"secret,omitempty"`
	RedirectURIs           []string `json:"redirect_uris"`
	PostLogoutRedirectURIs []string `json:"post_logout_redirect_uris,omitempty"`
	// Scopes are those it may ask for beside openid.
	Scopes     []string `json:"scopes,omitempty"`
	IDTokenAlg string   `json:"id_token_alg,omitempty"`
	Resources  []string `json:"resources,omitempty"`
	// Origin is a web origin that the client registered for CORS.
	Origin string `json:"origin,omitempty"`
	// Keys are private keys whose public halves are registered: the first for ES256 signing, an RSA one, and one with use enc.
	Keys []jose.JSONWebKey `json:"keys,omitempty"`
}

// signingKey returns the client's key for the algorithm.
func (c *Client) signingKey(alg string) (jose.JSONWebKey, error) {
	for _, key := range c.Keys {
		if key.Use == "sig" && key.Algorithm == alg {
			return key, nil
		}
	}
	return jose.JSONWebKey{}, fmt.Errorf("client %s has no key for %s", c.ID, alg)
}

// publicKeys returns what the client registers.
func (c *Client) publicKeys() jose.JSONWebKeySet {
	var set jose.JSONWebKeySet
	for _, key := range c.Keys {
		set.Keys = append(set.Keys, key.Public())
	}
	return set
}

// ReadConfig reads the file.
func ReadConfig(path string) (*Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	cfg := new(Config)
	if err := json.Unmarshal(text, cfg); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return cfg, nil
}

// check reports everything that is missing.
func (cfg *Config) check() error {
	var faults []error
	if cfg.Issuer == "" {
		faults = append(faults, errors.New("no issuer"))
	}
	if len(cfg.People) == 0 {
		faults = append(faults, errors.New("no people who can log in"))
	}
	for _, role := range Roles {
		client := cfg.Clients[role.Name]
		switch {
		case role.Name == roleCards && cfg.Cards == "":
		case client == nil:
			faults = append(faults, fmt.Errorf("no client %q: %s", role.Name, role.What))
		case client.ID == "" || len(client.RedirectURIs) == 0:
			faults = append(faults, fmt.Errorf("client %q needs id and redirect_uris", role.Name))
		}
	}
	return errors.Join(faults...)
}

// newTransport returns a transport that trusts the roots in the file too.
func newTransport(rootCAFile string) (*http.Transport, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}
	if rootCAFile == "" {
		return transport, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(rootCAFile)
	if err != nil {
		return nil, err
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s: no certificate", rootCAFile)
	}
	transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	return transport, nil
}
