package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// The rows of logins.
const (
	rowUpToCode = "login up to the code"
	rowLogin    = "complete login, ES256"
	rowLoginRSA = "complete login, RS256"
	// rowSignature has a text signed, and its signature in the ID token.
	rowSignature = "complete signature, ES256"
	// rowExchangeRSA is a part of that one.
	rowExchangeRSA = "code exchange, RS256, 16 callers"
)

// peerBrowsers is how many browsers log in at a peer at once. It has nobody who thinks.
const peerBrowsers = 100

// roundOfLogins measures complete logins at each server that has some.
func (b *bench) roundOfLogins(ctx context.Context, all rivals, t *table) error {
	constant, err := all[constantBytes].paced(ctx)
	if err != nil {
		return err
	}
	for _, row := range []string{rowUpToCode, rowLogin, rowLoginRSA} {
		t.add(row, constantBytes, constant)
	}
	for name, row := range map[string]string{zitadelES256: rowLogin, dexRS256: rowLoginRSA} {
		p := all[name]
		codes := make([]string, b.logins)
		micros, err := p.cost(b.logins, peerBrowsers, func(i int) (err error) {
			codes[i], err = p.code(ctx, "openid")
			return err
		})
		if err != nil {
			return fmt.Errorf("logins at %s: %w (server: %s)", name, err, p.stderr)
		}
		redeemed, err := p.cost(b.logins, workers[0], redeem(ctx, p, codes))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		t.add(rowUpToCode, name, micros)
		t.add(row, name, micros+redeemed)
	}
	l, err := b.measureLogins(ctx, all[bryggaES256].server)
	if err != nil {
		return err
	}
	fmt.Printf("  %4.0f logins/s, with %.1f collects and %.1f frames each\n", l.rate, l.counts.collects, l.counts.frames)
	t.add(rowUpToCode, bryggaES256, l.upToCode)
	t.add(rowLogin, bryggaES256, l.upToCode+l.exchange)
	t.add(rowLoginRSA, bryggaES256, l.upToCode+t.last(rowExchangeRSA, bryggaRS256))
	t.counts = append(t.counts, l.counts)
	if err := b.roundOfSignatures(ctx, all[bryggaES256].server, constant, t); err != nil {
		return err
	}
	return b.roundOfCalls(ctx, all[bryggaES256].server, constant, t)
}

func redeem(ctx context.Context, p *provider, codes []string) func(int) error {
	return func(i int) error {
		_, err := p.exchange(ctx, codes[i])
		return err
	}
}

// inTime has people do something, as many as there are browsers at once, who do not all come at once.
func (b *bench) inTime(do func(i int, person string) error) error {
	return each(b.logins, b.browsers, func(i int) error {
		if i < b.browsers {
			time.Sleep(time.Duration(i) * (b.think + 2*time.Second) / time.Duration(b.browsers))
		}
		person := <-b.people
		defer func() { b.people <- person }()
		return do(i, person)
	})
}

// logins is what complete logins at brygga cost: CPU microseconds of the servers for one, and what was counted meanwhile.
type logins struct {
	upToCode, exchange, rate float64
	counts                   counts
	database                 work
}

// measureLogins puts the logins and then the exchanges of their codes through brygga.
func (b *bench) measureLogins(ctx context.Context, s *server) (l logins, err error) {
	codes, frames := make([]string, b.logins), atomic.Int64{}
	worked, err := b.database.work(ctx)
	if err != nil {
		return l, err
	}
	before, err := b.count(ctx, s, 0)
	if err != nil {
		return l, err
	}
	begin := time.Now()
	cpu, err := s.using(func() error {
		return b.inTime(func(i int, person string) (err error) {
			codes[i], err = b.login(ctx, person, "openid", &frames)
			return err
		})
	})
	if err != nil {
		return l, fmt.Errorf("login: %w (server: %s)", err, s.stderr)
	}
	l.rate = float64(b.logins) / time.Since(begin).Seconds()
	redeemed, err := s.using(func() error { return each(b.logins, workers[0], redeem(ctx, b.es256, codes)) })
	if err != nil {
		return l, fmt.Errorf("exchange: %w (server: %s)", err, s.stderr)
	}
	after, err := b.count(ctx, s, frames.Load())
	if err != nil {
		return l, err
	}
	done, err := b.database.work(ctx)
	n := float64(b.logins)
	l.upToCode, l.exchange = cpu/n*1e6, redeemed/n*1e6
	l.counts = after.since(before).each(n)
	l.counts.requests++ // the exchange
	l.database = work{(done.cpu - worked.cpu) / n * 1000, (done.commits - worked.commits) / n, (done.wal - worked.wal) / n}
	return l, err
}
