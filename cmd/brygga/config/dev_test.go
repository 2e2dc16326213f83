package config

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func writeConfig(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "brygga.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestLoadDev: a configuration for production serves a developer as it is: what belongs to the server is left out, unread, and told.
func TestLoadDev(t *testing.T) {
	t.Parallel()
	path := writeConfig(t, `
issuer: https://login.example.se
listen: ":443"
tls: {certificate_file: nowhere.pem, key_file: nowhere-key.pem}
master_key_file: nowhere.key
bankid:
  environment: production
  pkcs12_file: nowhere.p12
  passphrase_file: nowhere.txt
  timeout: 5s
  certificates: [{name: second, pkcs12_file: other.p12}]
  policy: {certificate: second, minimum_age: 18}
login: {window: 2m}
page: {service_name: Norrby, style_sheet_file: looks.css}
clients:
  - id: app
    redirect_uris: ["http://localhost:3000/callback"]
    auth_method: none
    policy: {certificate: second, certificate_policies: ["1.2.752.78.1.5", "1.2.752.78.1.*", "1.2.3.4.5"]}
`)
	c, ignored, err := LoadDev(path)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"issuer", "listen", "tls.certificate_file", "tls.key_file", "master_key_file", "bankid.environment", "bankid.pkcs12_file", "bankid.passphrase_file", "bankid.certificates", "bankid.timeout"}
	if !slices.Equal(ignored, want) {
		t.Errorf("left out: %q, want %q", ignored, want)
	}
	if c.Issuer != "" || c.TLS != (TLS{}) || c.MasterKeyFile != "" || c.BankID.PKCS12File != "" || len(c.BankID.Certificates) != 0 {
		t.Errorf("taken all the same: %+v", c)
	}
	if c.Page.ServiceName != "Norrby" || c.Page.StyleSheetFile != filepath.Join(filepath.Dir(path), "looks.css") || c.Login.Window != 2*time.Minute || len(c.Clients) != 1 {
		t.Errorf("not taken: %+v", c)
	}
	if got := c.Clients[0].Policy.CertificatePolicies; !slices.Equal(got, []string{"1.2.3.4.25", "1.2.3.4.5"}) {
		t.Errorf("kinds of BankID in the simulator: %q", got)
	}
	if c.BankID.Policy.Certificate != "" || c.Clients[0].Policy.Certificate != "" || c.BankID.Policy.MinimumAge != 18 {
		t.Errorf("policies: %+v, %+v", c.BankID.Policy, c.Clients[0].Policy)
	}
}

// TestLoadDevRefuses: what is wrong is told with its line, whether it is taken or not.
func TestLoadDevRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"page: {servce_name: x}":                "service_name",
		"listne: x":                             "listen",
		"login: {window: 1s}":                   "login.window",
		"bankid: {policy: {minimum_age: 1800}}": "minimum_age",
		"tokens: {acr_policies: {'urn:a': {minimum_age: 1800}}}":                            "tokens.acr_policies.urn:a.minimum_age",
		"tokens: {acr_policies: {'urn:a': {mrtd: no}}}":                                     "demands nothing",
		"tokens: {acr_policies: {'urn:a': {mrtd: yes, visible_format: plaintext}}}":         "no demand",
		"tokens: {acr_policies: {loa3: {mrtd: yes}}}":                                       "loa3",
		"tokens: {acr_values: ['https://a/b'], acr_policies: {'https://a/b': {mrtd: yes}}}": "every login has",
		"bankid: {policy: {certificate: second}}":                                           "second",
		"clients: [{id: a, redirect_uris: ['http://x.example']}]":                           "redirect_uris",
	} {
		_, _, err := LoadDev(writeConfig(t, text))
		var faults Faults
		if !errors.As(err, &faults) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "brygga.yaml:1") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, _, err := LoadDev(filepath.Join(t.TempDir(), "nothing.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
