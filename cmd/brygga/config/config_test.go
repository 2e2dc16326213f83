package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/clients"
	"brygga/cmd/brygga/config"
	"brygga/keys"
	"brygga/storage"
)

const minimal = `issuer: https://login.example.se
master_key_file: master.key
bankid:
  environment: production
  pkcs12_file: bankid.p12
  root_ca_file: bankid-root.pem
  signature_root_file: bankid-signature-root.pem
`

// twoEIDs are levels for both, and netID is a Net iD Access with the least that one needs.
const (
	twoEIDs = "methods:\n  - {name: bankid, acr_values: ['https://a.example/loa']}\n  - {name: netid, acr_values: ['https://a.example/loa']}\ntokens: {acr: 'https://a.example/loa'}\n"
	netID   = `http_clients: [{name: inside, root_ca_file: bankid-root.pem}]
netid:
  url: https://access.example.org/nias/ServiceServer.asmx
  http_client: inside
  issuers: [{name: efos, certificate_file: bankid-root.pem}]
`
)

// write makes a directory with the configuration and every file that one may name, and returns the configuration's path.
func write(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"brygga.yaml": text, "master.key": keys.NewMasterKey().Reveal() + "\n", "bankid.p12": "p12", "bankid.passphrase": "secret\n",
		"bankid-root.pem": rootPEM(t), "bankid-signature-root.pem": rootPEM(t), "tls.crt": "x", "tls.key": "x", "bankid.crt": "x", "bankid.key": "x",
		"journal.secret": strings.Repeat("s", 40), "internal-root.pem": rootPEM(t), "empty": "",
		"marked": "\xef\xbb\xbf" + rootPEM(t), "utf16": "\xff\xfes\x00",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "brygga.yaml")
}

