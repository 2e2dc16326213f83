package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/time/rate"

	"brygga/audit"
	"brygga/background"
	"brygga/cache"
	"brygga/login"
	"brygga/schedule"
	"brygga/storage"
	"brygga/templates"
)

// maxPageBytes bounds the prepared pages in memory: some hundred clients have theirs ready at the same time, in two languages.
const maxPageBytes = 16 << 20

// DefaultMaxStreams is how many event streams a Site serves at once when Options say nothing.
const DefaultMaxStreams = 20_000

// Clients finds clients; every storage.Store does.
type Clients interface {
	// Client returns the client with that ID, or storage.ErrNotFound.
	Client(ctx context.Context, id string) (*storage.Client, error)
}

// Options are the parts of a Site. Issuer, Engine, Store, Audit, Provider, Answer and Refuse are required.
type Options struct {
	// Issuer is the base URL, without a path: https, or http for development. Cookies are Secure when it is https.
	Issuer string
	Engine *login.Engine
	Store  Clients
	Audit  *audit.Log
	Logger *slog.Logger
	Now    func() time.Time

	// Provider serves the paths of the OpenID provider.
	Provider http.Handler
	// Answer spends an answerable login and gives the client its code. Refuse spends a login and gives the client the OAuth
	// error of that code and description (ASCII). Both write the whole response.
	Answer func(w http.ResponseWriter, r *http.Request, l *storage.Login)
	Refuse func(w http.ResponseWriter, r *http.Request, l *storage.Login, code, description string)

	// BankIDAPI serves what is below /api/bankid/v1/; nil for nothing. It looks itself who asks, and bounds what is sent.
	BankIDAPI http.Handler

	// Dialects are those of pages that were written for other products, by the name of the eID that they speak of; see Dialect.
	Dialects map[string]Dialect

	// TrustedProxies are those whose X-Forwarded-For, X-Forwarded-Proto and X-Request-ID are believed.
	TrustedProxies []netip.Prefix
	// Proxies notices what is wrong with proxies; nil means one of the Site's own.
	Proxies *Proxies
	// ServiceName and Links stand on every page; Simulated marks each as one of a test installation.
	ServiceName string
	Links       templates.Links
	Simulated   bool
	// PhoneURL is the virtual phone of the simulator that the mark leads to, empty where there is none.
	PhoneURL string
	// Brand is how pages look when the client has no brand of its own; see CheckBrand. Its links come before Links, and a
	// client's before both.
	Brand storage.Brand
	// StyleSheet is the operator's own style sheet for all pages, which counts last; see CheckStyleSheet. Empty for none.
	StyleSheet []byte
	// EIDs are what people see of each eID, by the name of its method; one that is not there has no logo, and is called as the texts say.
	EIDs map[string]EID
	// Preview serves every state of the pages at /preview, from made-up values: for designers. It needs an issuer that is http, or https at localhost.
	Preview bool
	// StartURL is where the issuer's own address leads, in development; empty for nowhere.
	StartURL string
	// Trouble says, for the preview, why newer looks or texts than these could not be taken over; "" when nothing is wrong. Nil for
	// never.
	Trouble func() string
	// Messages are the texts of all pages, with an operator's own; nil means the built-in ones.
	Messages *templates.Catalogue
	// Banner returns a message for every page, in the language of the page; "" for none. It must be quick. Nil for never.
	Banner func(language string) string
	// MaxStreams is how many event streams are served at once; the others are told to poll.
	MaxStreams int
	// Observe is told of every request when it has been answered: its route (a pattern, never a path), status and time. It
	// must be safe for concurrent use. Nil for nobody.
	Observe func(route string, status int, d time.Duration)
	// Answered is told of every request about a login when it has been answered. It must be safe for concurrent use. Nil for nobody, which
	// costs nothing.
	Answered func(Answered)
	// Panicked is told of every request whose handler panicked. Nil for nobody.
	Panicked func()
}

