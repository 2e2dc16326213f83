package conformance

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"
)

// Check is one rule of a specification and how it is tried.
type Check struct {
	// ID is unique within the suite.
	ID string
	// Rule says in a line what must hold, Section where it is written.
	Rule, Section string
	// Module is the module of the OpenID Foundation's conformance suite that tries the same; empty where there is none.
	Module string
	// Run tries the rule. It ends by itself when the rule holds, and through the methods of Case when it does not.
	Run func(c *Case)
}

// Suite is a group of checks.
type Suite struct {
	Name   string
	Checks []Check
}

// Suites returns every check there is. The suites backend, cards and lifetimes need Config.BackEnd, Config.Cards and Config.Short; they are left out without.
func Suites(cfg *Config) []Suite {
	suites := []Suite{
		{"basic", join(basicFlow, basicPrompt, stepUp, basicClaims, basicRedirect, basicToken, basicUserinfo, basicIDToken)},
		{"config", join(configDocument, configKeys, configHTTP)},
		{"formpost", formPost},
		{"rp-logout", rpLogout},
		{"backchannel-logout", backchannelLogout},
		{"swedish", join(swedishRequest, swedishClaims, swedishDiscovery)},
		{"swedenconnect", swedenConnect},
		{"sign", signing},
		{"ciba", ciba},
		{"oauth", join(oauthAssertion, oauthPAR, oauthObject, oauthPKCE, oauthRefresh, oauthRevocation, oauthIntrospection, oauthResource,
			oauthBrowser, oauthHostile)},
	}
	if cfg.BackEnd != nil {
		suites = append(suites, Suite{"backend", backEnds})
	}
	if cfg.Cards != "" {
		suites = append(suites, Suite{"cards", cards})
	}
	if cfg.Short != nil {
		suites = append(suites, Suite{"lifetimes", lifetimes})
	}
	return suites
}

func join(lists ...[]Check) []Check {
	var all []Check
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

// Verdict is what came out of a check.
type Verdict string

// The verdicts.
const (
	Pass          Verdict = "pass"
	Fail          Verdict = "FAIL"
	NotApplicable Verdict = "not applicable"
)

// Result is a check with what came out of it.
type Result struct {
	Suite string
	Check
	Verdict Verdict
	// Reason says what the provider did instead, or which optional feature it lacks.
	Reason string
	Took   time.Duration
}

// Name is the check's name among all suites.
func (r Result) Name() string { return r.Suite + "/" + r.ID }

// end is what a check panics with when it ends before its last line.
type end struct {
	verdict Verdict
	reason  string
}

// Case is one run of a check. Its methods are for one goroutine, and end the check when what they need does not come about.
type Case struct {
	*Runner
	ctx    context.Context
	person *Person
}

// Fail ends the check: the provider broke the rule.
func (c *Case) Fail(format string, args ...any) { panic(end{Fail, fmt.Sprintf(format, args...)}) }

// Want fails the check unless ok.
func (c *Case) Want(ok bool, format string, args ...any) {
	if !ok {
		c.Fail(format, args...)
	}
}

// Offered ends the check as not applicable when the metadata lacks the optional member or, if values are given, all of them in it.
func (c *Case) Offered(member string, values ...string) {
	list := c.meta.List(member)
	found := len(values) == 0 && c.meta.Has(member)
	for _, value := range values {
		found = found || contains(list, value)
	}
	if !found {
		panic(end{NotApplicable, fmt.Sprintf("the metadata's %s has no %v", member, values)})
	}
}

// OfferedFlag ends the check as not applicable when the metadata does not say that the optional feature is there.
func (c *Case) OfferedFlag(member string) {
	if c.meta[member] != true {
		panic(end{NotApplicable, "the metadata does not say " + member + ": true"})
	}
}

// Run runs the checks of all suites, so many at once, and returns their results in the order of the suites.
func (r *Runner) Run(ctx context.Context, suites []Suite, workers int) []Result {
	var results []Result
	for _, suite := range suites {
		for _, check := range suite.Checks {
			results = append(results, Result{Suite: suite.Name, Check: check})
		}
	}
	next := make(chan *Result)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for result := range next {
				r.try(ctx, result)
			}
		})
	}
	for _, early := range []bool{true, false} {
		for i := range results {
			if contains(slow, results[i].Name()) == early {
				next <- &results[i]
			}
		}
	}
	close(next)
	group.Wait()
	return results
}

