package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// grown is a server over a store that holds many records, which have not been used yet.
type grown struct {
	*bench
	*provider
	records records
	older   []int // numbers of the older half, in any order
	// used is how many records have been used, by row, and live the refresh token that each family has come to.
	used map[string]*atomic.Int64
	live []atomic.Pointer[string]
}

// growth is something that is done with records: of the newest, or of any age.
type growth struct {
	name string
	// once says that a record can be used once alone.
	once bool
	do   func(ctx context.Context, g *grown, i int) error
}

var growths = []growth{
	{"refresh", false, func(ctx context.Context, g *grown, i int) error {
		text := g.records.token('r', i)
		if live := g.live[i].Load(); live != nil {
			text = *live
		}
		next, err := g.token(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {text}})
		g.live[i].Store(&next.Refresh)
		return err
	}},
	{"code exchange", true, func(ctx context.Context, g *grown, i int) error {
		_, err := g.exchange(ctx, g.records.token('c', i))
		return err
	}},
	{"userinfo", false, func(ctx context.Context, g *grown, i int) error {
		_, err := g.provider.get(ctx, g.metadata.Userinfo, g.records.token('t', i))
		return err
	}},
	{"answer from a session", false, func(ctx context.Context, g *grown, i int) error {
		v, app := g.visit(ctx), *g.provider
		v.cookies["brygga-session-bench"], app.id = g.records.token('s', i), "bench-sessions"
		_, back, err := v.load("GET", app.authorization("openid"), nil)
		if err == nil {
			_, err = codeIn(back)
		}
		return err
	}},
}

// runGrow compares what a step costs, and how long a start after a kill takes, when little is stored and when much is.
func runGrow(ctx context.Context, s settings) error {
	var all []*grown
	for text := range strings.SplitSeq(s.grow, ",") {
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("-grow: %w", err)
		}
		b, err := newBench(ctx, s)
		if err != nil {
			return err
		}
		defer b.close()
		g, err := b.newGrown(ctx, n)
		if err != nil {
			return fmt.Errorf("a store of %d records of each kind: %w", n, err)
		}
		defer func() { g.kill() }()
		all = append(all, g)
	}
	var t table
	for range s.rounds {
		for _, kind := range growths {
			for _, any := range []bool{false, true} {
				for _, g := range all {
					if err := g.measure(ctx, kind, any, &t); err != nil {
						return fmt.Errorf("%s among %d: %w (server: %s)", kind.name, g.records.n, err, g.stderr)
					}
				}
			}
		}
	}
	for _, g := range all {
		if err := g.killed(ctx, &t); err != nil {
			return err
		}
	}
	fmt.Print(growthTable(&t, all))
	return nil
}

// newGrown fills a store and starts a server on it.
func (b *bench) newGrown(ctx context.Context, n int) (*grown, error) {
	begin := time.Now()
	r, err := fill(ctx, filepath.Join(b.dir, "data"), n)
	if err != nil {
		return nil, err
	}
	g := &grown{bench: b, provider: b.es256, records: r, older: rand.New(rand.NewPCG(1, 2)).Perm(n / 2), used: map[string]*atomic.Int64{}}
	g.live = make([]atomic.Pointer[string], n)
	if g.server, _, err = b.start(ctx); err != nil {
		return nil, err
	}
	info, err := os.Stat(filepath.Join(b.dir, "data", "brygga.db"))
	if err != nil {
		return nil, err
	}
	fmt.Printf("%d records of each kind: %.0f MiB, filled in %s\n", n, float64(info.Size())/(1<<20), time.Since(begin).Round(time.Second))
	return g, g.discover(ctx, b.issuer)
}

// column names the server in a table.
func (g *grown) column() string { return strconv.Itoa(g.records.n) }

// measure does it with records that have not been used for it lately: the newest half from the newest on, or the older half in any order.
func (g *grown) measure(ctx context.Context, kind growth, any bool, t *table) error {
	row := kind.name + ", newest records"
	if any {
		row = kind.name + ", records of any age"
	}
	if g.used[row] == nil {
		g.used[row] = new(atomic.Int64)
	}
	n, calls, half := g.records.n, g.calls, g.records.n/2
	if kind.once {
		calls = min(calls, half/g.rounds)
	}
	micros, err := g.cost(calls, workers[1], func(int) error {
		i := (int(g.used[row].Add(1)) - 1) % half
		if any {
			return kind.do(ctx, g, g.older[i])
		}
		return kind.do(ctx, g, n-1-i)
	})
	t.add(row, g.column(), micros)
	return err
}

// rowKilled is the row of seconds from the start after a kill to the first answer.
const rowKilled = "start after kill -9, seconds"

// killed kills the server while it is at work, and times its start.
func (g *grown) killed(ctx context.Context, t *table) error {
	for range g.starts {
		busy, cancel := context.WithCancel(ctx)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			each(1<<30, workers[0], func(int) error {
				v, app := g.visit(busy), *g.provider
				_, _, err := v.load("GET", app.authorization("openid"), nil)
				return err
			})
		}()
		time.Sleep(500 * time.Millisecond)
		g.kill()
		cancel()
		<-ended
		s, took, err := g.start(ctx)
		if err != nil {
			return fmt.Errorf("start among %d after a kill: %w", g.records.n, err)
		}
		g.server = s
		t.add(rowKilled, g.column(), took)
	}
	return nil
}

// growthTable returns the figures in Markdown: medians, and the ratio of the largest store to the smallest.
func growthTable(t *table, all []*grown) string {
	var out strings.Builder
	head, rule := "| CPU µs of the server for one, with so many records of each kind |", "|---|"
	for _, g := range all {
		head, rule = head+" "+g.column()+" |", rule+"---|"
	}
	fmt.Fprintf(&out, "\n%s ratio |\n%s---|\n", head, rule)
	for _, row := range t.rows {
		fmt.Fprintf(&out, "| %s |", row)
		for _, g := range all {
			fmt.Fprintf(&out, " %s |", t.median(row, g.column()))
		}
		fmt.Fprintf(&out, " %s |\n", t.ratio(row, all[len(all)-1].column(), all[0].column()))
	}
	return out.String()
}
