// Command bench measures what logins cost a brygga server, beside others. `make bench` runs it.
//
// In one run it starts, each as a process of its own on loopback, `brygga serve` with a fresh store, a server that answers with constant
// bytes, and OpenID providers by others that keep everything in memory (see testdata/peers). Then it goes round: each operation at each server, one
// after the other, and that again, so that whatever else the machine does meets all of them. What is compared is CPU time of the server
// processes alone, and only that of one round with that of the same round.
//
// It plays everybody else itself: BankID (package bankidsim), browsers that load the page and follow its events, people who scan the QR code they
// are shown and think for a while, and an app. It ends by itself. With -nodes several servers share a PostgreSQL database, and each
// connection goes to the next of them. With -soak it lets BankID misbehave meanwhile, and prints memory and outcomes.
// With -grow stores of several sizes are compared.
// With -pending nobody scans: so many people look at their QR code, and what that costs and how late frames and collects are is printed.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"time"
)

// settings are the size of a run.
type settings struct {
	logins, calls, browsers, rounds, starts, soak int
	// nodes is how many servers share a PostgreSQL database; 0 stands for one server on a file.
	nodes int
	think time.Duration
	// pending is how many logins are held pending, for so long, and rate how many of them are started a second.
	pending int
	rate    float64
	hold    time.Duration
	// grow are the sizes of stores to compare, with commas between them.
	grow    string
	profile string
	// only names the rows to measure, as part of their name; empty stands for all.
	only string
	// noScript plays browsers that run no script.
	noScript bool
	readme   bool
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == floorCommand {
		fmt.Fprintln(os.Stderr, "bench:", serveConstant(os.Args[2]))
		os.Exit(1)
	}
	var s settings
	flag.IntVar(&s.logins, "logins", 2000, "complete logins in a round")
	flag.IntVar(&s.calls, "calls", 4000, "calls of each endpoint in a round")
	flag.IntVar(&s.browsers, "browsers", 500, "browsers at once")
	flag.IntVar(&s.rounds, "rounds", 5, "rounds; medians are printed, with the least and the greatest")
	flag.IntVar(&s.starts, "starts", 5, "starts of the server to time")
	flag.IntVar(&s.soak, "soak", 0, "in place of all that: so many logins while BankID misbehaves; memory and outcomes are printed")
	flag.IntVar(&s.nodes, "nodes", 0, "so many servers on one PostgreSQL database, which is started for it (Debian's package postgresql); 0 for one server on a file")
	flag.IntVar(&s.pending, "pending", 0, "in place of all that: so many logins that nobody scans, with their event streams open, while the server has one CPU")
	flag.Float64Var(&s.rate, "rate", 160, "with -pending: logins started a second")
	flag.DurationVar(&s.hold, "hold", 40*time.Second, "with -pending: how long all of them are watched")
	flag.BoolVar(&s.noScript, "no-script", false, "browsers run no script: their pages load themselves anew every two seconds")
	flag.DurationVar(&s.think, "think", 3*time.Second, "how long a person takes from scanning to approving")
	flag.StringVar(&s.profile, "profile", "", "write a CPU profile of the server during the last round to this file")
	flag.StringVar(&s.grow, "grow", "", "in place of all that: compare stores with so many records of each kind, such as 1000,1000000")
	flag.StringVar(&s.only, "only", "", "measure only rows whose name has this in it, such as userinfo, and logins if it is login")
	flag.BoolVar(&s.readme, "readme", false, "write the figures into README.md, in the directory where this runs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	do := run
	if s.grow != "" {
		do = runGrow
	}
	switch {
	case s.soak > 0:
		do = runSoak
	case s.pending > 0:
		do = runPending
	}
	if err := do(ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures brygga beside other servers, in rounds, or alone where it has several nodes.
func run(ctx context.Context, s settings) error {
	b, err := newBench(ctx, s)
	if err != nil {
		return err
	}
	defer b.close()
	if s.nodes > 0 {
		return b.runNodes(ctx)
	}
	var t table
	if t.started, err = b.timeStarts(ctx); err != nil {
		return fmt.Errorf("time starts: %w", err)
	}
	server, _, err := b.start(ctx)
	if err != nil {
		return err
	}
	defer server.stop()
	time.Sleep(3 * time.Second) // until it has given back what it took to start
	for range s.rounds {
		time.Sleep(200 * time.Millisecond)
		idle, err := server.memory()
		if err != nil {
			return err
		}
		t.idle = append(t.idle, idle)
	}
	all, err := b.startRivals(ctx, server)
	defer all.stop()
	if err != nil {
		return err
	}
	for i := range s.rounds {
		fmt.Printf("round %d of %d\n", i+1, s.rounds)
		if i == s.rounds-1 && s.profile != "" {
			go b.saveProfile(ctx)
		}
		if err := b.round(ctx, all, &t); err != nil {
			return err
		}
	}
	fmt.Printf("\n%s", &t)
	if s.readme {
		return writeReadme("README.md", t.String())
	}
	return nil
}

// runNodes measures the logins of several servers that share a database.
func (b *bench) runNodes(ctx context.Context) error {
	var all []logins
	for i := range b.rounds {
		if err := b.database.empty(ctx); err != nil {
			return err
		}
		s, _, err := b.start(ctx)
		if err != nil {
			return err
		}
		l, err := b.measureLogins(ctx, s)
		if err := errors.Join(err, s.stop()); err != nil {
			return fmt.Errorf("round %d: %w", i+1, err)
		}
		fmt.Printf("round %d: %4.0f logins/s  login %.3f ms, exchange %.3f ms of the servers' CPU, %.3f ms of PostgreSQL's, %.1f transactions, %.0f bytes of WAL\n",
			i+1, l.rate, (l.upToCode+l.exchange)/1000, l.exchange/1000, l.database.cpu, l.database.commits, l.database.wal)
		all = append(all, l)
	}
	row := func(name, format string, value func(logins) float64) {
		fmt.Printf("%-52s "+format+"\n", name, median(all, value))
	}
	row("median: servers' CPU seconds for 1 000 logins", "%.3f", func(l logins) float64 { return (l.upToCode + l.exchange) / 1000 })
	row("PostgreSQL's CPU seconds for them", "%.3f", func(l logins) float64 { return l.database.cpu })
	row("transactions a login", "%.1f", func(l logins) float64 { return l.database.commits })
	row("bytes of WAL a login", "%.0f", func(l logins) float64 { return l.database.wal })
	return nil
}

func median[T any](list []T, value func(T) float64) float64 {
	values := make([]float64, len(list))
	for i, v := range list {
		values[i] = value(v)
	}
	slices.SortFunc(values, cmp.Compare[float64])
	return values[len(values)/2]
}