// Site serves the public side. Its methods may be called concurrently.
type Site struct {
	Options
	log       *slog.Logger
	cookies   cookies
	origins   *http.CrossOriginProtection
	languages language.Matcher
	// negotiated has the language for texts of Accept-Language.
	negotiated *cache.Cache[string]
	assets     map[string]templates.Asset
	handler    http.Handler
	pages      *templates.Stencils
	// jobs are the detached ones of the streams.
	streams streams
	jobs    schedule.Schedule
	// own is the installation's look, with its files; looks has those of clients.
	own        look
	styleSheet string
	eidLogos   map[string]string
	looks      looks
	// alarms bounds how often refused browsers are put down in the audit log: anyone can cause such an event.
	alarms *rate.Limiter
	// closing is closed when streams must end; background is the work that outlives its request.
	closing    chan struct{}
	closeOnce  sync.Once
	background background.Group
}

// New returns a Site over the options, or an error that names the option that cannot be used.
func New(o Options) (*Site, error) {
	issuer, err := checkIssuer(o.Issuer)
	if err != nil {
		return nil, err
	}
	for _, part := range []struct {
		name    string
		missing bool
	}{
		{"engine", o.Engine == nil}, {"store", o.Store == nil}, {"audit log", o.Audit == nil}, {"provider", o.Provider == nil},
		{"answer function", o.Answer == nil}, {"refuse function", o.Refuse == nil},
	} {
		if part.missing {
			return nil, fmt.Errorf("web: no %s", part.name)
		}
	}
	if o.Preview && issuer.Scheme != "http" && issuer.Hostname() != "localhost" {
		return nil, errors.New("web: the preview is for development: it needs an issuer that is http or localhost")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Proxies == nil {
		o.Proxies = &Proxies{}
	}
	if o.Panicked == nil {
		o.Panicked = func() {}
	}
	if o.Observe == nil {
		o.Observe = func(string, int, time.Duration) {}
	}
	if o.MaxStreams <= 0 {
		o.MaxStreams = DefaultMaxStreams
	}
	o.TrustedProxies = slices.Clone(o.TrustedProxies)
	s := &Site{
		Options: o, log: slog.New(WithRequestID(o.Logger.Handler())), cookies: cookies{secure: issuer.Scheme == "https"}, origins: http.NewCrossOriginProtection(),
		languages: newMatcher(o.Messages), negotiated: cache.New[string](maxNegotiated), assets: templates.Assets(), streams: newStreams(o.MaxStreams), pages: templates.NewStencils(maxPageBytes),
		alarms: rate.NewLimiter(5, 50), closing: make(chan struct{}), jobs: schedule.Schedule{Quick: true},
	}
	// A proxy may change the Host header that the Origin header would be compared with.
	if err := s.origins.AddTrustedOrigin(issuer.Scheme + "://" + issuer.Host); err != nil {
		return nil, fmt.Errorf("web: issuer: %w", err)
	}
	if err := s.prepareLooks(); err != nil {
		return nil, err
	}
	s.handler = s.middleware(s.mux())
	return s, nil
}

// checkIssuer returns the issuer's URL. It has no path because cookies with the __Host- prefix belong to a whole host.
func checkIssuer(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("web: the issuer must be an http or https address such as https://login.example.se")
	}
	if u.Path != "" && u.Path != "/" {
		return nil, errors.New("web: the issuer must have no path: give the login a host name of its own")
	}
	return u, nil
}

// Streams returns how many event streams are open.
func (s *Site) Streams() int {
	s.streams.mu.Lock()
	defer s.streams.mu.Unlock()
	return s.streams.all
}

// Handler returns everything that the public may reach.
func (s *Site) Handler() http.Handler { return s.handler }

// EndStreams ends all event streams, now and from now on: the browsers connect again, to whoever answers then. Call it when
// the server begins to shut down (http.Server.RegisterOnShutdown), as it would wait for them.
func (s *Site) EndStreams() {
	s.closeOnce.Do(func() {
		close(s.closing)
		s.streams.part(partingTime)
		s.jobs.WakeAll()
	})
}

func (s *Site) isClosing() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}

// Close waits for the work that outlives its request. Call it when the server has shut down and before the store is closed.
func (s *Site) Close() {
	s.EndStreams()
	s.background.Wait()
}

// secure reports whether people reach us by https.
func (s *Site) secure() bool { return s.cookies.secure }
