package main

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"brygga/account"
	"brygga/bankid"
	"brygga/bankid/bankidsim"
	"brygga/clients"
	"brygga/cmd/brygga/config"
	"brygga/keys"
	"brygga/mail"
	"brygga/secret"
	"brygga/storage"
	"brygga/templates"
	"brygga/web/demo"
)

// devOptions are what a development installation is made from.
type devOptions struct {
	// port is the provider's; the next four belong to the others. 0 takes five free ports.
	port int
	// host is localhost, which means 127.0.0.1 and ::1, or one of the two.
	host string
	data string
	// tls serves provider, demo app and phone over https.
	tls   bool
	log   *slog.Logger
	chaos *bankidsim.Chaos
	// sender takes the mail of the console; nil keeps it in a mailbox, which the console shows.
	sender mail.Sender
	// config is a configuration file for looks, texts, clients and policies; "" for none. out is told when it is read again; nil for
	// nobody.
	config string
	out    io.Writer
	// netid simulates a Net iD Access too, at the two ports after those of the others.
	netid bool
	// testOnlyConfig changes what is read from the file.
	testOnlyConfig func(*config.Config)
	// now is the clock of all. The simulator's control API can move it on, for all of them together.
	now func() time.Time
}

// devInstance is a provider, a demo app and a simulator that run in this process.
type devInstance struct {
	// Addresses without a closing slash.
	Issuer, DemoURL, PhoneURL, BankIDURL, AdminURL string
	// link makes the first account of the console, as long as nobody has one.
	link account.Link

	data   string
	config *devConfig
	ca     *devAuthority // nil without TLS
	sim    *bankidsim.Simulator
	cards  *cardService // nil without Net iD
	server *server
	others []*http.Server // demo app and simulator
	ended  chan error
}

// startDev starts everything and returns when requests are answered. It runs until ctx is done; wait tells when all is
// closed.
func startDev(ctx context.Context, o devOptions) (*devInstance, error) {
	if _, port, err := net.SplitHostPort(o.host); err == nil {
		return nil, fail(exitUsage, "give the address by --listen and the port by --port "+port, "--listen %s has a port", o.host)
	}
	if o.host != "" && !oneOf(o.host, "localhost", "127.0.0.1", "::1") {
		return nil, fail(exitUsage, "write localhost, 127.0.0.1 or ::1; to serve others, run \"brygga serve\" with a real BankID",
			"--listen %s is not this machine alone: whoever reached it could log in as anybody", o.host)
	}
	if most := 65535 - o.further(); o.port < 0 || o.port > most {
		return nil, fail(exitUsage, fmt.Sprintf("write a number from 1024 to %d", most), "--port %d leaves no room for %d ports", o.port, o.further()+1)
	}
	on, err := listenDev(ctx, o)
	if err != nil {
		return nil, err
	}
	d, err := buildDev(ctx, o, on)
	if err != nil {
		for _, group := range on {
			listeners{public: group}.close()
		}
		return nil, err
	}
	d.start(ctx, on)
	return d, nil
}

// The services of a development installation, in the order of their ports.
const (
	devProvider = iota
	devDemo
	devPhone
	devBankID
	devOperators
	devServices
)

func listenDev(ctx context.Context, o devOptions) ([devServices][]net.Listener, error) {
	var on [devServices][]net.Listener
	for i := range on {
		port := o.port
		if port != 0 {
			port += i
		}
		group, err := listenLoopback(ctx, o.host, port)
		if err != nil {
			for _, listening := range on[:i] {
				listeners{public: listening}.close()
			}
			return on, err
		}
		on[i] = group
	}
	return on, nil
}

