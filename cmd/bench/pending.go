package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// orderLife is how long an order lives that no app picks up (BankID: QR code).
const orderLife = 30 * time.Second

// held is a run with people who look at their QR code and do not scan it.
type held struct {
	*bench
	server  *server
	service *service
	began   time.Time
	// window is when frames and collects begin to count.
	window atomic.Int64

	refused atomic.Int64 // logins that the server would not begin
	mu      sync.Mutex
	streams []*pendingStream
	faults  map[string]int
}

// runPending starts logins at a steady rate, holds them all with their event streams open, and prints what they cost the server, how late
// frames and collects were, and what went wrong. The server gets a CPU of its own where there are two.
func runPending(ctx context.Context, s settings) error {
	b, err := newBench(ctx, s)
	if err != nil {
		return err
	}
	defer b.close()
	h := &held{bench: b, service: newService(b.simAPI.Handler), faults: make(map[string]int)}
	b.simAPI.Handler = h.service
	if err := b.partCPUs(ctx); err != nil {
		fmt.Println("no CPU of its own for the server:", err)
	}
	if h.server, _, err = b.start(ctx); err != nil {
		return err
	}
	defer h.server.stop()
	time.Sleep(3 * time.Second)
	idle, err := h.server.memory()
	if err != nil {
		return err
	}
	h.open(ctx)
	fmt.Printf("%d logins are pending, started at %g a second; %d were refused\n", h.pending(), b.rate, h.refused.Load())
	time.Sleep(5 * time.Second)
	return h.hold(ctx, idle)
}

// partCPUs leaves the first CPU to the server and moves this process, which plays everybody else, to the second.
func (b *bench) partCPUs(ctx context.Context) error {
	if runtime.NumCPU() < 2 {
		return fmt.Errorf("there is %d", runtime.NumCPU())
	}
	if out, err := exec.CommandContext(ctx, "taskset", "-acp", "1", strconv.Itoa(os.Getpid())).CombinedOutput(); err != nil {
		return fmt.Errorf("taskset: %w: %s", err, out)
	}
	runtime.GOMAXPROCS(1)
	b.wrap = []string{"taskset", "-c", "0"}
	return nil
}

// open begins the logins, one every so often, however long each takes.
func (h *held) open(ctx context.Context) {
	var starting sync.WaitGroup
	h.began = time.Now()
	for i := range h.settings.pending {
		time.Sleep(time.Until(h.began.Add(time.Duration(float64(i) / h.rate * float64(time.Second)))))
		if ctx.Err() != nil {
			break
		}
		starting.Go(func() {
			if err := h.begin(ctx); err != nil {
				h.note(err.Error())
			}
		})
	}
	starting.Wait()
}

func (h *held) note(fault string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults[fault]++
}

func (h *held) pending() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.streams)
}

// begin begins one login as far as its QR code, and reads its stream from then on.
func (h *held) begin(ctx context.Context) error {
	v := &visit{bench: h.bench, ctx: ctx, cookies: make(map[string]string)}
	query := url.Values{"client_id": {"bench"}, "redirect_uri": {redirectURI}, "response_type": {"code"}, "scope": {"openid"}, "state": {"s"}, "nonce": {"n"}}
	_, page, err := v.load(http.MethodGet, h.issuer+"/authorize?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	if _, _, err := v.load(http.MethodGet, page, nil); err != nil {
		return fmt.Errorf("page: %w", err)
	}
	answer, err := v.do(http.MethodPost, page+"/start", url.Values{"device": {"other"}})
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	answer.Body.Close()
	if answer.StatusCode >= 400 {
		h.refused.Add(1)
		return fmt.Errorf("start: %s", answer.Status)
	}
	stream, err := h.listen(v, page)
	if err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	h.mu.Lock()
	h.streams = append(h.streams, stream)
	h.mu.Unlock()
	go h.follow(stream)
	return nil
}

// hold waits with all streams open, and prints what that took.
func (h *held) hold(ctx context.Context, idle float64) error {
	if h.profile != "" {
		go h.saveProfile(ctx)
	}
	h.service.reset()
	begin := time.Now()
	h.window.Store(begin.UnixNano())
	used, err := h.server.using(func() error {
		select {
		case <-time.After(h.settings.hold):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	if err != nil {
		return err
	}
	took := time.Since(begin).Seconds()
	h.window.Store(1 << 62)
	resident, err := h.server.memory()
	if err != nil {
		return err
	}
	h.print(used/took, resident, idle, took)
	return h.printMemory(ctx)
}

// printMemory prints what of the memory is in use when no garbage lies about.
func (h *held) printMemory(ctx context.Context) error {
	if h.profile != "" {
		if err := h.saveHeap(ctx); err != nil {
			return err
		}
	}
	if _, err := h.get(ctx, h.admin+"/debug/pprof/heap?gc=1"); err != nil {
		return err
	}
	now, err := h.metrics(ctx)
	if err != nil {
		return err
	}
	live, stacks, routines := now["go_memstats_heap_alloc_bytes"], now["go_memstats_stack_inuse_bytes"], now["go_goroutines"]
	n := float64(h.pending())
	fmt.Printf("alive for each, all that the server holds divided: %.1f KiB of heap, %.1f KiB of stacks, %.2f goroutines\n", live/1024/n, stacks/1024/n, routines/n)
	return nil
}

// saveHeap writes a profile of what is alive beside the CPU profile.
func (h *held) saveHeap(ctx context.Context) error {
	return h.save(ctx, h.admin+"/debug/pprof/heap?gc=1", h.profile+".heap")
}

// save writes what an address answers to a file.
func (b *bench) save(ctx context.Context, address, name string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := b.browser.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, response.Body)
	return errors.Join(err, file.Close())
}

func (h *held) print(cores, resident, idle, seconds float64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := float64(len(h.streams))
	var lateness, ages []time.Duration
	frames, dead, skipped, outside, wrong, ended := 0, 0, 0, 0, 0, 0
	for _, s := range h.streams {
		s.mu.Lock()
		frames += s.frames
		skipped += s.skipped
		wrong += s.wrong
		if s.over {
			ended++
		}
		for _, late := range s.late {
			if late >= time.Second || late < 0 {
				outside++
			}
		}
		for _, age := range s.ages {
			if age >= orderLife {
				dead++
			}
		}
		lateness, ages = append(lateness, s.late...), append(ages, s.ages...)
		s.mu.Unlock()
	}
	fmt.Printf("server: %.2f cores, %.0f MiB resident, %.1f KiB for each pending login beyond the %.0f MiB of an idle server\n", cores, resident, (resident-idle)*1024/n, idle)
	fmt.Printf("frames: %.0f a second; late in their second by %s (p50), %s (p99), %s (max); %d outside their second, %d skipped, %d wrong\n",
		float64(frames)/seconds, at(lateness, 0.5), at(lateness, 0.99), at(lateness, 1), outside, skipped, wrong)
	fmt.Printf("orders were renewed at the age of %s (p50), %s (p99), %s (max), %d of them dead\n", at(ages, 0.5), at(ages, 0.99), at(ages, 1), dead)
	h.service.print(seconds)
	fmt.Printf("streams that ended by themselves: %d\n", ended)
	for fault, n := range h.faults {
		fmt.Printf("%6d × %s\n", n, fault)
	}
}

// at returns the value below which that share of the list lies. It sorts the list.
func at(list []time.Duration, share float64) time.Duration {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[min(len(list)-1, int(float64(len(list))*share))].Round(10 * time.Microsecond)
}
