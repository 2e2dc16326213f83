package login

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"brygga/audit"
	"brygga/eid"
	"brygga/schedule"
	"brygga/secret"
	"brygga/storage"
)

// Defaults of Options.
const (
	DefaultLife      = 30 * time.Minute
	DefaultWindow    = 5 * time.Minute
	DefaultMaxOrders = 60
)

const (
	heartbeatEvery = time.Second
	// collectorDead is how long a collector may be silent before another takes its orders over.
	collectorDead = 4 * heartbeatEvery
	adoptBatch    = 500
	// callTime bounds one call to the service together with the storage step that follows.
	callTime = 30 * time.Second
)

// Options are the parts of an Engine. Store, Methods, Audit and ReturnURL are required.
type Options struct {
	Store storage.Store
	// Methods are the eID services. The first is that of clients that name none. Each has a name of its own. Offers are for which logins they
	// are offered, by name; one that is not there is offered for all.
	Methods []eid.Method
	Offers  map[string]Offer
	Audit   *audit.Log
	Logger  *slog.Logger
	// ReturnURL returns the absolute URL at which the app hands the person back to the page of the login.
	ReturnURL func(loginID string, nonce secret.String) secret.String
	// VisibleText returns what the app shows for a login at the client, in the language.
	VisibleText func(client *storage.Client, language string) string
	// TransactionID returns what the client will know the login by, for the audit log. Nil leaves it out.
	TransactionID func(loginID, clientID string) string
	// Subject returns what the client will call the person, for the audit log. Nil leaves it out.
	Subject func(client *storage.Client, identity *storage.Identity) string
	// Issuer is that of the installation, for evidence. EvidenceKept is how long the evidence of a result of that kind is kept for the client; 0 keeps
	// none. Nil means what the client says; see storage.Client.EvidenceKept.
	Issuer       string
	EvidenceKept func(client *storage.Client, kind storage.Kind) time.Duration
	// Policy is what the installation demands of every login; a client's own policy goes over it.
	Policy storage.Policy
	// Verify says what becomes of results that are not proven; empty means VerifyRequire.
	Verify VerifyMode
	// ReferringDomain is the domain of the hosted page.
	ReferringDomain string
	// Life is how long a login may take in all; Window how long one round of orders may, from its first order.
	Life, Window time.Duration
	// RenewAfter is how old an order gets that no app picks up, and CollectEvery the time between two collects of an order, in place of
	// what the traits of each method say; zero for those. An order that is never renewed is not for RenewAfter either.
	RenewAfter, CollectEvery time.Duration
	// MaxOrders is how many orders one login may make.
	MaxOrders int
	Limits    Limits
	// Collector names this process among those that share the store; empty means a random name.
	Collector string
	Now       func() time.Time
	// MemoryShort reports whether the process has too little memory for more orders. It must be safe for concurrent use, and quick. Nil
	// for never.
	MemoryShort func() bool
	// Observe is told of what happened, for metrics. It must be safe for concurrent use. Nil for nobody.
	Observe func(Observation)
	// Ended is told of each login of a program that has ended, complete or failed, by the process that has ended it. It must be safe for concurrent use, and
	// quick. Nil for nobody.
	Ended func(*storage.Login)
	// Step is told of each step of a login when it has ended. It must be safe for concurrent use. Nil for nobody, which costs nothing.
	Step func(Step)
}

// Engine runs logins. Make one with [New] and let [Engine.Run] run beside the calls. All methods may be called concurrently.
type Engine struct {
	Options
	// methods are the Options.Methods, and gone stands for any other.
	methods []*method
	gone    *method
	// usual are the methods of a client that names none.
	usual   []string
	log     *slog.Logger
	limits  *limiter
	watches watches
	load    load
	// calls are the orders by telephone, asks those for people who were named.
	calls, asks underway
	// jobs are the collectors' steps.
	jobs schedule.Schedule

	mu         sync.Mutex
	collectors map[string]*collector // by login ID
	// networks counts the collectors by the subscriber who started their order.
	networks map[netip.Prefix]int
	stopped  bool
	running  sync.WaitGroup
	// beaten is when the last heartbeat was stored, blinded when the store was out of reach last.
	beaten, blinded time.Time
}