// checkTime bounds one check.
const checkTime = 90 * time.Second

// slow are checks that wait long, so that they begin first.
var slow = []string{"basic/code-reuse-30-seconds", "backchannel-logout/retry"}

// try runs one check and fills its result in.
func (r *Runner) try(ctx context.Context, result *Result) {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	c := &Case{Runner: r, ctx: ctx}
	begin := time.Now()
	defer func() {
		result.Took = time.Since(begin)
		c.release()
		switch v := recover().(type) {
		case nil:
			result.Verdict = Pass
		case end:
			result.Verdict, result.Reason = v.verdict, v.reason
		default:
			result.Verdict, result.Reason = Fail, fmt.Sprintf("the check itself broke: %v\n%s", v, debug.Stack())
		}
	}()
	result.Run(c)
}

// Runner runs checks against one provider.
type Runner struct {
	cfg    *Config
	meta   Metadata
	http   *http.Client
	keys   *keySet
	driver Driver
	people chan *Person
	own    *listener
	shared sync.Map
	short  *Runner
	// testOnlyAlter changes the logout tokens that clients get.
	testOnlyAlter func(token string) string
}

// Options change how a Runner reaches the provider.
type Options struct {
	// Transport carries the requests to the provider; nil means one that trusts Config.RootCAFile.
	Transport http.RoundTripper
	// Listener is that of another Runner, to share; nil opens the one that Config.Listen names.
	Listener *Runner
}

// Open reads the provider's metadata and makes everything ready for Run. The caller closes it.
func Open(ctx context.Context, cfg *Config, o Options) (*Runner, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	r := &Runner{cfg: cfg}
	transport := o.Transport
	if transport == nil {
		var err error
		if transport, err = newTransport(cfg.RootCAFile); err != nil {
			return nil, err
		}
	}
	r.http = &http.Client{Transport: transport, Timeout: 30 * time.Second, CheckRedirect: stay}
	var err error
	if r.meta, err = fetchMetadata(ctx, r.http, cfg.Issuer); err != nil {
		return nil, err
	}
	r.keys = &keySet{runner: r}
	if r.driver, err = newDriver(cfg); err != nil {
		return nil, err
	}
	switch {
	case o.Listener != nil:
		r.people, r.own = o.Listener.people, o.Listener.own
	default:
		r.people = make(chan *Person, len(cfg.People))
		for i := range cfg.People {
			r.people <- &cfg.People[i]
		}
		if r.own, err = listen(cfg); err != nil {
			return nil, err
		}
	}
	if cfg.Short != nil {
		second := *cfg
		second.Issuer, second.Short = cfg.Short.Issuer, nil
		if r.short, err = Open(ctx, &second, Options{Transport: o.Transport, Listener: r}); err != nil {
			return nil, fmt.Errorf("second installation: %w", err)
		}
	}
	return r, nil
}

// Close ends what Open began. A Runner that shares another's listener needs no Close.
func (r *Runner) Close() error { return r.own.close() }

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Select returns the checks whose names begin with one of the prefixes.
func Select(suites []Suite, prefixes []string) []Suite {
	var some []Suite
	for _, suite := range suites {
		chosen := Suite{Name: suite.Name}
		for _, check := range suite.Checks {
			if slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(suite.Name+"/"+check.ID, prefix) }) {
				chosen.Checks = append(chosen.Checks, check)
			}
		}
		some = append(some, chosen)
	}
	return some
}
