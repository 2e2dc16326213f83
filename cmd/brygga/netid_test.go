package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/admin"
	"brygga/bankid"
	"brygga/cmd/brygga/config"
	"brygga/eid"
	"brygga/netid"
	"brygga/netid/netidlogin"
	"brygga/netid/netidsim"
	"brygga/storage"
	"brygga/templates"
)

// astrid and kim have cards of the simulator: hers says her personal number, his an HSA-ID.
const (
	astrid = "199001012385"
	kim    = "SE2321000016-KIM1"
)

func withCardApp(o *devOptions) { o.netid = true }

// withCardParts gives a server a simulated Net iD Access that nobody runs.
func withCardParts(t *testing.T, o *serverOptions) {
	t.Helper()
	sim, err := netidsim.New(netidsim.Options{Now: o.now})
	if err != nil {
		t.Fatal(err)
	}
	issuers, err := netid.ParseIssuers(sim.IssuerPEM())
	if err != nil {
		t.Fatal(err)
	}
	certificate := sim.ClientCertificate().TLS
	o.config.NetID = config.NetID{URL: "https://localhost:1" + netidsim.ServicePath}
	o.netid = &netIDParts{
		options:      netid.Options{URL: o.config.NetID.URL, Profile: netid.Profile{RootCAsPEM: sim.ServerRootPEM()}},
		verifier:     netid.VerifierOptions{Issuers: issuers},
		certificates: map[string]bankid.CertificateSource{"": {TLS: &certificate}},
	}
}

// loginByCard chooses Net iD on this device at the page that the visitor has come to, signs with the card of a person and comes back.
func loginByCard(v *visitor, login, person string) sight {
	v.t.Helper()
	sim := v.dev.cards.sim
	v.post(login+"/start", "device", "this", "method", "netid")
	link, err := url.Parse(v.launch(login))
	if err != nil {
		v.t.Fatal(err)
	}
	ref, back := link.Query().Get("autostarttoken"), link.Query().Get("redirect")
	if _, err := sim.Open(ref, person); err != nil {
		v.t.Fatal(err)
	}
	if _, err := sim.Sign(ref); err != nil {
		v.t.Fatal(err)
	}
	v.get(back)
	v.await(login, "complete")
	return v.post(login + "/done")
}

// TestNetIDOnThisDevice goes from the demo app, by the choice of an eID and the card app, to the claims in the demo app.
func TestNetIDOnThisDevice(t *testing.T) {
	t.Parallel()
	d := newDev(t, withCardApp)
	v := newVisitor(t, d, phoneAgent)
	login := v.begin("?profile=1")
	if page := v.get(login).body; !strings.Contains(page, "?method=bankid") || !strings.Contains(page, "?method=netid") || !strings.Contains(page, ">Net iD<") {
		t.Fatalf("no choice:\n%s", page)
	}
	v.post(login+"/start", "device", "this", "method", "netid")
	if link := v.launch(login); !strings.HasPrefix(link, d.cards.section().AppURL+"?autostarttoken=") {
		t.Fatalf("the launch link leads to %q", link)
	}
	v.post(login + "/cancel")
	got := claims(t, loginByCard(v, login, astrid))
	if got["personalNumber"] != astrid || got["name"] != "Astrid Provsson" || got["sub"] == nil {
		t.Errorf("the claims are %v", got)
	}
	if amr, _ := got["amr"].([]any); len(amr) == 0 || amr[0] != "netid" {
		t.Errorf("amr is %v", got["amr"])
	}
	other := newVisitor(t, d, phoneAgent)
	if again := claims(t, loginByCard(other, other.begin(""), kim)); again["personalNumber"] != nil || again["sub"] == nil || again["sub"] == got["sub"] {
		t.Errorf("somebody without a personal number: %v", again)
	}
}

// TestBankIDAlone: without Net iD there is nothing to choose, and a start that names it begins nothing.
func TestBankIDAlone(t *testing.T) {
	t.Parallel()
	v := newVisitor(t, newDev(t, nil), phoneAgent)
	login := v.begin("")
	if page := v.get(login).body; strings.Contains(page, "?method=") || strings.Contains(page, "Net iD") {
		t.Errorf("the page offers more than BankID:\n%s", page)
	}
	if v.post(login+"/start", "device", "this", "method", "netid"); strings.Contains(v.get(login).body, "autostarttoken") {
		t.Error("an order was begun")
	}
}

