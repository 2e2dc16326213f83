package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"brygga/account"
	"brygga/admin"
	"brygga/audit"
	"brygga/audit/sink"
	"brygga/audit/tree"
	"brygga/background"
	"brygga/bankid"
	"brygga/clients"
	"brygga/cmd/brygga/config"
	"brygga/evidence/archive"
	"brygga/keys"
	"brygga/limit"
	"brygga/login"
	"brygga/logins"
	"brygga/mail"
	"brygga/notice"
	"brygga/op"
	"brygga/outbound"
	"brygga/secret"
	"brygga/storage"
	"brygga/storage/postgres"
	"brygga/templates"
	"brygga/tracing"
	"brygga/web"
	"brygga/web/bankidapi"
	"brygga/web/console"
	"brygga/webhook"
)

// serverOptions are what a server is made from.
type serverOptions struct {
	config *config.Config
	// dressed are the looks of the configuration; nil for our own.
	dressed *looks
	// listener is the certificate of the public listener; nil when it has none.
	listener *certificateFiles
	// hangUp asks for the configuration to be read again, by read. Nil where nobody asks.
	hangUp <-chan os.Signal
	read   func() (*config.Config, *looks, error)
	// told is called, in place of log lines, with the keys that were taken over and those that wait for a restart, or with why nothing
	// was taken over. trouble says the latter to whoever looks at the preview. Both may be nil.
	told    func(changed, waiting []string, err error)
	trouble func() string
	// manager is told when the server is ready, reads its configuration again and stops.
	manager serviceManager
	logs
	// bankid is which BankID to ask, and as whom; phone is where launch links lead instead of to the app, if anywhere.
	bankid bankid.Options
	phone  bankid.Form
	// issuerChanged says that the issuer may be another than the store remembers.
	issuerChanged bool
	// starter is who starts the server, for the audit log.
	starter string
	// out is where the link of the first owner is printed, nil for nowhere. sender takes mail in place of the server of
	// the configuration, nil for that one, and mailbox shows what it took, nil for nothing.
	out     io.Writer
	sender  mail.Sender
	mailbox console.Mailbox
	// preview serves every state of the pages, for designers.
	preview bool
	// startURL is where the issuer's own address leads, if anywhere.
	startURL string
	// refusals is the level at which refused requests of clients are logged.
	refusals slog.Level
	// certificates are the further ones of ours, by name; verifier returns what checks results, or is nil when nobody does.
	certificates map[string]bankid.CertificateSource
	verifier     func() (*bankid.Verifier, error)
	// netid is which Net iD Access to ask, and as whom; nil where there is none.
	netid *netIDParts
	// stamps is the time-stamping authority in place of that of the configuration, nil for that one. It is made when it is first used.
	stamps func() (*archive.Authority, error)
	now    func() time.Time
}

// server is all parts of a running brygga, connected.
type server struct {
	serverOptions
	store         backend
	shared        atomic.Pointer[postgres.Store] // store, where other processes use it too
	ownTime       func() time.Time               // the clock of this machine
	clients       *storage.StaticClients         // store with the clients of the configuration
	uses          *clients.Uses                  // of the secrets of clients
	apps          storage.Store                  // clients with that of the console: for whom people log in
	outbound      *outbound.Caller
	audit         *audit.Log
	mail          *mail.Courier // nil where no mail is sent
	hasher        *account.Hasher
	levels        *logLevels
	tree          auditTree
	sinks         []*sink.Sink
	logins        *logins.Book
	banners       *notice.Banners
	alarms        *notice.Alarms
	admin         *admin.Service  // with all that a running server knows
	tracer        *tracing.Tracer // nil where nothing is traced
	ring          *keys.Ring
	apis          map[string]*bankid.API // by certificate
	cards         *netIDService          // nil where there is no Net iD Access
	engine        *login.Engine
	provider      *op.Provider
	backEnds      http.Handler // BankID's JSON:API
	site          atomic.Pointer[web.Site]
	looks         atomic.Pointer[looks]
	live          *config.Config                // the one that was taken over last, for reload alone
	taken         atomic.Pointer[config.Config] // the same, for whoever shows it
	metrics       *metrics
	health        *eidHealth
	proxies       web.Proxies
	trials        *trials
	consoleBankID *consoleBankID
	socket        net.Listener // for client and key commands; nil when there can be none
	stopping      atomic.Bool
	// keeping is the maintenance of keys, signing that of the audit log's tree.
	keeping, signing trouble
	// background is work of the start that nobody waits for but close.
	background background.Group
}

