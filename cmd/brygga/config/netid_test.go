package config_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/cmd/brygga/config"
	"brygga/netid"
)

// TestNetIDSettings reads each setting that services differ in, and looks for it where the service is spoken to.
func TestNetIDSettings(t *testing.T) {
	text := minimal + twoEIDs + strings.Replace(netID, "root_ca_file", "proxy: 'http://user:hidden@proxy:3128', retries: 0, timeout: 5s, root_ca_file", 1) + `  soap: 1.2
  wsdl: 1
  unknown_status_ends: true
  signature_format: raw-256
  signed: {hidden_first: true, separator: "|", decoded: true, utf16: true}
  revocation: service
  max_ocsp_age: 1h
  clock_skew: 1m
  key_purposes: [any]
  identifier: upn
  user_info: userId
  serial_number_key: hsaId
  other_device: true
  registered_name: Example Region
  identifiers:
    - kind: hsaId
    - {kind: email, pattern: '[^@]+@region\.example', user_id: '{local}@ad.region.example', key: userPrincipalName}
  return: ios
  custom_identifier: cards
`
	c, err := config.Load(write(t, text), nil)
	if err != nil {
		t.Fatal(err)
	}
	o, err := c.NetID.Options(c.HTTPClientOf(c.NetID.HTTPClient))
	if err != nil || o.SOAP != netid.SOAP12 || o.Version != netid.Version1 || !o.UnknownEnds || o.Format != netid.FormatRaw256 || o.Profile.Retries != -1 || o.Profile.Timeout != 5*time.Second || o.Profile.Proxy.IsZero() {
		t.Errorf("the options are %+v, %v", o, err)
	}
	if _, err := netid.New(o); err != nil {
		t.Error(err)
	}
	v, err := c.NetID.VerifierOptions()
	if err != nil || len(v.Issuers) != 1 || v.Issuers[0].Name != "efos" || v.Layout != (netid.Layout{NonVisibleFirst: true, Separator: "|", Decoded: true, UTF16: true}) ||
		v.Revocation != netid.RevocationService || v.MaxOCSPAge != time.Hour || v.Skew != time.Minute || len(v.KeyPurposes) != 1 || v.Identifier != netid.FieldPrincipalName || v.UserInfo != netid.UserInfoUserID {
		t.Errorf("results are checked by %+v, %v", v, err)
	}
	if _, err := netid.NewVerifier(v); err != nil {
		t.Error(err)
	}
	if m := c.NetID.MethodOptions(); m.SerialNumberKey != "hsaId" || !m.OtherDevice || !m.NoReturnElsewhere || m.CustomIdentifier != "cards" ||
		m.RegisteredName != "Example Region" || len(m.Identifiers) != 2 || m.Identifiers[1].UserID != "{local}@ad.region.example" || m.Identifiers[1].Key != "userPrincipalName" {
		t.Errorf("the method has %+v", m)
	}
	if got := c.MethodNames(); !slices.Equal(got, []string{"bankid", "netid"}) {
		t.Errorf("the eIDs are %v", got)
	}
}

// TestNetIDDefaults: what is left out is what package netid takes for granted, and BankID stays alone without the section.
func TestNetIDDefaults(t *testing.T) {
	c, err := config.Load(write(t, minimal+twoEIDs+netID), nil)
	if err != nil {
		t.Fatal(err)
	}
	if o, err := c.NetID.Options(c.HTTPClientOf("inside")); err != nil || o.Profile.Retries != netid.DefaultRetries || o.InsecureHTTP {
		t.Errorf("the options are %+v, %v", o, err)
	}
	if !slices.ContainsFunc(c.Warnings(), func(w string) bool { return strings.Contains(w, "Company ANY") }) {
		t.Errorf("nothing is said of a caller without a certificate: %q", c.Warnings())
	}
	if m := c.NetID.MethodOptions(); m.OtherDevice || m.NoReturnElsewhere || m.App != "" {
		t.Errorf("the method has %+v", m)
	}
	if c, err = config.Load(write(t, minimal), nil); err != nil || c.NetID.Used() || !slices.Equal(c.MethodNames(), []string{"bankid"}) {
		t.Errorf("without a section: %v, %v", c.MethodNames(), err)
	}
}

// TestCertificateOfEitherEID: a policy may name a certificate that one eID alone has.
func TestCertificateOfEitherEID(t *testing.T) {
	policy := "clients: [{id: app, name: App, redirect_uris: ['https://a.example/cb'], auth_method: none, policy: {certificate: journal}}]\n"
	text := minimal + twoEIDs + netID + "  certificates: [{name: journal, pkcs12_file: bankid.p12}]\n"
	if _, err := config.Load(write(t, text+policy), nil); err != nil {
		t.Error(err)
	}
	if _, err := config.Load(write(t, minimal+policy), nil); err == nil || !strings.Contains(err.Error(), `no certificate is called "journal"`) {
		t.Errorf("a certificate that there is not: %v", err)
	}
}