func rootPEM(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func example(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../../config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestExampleLoads(t *testing.T) {
	c, err := config.Load(write(t, example(t)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Issuer != "https://login.example.se" || len(c.Clients) != 1 || c.BankID.Passphrase.Reveal() != "secret" {
		t.Errorf("the example was not read as it stands: %+v", c)
	}
	if !filepath.IsAbs(c.Data) || !filepath.IsAbs(c.BankID.RootCAFile) {
		t.Errorf("paths %q and %q do not start at the directory of the file", c.Data, c.BankID.RootCAFile)
	}
	client := c.StaticClients(time.Unix(0, 0))[0]
	if client.IDTokenAlg != storage.RS256 || client.SubjectType != storage.SubjectPairwise || client.NameIn("sv") != "Journalen" || !client.PersonalNumber || len(client.Secrets) != 1 {
		t.Errorf("static client = %+v", client)
	}
}

// TestExampleShowsEveryKey turns all commented keys of the example on and looks for each field of Config.
func TestExampleShowsEveryKey(t *testing.T) {
	all := regexp.MustCompile(`(?m)^(\s*)#((?:- )?[a-z0-9_]+:)`).ReplaceAllString(example(t), "$1$2")
	_, err := config.Load(write(t, all), nil)
	var faults config.Faults
	if !errors.As(err, &faults) {
		t.Fatalf("with every key on, keys that exclude each other must be reported, got %v", err)
	}
	for _, f := range faults {
		if f.Problem == "no such key" || strings.Contains(f.Problem, "not a") {
			t.Errorf("the example has a key that cannot be read: %v", f)
		}
	}
	var section func(prefix, indent string, ty reflect.Type)
	section = func(prefix, indent string, ty reflect.Type) {
		for i := range ty.NumField() {
			name := ty.Field(i).Tag.Get("yaml")
			if name == "" || name == "-" {
				continue
			}
			if !regexp.MustCompile(`(?m)^` + indent + `(- )?` + name + `:`).MatchString(all) {
				t.Errorf("config.example.yaml lacks %s%s", prefix, name)
			}
			field := ty.Field(i).Type
			if field.Kind() == reflect.Slice {
				field = field.Elem()
			}
			if field.Kind() == reflect.Struct && field.NumField() > 1 && field.Field(0).Tag.Get("yaml") != "" {
				section(prefix+name+".", `\s+`, field)
			}
		}
	}
	section("", "", reflect.TypeFor[config.Config]())
	for _, s := range clients.Settings() {
		if !regexp.MustCompile(`(?m)^\s+(- )?` + s.Key + `:`).MatchString(all) {
			t.Errorf("config.example.yaml lacks clients.%s", s.Key)
		}
	}
}

// TestReferringDomain derives the domain for issuers of every kind that may be set.
func TestReferringDomain(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://login.example.se": "example.se", "https://login.example.se:8443": "example.se", "https://example.co.uk": "example.co.uk",
		"https://login.xn--lga-sna.se": "xn--lga-sna.se", "https://xn--lga-sna.se": "xn--lga-sna.se", "https://[2001:db8::1]:8443": "", "https://192.0.2.1": "",
		"http://localhost:8080": "", "http://[::1]:8080": "", "https://brygga": "", "https://login_1.example.se": "",
	} {
		c, err := config.Load(write(t, strings.Replace(minimal, "https://login.example.se", issuer, 1)), nil)
		if err != nil {
			t.Errorf("%s: %v", issuer, err)
			continue
		}
		if got := c.ReferringDomain(); got != want {
			t.Errorf("%s: %q, want %q", issuer, got, want)
		}
	}
	c, err := config.Load(write(t, minimal+"  referring_domain: login.example.se\n"), nil)
	if err != nil || c.ReferringDomain() != "login.example.se" {
		t.Errorf("with a key of its own: %v, %v", c, err)
	}
}

// says reports whether text has the parts of want, which .* divides, one behind the other.
func says(text, want string) bool {
	for part := range strings.SplitSeq(want, ".*") {
		at := strings.Index(text, part)
		if at < 0 {
			return false
		}
		text = text[at+len(part):]
	}
	return true
}

// TestByteOrderMark reads a file as an editor on Windows may have saved it.
func TestByteOrderMark(t *testing.T) {
	text := "\xef\xbb\xbf" + strings.ReplaceAll(minimal, "\n", "\r\n")
	if c, err := config.Load(write(t, text), nil); err != nil || c.Issuer != "https://login.example.se" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestFaults_T14_RowA13_RowA20(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string // what each fault must say, in order
	}{
		{"typo", strings.Replace(minimal, "issuer:", "isuer:", 1), []string{"brygga.yaml: issuer: missing", "brygga.yaml:1:1: isuer: no such key - did you mean issuer?"}},
		{"typo in a section", minimal + "  root_ca: x\n", []string{"brygga.yaml:8:3: bankid.root_ca: no such key - did you mean root_ca_file?"}},
		{"unlike anything", minimal + "zzzzzzzzzzzz: 1\n", []string{"brygga.yaml:8:1: zzzzzzzzzzzz: no such key - \"brygga config example\" lists"}},
		{"several at once", minimal + "listen: nowhere\nlog:\n  level: loud\n  format: xml\nlogin:\n  life: soon\n", []string{
			`:8:1: listen: "nowhere" is not`, `:10:3: log.level: "loud" is none of its values - write debug, info, warn or error`, `:11:3: log.format`, `:13:9: login.life: "soon" is not a duration - write a number and a unit`}},
		{"an eID that there is not", minimal + "methods:\n  - name: freja\n", []string{`:9:5: methods[0].name: "freja" is none of its values - write bankid`}},
		{"an eID without a name", minimal + "methods:\n  - label: {sv: BankID}\n", []string{`methods[0].name: missing`}},
		{"an eID twice", minimal + "methods:\n  - name: bankid\n  - name: bankid\n", []string{`methods[1].name: is the name of another one too`}},
		{"an eID for nobody", minimal + "methods:\n  - {name: bankid, devices: [watch], scopes: [openid], acr_values: ['https://a.example/loa'], authn_provider: bankid, label: {xxxxxxxxx: ''}}\n",
			[]string{`authn_provider`, `label.xxxxxxxxx`, `devices: "watch" is none of its values - write phone, tablet or computer`, `scopes: has openid`, `acr_values: "https://a.example/loa" is no level`}},
		{"an eID that begins with more than asked", minimal + "methods:\n  - {name: bankid, acr_values: ['https://a.example/acr/passport']}\ntokens:\n  acr_policies:\n    https://a.example/acr/passport: {mrtd: yes}\n",
			[]string{`acr_values: begins with a level that has demands of its own`}},
		{"an eID of a client that there is not", minimal + "clients:\n  - {id: app, redirect_uris: ['https://a.example/cb'], auth_method: none, methods: [bankdi]}\n", []string{`clients[0].methods: no eID is called "bankdi" here - did you mean bankid`}},
		{"Net iD without anything", minimal + twoEIDs + "netid: {soap: 1.3}\n", []string{`netid.url: missing`, `netid.http_client: missing`, `netid.issuers: missing`, `netid.soap: "1.3" is none of its values - write 1.1 or 1.2`}},
		{"Net iD without levels", minimal + netID, []string{`methods: says nothing of bankid`, `methods: says nothing of netid`}},
		{"Net iD in the clear", minimal + twoEIDs + strings.Replace(netID, "https://access", "http://access", 1), []string{`netid.url: "http://access.example.org/nias/ServiceServer.asmx" is not an https address`}},
		{"Net iD in the clear, far away", minimal + twoEIDs + strings.Replace(netID, "https://access", "http://access", 1) + "  insecure_http: true\n", []string{`netid.url: is http, and not on this machine`}},
		{"Net iD by a client that there is not", minimal + twoEIDs + strings.Replace(netID, "http_client: inside", "http_client: outside", 1), []string{`netid.http_client: none of http_clients is called "outside" - write one of them: inside`}},
		{"Net iD that anybody could be", minimal + twoEIDs + strings.Replace(netID, ", root_ca_file: bankid-root.pem", "", 1), []string{`netid.http_client: "inside" has no root_ca_file`}},
		{"Net iD with values of another kind", minimal + twoEIDs + netID + "  wsdl: 3\n  signature_format: xml\n  revocation: never\n  identifier: name\n  user_info: name\n  return: never\n  key_purposes: [server_auth]\n  clock_skew: 1h\n  max_ocsp_age: 1s\n",
			[]string{`wsdl`, `signature_format`, `revocation: "never" is none of its values - write ocsp or service`, `identifier`, `user_info`, `return`, `key_purposes: "server_auth" is none`, `clock_skew: 1h is out of range`, `max_ocsp_age`}},
		{"Net iD with options of another version", minimal + twoEIDs + netID + "  wsdl: 1\n  service_options: x\n", []string{`netid.service_options: is sent by`}},
		{"Net iD with numbers of another kind", minimal + twoEIDs + strings.Replace(netID, "issuers: [{", "issuers: [{serial_number_key: name, ", 1) + "  serial_number_key: HSA ID\n",
			[]string{`netid.serial_number_key: "HSA ID" is none of its values - write personalNumber, hsaId or employeeNumber`, `netid.issuers[0].serial_number_key: "name" is none`}},
		{"Net iD with an issuer of levels that it has not", minimal + twoEIDs + strings.Replace(netID, "issuers: [{", "issuers: [{acr_values: ['https://a.example/loa', 'https://a.example/loa4'], authn_provider: efos, ", 1),
			[]string{`netid.issuers[0].acr_values: "https://a.example/loa4" is none of those of netid in methods`, `netid.issuers[0].authn_provider`}},
		{"Net iD by names that cannot be", minimal + twoEIDs + netID + "  other_device: true\n  identifiers: [{kind: personalNumber}, {kind: email, user_id: kim}]\n",
			[]string{`netid.identifiers[1].user_id: it must hold {value} or {local}`}},
		{"Net iD by names that nobody types", minimal + twoEIDs + netID + "  identifiers: [{kind: personalNumber}, {kind: phone}]\n", []string{`netid.identifiers: is of no use`, `netid.identifiers[1].kind: "phone" is none of`}},
		{"Net iD in a virtual app", minimal + twoEIDs + netID + "  app_url: http://localhost:8084/\n", []string{`netid.app_url: only works with`}},
		{"Net iD with certificates that there are not", minimal + twoEIDs + netID + "  certificates: [{name: a, pkcs12_file: bankid.p12}, {name: a, pkcs12_file: none.p12}]\n", []string{`netid.certificates[1].name: is the name of another`, `netid.certificates[1].pkcs12_file: cannot be read`}},
		{"Net iD with issuers twice", minimal + twoEIDs + strings.Replace(netID, "issuers: [", "issuers: [{name: efos}, ", 1), []string{`netid.issuers[0].certificate_file: missing`, `netid.issuers[1].name: is the name of another one too`}},
		{"HTTP clients", minimal + "http_clients: [{proxy: 'ftp://user:hidden@proxy'}, {name: a, retries: 3, timeout: 1m, connect_timeout: 1ms, key_file: bankid.key}, {name: a}]\n",
			[]string{`http_clients[0].name: missing`, `http_clients[0].proxy: is not the http or https address of a proxy`, `http_clients[1].pkcs12_file: no certificate is set`, `http_clients[1].retries: 3 is out of range - write 0 to 2`,
				`http_clients[1].timeout: 1m is out of range - write 100ms to 15s`, `http_clients[1].connect_timeout`, `http_clients[2].name: is the name of another one too`}},
		{"bad yaml", "issuer: [1\n", []string{"brygga.yaml:1:9: not valid YAML"}},
		{"section as value", minimal + "log: debug\n", []string{":8:6: log: not a section of keys"}},
		{"list as value", minimal + "trusted_proxies: 10.0.0.0/8\n", []string{":8:18: trusted_proxies: not a list"}},
		{"value as list", minimal + "listen: [a]\n", []string{"listen: not a single value"}},
		{"twice", minimal + "data: a\ndata: b\n", []string{`brygga.yaml:9:1: not valid YAML: mapping key "data" already defined`}},
		{"http issuer", strings.Replace(minimal, "https://", "http://", 1), []string{":1:1: issuer: is http: everybody on the way can read the logins - use https; for tests set insecure_http_issuer: true"}},
		{"issuer with slash", strings.Replace(minimal, ".se", ".se/", 1), []string{"issuer: has a path or a closing slash"}},
		{"issuer with a port that is none", strings.Replace(minimal, ".se", ".se:99999", 1), []string{"issuer: the port in"}},
		{"issuer with an empty port", strings.Replace(minimal, "https://login.example.se", "'https://login.example.se:'", 1), []string{"issuer: the port in"}},
		{"issuer with the usual port", strings.Replace(minimal, ".se", ".se:443", 1), []string{"issuer: the port in"}},
		{"issuer with an empty label", strings.Replace(minimal, ".se", "..se", 1), []string{`issuer: "login.example..se" is not the name of a host`}},
		{"a byte order mark before a secret", strings.Replace(minimal, "master.key", "marked", 1), []string{`:2:1: master_key_file: .*marked begins with a byte order mark - save it as UTF-8`}},
		{"a byte order mark before PEM", strings.Replace(minimal, "bankid-root.pem", "marked", 1), []string{`:6:3: bankid.root_ca_file: .*marked begins with a byte order mark`}},
		{"a secret in UTF-16", minimal + "  passphrase_file: utf16\n", []string{`:8:3: bankid.passphrase_file: .*utf16 is text in UTF-16`}},
		{"a file in UTF-16", "\xff\xfei\x00s\x00", []string{"brygga.yaml: not text in UTF-8 - save it as UTF-8"}},
		{"a file in Latin-1", minimal + "page: {service_name: G\xf6teborg}\n", []string{"brygga.yaml:8:1: not text in UTF-8"}},
		{"a list for a file", "- a\n", []string{"brygga.yaml:1:1: not a section of keys"}},
		{"a word for a file", "hello\n", []string{"brygga.yaml:1:1: not a section of keys"}},
		{"data in a file", minimal + "data: empty/data\n", []string{":8:1: data: .*empty is no directory"}},
		{"data in a home", minimal + "data: ~/brygga\n", []string{":8:1: data: ~ stands for no home"}},
		{"data nowhere", minimal + "data: ''\n", []string{":8:1: data: missing"}},
		{"admin listener below one for all networks", minimal + "listen: :9090\n", []string{"admin_listen: is the same as listen"}},
		{"open admin listener", minimal + "admin_listen: 0.0.0.0:9090\n", []string{"admin_listen: is not on loopback"}},
		{"all proxies", minimal + "trusted_proxies: [0.0.0.0/0]\n", []string{"trusted_proxies: 0.0.0.0/0 is everybody"}},
		{"key without certificate", minimal + "tls: {key_file: tls.key}\n", []string{"tls.certificate_file: missing"}},
		{"missing file", minimal + "tls: {key_file: no.key, certificate_file: tls.crt}\n", []string{"tls.key_file: cannot be read: "}},
		{"both master keys", minimal + "master_key: AAAA\n", []string{"master_key_file: set together with master_key", "32"}},
		{"a short other master key", minimal + "other_master_key: AAAA\n", []string{":8:1: other_master_key: .*2 bytes"}},
		{"the master key again", minimal + "other_master_key_file: master.key\n", []string{"other_master_key: is the master key itself"}},
		{"empty secret file", strings.Replace(minimal, "master.key", "empty", 1), []string{"is empty - put the secret into it"}},
		{"test environment", strings.Replace(minimal, "production", "test", 1), []string{":4:3: bankid.environment: is not production"}},
		{"custom without address", strings.Replace(minimal, "production", "custom", 1) + "  insecure_test_environment: true\n", []string{"bankid.url: missing"}},
		{"address without custom", minimal + "  url: https://x\n", []string{"bankid.url: only works with environment: custom"}},
		{"foreign referring domain", minimal + "  referring_domain: example.com\n", []string{`:8:3: bankid.referring_domain: "example.com" is not the issuer's host or a domain above it`}},
		{"referring domain in letters", strings.Replace(minimal, "login.example.se", "login.xn--lga-sna.se", 1) + "  referring_domain: löga.se\n", []string{"bankid.referring_domain: "}},
		{"address that is not https", strings.Replace(minimal, "production", "custom", 1) + "  insecure_test_environment: true\n  url: http://localhost:8083/rp/v6.0\n", []string{`bankid.url: "http://localhost:8083/rp/v6.0" is not an https address`}},
		{"address without host", strings.Replace(minimal, "production", "custom", 1) + "  insecure_test_environment: true\n  url: https:///rp\n", []string{`bankid.url: "https:///rp" is not an https address`}},
		{"key beside PKCS #12", minimal + "  key_file: bankid.key\n", []string{"bankid.pkcs12_file: set together with PEM files"}},
		{"two certificates", minimal + "  certificate_file: bankid.crt\n", []string{"bankid.pkcs12_file: set together with PEM files"}},
		{"no root", strings.Replace(minimal, "bankid-root.pem", "tls.crt", 1), []string{"holds no certificate in PEM"}},
		{"no signature root", strings.Replace(minimal, "  signature_root_file: bankid-signature-root.pem\n", "", 1), []string{"bankid.signature_root_file: missing - name a PEM file with the member banks' root"}},
		{"verify", minimal + "  verify: maybe\n", []string{`:8:3: bankid.verify: "maybe" is none of its values - write require, log or off`}},
		{"excepted checks", minimal + "  verify_except: [nonce, person, signature, chain, non_visible_data, nosuch]\n", []string{
			"bankid.verify_except: nobody's identity is proven without the check person - leave it out", "the check signature", "the check chain", "the check non_visible_data",
			`bankid.verify_except: "nosuch" is no check - write some of ocsp_structure`}},
		{"further certificates", minimal + "  certificates:\n    - {pkcs12_file: bankid.p12}\n    - {name: a, certificate_file: bankid.crt, key_file: no.key}\n    - {name: a, pkcs12_file: bankid.p12}\n", []string{
			"certificates[0].name: missing", "certificates[1].key_file: cannot be read", "certificates[2].name: is the name of another"}},
		{"policy", minimal + "  policy:\n    pin_code: true\n    return: lax\n    minimum_age: 200\n    certificate_policies: [1.2, '1.2.752.78.*']\n    visible_text: {sv: '', zz-: a}\n    certificate: second\n    high_risk: off\n", []string{
			`pin_code: "true" is none of its values - write yes, no`, `return: "lax"`, "minimum_age: 200 is out of range", `certificate_policies: "1.2" is no policy`,
			"visible_text: is empty", `visible_text: "zz-" is not a language tag`, `certificate: no certificate is called "second"`, `high_risk: "off"`}},
		{"policy of a client", minimal + "clients:\n  - id: a\n    auth_method: none\n    redirect_uris: ['https://a/']\n    policy: {address_check: accept}\n", []string{`:12:14: clients[0].policy.address_check: "accept" is none of its values`}},
		{"out of range", minimal + "tokens: {id_token_life: 30d}\nlogin: {pending_orders: 0, calls_per_person: 0}\n", []string{"tokens.id_token_life: 30d is out of range - write 1s to 12h", "login.pending_orders: 0 is out of range", "login.calls_per_person: 0 is out of range"}},
		{"a call to BankID longer than its claim", minimal + "  timeout: 16s\n", []string{"bankid.timeout: 16s is out of range - write 1s to 15s"}},
		{"a key's life out of range, and nothing else", minimal + "keys: {rotate_every: 1s}\n", []string{"keys.rotate_every: 1s is out of range"}},
		{"a key published too long ahead, and nothing else", minimal + "keys: {publish_ahead: 400d}\n", []string{"keys.publish_ahead: 400d is out of range"}},
		{"a life out of range, and nothing else", minimal + "login: {life: 1s}\n", []string{"login.life: 1s is out of range"}},
		{"a name that reads backwards", minimal + "page: {service_name: \"\\u202eab\"}\n", []string{":8:8: page.service_name: is blank or holds characters that do not print"}},
		{"a blank name", minimal + "page: {service_name: ' '}\n", []string{"page.service_name: is blank"}},
		{"window longer than life", minimal + "login: {life: 4m}\n", []string{"login.window: is longer than login.life"}},
		{"client", minimal + "clients:\n  - id: a b\n    redirect_uris: ['http://app.example.se/#x']\n    id_token_algo: ES256\n", []string{
			`:9:5: clients[0].id: "a b" is not a client ID`, `:9:7: clients[0].auth_method: client_secret needs a secret`, `:10:5: clients[0].redirect_uris: "http://app.example.se/#x" has a fragment`, `:11:5: clients[0].id_token_algo: no such key - did you mean id_token_alg?`}},
		{"scopes", minimal + "clients:\n  - {id: a, auth_method: none, redirect_uris: ['https://a/'], scopes: [profil, openid, nonsense]}\n", []string{`clients[0].scopes: there is no scope "profil" - did you mean profile?`, `there is no scope "nonsense" - write some of profile`}},
		{"short secret", minimal + "clients:\n  - id: a\n    secret: hunter2hunter2\n    redirect_uris: ['https://a/']\n", []string{"clients[0].secret: has fewer than 32 characters"}},
		{"one fault of a client hides no other", minimal + "  policy: {nosuch: x, high_risk: off}\nclients:\n  - {id: a, auth_method: none, redirect_uris: ['https://a/'], policy: {nosuch: 1, high_risk: off, certificate: b}}\n" +
			"  - {id: a, redirect_uris: ['ftp://a/'], secret: hunter2hunter2, jwks_file: none, id_token_alg: X}\n  - {id: b, redirect_uris: ['ftp://b/'], secret_file: none}\n", []string{
			"bankid.policy.nosuch: no such key", `bankid.policy.high_risk: "off"`, "clients[0].policy.nosuch", "clients[0].policy.high_risk", `clients[0].policy.certificate: no certificate is called "b"`,
			"clients[1].id: is the ID of another", "clients[1].redirect_uris", "clients[1].secret: has fewer", "clients[1].jwks_file: cannot be read", `clients[1].id_token_alg: "X"`,
			"clients[2].redirect_uris", "clients[2].secret_file: cannot be read"}},
		{"same client twice", minimal + "clients:\n  - {id: a, auth_method: none, redirect_uris: ['https://a/']}\n  - {id: a, auth_method: none, redirect_uris: ['https://a/']}\n", []string{"clients[1].id: is the ID of another client too"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := config.Load(write(t, tt.text), nil)
			var faults config.Faults
			if !errors.As(err, &faults) {
				t.Fatalf("error = %v, want faults", err)
			}
			if len(faults) != len(tt.want) {
				t.Fatalf("%d faults, want %d:\n%v", len(faults), len(tt.want), err)
			}
			for _, want := range tt.want {
				if !says(err.Error(), want) {
					t.Errorf("no fault says %q:\n%v", want, err)
				}
			}
			for _, f := range faults {
				if f.Remedy == "" {
					t.Errorf("no remedy in %v", f)
				}
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("a secret is shown: %v", err)
			}
		})
	}
}

func TestEnvironment(t *testing.T) {
	key := keys.NewMasterKey().Reveal()
	c, err := config.Load(write(t, minimal), []string{
		"HOME=/", "BRYGGA_ISSUER=https://other.example.se", "BRYGGA_BANKID_TIMEOUT=7s", "BRYGGA_TRUSTED_PROXIES=10.0.0.0/8, 2001:db8::/32",
		"BRYGGA_MASTER_KEY=" + key, "BRYGGA_INSECURE_ADMIN_LISTEN=true", "BRYGGA_LOGIN_PENDING_ORDERS=12", "BRYGGA_TEST_POSTGRES=x", "BRYGGA_CONFIG=x", "BRYGGA_SERVER=x", "BRYGGA_API_KEY=x", "BRYGGA_API_KEY_FILE=x", "BRYGGA_CA_FILE=x",
		"BRYGGA_BANKID_POLICY_PIN_CODE=yes", "BRYGGA_BANKID_POLICY_VISIBLE_TEXT={sv: 'Hej, {client}'}", "BRYGGA_BANKID_POLICY_CERTIFICATE_POLICIES=1.2.752.78.1.5,1.2.752.78.1.2",
		"BRYGGA_CLIENTS=[{id: app, auth_method: none, redirect_uris: ['https://app/cb']}]",
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Issuer != "https://other.example.se" || c.BankID.Timeout != 7*time.Second || len(c.TrustedProxies) != 2 || !c.InsecureAdminListen || c.Login.PendingOrders != 12 {
		t.Errorf("environment did not override: %+v", c)
	}
	if c.MasterKey.Reveal() != key {
		t.Error("BRYGGA_MASTER_KEY did not win over master_key_file")
	}
	if p := c.BankID.Policy; !p.PinCode.On() || p.VisibleText["sv"] != "Hej, {client}" || len(p.CertificatePolicies) != 2 {
		t.Errorf("policy = %+v", p)
	}
	if len(c.Clients) != 1 || c.StaticClients(time.Now())[0].RedirectURIs[0] != "https://app/cb" {
		t.Errorf("clients = %+v", c.Clients)
	}
	_, err = config.Load(write(t, minimal), []string{"BRYGGA_ISUER=x", "BRYGGA_BANKID_TIMEOUT=soon", "BRYGGA_HOME=/x", "BRYGGA_VERSION=1"})
	for _, want := range []string{"BRYGGA_HOME: no such key - \"brygga config example\" lists the keys", "BRYGGA_VERSION: no such key - \"brygga config example\"", "environment variable BRYGGA_ISUER: no such key - did you mean BRYGGA_ISSUER?", "environment variable BRYGGA_BANKID_TIMEOUT: bankid.timeout: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no fault says %q: %v", want, err)
		}
	}
}

// TestServiceLinks: a Kubernetes Service called brygga, or brygga-admin, sets variables in every container beside it.
func TestServiceLinks(t *testing.T) {
	links := []string{"BRYGGA_SERVICE_DOCUMENTATION=https://docs.example.se/"}
	for _, service := range []string{"BRYGGA", "BRYGGA_ADMIN"} {
		for _, link := range []string{
			"SERVICE_HOST=10.0.0.1", "SERVICE_PORT=8080", "SERVICE_PORT_HTTPS=8443", "PORT=tcp://10.0.0.1:8080", "PORT_8080_TCP=tcp://10.0.0.1:8080",
			"PORT_8080_TCP_PROTO=tcp", "PORT_8080_TCP_PORT=8080", "PORT_8080_TCP_ADDR=10.0.0.1", "PORT_53_UDP=udp://10.0.0.1:53",
		} {
			links = append(links, service+"_"+link)
		}
	}
	c, err := config.Load(write(t, minimal), links)
	if err != nil {
		t.Fatal(err)
	}
	if c.ServiceDocumentation != "https://docs.example.se/" {
		t.Errorf("a key whose name is like a link's is %q", c.ServiceDocumentation)
	}
	for _, own := range []string{"BRYGGA_PORT=8080", "BRYGGA_LISTEN_PORT=8080", "BRYGGA_SERVICE_NAME=x", "BRYGGA_HOST=10.0.0.1"} {
		if _, err := config.Load(write(t, minimal), []string{own}); err == nil || !strings.Contains(err.Error(), "no such key") {
			t.Errorf("%s: %v, want to be told of the typo", own, err)
		}
	}
}

func TestWarnings(t *testing.T) {
	path := write(t, strings.Replace(minimal, "production", "test", 1)+"  insecure_test_environment: true\nlisten: 0.0.0.0:80\n")
	if err := os.Chmod(filepath.Join(filepath.Dir(path), "master.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"master_key_file", "bankid.environment", "bankid.root_ca_file", "bankid.signature_root_file", "listen: plain HTTP", "trusted_proxies: empty"} {
		if !slices.ContainsFunc(c.Warnings(), func(w string) bool { return strings.HasPrefix(w, want) }) {
			t.Errorf("no warning begins with %q: %q", want, c.Warnings())
		}
	}
}

// TestOpenSecrets: a group may read a secret, as it does where systemd or Kubernetes hands it over; others may not, nor a group write.
func TestOpenSecrets(t *testing.T) {
	for mode, open := range map[os.FileMode]bool{0o400: false, 0o600: false, 0o440: false, 0o640: false, 0o644: true, 0o604: true, 0o660: true, 0o602: true} {
		path := write(t, minimal)
		for _, name := range []string{"master.key", "bankid.p12"} {
			if err := os.Chmod(filepath.Join(filepath.Dir(path), name), mode); err != nil {
				t.Fatal(err)
			}
		}
		c, err := config.Load(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"master_key_file: ", "bankid.pkcs12_file: "} {
			if slices.ContainsFunc(c.Warnings(), func(w string) bool { return strings.HasPrefix(w, key) }) != open {
				t.Errorf("mode %o: %q", mode, c.Warnings())
			}
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(minimal)
	f.Add("a: &x [*x]\n")
	f.Add("clients: [{local_names: {sv: 1}}]\ntrusted_proxies: [1]\n? {a: b}\n: c\n")
	f.Add("--- {}\n--- {}\n")
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "brygga.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var faults config.Faults
		if c, err := config.Load(path, nil); (c == nil) == (err == nil) || err != nil && !errors.As(err, &faults) {
			t.Errorf("Load returned %v and %v", c, err)
		}
	})
}

// Nothing said is another thing than no grace.
func TestRefreshTokenGrace(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 0, "refresh_token_grace: 0s": -1, "refresh_token_grace: 10s": 10 * time.Second} {
		c, err := config.Load(write(t, minimal+"tokens: {"+text+"}\n"), nil)
		if err != nil || c.Tokens.RefreshTokenGrace != want {
			t.Errorf("%q: %v, %v", text, c, err)
		}
	}
	if _, err := config.Load(write(t, minimal+"tokens: {refresh_token_grace: 6m}\n"), nil); err == nil {
		t.Error("six minutes are accepted")
	}
}
