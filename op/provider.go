package op

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"brygga/audit"
	"brygga/cache"
	"brygga/handling"
	"brygga/keys"
	"brygga/limit"
	"brygga/outbound"
	"brygga/secret"
	"brygga/storage"
)

// Defaults of Options.
const (
	// DefaultCodeLife is short, because a client redeems a code at once (RFC 6749 §4.1.2 allows ten minutes at most).
	DefaultCodeLife = time.Minute
	// DefaultAccessTokenLife leaves time for the calls to userinfo that follow a login.
	DefaultAccessTokenLife = 10 * time.Minute
	// DefaultIDTokenLife is the most that the Swedish OpenID Connect Profile 1.0 allows. An ID token is proof of the login
	// to the client, which makes a session of its own; it is no credential to keep.
	DefaultIDTokenLife = 5 * time.Minute
	// DefaultRefreshIdle is how long a refresh token waits to be used, DefaultRefreshLife how long after the login the last of them
	// ends. They are short, because BankID is for a login that just happened: who wants to stay logged in keeps a session of
	// its own.
	DefaultRefreshIdle = 2 * time.Hour
	DefaultRefreshLife = 24 * time.Hour
	// DefaultRefreshGrace leaves time for an answer that was lost to be asked for again.
	DefaultRefreshGrace = 30 * time.Second
	// DefaultACR is the level of an eID service that has not been reviewed for level 3 itself, although BankID has been
	// (Sweden Connect Registry for Identifiers §3.1.1). An operator that Digg has approved sets
	// http://id.elegnamnden.se/loa/1.0/loa3.
	DefaultACR = "http://id.swedenconnect.se/loa/1.0/uncertified-loa3"
	// DefaultSessionLife is the most that a session may last after a login, and the most that SessionLife may be (OpenID
	// Connect Profile for Sweden Connect 1.0). DefaultSessionIdle is how long it lasts unused.
	DefaultSessionLife = time.Hour
	DefaultSessionIdle = 30 * time.Minute
)

// Store is what the provider needs of a storage.Store; the contract of each method stands there.
type Store interface {
	Client(ctx context.Context, id string) (*storage.Client, error)
	Login(ctx context.Context, id string, now time.Time) (*storage.Login, error)
	AnswerLogin(ctx context.Context, id string, answer storage.Answer, now time.Time) (*storage.Login, error)
	RepeatAnswer(ctx context.Context, id string, code [32]byte, expires, now time.Time) (*storage.Login, error)
	RefuseLogin(ctx context.Context, id string, now time.Time, tell ...storage.Tell) (*storage.Login, error)
	OriginRegistered(ctx context.Context, origin string) (bool, error)
	storage.Grants
	storage.PushedRequests
	storage.RefreshTokens
	storage.Sessions
	storage.Replays
}

// Pages is what people see of the provider. Its methods write the whole response.
type Pages interface {
	// BeginLogin creates a login for the auth request, ties it to the browser and sends the browser to its page. id is what the login
	// is called, empty for any name.
	BeginLogin(w http.ResponseWriter, r *http.Request, client *storage.Client, request storage.AuthRequest, id string)
	// ResumeLogin sends the browser to the page of the client's login of that ID, and returns true, if there is one that was begun in
	// this browser. Otherwise it does nothing.
	ResumeLogin(w http.ResponseWriter, r *http.Request, client *storage.Client, id string) bool
	// ShowError shows a person an error that must not be redirected, because nothing proves where to. The code is an OAuth
	// error code or LoginOver, the description English for developers; neither holds anything that the request brought.
	// client is the one in whose name the request came, which nothing proves, and nil if unknown.
	ShowError(w http.ResponseWriter, r *http.Request, status int, code, description string, client *storage.Client)
	// SendForm sends a page that posts the values to action by itself (OAuth 2.0 Form Post Response Mode §2).
	SendForm(w http.ResponseWriter, r *http.Request, action string, values url.Values)
	// OfferWay shows a page with a link to uri, and returns true, if uri leads into an app of the client's: browsers follow such a way
	// for a person who presses alone. Otherwise it does nothing. code is the OAuth error code that uri brings, empty for none; locales
	// are as for ShowLoggedOut.
	OfferWay(w http.ResponseWriter, r *http.Request, client *storage.Client, locales []string, uri, code string) bool
	// ShowLoggedOut tells the person that they are logged out. client is the one they came from, nil if unknown, and locales
	// are the languages that it asks for (BCP 47), the best first. refused says in English, for developers, what of the request was not
	// accepted, so that nobody is sent back; empty for nothing.
	ShowLoggedOut(w http.ResponseWriter, r *http.Request, client *storage.Client, locales []string, refused string)
	// AskLogOut asks the person whether to log out, with a form that posts the values to action, a path below the issuer.
	// client, locales and refused are as for ShowLoggedOut.
	AskLogOut(w http.ResponseWriter, r *http.Request, client *storage.Client, locales []string, refused, action string, values url.Values)
	SessionCookies
}

