// Command bench measures what logins cost a brygga server: CPU seconds of the server process alone, its memory when idle
// and the time from its start to its first answer. `make bench` runs it.
//
// It builds brygga, starts `brygga serve` as a process of its own on loopback with a fresh store, and plays everybody else
// itself: BankID (package bankidsim), browsers that load the page and follow its events, people who scan the QR code they are shown and
// think for a while, and an app that redeems the codes. It ends by itself. With -nodes several servers share a PostgreSQL database, and each
// connection goes to the next of them. With -soak it lets BankID misbehave meanwhile, and prints
// memory and outcomes. With -pending nobody scans: so many people look at their QR code, and what that costs and how late frames and
// collects are is printed.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"time"
)

// settings are the size of a run.
type settings struct {
	logins, browsers, runs, starts, soak int
	// nodes is how many servers share a PostgreSQL database; 0 stands for one server on a file.
	nodes int
	think time.Duration
	// pending is how many logins are held pending, for so long, and rate how many of them are started a second.
	pending int
	rate    float64
	hold    time.Duration
	profile string
	// noScript plays browsers that run no script.
	noScript bool
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == floorCommand {
		fmt.Fprintln(os.Stderr, "bench:", serveConstant(os.Args[2]))
		os.Exit(1)
	}
	var s settings
	flag.IntVar(&s.logins, "logins", 5000, "complete logins in a run")
	flag.IntVar(&s.browsers, "browsers", 1000, "browsers at once")
	flag.IntVar(&s.runs, "runs", 3, "runs; medians are printed")
	flag.IntVar(&s.starts, "starts", 5, "starts of the server to time")
	flag.IntVar(&s.soak, "soak", 0, "in place of all that: so many logins while BankID misbehaves; memory and outcomes are printed")
	flag.IntVar(&s.nodes, "nodes", 0, "so many servers on one PostgreSQL database, which is started for it (Debian's package postgresql); 0 for one server on a file")
	flag.IntVar(&s.pending, "pending", 0, "in place of all that: so many logins that nobody scans, with their event streams open, while the server has one CPU")
	flag.Float64Var(&s.rate, "rate", 160, "with -pending: logins started a second")
	flag.DurationVar(&s.hold, "hold", 40*time.Second, "with -pending: how long all of them are watched")
	flag.BoolVar(&s.noScript, "no-script", false, "browsers run no script: their pages load themselves anew every two seconds")
	flag.DurationVar(&s.think, "think", 3*time.Second, "how long a person takes from scanning to approving")
	flag.StringVar(&s.profile, "profile", "", "write a CPU profile of the server during the logins of the last run to this file")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	do := run
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

func run(ctx context.Context, s settings) error {
	b, err := newBench(ctx, s)
	if err != nil {
		return err
	}
	defer b.close()
	started, err := b.timeStarts(ctx)
	if err != nil {
		return fmt.Errorf("time starts: %w", err)
	}
	var results []result
	for i := range s.runs {
		r, err := b.run(ctx, i == s.runs-1)
		if err != nil {
			return fmt.Errorf("run %d: %w", i+1, err)
		}
		fmt.Printf("run %d: %4.0f logins/s  login %.3f s  exchange %.3f s  collects %.1f and frames %.1f a login\n",
			i+1, r.rate, r.login, r.exchange, r.collects, r.frames)
		if s.nodes > 0 {
			fmt.Printf("       PostgreSQL: login %.3f s, with %.1f transactions and %.0f bytes of WAL a login\n", r.database.cpu, r.database.commits, r.database.wal)
		}
		results = append(results, r)
	}
	floor, err := b.floor(ctx)
	if err != nil {
		return fmt.Errorf("measure the floor: %w", err)
	}
	fmt.Printf("\n%-52s %10s %8s\n", "median", "measured", "aim")
	row := func(name, format string, value, aim float64) {
		fmt.Printf("%-52s %10s %8s\n", name, fmt.Sprintf(format, value), fmt.Sprintf("≤ "+format, aim))
	}
	row("server CPU seconds for 1 000 complete logins", "%.3f", median(results, func(r result) float64 { return r.login }), 0.8)
	if s.nodes > 0 {
		fmt.Printf("%-52s %10.3f\n", "PostgreSQL's CPU seconds for them", median(results, func(r result) float64 { return r.database.cpu }))
		fmt.Printf("%-52s %10.1f\n", "transactions a login", median(results, func(r result) float64 { return r.database.commits }))
		fmt.Printf("%-52s %10.0f\n", "bytes of WAL a login", median(results, func(r result) float64 { return r.database.wal }))
	}
	row("server CPU seconds for 1 000 code exchanges", "%.3f", median(results, func(r result) float64 { return r.exchange }), 0.1)
	for i, f := range results[0].endpoints {
		row("server CPU seconds for 1 000 "+f.name, "%.3f", median(results, func(r result) float64 { return r.endpoints[i].measured }), f.aim)
	}
	login := median(results, func(r result) float64 { return r.login })
	fmt.Printf("%-52s %10.1f\n", "CPU µs of one request answered with constant bytes", floor.paced)
	fmt.Printf("%-52s %10.1f\n", "the same, by connections that never pause", floor.busy)
	fmt.Printf("%-52s %10.0f\n", "such requests that a complete login costs", login*1000/floor.paced)
	row("idle memory, MiB resident", "%.1f", median(results, func(r result) float64 { return r.idle }), 30)
	row("seconds from start to first answer", "%.3f", started, 0.3)
	return nil
}

// result is what one run measured. CPU is in seconds of the server process for 1 000 operations.
type result struct {
	login, exchange, idle, rate, collects, frames float64
	endpoints                                     []figure
	database                                      work
}

func median[T any](list []T, value func(T) float64) float64 {
	values := make([]float64, len(list))
	for i, v := range list {
		values[i] = value(v)
	}
	slices.SortFunc(values, cmp.Compare[float64])
	return values[len(values)/2]
}