// newServer opens the store and builds the parts. It listens nowhere yet; the caller lets run or close follow.
func newServer(ctx context.Context, o serverOptions) (*server, error) {
	s := &server{serverOptions: o, live: o.config}
	s.taken.Store(o.config)
	s.keepTime()
	s.levels = s.newLogLevels()
	s.looks.Store(cmp.Or(o.dressed, &looks{}))
	if err := s.build(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// build begins with what may fail and leaves no trace: the store is made when it is known that the server can start.
func (s *server) build(ctx context.Context) (err error) {
	c := s.config
	s.metrics = newMetrics(s)
	s.health = newBankIDHealth(s.metrics, s.log, s.now)
	if err = s.openBankID(); err != nil {
		return err
	}
	if err = s.openNetID(); err != nil {
		return err
	}
	if s.outbound, err = newOutbound(c.Outbound, c.LocalIssuer()); err != nil {
		return err
	}
	static := s.looks.Load().dress(c.StaticClients(s.now().UTC()))
	if err = s.checkSectors(ctx, static); err != nil {
		return err
	}
	if err = s.openStore(ctx); err != nil {
		return err
	}
	s.clients = storage.WithStaticClients(s.metrics.measured(s.store), static)
	if err = s.clients.Remember(ctx, s.now()); err != nil {
		return err
	}
	var own storage.Client
	if s.consoleBankID, own, err = newConsoleBankID(ctx, c, s.store, func() http.Handler { return http.HandlerFunc(s.public) }, s.now); err != nil {
		return err
	}
	s.trials = newTrials(s.consoleBankID, c.ConsoleURL())
	s.apps = storage.WithStaticClients(storage.WithTrials(s.clients, s.trials.redirect, own.Secrets[0]), []storage.Client{own})
	if s.audit, err = openAudit(ctx, s.store, audit.Options{Retention: c.Audit.Retention, Logger: s.log, Lines: s.events, Failed: s.metrics.auditFailed, Told: s.metrics.event, Now: s.now}); err != nil {
		return err
	}
	s.hasher = account.NewHasher(0)
	s.metrics.watchOperators(s.hasher)
	s.metrics.watchMail(s.store.PendingMail)
	s.metrics.watchNotices(s.store.WaitingNotices, s.now)
	if s.mail, err = s.newCourier(); err != nil {
		return err
	}
	if s.tree.Tree, err = openTree(ctx, s.store, c.Issuer, tree.Options{Logger: s.log, Now: s.now}); err != nil {
		return err
	}
	s.uses = clients.NewUses(s.store, s.now)
	if s.logins, err = logins.New(logins.Options{Store: s.store, Log: s.tree, Logger: s.log, Now: s.now}); err != nil {
		return err
	}
	s.banners, s.alarms = notice.NewBanners(s.store, s.now), s.newAlarms()
	if s.tracer, err = s.openTracer(); err != nil {
		return err
	}
	if s.sinks, err = s.newSinks(); err != nil {
		return err
	}
	if err = s.checkIssuer(ctx); err != nil {
		return err
	}
	if s.ring, err = s.openKeys(ctx, static); err != nil {
		return err
	}
	if s.engine, err = s.newEngine(); err != nil {
		return err
	}
	s.metrics.watchResults(s.engine, s.config.MethodNames())
	return s.connect(ctx)
}

// openStore opens the store and, where that is a file, the socket by which commands reach it.
func (s *server) openStore(ctx context.Context) error {
	store, err := openBackend(ctx, s.config, s.log, s.metrics.commit, s.ownTime)
	if err != nil {
		return err
	}
	s.store = store
	if shared, ok := store.(*postgres.Store); ok {
		s.shared.Store(shared)
		s.metrics.watchDatabase(shared)
		return nil
	}
	if s.socket, err = listenControl(s.config.Data); err != nil {
		s.log.WarnContext(ctx, "no control socket: client and key commands work only while the server is stopped", "err", err)
	}
	return nil
}

// checkSectors refuses clients of the configuration whose sector_identifier_uri does not list their redirect URIs. One that
// cannot be asked now is no reason to stay down.
func (s *server) checkSectors(ctx context.Context, all []storage.Client) error {
	for i := range all {
		err := clients.CheckSector(ctx, s.outbound, &all[i])
		if errors.Is(err, clients.ErrSector) {
			return fail(exitUsage, "correct the document, or remove sector_identifier_uri", "client %q: sector_identifier_uri %w", all[i].ID, err)
		}
		if err != nil {
			s.log.WarnContext(ctx, "sector_identifier_uri was not checked", "client_id", all[i].ID, "err", err)
		}
	}
	return nil
}

// checkIssuer refuses another issuer than the store remembers: apps have stored it, and refuse every token of another.
func (s *server) checkIssuer(ctx context.Context) error {
	const name = "issuer"
	known, err := s.store.SecretOrCreate(ctx, name, []byte(s.config.Issuer))
	before := string(known)
	switch {
	case err != nil:
		return fmt.Errorf("read the issuer: %w", err)
	case before == s.config.Issuer:
		return nil
	case !s.issuerChanged:
		return fail(exitUsage, "write the old one back; or tell the apps of the new one and start once with --issuer-changed",
			"issuer: was %s until now and is %s: apps know the old one and would refuse every login", before, s.config.Issuer)
	}
	if err := s.store.ReplaceSecret(ctx, name, known, []byte(s.config.Issuer)); err != nil {
		return fmt.Errorf("remember the issuer: %w", err)
	}
	s.log.WarnContext(ctx, "the issuer has changed: apps must be told", "before", before, "issuer", s.config.Issuer)
	s.audit.Record(ctx, audit.Event{Type: audit.IssuerChanged, Actor: s.starter, Changes: []audit.Change{{Name: name, Before: before, After: s.config.Issuer}}})
	return nil
}

// openKeys opens the keys, with those that the static clients need. Those of stored clients were made when they were stored.
func (s *server) openKeys(ctx context.Context, static []storage.Client) (*keys.Ring, error) {
	c := s.config
	life := max(cmp.Or(c.Tokens.IDTokenLife, op.DefaultIDTokenLife), cmp.Or(c.Tokens.AccessTokenLife, op.DefaultAccessTokenLife))
	return keys.New(ctx, keys.Options{
		Store: s.store, RotateEvery: c.Keys.RotateEvery, PublishAhead: c.Keys.PublishAhead,
		TokenLife: max(keys.DefaultTokenLife, life+time.Hour), Tell: tellKeys(s.audit), Logger: s.log, Now: s.now,
		Needed: algorithmsOf(static), Used: usedBy(s.clients),
	})
}

// usedBy tells a ring of keys which algorithms the clients need.
func usedBy(all storage.Clients) func(context.Context, []string) ([]string, error) {
	return func(ctx context.Context, algorithms []string) ([]string, error) {
		return clients.UsedAlgorithms(ctx, all, algorithms)
	}
}

func algorithmsOf(all []storage.Client) (algorithms []string) {
	for i := range all {
		algorithms = append(algorithms, clients.Algorithms(&all[i])...)
	}
	return algorithms
}

// provideKeys makes keys for the clients of a new configuration, in the background: an RSA key takes up to a second.
func (s *server) provideKeys(ctx context.Context, all []storage.Client) {
	s.background.Go(func() {
		if _, err := s.ring.Provide(context.WithoutCancel(ctx), algorithmsOf(all)...); err != nil {
			s.log.ErrorContext(ctx, "could not make keys", "doing", "make keys", "err", err)
		}
	})
}

func (s *server) newEngine() (*login.Engine, error) {
	c := s.config
	methods, err := s.methods()
	if err != nil {
		return nil, err
	}
	return login.New(login.Options{
		Store: s.apps, Methods: methods, Offers: c.Offers(), Audit: s.audit, Logger: s.log, Issuer: c.Issuer, Policy: c.BankID.Policy, Verify: login.VerifyMode(c.BankID.Verify),
		ReturnURL:     func(id string, nonce secret.String) secret.String { return web.ReturnURL(c.Issuer, id, nonce) },
		TransactionID: func(id, client string) string { return s.provider.TransactionID(id, client) },
		Subject: func(client *storage.Client, person *storage.Identity) string {
			return s.provider.Subject(client, person)
		},
		VisibleText: s.visibleText, ReferringDomain: c.ReferringDomain(), Life: c.Login.Life, Window: c.Login.Window,
		Limits: login.Limits{
			LoginsPerAddress: c.Login.LoginsPerAddress, OrdersPerAddress: c.Login.OrdersPerAddress,
			OrdersPerClient: c.Login.OrdersPerClient, PendingOrders: c.Login.PendingOrders,
			StoredPerAddress: c.Login.StoredPerAddress << 20, Stored: c.Login.Stored << 20, CallsPerPerson: c.Login.CallsPerPerson,
			AsksPerPerson: c.Login.AsksPerPerson, AsksPerAddress: c.Login.AsksPerAddress,
		},
		MemoryShort: memoryShort(debug.SetMemoryLimit(-1)), Now: s.now, Ended: func(l *storage.Login) { s.provider.Notify(l) }, Observe: s.metrics.login, Step: s.loginStep, Collector: s.node(),
	})
}

// node returns what this process is called among those that share the store, empty where it is alone.
func (s *server) node() string {
	if shared := s.shared.Load(); shared != nil {
		return shared.Node()
	}
	return ""
}

// levelsOf returns the levels of assurance that may be asserted, those with demands of their own last.
func levelsOf(c *config.Config) []string {
	plain := c.ACRs()
	if len(plain) == 0 {
		plain = []string{op.DefaultACR}
	}
	return append(slices.Clone(plain), slices.Sorted(maps.Keys(c.Tokens.ACRPolicies))...)
}

// connect makes the provider and the site, each of which leads into the other.
func (s *server) connect(ctx context.Context) error {
	c := s.config
	subjects, err := installationSecret(ctx, s.store, "subjects")
	if err != nil {
		return err
	}
	s.provider, err = op.New(op.Options{
		Issuer: c.Issuer, InsecureHTTPIssuer: c.InsecureHTTPIssuer, Store: storage.Enabled(s.apps), Keys: s.ring, Audit: s.audit, Pages: pages{&s.site},
		SubjectKey: subjects, AccessTokenLife: c.Tokens.AccessTokenLife, IDTokenLife: c.Tokens.IDTokenLife, ACRValues: c.ACRs(), ACRPolicies: c.Tokens.ACRPolicies, Methods: toldMethods(c), Offered: s.offered, Policy: c.BankID.Policy,
		RefreshIdle: c.Tokens.RefreshTokenIdle, RefreshLife: c.Tokens.RefreshTokenLife, RefreshGrace: c.Tokens.RefreshTokenGrace, SessionLife: c.Sessions.Life, SessionIdle: c.Sessions.Idle,
		Outbound: s.outbound, ServiceDocumentation: c.ServiceDocumentation, Limits: op.Limits{
			RequestsPerAddress: c.Limits.RequestsPerAddress, RequestsPerClient: c.Limits.RequestsPerClient,
			LoginsPerAddress: c.Login.LoginsPerAddress, StoredPerAddress: c.Login.StoredPerAddress << 20, Stored: c.Login.Stored << 20,
		},
		Call: s.call, CallSilence: s.engine.CallSilence(), SecretUsed: s.uses.Used, Webhook: s.webhook, SignatureOf: s.signatureOf, EvidenceOf: s.evidenceOf,
		APIScopes: admin.Scopes(), MessageFits: s.messageFits, ClientIP: web.ClientIP, Observe: s.metrics.provider, Step: s.providerStep, Logger: s.log, RefusalLevel: s.refusals, Now: s.now,
	})
	if err != nil {
		return err
	}
	site, err := s.newSite(c.Page, s.looks.Load())
	if err != nil {
		return err
	}
	s.site.Store(site)
	return nil
}

// webhook returns what a client's webhook is posted of an order that has ended.
func (s *server) webhook(ctx context.Context, client *storage.Client, notice *storage.Notice) (http.Header, []byte, error) {
	now := s.now()
	keys, err := clients.WebhookKeys(ctx, s.store, client, now)
	if err != nil {
		return nil, nil, err
	}
	body, err := bankidapi.Ended(notice.Order)
	return webhook.Header(keys, notice.ID, now, body), body, err
}

// call begins a login by telephone. A server that has all it can do is one that is asked too much.
func (s *server) call(ctx context.Context, request storage.AuthRequest, binding secret.String, starter storage.Starter) (*storage.Login, error) {
	begun, err := s.engine.Call(ctx, request, binding, starter)
	if overload, ok := errors.AsType[*login.OverloadError](err); ok {
		return nil, &limit.Error{RetryAfter: overload.RetryAfter}
	}
	return begun, err
}

// visibleText returns what the BankID app shows for a login at the client, all of it in one language.
func (s *server) visibleText(client *storage.Client, language string) string {
	return appText(s.looks.Load().messages, client, language)
}

// messageFits reports whether the app can show a client's message on the pages in all languages.
func (s *server) messageFits(client *storage.Client, message *storage.UserMessage) bool {
	var tags []string
	for _, language := range s.looks.Load().messages.Languages() {
		tags = append(tags, language.Tag)
	}
	return s.engine.MessageFits(client, message, tags)
}

func appText(messages *templates.Catalogue, client *storage.Client, language string) string {
	known := func(tag string) bool {
		return slices.ContainsFunc(messages.Languages(), func(l templates.Language) bool { return l.Tag == tag })
	}
	if !known(language) {
		language, _, _ = strings.Cut(language, "-")
	}
	if !known(language) {
		language = templates.DefaultLanguage
	}
	return messages.AppText(language, client.NameIn(language))
}

// ready returns nil when logins can be served. BankID is not asked: when it is out of reach the pages must say so, and a
// server that nobody is sent to cannot.
func (s *server) ready(ctx context.Context) error {
	if s.stopping.Load() {
		return errors.New("shutting down")
	}
	if err := s.store.Ping(ctx); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// operator returns the parts that client and key commands work on.
func (s *server) operator() *operator {
	return &operator{
		store: s.clients, audit: s.audit, now: s.now, certificates: s.config.CertificateNames(), methods: s.config.ClientMethods(), policy: s.config.BankID.Policy, acrValues: levelsOf(s.config), local: s.config.LocalIssuer(), outbound: s.outbound,
		registrars: s.cards.registrars(), levels: s.levels, hasher: s.hasher, console: s.config.ConsoleURL(), mail: s.mail != nil,
		ring: func(context.Context) (*keys.Ring, error) { return s.ring, nil }, backup: s.backup,
		tree: func(context.Context) (*tree.Tree, error) { return s.tree.Tree, nil }, sinks: s.sinkList(),
		texts: func() *templates.Catalogue { return s.looks.Load().messages },
	}
}

// close closes what was built, last first.
func (s *server) close() error {
	if site := s.site.Load(); site != nil {
		site.Close()
	}
	s.levels.close()
	s.background.Wait()
	if s.ring != nil {
		s.ring.Close()
	}
	ending, cancel := context.WithTimeout(context.Background(), traceTime)
	defer cancel()
	if err := s.tracer.Close(ending); err != nil {
		s.log.WarnContext(ending, "traces could not be sent", "err", err)
	}
	for _, api := range s.apis {
		api.Close()
	}
	s.cards.close()
	if s.outbound != nil {
		s.outbound.Close()
	}
	if s.socket != nil {
		s.socket.Close() // run may have done so already
		os.Remove(filepath.Join(s.config.Data, socketFile))
	}
	if s.store != nil {
		if err := s.store.Close(); err != nil {
			return fmt.Errorf("close %s: %w", s.storeName(), err)
		}
	}
	return nil
}