// TestDevWithCards has a Net iD Access beside the rest, by the clock of all, and its app under names of this machine alone.
func TestDevWithCards(t *testing.T) {
	t.Parallel()
	d := newDev(t, withCardApp)
	if _, err := d.sim.Advance(time.Hour); err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]int{"localhost": http.StatusOK, "app.example.com": http.StatusMisdirectedRequest} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.cards.section().AppURL+"api/clock", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var clock struct{ Now time.Time }
		if err := json.NewDecoder(answer.Body).Decode(&clock); answer.StatusCode != want || want == http.StatusOK && (err != nil || time.Until(clock.Now) < 50*time.Minute) {
			t.Errorf("%s: %d, at %v", host, answer.StatusCode, clock.Now)
		}
		answer.Body.Close()
	}
}

// TestDevClientsWithoutNetID: a configuration of an installation with Net iD is tried without one, and clients are left with what there is.
func TestDevClientsWithoutNetID(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "brygga.yaml")
	if err := os.WriteFile(path, []byte(`issuer: https://login.example.se
netid: {url: 'https://access.example.org/nias/ServiceServer.asmx', http_client: inside}
clients:
  - {id: app, name: Appen, redirect_uris: ['https://a.example/cb'], auth_method: none, methods: [netid, bankid]}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, with := range []bool{false, true} {
		d := newDev(t, func(o *devOptions) { o.config, o.netid = path, with })
		client, err := d.server.clients.Client(t.Context(), "app")
		if err != nil || len(client.Methods) != map[bool]int{false: 1, true: 2}[with] {
			t.Errorf("with %v: %v, %v", with, client, err)
		}
	}
	if _, _, err := config.LoadDev(path); err != nil {
		t.Error(err)
	}
}

// TestNetIDTexts: every word by which Net iD Access ends an order has its texts, and no language lacks any.
func TestNetIDTexts(t *testing.T) {
	catalogue, err := templates.BuiltIn().WithEID(netidlogin.Name, netidlogin.Texts())
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range netid.Codes() {
		if code.Class() != netid.ClassEnded {
			continue
		}
		for _, part := range []string{".title", ".text"} {
			if !catalogue.HasOwn(netidlogin.Name, "failed."+string(code)+part) {
				t.Errorf("nothing is said of %s", code)
			}
		}
	}
	keys := func(lang string) (all []string) {
		for line := range strings.Lines(string(netidlogin.Texts()[lang])) {
			if key, _, ok := strings.Cut(line, ": "); ok && !strings.HasPrefix(line, "#") {
				all = append(all, key)
			}
		}
		return all
	}
	if sv, en := keys("sv"), keys("en"); !slices.Equal(sv, en) || len(sv) < 20 {
		t.Errorf("texts of the languages differ: %v\n%v", sv, en)
	}
}

// TestNetIDIsLookedAfter: when our certificate ends is told of wherever that of BankID is, and so is how the service answers.
func TestNetIDIsLookedAfter(t *testing.T) {
	s := newWithCards(t)
	end := s.cards.certificates[""].leaf().NotAfter
	if !slices.Contains(s.expiries(), admin.Expiry{Kind: admin.ExpiresNetID, Name: "default", Ends: end}) {
		t.Errorf("what ends is %v", s.expiries())
	}
	if got := value(t, s, "brygga_netid_certificate_not_after_timestamp_seconds", "certificate=default"); got != float64(end.Unix()) {
		t.Errorf("the metric says %v", got)
	}
	lines := func() string {
		var b strings.Builder
		for _, line := range s.detailLines(t.Context()) {
			fmt.Fprintln(&b, line[0]+": "+line[1])
		}
		return b.String()
	}
	if text := lines(); !strings.Contains(text, "Net iD Access: not asked yet") || !strings.Contains(text, "Net iD Access certificate default: ") {
		t.Errorf("details are\n%s", text)
	}
	s.cards.health.call("Collect", 200, "", 40*time.Millisecond)
	if text := lines(); !strings.Contains(text, "Net iD Access: last answered") || !strings.Contains(text, "within 40ms of late\n") {
		t.Errorf("details are\n%s", text)
	}
	var log bytes.Buffer
	s.log, s.now = slog.New(slog.NewTextHandler(&log, nil)), func() time.Time { return end.Add(-time.Hour) }
	if s.warnCertificates(t.Context()); !strings.Contains(log.String(), "Net iD Access certificate ends soon") {
		t.Errorf("the log says %s", log.String())
	}
}

// TestNetIDReload: files of certificates are taken over while the server runs, and all else that is said of Net iD waits for a restart.
func TestNetIDReload(t *testing.T) {
	of := func(change func(*config.Config)) *config.Config {
		c := &config.Config{
			NetID:       config.NetID{URL: "https://a.example/", HTTPClient: "inside", Certificates: []config.Certificate{{Name: "journal", PKCS12File: "a.p12"}}},
			HTTPClients: []config.HTTPClient{{Name: "inside", CertificateFile: "a.crt", KeyFile: "a.key"}},
		}
		change(c)
		return c
	}
	s := &server{serverOptions: serverOptions{config: of(func(*config.Config) {})}}
	for _, tt := range []struct {
		name, key string
		change    func(*config.Config)
		live      bool
	}{
		{"another file", "http_clients", func(c *config.Config) { c.HTTPClients[0].CertificateFile = "b.crt" }, true},
		{"another kind of file", "http_clients", func(c *config.Config) {
			c.HTTPClients[0] = config.HTTPClient{Name: "inside", PKCS12File: "b.p12"}
		}, true},
		{"no certificate any longer", "http_clients", func(c *config.Config) { c.HTTPClients[0] = config.HTTPClient{Name: "inside"} }, false},
		{"another root", "http_clients", func(c *config.Config) { c.HTTPClients[0].RootCAFile = "b.pem" }, false},
		{"another time-out", "http_clients", func(c *config.Config) { c.HTTPClients[0].Timeout = time.Second }, false},
		{"one more client", "http_clients", func(c *config.Config) { c.HTTPClients = append(c.HTTPClients, config.HTTPClient{Name: "b"}) }, false},
		{"another further file", "netid.certificates", func(c *config.Config) { c.NetID.Certificates[0].PKCS12File = "b.p12" }, true},
		{"one more certificate", "netid.certificates", func(c *config.Config) {
			c.NetID.Certificates = append(c.NetID.Certificates, config.Certificate{Name: "b"})
		}, false},
		{"another address", "netid.url", func(c *config.Config) { c.NetID.URL = "https://b.example/" }, false},
	} {
		if got := s.isLive(tt.key, of(tt.change)); got != tt.live {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// TestNetIDCertificateIsReplaced by files that change, and by others that a configuration names; one that cannot be used replaces nothing.
func TestNetIDCertificateIsReplaced(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	writePair(t, file("a.crt"), file("a.key"), time.Hour)
	source := func(name string) bankid.CertificateSource {
		return bankid.CertificateSource{CertFile: file(name + ".crt"), KeyFile: file(name + ".key")}
	}
	var log bytes.Buffer
	c, err := newOwnCertificate("netid default", source("a"), slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	shown := func() string {
		pair, err := c.get()
		if err != nil {
			t.Fatal(err)
		}
		return pair.Leaf.NotAfter.String()
	}
	first := shown()
	writePair(t, file("a.crt"), file("a.key"), 2*time.Hour)
	second := shown()
	if second == first {
		t.Error("files that changed were not read again")
	}
	if err := os.WriteFile(file("a.crt"), []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if shown() != second || strings.Count(log.String(), "the old one stays") != 1 || shown() != second || strings.Count(log.String(), "the old one stays") != 1 {
		t.Errorf("a broken file: %s", log.String())
	}
	if changed, err := c.readFrom(source("none")); err == nil || changed || shown() != second {
		t.Errorf("files that are not there: %v, %v", changed, err)
	}
	writePair(t, file("b.crt"), file("b.key"), 3*time.Hour)
	if changed, err := c.readFrom(source("b")); err != nil || !changed || shown() == second {
		t.Errorf("other files: %v, %v", changed, err)
	}
}

// TestCertificateThatOneEIDHas: a policy may name a certificate that one eID alone has; the other one shows its default one then.
func TestCertificateThatOneEIDHas(t *testing.T) {
	o := newOptions(t)
	withCardParts(t, &o)
	o.config.BankID.Certificates = []config.Certificate{{Name: "bank"}}
	o.config.NetID.Certificates = []config.Certificate{{Name: "cards"}}
	o.certificates = map[string]bankid.CertificateSource{"bank": o.bankid.Certificate}
	o.netid.certificates["cards"] = o.netid.certificates[""]
	s, err := newServer(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	methods, err := s.methods()
	if err != nil || len(methods) != 2 {
		t.Fatal(methods, err)
	}
	for _, m := range methods {
		for name, want := range map[string]string{"": eid.ReasonUnavailable, "bank": eid.ReasonUnavailable, "cards": eid.ReasonUnavailable, "nobody's": eid.ReasonRefused} {
			_, err := m.Start(t.Context(), eid.Request{
				Kind: storage.KindIdentify, Channel: eid.ChannelBrowser, Starter: storage.Starter{Device: storage.DeviceThis, IP: "192.0.2.1"}, Certificate: name, Binding: []byte("b"),
			})
			if fault, ok := errors.AsType[*eid.Fault](err); !ok || fault.Reason != want {
				t.Errorf("%s, certificate %q: %v, want %s", m.Name(), name, err, want)
			}
		}
	}
}