func buildDev(ctx context.Context, o devOptions, on [devServices][]net.Listener) (d *devInstance, err error) {
	scheme := "http"
	if o.tls {
		scheme = "https"
	}
	at := func(service int, scheme string) string {
		return fmt.Sprintf("%s://localhost:%d", scheme, on[service][0].Addr().(*net.TCPAddr).Port)
	}
	d = &devInstance{
		Issuer: at(devProvider, scheme), DemoURL: at(devDemo, scheme), PhoneURL: at(devPhone, scheme),
		BankIDURL: at(devBankID, "https") + "/rp/v6.0", AdminURL: at(devOperators, "http"), data: o.data, ended: make(chan error, 1),
	}
	if o.tls {
		if d.ca, err = openDevAuthority(o.data, o.now()); err != nil {
			return nil, err
		}
		if err := d.ca.listen(o.now(), on[devProvider], on[devDemo], on[devPhone]); err != nil {
			return nil, err
		}
	}
	if d.sim, err = bankidsim.New(bankidsim.Options{
		Now: o.now, Logger: o.log, Chaos: o.chaos, StyleSheet: templates.Tokens(), Icon: templates.Mark(),
	}); err != nil {
		return nil, err
	}
	if err := d.openCards(ctx, o); err != nil {
		return nil, err
	}
	defer func(cards *cardService) {
		if err != nil {
			cards.close()
		}
	}(d.cards)
	parts, err := d.cards.parts()
	if err != nil {
		return nil, err
	}
	masterKey, err := devMasterKey(o.data)
	if err != nil {
		return nil, err
	}
	phone, err := bankid.ParseForm(d.PhoneURL + "/")
	if err != nil {
		return nil, err
	}
	certificate, caller := d.sim.ClientCertificate().TLS, &http.Client{Timeout: 5 * time.Second}
	if d.ca != nil {
		caller = d.ca.client()
	}
	d.config = newDevConfig(o.config, config.Config{
		Issuer: d.Issuer, AdminListen: strings.TrimPrefix(d.AdminURL, "http://"), Data: o.data, MasterKey: masterKey, BankID: config.BankID{Environment: config.Custom}, NetID: d.cards.section(), Page: config.Page{ServiceName: "Brygga"},
	}, cmp.Or(o.out, io.Discard))
	d.config.testOnlyChange = o.testOnlyConfig
	c, looks, err := d.config.read()
	if err != nil {
		return nil, err
	}
	for _, warning := range c.Warnings() {
		o.log.WarnContext(ctx, "configuration", "warning", warning)
	}
	letters := &mailbox{now: d.sim.Now}
	sender := o.sender
	if sender == nil {
		sender = letters
	}
	d.server, err = newServer(ctx, serverOptions{
		sender: sender, mailbox: letters, starter: "brygga dev", config: c, dressed: looks, read: d.config.read, hangUp: d.config.ask, told: d.config.told, trouble: d.config.trouble,
		bankid: bankid.Options{BaseURL: d.BankIDURL, Certificate: bankid.CertificateSource{TLS: &certificate}, RootCAsPEM: d.sim.ServerRootPEM()},
		netid:  parts, phone: phone, verifier: lateVerifier(d.sim), stamps: lateStamps(d.sim, d.PhoneURL+"/stamps", caller), logs: logs{log: o.log}, refusals: slog.LevelWarn, now: d.sim.Now, preview: true, startURL: d.DemoURL + "/", issuerChanged: true,
	})
	if err != nil {
		return nil, err
	}
	if d.link, err = d.server.devLink(ctx); err != nil {
		return nil, errors.Join(err, d.server.close())
	}
	if err := d.register(ctx, o); err != nil {
		return nil, errors.Join(err, d.server.close())
	}
	return d, nil
}

// devMasterKey returns the master key in the data directory, which it makes at the first start.
func devMasterKey(data string) (secret.String, error) {
	path := filepath.Join(data, masterKeyFile)
	text, err := config.ReadFile(path, maxMasterKey)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(data, storeFile)); err == nil {
			return secret.String{}, fail(exitWrongKey, "bring the file back, or remove the directory and lose what is in it", "%s is missing, without which %s cannot be read", path, storeFile)
		}
		if err := os.MkdirAll(data, 0o700); err != nil {
			return secret.String{}, err
		}
		key := keys.NewMasterKey()
		return key, writeNew(path, key.Reveal()+"\n")
	}
	return secret.New(strings.TrimSpace(string(text))), err
}

// The clients that every development installation has.
const (
	demoClient       = "demo"
	demoPublicClient = "demo-public"
)

// newDemoKey makes the key by which the demo app signs what it asks to have signed, and its public half as the client has it.
func newDemoKey() (*ecdsa.PrivateKey, json.RawMessage, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make the demo app's key: %w", err)
	}
	jwks, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "demo", Algorithm: storage.ES256, Use: "sig"}}})
	return key, jwks, err
}

