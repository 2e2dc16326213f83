package main

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
)

// workers are how many connections call an endpoint at once, few and many: the server is never idle, so that waking up is no part of
// the figures.
var workers = [...]int{16, 64}

// The columns of the comparison, beside the peers.
const (
	constantBytes = "constant bytes"
	bryggaES256   = "brygga"
	bryggaRS256   = "brygga, RS256"
)

// rivals are the servers of a comparison, by the names of their columns. All run at once, and one of them at a time has work.
type rivals map[string]*provider

// operation is what is done at the servers in turn.
type operation struct {
	name    string
	workers int
	// servers do it, besides the constant one.
	servers []string
	// prepare returns what does it once, on that server.
	prepare func(ctx context.Context, b *bench, p *provider) (func(i int) error, error)
}

var (
	signing   = []string{zitadelES256, bryggaES256}
	byRSA     = []string{zitadelRS256, dexRS256, bryggaRS256}
	documents = []string{zitadelES256, dexRS256, bryggaES256}
)

// operations are the rows of the comparison.
func operations() (all []operation) {
	for _, n := range workers {
		all = append(all, operation{"code exchange", n, signing, exchanges})
	}
	all = append(all, operation{"code exchange, RS256", workers[0], byRSA, exchanges})
	for _, n := range workers {
		all = append(all, operation{"refresh", n, signing, repeated((*provider).refresh)})
	}
	return append(all,
		operation{"userinfo", workers[0], signing, repeated((*provider).userinfo)},
		operation{"introspection", workers[0], signing, repeated((*provider).introspect)},
		operation{"discovery", workers[0], documents, fetches(func(p *provider) string { return p.metadata.Issuer + "/.well-known/openid-configuration" })},
		operation{"JWKS", workers[0], documents, fetches(func(p *provider) string { return p.metadata.JWKS })})
}

// exchanges prepares codes, of which each is redeemed once.
func exchanges(ctx context.Context, b *bench, p *provider) (func(int) error, error) {
	codes := make([]string, b.calls)
	err := each(len(codes), workers[0], func(i int) (err error) {
		codes[i], err = p.code(ctx, "openid")
		return err
	})
	return func(i int) error {
		_, err := p.exchange(ctx, codes[i])
		return err
	}, err
}

// repeated prepares families of tokens, which last for the whole comparison.
func repeated(do func(p *provider, ctx context.Context) error) func(context.Context, *bench, *provider) (func(int) error, error) {
	return func(ctx context.Context, _ *bench, p *provider) (func(int) error, error) {
		if p.families == nil {
			p.families = make(chan tokens, 2*workers[1])
			if err := each(cap(p.families), workers[0], func(int) error { return p.addFamily(ctx) }); err != nil {
				return nil, err
			}
		}
		return func(int) error { return do(p, ctx) }, nil
	}
}

func (p *provider) addFamily(ctx context.Context) error {
	code, err := p.code(ctx, "openid offline_access")
	if err != nil {
		return err
	}
	t, err := p.exchange(ctx, code)
	p.families <- t
	return err
}

func fetches(where func(*provider) string) func(context.Context, *bench, *provider) (func(int) error, error) {
	return func(ctx context.Context, _ *bench, p *provider) (func(int) error, error) {
		return func(int) error {
			_, err := p.get(ctx, where(p), "")
			return err
		}, nil
	}
}

// startRivals starts all servers but brygga, which has started.
func (b *bench) startRivals(ctx context.Context, s *server) (rivals, error) {
	all := rivals{}
	constant, err := b.startConstant(ctx)
	if err != nil {
		return all, err
	}
	all[constantBytes] = constant
	peers, err := b.startPeers(ctx)
	for _, p := range peers {
		all[p.name] = p
	}
	if err != nil {
		return all, err
	}
	browsers, err := b.signedIn(ctx)
	if err != nil {
		return all, err
	}
	for name, id := range map[string]string{bryggaES256: "bench-sessions", bryggaRS256: "bench-rs256"} {
		p := &provider{name: name, server: s, browser: b.browser, id: id, secret: clientSecret}
		p.code = func(ctx context.Context, scope string) (string, error) { return p.codeOfSession(browsers, scope) }
		if err := p.discover(ctx, b.issuer); err != nil {
			return all, err
		}
		all[name] = p
	}
	return all, nil
}

func (r rivals) stop() {
	for name, p := range r {
		if name != bryggaES256 && name != bryggaRS256 {
			p.kill()
		}
	}
}

// signedIn returns browsers with a session, which get codes without a login.
func (b *bench) signedIn(ctx context.Context) (chan *visit, error) {
	browsers := make(chan *visit, 2*workers[1])
	app := *b.es256
	app.id = "bench-sessions"
	return browsers, each(cap(browsers), cap(browsers), func(int) error {
		person := <-b.people
		defer func() { b.people <- person }()
		v := b.visit(ctx)
		_, err := v.login(&app, person, "openid", new(atomic.Int64))
		browsers <- v
		return err
	})
}

// codeOfSession returns a code of brygga's for the person who is logged in in one of the browsers.
func (p *provider) codeOfSession(browsers chan *visit, scope string) (string, error) {
	v := <-browsers
	defer func() { browsers <- v }()
	_, back, err := v.load("GET", p.authorization(scope), nil)
	if err != nil {
		return "", err
	}
	return codeIn(back)
}

// round measures each operation at each server once.
func (b *bench) round(ctx context.Context, all rivals, t *table) error {
	for _, o := range operations() {
		if !strings.Contains(o.row(), b.only) && !(o.row() == rowExchangeRSA && strings.Contains(rowLogin, b.only)) {
			continue
		}
		constant, err := all[constantBytes].cost(b.calls, o.workers, func(int) error {
			_, err := all[constantBytes].get(ctx, all[constantBytes].metadata.Issuer, "")
			return err
		})
		if err != nil {
			return err
		}
		t.add(o.row(), constantBytes, constant)
		for _, name := range o.servers {
			p := all[name]
			do, err := o.prepare(ctx, b, p)
			if err != nil {
				return fmt.Errorf("%s at %s: %w (server: %s)", o.name, name, err, p.stderr)
			}
			micros, err := p.cost(b.calls, o.workers, do)
			if err != nil {
				return fmt.Errorf("%s at %s: %w (server: %s)", o.name, name, err, p.stderr)
			}
			t.add(o.row(), name, micros)
		}
	}
	if !strings.Contains(rowLogin, b.only) {
		return nil
	}
	return b.roundOfLogins(ctx, all, t)
}

// row names the operation in the table.
func (o operation) row() string { return fmt.Sprintf("%s, %d callers", o.name, o.workers) }

// cost returns the CPU microseconds that the server uses for one of n calls by so many workers.
func (p *provider) cost(n, workers int, do func(int) error) (float64, error) {
	cpu, err := p.using(func() error { return each(n, workers, do) })
	return cpu / float64(n) * 1e6, err
}