// New returns an engine over the options, or an error that names the option that cannot be used.
func New(o Options) (*Engine, error) {
	switch {
	case o.Store == nil:
		return nil, errors.New("login: no store")
	case len(o.Methods) == 0:
		return nil, errors.New("login: no method")
	case o.Audit == nil:
		return nil, errors.New("login: no audit log")
	case o.ReturnURL == nil:
		return nil, errors.New("login: no return URL")
	}
	switch o.Verify {
	case "":
		o.Verify = VerifyRequire
	case VerifyRequire, VerifyLog, VerifyOff:
	default:
		return nil, fmt.Errorf("login: %q is no way to verify results", o.Verify)
	}
	setDefault(&o.Life, DefaultLife)
	setDefault(&o.Window, DefaultWindow)
	setDefault(&o.MaxOrders, DefaultMaxOrders)
	methods, err := o.methods()
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Collector == "" {
		o.Collector = randomID()
	}
	if o.Observe == nil {
		o.Observe = func(Observation) {}
	}
	if o.EvidenceKept == nil {
		o.EvidenceKept = (*storage.Client).EvidenceKept
	}
	if o.VisibleText == nil {
		o.VisibleText = func(*storage.Client, string) string { return "" }
	}
	if o.TransactionID == nil {
		o.TransactionID = func(string, string) string { return "" }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Engine{
		Options: o, methods: methods, gone: gone(methods[0]), usual: []string{methods[0].name}, log: o.Logger, limits: newLimiter(o.Limits, o.Life, o.Now), collectors: make(map[string]*collector),
		networks: make(map[netip.Prefix]int),
	}, nil
}

func setDefault[T time.Duration | int](value *T, standard T) {
	if *value <= 0 {
		*value = standard
	}
}

// Run takes orders over that no process collects, now and from time to time, until ctx is done. It then stops collecting,
// waits for the steps under way and returns nil: what is pending goes on when a process next runs on the same store.
func (e *Engine) Run(ctx context.Context) error {
	ticker := time.NewTicker(heartbeatEvery)
	defer ticker.Stop()
	for {
		e.beat(ctx)
		e.adopt(ctx)
		select {
		case <-ctx.Done():
			e.stop()
			return nil
		case <-ticker.C:
		}
	}
}

func (e *Engine) stop() {
	e.mu.Lock()
	e.stopped = true
	for _, c := range e.collectors {
		c.stop()
	}
	e.mu.Unlock()
	e.running.Wait()
}

// beat tells the other processes that this one lives, when it collects anything, and finds out whether the store is back in reach.
func (e *Engine) beat(ctx context.Context) {
	e.mu.Lock()
	due := len(e.collectors) > 0
	e.mu.Unlock()
	if due || e.blind() {
		e.heartbeat(ctx)
	}
}

// heartbeat stores a heartbeat unless the last one is fresh.
func (e *Engine) heartbeat(ctx context.Context) {
	now := e.now()
	e.mu.Lock()
	fresh := now.Sub(e.beaten) < heartbeatEvery/2 && !now.Before(e.beaten)
	e.mu.Unlock()
	if fresh {
		return
	}
	if err := e.Store.Heartbeat(ctx, e.Collector, now); err != nil {
		e.blindFrom(now)
		e.fault(ctx, "store heartbeat", "", err)
		return
	}
	e.mu.Lock()
	e.beaten = now
	e.mu.Unlock()
}

// blind reports whether the store has been in reach for less time than makes a silent collector a dead one: until then the others had no way
// to say that they live.
func (e *Engine) blind() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.blinded.IsZero() && e.now().Sub(e.blinded) < collectorDead
}