// register adds the demo app and the clients that everybody may use, or brings them back to what they were.
func (d *devInstance) register(ctx context.Context, o devOptions) error {
	client := storage.Client{
		ID: demoClient, Name: "Demo app", LocalNames: map[string]string{"sv": "Demoappen"}, HomeURI: d.DemoURL + "/", Native: true,
		AuthMethod: storage.AuthMethodSecret, Secrets: []storage.ClientSecret{config.HashSecret(secret.New("demo-secret"))},
		RedirectURIs: []string{d.DemoURL + "/callback", "http://127.0.0.1/callback"}, PostLogoutRedirectURIs: []string{d.DemoURL + "/"},
		Scopes: storage.Scopes()[1:], IDTokenAlg: clients.DefaultIDTokenAlg, SubjectType: storage.SubjectPairwise, PersonalNumber: true,
		CIBA: storage.CIBAPoll,
	}
	if d.cards != nil {
		client.TypedIdentifiers = true
		client.Methods, client.Policy.PersonKeys = d.server.config.MethodNames(), storage.PersonKeys()
	}
	key, jwks, err := newDemoKey()
	if err != nil {
		return err
	}
	client.JWKS = jwks
	public := client
	public.JWKS, public.CIBA = nil, storage.CIBAOff
	public.ID, public.AuthMethod, public.Secrets = demoPublicClient, storage.AuthMethodNone, nil
	for _, c := range []storage.Client{client, public} {
		now := d.server.now().UTC().Truncate(time.Microsecond)
		c.Created, c.Updated = now, now
		for i := range c.Secrets {
			c.Secrets[i].Created = now
		}
		err := d.server.store.CreateClient(ctx, c)
		if errors.Is(err, storage.ErrExists) {
			var old *storage.Client
			if old, err = d.server.store.Client(ctx, c.ID); err == nil {
				c.Created, c.Revision = old.Created, old.Revision
				err = d.server.store.UpdateClient(ctx, c)
			}
		}
		if err != nil {
			return fmt.Errorf("register client %s: %w", c.ID, err)
		}
	}
	options := demo.Options{
		Issuer: d.Issuer, ClientID: client.ID, ClientSecret: "demo-secret", BaseURL: d.DemoURL, Logger: o.log, Now: d.server.now,
		SigningKey: key, PhoneURL: d.PhoneURL + "/", StyleSheet: templates.Tokens(),
	}
	if d.ca != nil {
		options.HTTPClient = d.ca.client()
	}
	app, err := demo.New(options)
	if err != nil {
		return err
	}
	d.others = []*http.Server{
		{Handler: app, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, ErrorLog: errorLog(o.log)}, newPhoneServer(d.sim), d.sim.APIServer(),
	}
	return nil
}

// start lets everything serve until ctx is done, the provider last: it needs the simulator.
func (d *devInstance) start(ctx context.Context, on [devServices][]net.Listener) {
	failed := make(chan error, 16)
	for i, service := range []int{devDemo, devPhone, devBankID} {
		server := d.others[i]
		for _, listener := range on[service] {
			if service == devBankID {
				listener = tls.NewListener(listener, d.sim.TLSConfig())
			}
			go func() {
				if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
					failed <- fmt.Errorf("listen on %s: %w", listener.Addr(), err)
				}
			}()
		}
	}
	ctx, stop := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { d.config.watch(ctx) })
	if d.cards != nil {
		watching.Go(func() {
			if err := d.cards.serve(ctx); err != nil {
				failed <- err
			}
		})
		watching.Go(func() { d.registerCards(ctx) })
	}
	go func() {
		select {
		case <-ctx.Done():
		case err := <-failed:
			d.server.log.ErrorContext(ctx, "server failed", "err", err)
			stop()
		}
	}()
	go func() {
		err := d.server.run(ctx, listeners{public: on[devProvider], admin: on[devOperators]})
		stop()
		watching.Wait()
		others := shutdown(context.WithoutCancel(ctx), slices.Clone(d.others)...)
		d.sim.Close()
		d.ended <- errors.Join(err, others)
	}()
}

// wait returns when everything has ended: nil when it was told to and all was closed.
func (d *devInstance) wait() error { return <-d.ended }
