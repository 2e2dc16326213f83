//go:build cluster

package main

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"brygga/bankid/bankidsim"
	"brygga/storage/postgres/pgtest"
)

// crowd is people who log in one after the other at several browsers, and the ledger of what their app was answered.
type crowd struct {
	t                       *testing.T
	issuer, callback, phone string
	sim                     *bankidsim.Simulator

	mu       sync.Mutex
	people   int
	codes    []string    // handed in with success
	refresh  []string    // which came for them
	answered []time.Time // when
	retries  int
}

// come lets people come until ctx is done. Who has begun is let in.
func (c *crowd) come(ctx context.Context, deadline context.Context) {
	for ctx.Err() == nil && deadline.Err() == nil {
		c.mu.Lock()
		c.people++
		person := addPerson(c.t, c.sim, c.people)
		c.mu.Unlock()
		v := newTraveller(c.t, c.issuer, c.callback, c.phone, person)
		code, err := v.logIn(deadline)
		if err != nil {
			c.t.Errorf("a person: %v", err)
			return
		}
		c.exchange(deadline, v, code)
	}
}

// exchange hands the code in until the app is told that it is good. Told that it is not, the app had lost an answer to a try of its own: then the
// code counts, and no tokens.
func (c *crowd) exchange(ctx context.Context, v *traveller, code string) {
	for lost := false; ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
		tokens, status := v.exchange(ctx, code)
		switch {
		case status == http.StatusOK:
			refresh, _ := tokens["refresh_token"].(string)
			c.mu.Lock()
			defer c.mu.Unlock()
			c.codes, c.refresh, c.answered, c.retries = append(c.codes, code), append(c.refresh, refresh), append(c.answered, time.Now()), c.retries+v.retries
			return
		case status == http.StatusBadRequest && !lost:
			c.t.Errorf("a code that was never handed in before is no good")
			return
		case status == http.StatusBadRequest:
			return
		}
		lost = true
	}
	c.t.Error("no answer for a code")
}

// more waits until so many more people have their tokens.
func (c *crowd) more(ctx context.Context, people int) {
	c.t.Helper()
	let := func() int {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.answered)
	}
	for want := let() + people; let() < want; time.Sleep(20 * time.Millisecond) {
		if ctx.Err() != nil {
			c.t.Fatal("nobody is let in any more")
		}
	}
}

// TestClusterFailsOverUnderPeople kills the primary of a database cluster three times while people log in through three nodes: everybody gets
// in, and what was acknowledged is there.
func TestClusterFailsOverUnderPeople(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
	defer cancel()
	database, err := pgtest.StartCluster(ctx, 3)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(database.Logs())
		}
		if err := database.Close(); err != nil {
			t.Error(err)
		}
	})
	dir := t.TempDir()
	sim, api, phone := serveSim(t, filepath.Join(dir, "sim"))
	const callback = "http://localhost:9/callback"
	dsn := database.DSN("postgres")
	nodes := newCluster(t, 3, dsn, dir, api, callback, asProcess(t))
	c := &crowd{t: t, issuer: strings.Replace(nodes.proxy.URL, "127.0.0.1", "localhost", 1), callback: callback, phone: phone, sim: sim}
	coming, enough := context.WithCancel(ctx)
	defer enough()
	var browsers sync.WaitGroup
	for range 8 {
		browsers.Go(func() { c.come(coming, ctx) })
	}
	var rests []time.Duration
	for range 3 {
		c.more(ctx, 10)
		primary, err := database.Settled(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := primary.Kill(); err != nil {
			t.Fatal(err)
		}
		died := time.Now()
		c.more(ctx, 8) // all that were on their way
		rests = append(rests, c.restAround(died).Round(10*time.Millisecond))
		if err := primary.Start(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := database.Settled(ctx); err != nil {
		t.Fatal(err)
	}
	enough()
	browsers.Wait()
	t.Logf("%d people came and %d apps got tokens; %d orders were begun again; no app got any for %v after a kill", c.people, len(c.codes), c.retries, rests)
	c.check(ctx, dsn)
}

// restAround returns for how long no app got tokens after the time.
func (c *crowd) restAround(died time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	last, longest := died, time.Duration(0)
	for _, at := range c.answered {
		if at.After(died) {
			longest, last = max(longest, at.Sub(last)), at
		}
	}
	return longest
}

// check demands that each code is spent, each refresh token good, and that the database has a login, a grant and a spent code for each
// person and no order that hangs.
func (c *crowd) check(ctx context.Context, dsn string) {
	v := newTraveller(c.t, c.issuer, c.callback, c.phone, person)
	for i, refresh := range c.refresh {
		if status, _, body := v.try(ctx, http.MethodPost, c.issuer+"/token", map[string][]string{"grant_type": {"refresh_token"}, "client_id": {"app"}, "refresh_token": {refresh}}); status != http.StatusOK {
			c.t.Errorf("refresh token %d: %d %s", i, status, body)
		}
		if _, status := v.exchange(ctx, c.codes[i]); status != http.StatusBadRequest {
			c.t.Errorf("code %d is good again: %d", i, status)
		}
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Close(ctx)
	for query, want := range map[string]int{
		`SELECT count(*) FROM audit_events WHERE body->'fields'->>'MESSAGE' = 'orderLost'`: 0,
		`SELECT count(*) FROM logins WHERE collector IS NOT NULL`:                          0,
		`SELECT count(*) FROM codes WHERE spent IS NOT NULL`:                               c.people,
		`SELECT count(*) FROM codes WHERE spent IS NULL`:                                   0,
		`SELECT count(*) FROM grants`:                                                      c.people,
		`SELECT count(*) FROM audit_events WHERE body->>'type' = 'WEB_100002'`:             c.people,
	} {
		var got int
		if err := conn.QueryRow(ctx, query).Scan(&got); err != nil {
			c.t.Fatal(err)
		}
		if got != want {
			c.t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
}
