package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"brygga/bankid/bankidsim"
)

// tantrums are what BankID does during a soak, one after the other, each for a while: small delays and surprises all the time, and
// failing calls, broken answers and slow starts now and then.
func tantrums() []bankidsim.Chaos {
	base := *bankidsim.MildChaos()
	all := []bankidsim.Chaos{base, base, base, base, base, base}
	all[1].Errors, all[1].ErrorStatus = 5, http.StatusServiceUnavailable
	all[2].DropAnswer, all[2].Garbage = 2, 2
	all[3].StartLatencyMS = 2500
	all[4].Maintenance = 3
	all[5].Empty, all[5].HTML = 2, 2
	return all
}

// tantrumTime is how long each of them is on.
const tantrumTime = 3 * time.Second

// soaked is what a soak counts.
type soaked struct {
	mu       sync.Mutex
	outcomes map[string]int
	frames   atomic.Int64
	peak     float64 // MiB resident
}

func (s *soaked) note(outcome string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outcomes[outcome]++
}

// runSoak puts logins through one server while BankID misbehaves, and prints the server's memory before, at most and after, and what
// became of the logins. It fails only when the server does.
func runSoak(ctx context.Context, s settings) error {
	b, err := newBench(ctx, s)
	if err != nil {
		return err
	}
	defer b.close()
	server, _, err := b.start(ctx)
	if err != nil {
		return err
	}
	defer server.stop()
	before, live, err := b.settled(ctx, server)
	if err != nil {
		return err
	}
	result := soaked{outcomes: map[string]int{}}
	misbehaving, calm := context.WithCancel(ctx)
	var background sync.WaitGroup
	background.Go(func() { b.misbehave(misbehaving) })
	background.Go(func() { result.watch(misbehaving, server) })
	begin := time.Now()
	err = each(s.soak, s.browsers, func(i int) error {
		if i < s.browsers { // people do not all come at once
			time.Sleep(time.Duration(i) * (b.think + 2*time.Second) / time.Duration(b.browsers))
		}
		person := <-b.people
		defer func() { b.people <- person }()
		result.note(b.soakLogin(ctx, person, &result.frames))
		return ctx.Err()
	})
	took := time.Since(begin)
	calm()
	background.Wait()
	if err != nil {
		return err
	}
	after, liveAfter, err := b.settled(ctx, server)
	if err != nil {
		return fmt.Errorf("%w (server: %s)", err, server.stderr)
	}
	fmt.Printf("%d logins in %s, %d browsers at once, collects %.1f and frames %.1f a login\n", s.soak, took.Round(time.Second), s.browsers,
		float64(b.bankID.collects.Load())/float64(s.soak), float64(result.frames.Load())/float64(s.soak))
	fmt.Printf("memory, MiB: resident %.1f before, %.1f at most, %.1f after; live %.1f before, %.1f after\n", before, result.peak, after, live, liveAfter)
	for _, outcome := range slices.Sorted(maps.Keys(result.outcomes)) {
		fmt.Printf("%6d  %s\n", result.outcomes[outcome], outcome)
	}
	for kind, n := range b.sim.Misuse().Counts {
		if n > 0 {
			fmt.Printf("%6d  misuse of BankID: %s\n", n, kind)
		}
	}
	if info, err := os.Stat(filepath.Join(b.dir, "data", "brygga.db")); err == nil {
		fmt.Printf("store: %.1f MiB\n", float64(info.Size())/(1<<20))
	}
	return nil
}

// soakLogin logs in, redeems the code, and returns what came of it in a few words.
func (b *bench) soakLogin(ctx context.Context, person string, frames *atomic.Int64) string {
	code, err := b.login(ctx, person, "openid offline_access", frames)
	if err == nil {
		_, err = b.es256.exchange(ctx, code)
	}
	if err == nil {
		return "logged in"
	}
	text := err.Error()
	if _, rest, found := strings.Cut(text, "/login/"); found { // the path of a login
		if _, rest, found = strings.Cut(rest, ": "); found {
			text = rest
		}
	}
	return text
}

// misbehave lets BankID go through its tantrums until ctx is done, and then leaves it calm.
func (b *bench) misbehave(ctx context.Context) {
	ticker := time.NewTicker(tantrumTime)
	defer ticker.Stop()
	all := tantrums()
	for i := 0; ; i++ {
		if err := b.sim.SetChaos(all[i%len(all)]); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
		select {
		case <-ctx.Done():
			b.sim.SetChaos(bankidsim.Chaos{})
			return
		case <-ticker.C:
		}
	}
}

// watch notes the server's largest resident memory until ctx is done.
func (s *soaked) watch(ctx context.Context, server *server) {
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for {
		if now, err := server.memory(); err == nil {
			s.peak = max(s.peak, now)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// settled lets the server idle and collect its garbage, and returns its resident and its live memory in MiB.
func (b *bench) settled(ctx context.Context, s *server) (resident, live float64, err error) {
	time.Sleep(5 * time.Second)
	if _, err := b.get(ctx, b.admin+"/debug/pprof/heap?gc=1"); err != nil {
		return 0, 0, err
	}
	metrics, err := b.metrics(ctx)
	if err != nil {
		return 0, 0, err
	}
	resident, err = s.memory()
	return resident, metrics["go_memstats_heap_alloc_bytes"] / (1 << 20), err
}