// SessionCookies keep the sessions of a browser in it: one for each group of clients, out of reach of scripts and of requests
// that other sites' pages make by themselves. All but SessionCookie and SessionGroups write headers only.
type SessionCookies interface {
	// SessionCookie returns the cookie of the browser's session with the group's clients, or the zero value when it has none.
	SessionCookie(r *http.Request, group string) secret.String
	// SessionGroups returns the groups whose session cookie the browser has sent.
	SessionGroups(r *http.Request) []string
	// SetSessionCookie gives the browser the group's cookie, for life at most and in place of any that it has.
	SetSessionCookie(w http.ResponseWriter, group string, value secret.String, life time.Duration)
	// DropSessionCookie takes the group's cookie back.
	DropSessionCookie(w http.ResponseWriter, group string)
}

// LoginOver is the code that Pages.ShowError gets for a login that has expired or has had its answer.
const LoginOver = "login_over"

// Options are the parts of a Provider. Issuer, Store, Keys, Audit, SubjectKey and Pages are required.
type Options struct {
	// Issuer is the issuer identifier: an https URL without path, query or fragment, or http on loopback.
	Issuer string
	// InsecureHTTPIssuer allows an http issuer elsewhere.
	InsecureHTTPIssuer bool
	Store              Store
	Keys               *keys.Ring
	Audit              *audit.Log
	Pages              Pages
	// SubjectKey makes the subjects: at least 32 bytes, the same for ever (docs/decisions/0002-subjects.md).
	SubjectKey []byte
	// APIScopes are the scopes of the management API, for which clients may get access tokens as themselves; none where there is no such API.
	APIScopes []string
	// CodeLife, AccessTokenLife and IDTokenLife are how long each is valid; 0 means the default of that name.
	CodeLife, AccessTokenLife, IDTokenLife time.Duration
	// RefreshIdle is how long a refresh token lasts unused, RefreshLife how long after its login an offline grant ends however
	// much it is used; 0 means the default of that name.
	RefreshIdle, RefreshLife time.Duration
	// RefreshGrace is how long after its use a refresh token may come again from a client that proves itself, while the one that
	// followed is unused; 0 means DefaultRefreshGrace, and a negative one not at all. See
	// docs/decisions/0032-refreshes-that-come-twice.md.
	RefreshGrace time.Duration
	// Outbound calls the addresses that clients have registered; nil means one that calls public addresses alone.
	Outbound *outbound.Caller
	// ACRValues are the acr values that a login may be given, the default one first; empty means DefaultACR alone.
	ACRValues []string
	// Methods are the eIDs, the first being that of clients that name none. Offered returns the names of those by which the browser of r may
	// answer the client's request, or by which a person may without a browser where r is nil; see login.Engine. Nil asks nobody.
	Methods []Method
	Offered func(r *http.Request, client *storage.Client, request *storage.AuthRequest) []string
	// ACRPolicies are what is demanded over a client's policy for more acr values, which clients may ask for that are registered for them.
	ACRPolicies map[string]storage.Policy
	// Policy is what the installation demands of a login where a client's own policy says nothing: the same as package login's.
	Policy storage.Policy
	// SessionLife is how long after its login a browser's session ends however much it is used, SessionIdle how long it lasts
	// unused; 0 means the default of that name.
	SessionLife, SessionIdle time.Duration
	// ServiceDocumentation is where developers read about the service, for discovery; empty for nowhere.
	ServiceDocumentation string
	// MessageFits reports whether a client's message for the person fits below the text that says who asks, in all languages. Nil
	// means that clients cannot have messages shown.
	MessageFits func(client *storage.Client, message *storage.UserMessage) bool
	// SignatureOf returns the signature that the record of evidence with that ID holds, as the eID service gave it. Nil means that logins are no
	// signatures: their scopes are then unknown ones.
	SignatureOf func(ctx context.Context, evidenceID string) (string, error)
	// EvidenceOf returns the file of what proves a login or signature that the client knows by its claim txn, and tells the audit log. It returns
	// storage.ErrNotFound when the client has none, and ErrErased. Nil lets clients fetch none.
	EvidenceOf func(ctx context.Context, client *storage.Client, txn, address string) ([]byte, error)
	// Limits bound how much is asked of the endpoints.
	Limits Limits
	// ClientIP returns the address that a request came from, for limits and the audit log. Nil means the peer's.
	ClientIP func(*http.Request) string
	// Call begins a login by telephone: request has a Program, a Call and a RequiredPersonalNumber, and belongs to whoever has the binding. Its errors do not depend
	// on the person; one beyond a limit is a *limit.Error. Nil where there are no such logins, which are then not announced either.
	Call func(ctx context.Context, request storage.AuthRequest, binding secret.String, starter storage.Starter) (*storage.Login, error)
	// CallSilence is how long after its beginning a login by Call that no app has had looks as if it were pending.
	CallSilence time.Duration
	// Observe is told of the outcome of every request: an endpoint's name, "ok" or an error code, and the ID of the client that it was
	// sent for, which is registered; empty where none is known. Nil for nobody.
	Observe func(endpoint, outcome, client string)
	// Step is told of each answer to a client and of each request for tokens. It must be safe for concurrent use. Nil for nobody, which
	// costs nothing.
	Step func(Step)
	// Webhook returns what is posted to the webhook of a client, signed, of an order that has ended. Nil posts nothing.
	Webhook func(ctx context.Context, client *storage.Client, notice *storage.Notice) (http.Header, []byte, error)
	// SecretUsed is told that a client has proven itself by its secret that was made at that time. It must be safe for concurrent use, and do no more than
	// to remember it. Nil for nobody.
	SecretUsed func(client *storage.Client, made time.Time)
	// Logger gets the faults, and at RefusalLevel a line for each request that was refused; nil discards them.
	Logger       *slog.Logger
	RefusalLevel slog.Level
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Provider is the OpenID Provider. Its methods may be called concurrently.
type Provider struct {
	o       Options
	log     *slog.Logger
	keySets *keySets
	// macs has the subject key.
	macs *macs
	// successors is the key of refresh tokens that follow others.
	successors []byte
	limits     *limits
	paces      paces
	scripts    *cache.Cache[originAnswer] // by origin
	discovery  atomic.Pointer[metadata]
	handler    http.Handler
	origins    *http.CrossOriginProtection
	notices    chan struct{} // wakes Run
	pings      chan *storage.Login
}

// New returns a Provider over the options, or an error that names the option that cannot be used.
func New(o Options) (*Provider, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	o.SubjectKey = bytes.Clone(o.SubjectKey)
	o.CodeLife = cmp.Or(o.CodeLife, DefaultCodeLife)
	o.AccessTokenLife = cmp.Or(o.AccessTokenLife, DefaultAccessTokenLife)
	o.IDTokenLife = cmp.Or(o.IDTokenLife, DefaultIDTokenLife)
	o.RefreshLife = cmp.Or(o.RefreshLife, DefaultRefreshLife)
	o.RefreshIdle = min(cmp.Or(o.RefreshIdle, DefaultRefreshIdle), o.RefreshLife)
	o.RefreshGrace = cmp.Or(o.RefreshGrace, DefaultRefreshGrace)
	if o.Outbound == nil {
		o.Outbound = outbound.New(outbound.Options{})
	}
	o.SessionLife = cmp.Or(o.SessionLife, DefaultSessionLife)
	o.SessionIdle = min(cmp.Or(o.SessionIdle, DefaultSessionIdle), o.SessionLife)
	if o.ACRValues = slices.Clone(o.ACRValues); len(o.ACRValues) == 0 {
		o.ACRValues = []string{DefaultACR}
	}
	o.ACRPolicies, o.Methods = maps.Clone(o.ACRPolicies), slices.Clone(o.Methods)
	if o.ClientIP == nil {
		o.ClientIP = peerAddress
	}
	if o.Observe == nil {
		o.Observe = func(string, string, string) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	p := &Provider{o: o, log: o.Logger, scripts: cache.New[originAnswer](maxOriginBytes), origins: http.NewCrossOriginProtection(), notices: make(chan struct{}, 1), pings: make(chan *storage.Login, pingsKept)}
	// A proxy may change the Host header that the Origin header would be compared with.
	if err := p.origins.AddTrustedOrigin(o.Issuer); err != nil {
		return nil, fmt.Errorf("op: issuer: %w", err)
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	p.macs = newMACs(o.SubjectKey)
	successors := p.macs.of("brygga refresh tokens")
	p.successors = successors[:]
	p.limits = newLimits(o.Limits, o.Now)
	p.keySets = newKeySets(o.Outbound, o.Now, p.log)
	routes := p.routes()
	p.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { routes.ServeHTTP(w, handling.Semicolons(r)) })
	return p, nil
}

func (o *Options) check() error {
	switch {
	case o.Store == nil:
		return errors.New("op: no store")
	case o.Keys == nil:
		return errors.New("op: no signing keys")
	case o.Audit == nil:
		return errors.New("op: no audit log")
	case o.Pages == nil:
		return errors.New("op: no pages")
	case len(o.SubjectKey) < 32:
		return errors.New("op: the subject key has fewer than 32 bytes")
	case o.CodeLife < 0 || o.CodeLife > 10*time.Minute:
		return fmt.Errorf("op: a code life of %s; want at most 10m (RFC 6749 §4.1.2)", o.CodeLife)
	case min(o.Limits.RequestsPerAddress, o.Limits.RequestsPerClient, o.Limits.LoginsPerAddress, o.Limits.StoredPerAddress, o.Limits.Stored) < 0:
		return errors.New("op: a limit is negative")
	case o.AccessTokenLife < 0 || o.IDTokenLife < 0:
		return errors.New("op: a token life is negative")
	case o.RefreshLife < 0 || o.RefreshIdle < 0:
		return errors.New("op: the life of a refresh token is negative")
	case o.SessionLife < 0 || o.SessionLife > DefaultSessionLife || o.SessionIdle < 0:
		return fmt.Errorf("op: a session life of %s, idle %s; want at most %s", o.SessionLife, o.SessionIdle, DefaultSessionLife)
	case slices.ContainsFunc(o.ACRValues, func(acr string) bool { _, twice := o.ACRPolicies[acr]; return twice }):
		return errors.New("op: an acr value stands both with demands and without")
	case slices.Contains(o.ACRValues, ""):
		return errors.New("op: an acr value is empty")
	}
	return checkIssuer(o.Issuer, o.InsecureHTTPIssuer)
}

// checkIssuer holds OIDC Discovery §3: https, no query, no fragment. A path is refused because our pages have none.
func checkIssuer(issuer string, insecure bool) error {
	u, err := url.Parse(issuer)
	switch {
	case err != nil || u.Host == "" || u.User != nil:
		return fmt.Errorf("op: issuer %q is no URL; want one like https://login.example.se", issuer)
	case u.Path != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || issuer[len(issuer)-1] == '#':
		return fmt.Errorf("op: issuer %q has more than scheme and host; want one like https://login.example.se", issuer)
	case u.Scheme == "https", u.Scheme == "http" && (insecure || outbound.IsLoopback(u.Hostname())):
		return nil
	}
	return fmt.Errorf("op: issuer %q is not https, which only loopback addresses may do without", issuer)
}

func peerAddress(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return peer.Addr().String()
}

// now returns the time as it is stored: UTC, in microseconds.
func (p *Provider) now() time.Time { return p.o.Now().UTC().Truncate(time.Microsecond) }

// fault logs what went wrong on our side, named by what was being done, and returns what a stranger may know of it.
func (p *Provider) fault(ctx context.Context, doing string, err error) *oauthError {
	level := slog.LevelError
	if ctx.Err() != nil { // whoever asked has hung up
		level = slog.LevelDebug
	}
	p.log.Log(ctx, level, "could not "+doing, "doing", doing, "err", err)
	if errors.Is(err, storage.ErrUnavailable) {
		return &oauthError{code: errTooMany, description: "try again later", status: http.StatusServiceUnavailable,
			over: &limit.Error{RetryAfter: unavailableWait}}
	}
	return newError(oidc.ServerError, internalError)
}

// internalError is all that strangers learn of our faults.
const internalError = "internal error"

// unavailableWait is how long to wait before trying again when nothing can be stored.
const unavailableWait = 10 * time.Second