func (e *Engine) blindFrom(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.blinded = now
}

// adopt takes over the orders of collectors that have fallen silent.
func (e *Engine) adopt(ctx context.Context) {
	for ctx.Err() == nil && !e.blind() {
		now := e.now()
		logins, err := e.Store.AdoptOrders(ctx, e.Collector, now.Add(-collectorDead), now, adoptBatch)
		if err != nil {
			if ctx.Err() == nil {
				e.blindFrom(now)
				e.fault(ctx, "adopt orders", "", err)
			}
			return
		}
		for _, l := range logins {
			e.log.InfoContext(ctx, "order taken over", "login", l.ID, "order", l.Order.ID)
			e.collect(l, time.Time{})
		}
		if len(logins) < adoptBatch {
			return
		}
	}
}

// Create stores a new login that answers request, bound to the browser that has the binding cookie. It returns a
// *[LimitError] when the address has begun too many, or too large ones.
func (e *Engine) Create(ctx context.Context, request storage.AuthRequest, binding secret.String, ip string) (*storage.Login, error) {
	return e.CreateAs(ctx, "", request, binding, ip)
}

// CreateAs is Create for a login whose ID is known before; empty for one of its own. It must be 128 bits in base64url that nobody can guess
// but who brought the auth request.
func (e *Engine) CreateAs(ctx context.Context, id string, request storage.AuthRequest, binding secret.String, ip string) (*storage.Login, error) {
	return e.create(ctx, cmp.Or(id, randomID()), request, binding, ip, e.now().Add(e.Life))
}

func (e *Engine) create(ctx context.Context, id string, request storage.AuthRequest, binding secret.String, ip string, expires time.Time) (*storage.Login, error) {
	if err := e.limits.allowLogin(countedAs(&request, ip), request.Size()); err != nil {
		e.Observe(Observation{Event: LimitReached, Reason: "logins"})
		return nil, err
	}
	request.Received = e.now()
	if request.Payment != nil {
		request.Kind = storage.KindPayment
	}
	l := storage.Login{
		ID: id, State: storage.LoginOpen, Revision: 1, Request: &request, BindingHash: binding.Hash(), Created: request.Received, Expires: expires,
	}
	if request.Sign != nil {
		return e.createSignature(ctx, l)
	}
	if err := e.Store.CreateLogin(ctx, l); err != nil {
		return nil, fmt.Errorf("create login: %w", err)
	}
	return &l, nil
}

// Login returns the login, or storage.ErrNotFound when it is unknown or over.
func (e *Engine) Login(ctx context.Context, id string) (*storage.Login, error) {
	return e.Store.Login(ctx, id, e.now())
}

// AnswerOpen reports whether the login has been answered with a code that nobody has redeemed: until then its browser may have it
// answered again.
func (e *Engine) AnswerOpen(ctx context.Context, l *storage.Login) bool {
	if !l.Repeatable() {
		return false
	}
	open, err := e.Store.CodeLive(ctx, l.Code, e.now())
	if err != nil && ctx.Err() == nil {
		e.fault(ctx, "read code", l.ID, err)
	}
	return open
}

// now returns the time as it is stored.
func (e *Engine) now() time.Time { return e.Now().UTC().Truncate(time.Microsecond) }

func (e *Engine) fault(ctx context.Context, doing, login string, err error) {
	e.log.ErrorContext(ctx, "storage failed", "doing", doing, "login", login, "err", err)
}

// randomID returns 128 random bits in base64url.
func randomID() string {
	var random [16]byte
	rand.Read(random[:])
	return base64.RawURLEncoding.EncodeToString(random[:])
}

// newNonce returns 192 random bits in base64url.
func newNonce() secret.String {
	var random [24]byte
	rand.Read(random[:])
	return secret.New(base64.RawURLEncoding.EncodeToString(random[:]))
}
