package bankid

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"brygga/secret"
)

// line is calls that share slots, each of which takes a second.
type line struct {
	*slots
	mu     sync.Mutex
	served []string
}

func (l *line) call(ctx context.Context, name string, urgent bool) {
	if l.acquire(ctx, time.Now().Add(time.Hour), urgent) != nil {
		name += " gave up"
	} else {
		time.Sleep(time.Second)
		defer l.release(urgent)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.served = append(l.served, name)
}

// queue lets calls come one after the other, all within the first second, and returns them in the order in which they were served.
func queue(t *testing.T, size int, names ...string) []string {
	var served []string
	synctest.Test(t, func(t *testing.T) {
		l := &line{slots: &slots{size: size}}
		var work sync.WaitGroup
		for _, name := range names {
			ctx := context.Background()
			if strings.HasSuffix(name, "?") {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, 500*time.Millisecond)
				defer cancel()
			}
			work.Go(func() { l.call(ctx, name, name[0] == 's') })
			time.Sleep(time.Millisecond)
		}
		work.Wait()
		if l.busy != 0 || l.urgent != 0 || len(l.first)+len(l.later) != 0 {
			t.Errorf("left over: %+v", l.slots)
		}
		served = l.served
	})
	return served
}

func TestStartsGoBeforeCollects(t *testing.T) {
	for name, test := range map[string]struct {
		size  int
		calls string
		want  string
	}{
		"a start passes those who wait":         {1, "c1 c2 c3 c4 s1", "c1 s1 c2 c3 c4"},
		"starts keep their order":               {1, "c1 c2 s1 s2 c3", "c1 s1 s2 c2 c3"},
		"nobody waits for a free one":           {3, "c1 c2 s1", "c1 c2 s1"},
		"starts leave half to collects":         {2, "s1 s2 c1 s3 s4 s5", "s1 s2 c1 s3 s4 s5"},
		"who gives up is passed over":           {1, "c1 c2? s1? c3 s2", "c2? gave up s1? gave up c1 s2 c3"},
		"a start that gives up holds nobody up": {1, "c1 s1? c2", "s1? gave up c1 c2"},
	} {
		if got := strings.Join(queue(t, test.size, strings.Fields(test.calls)...), " "); got != test.want {
			t.Errorf("%s: %s were served as %s, want %s", name, test.calls, got, test.want)
		}
	}
}

// TestStartsDoNotWaitBehindPendingOrders fills a small pool with collects, each of which takes 200 ms, for 220 orders. A start
// waits for one of them at most.
func TestStartsDoNotWaitBehindPendingOrders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stop := &slots{size: 4}, make(chan struct{})
		var work sync.WaitGroup
		for range 220 {
			work.Go(func() {
				for {
					select {
					case <-stop:
						return
					case <-time.After(2 * time.Second):
					}
					s.acquire(context.Background(), time.Now().Add(time.Hour), false)
					time.Sleep(200 * time.Millisecond)
					s.release(false)
				}
			})
		}
		time.Sleep(10 * time.Second)
		for range 20 {
			began := time.Now() // of the bubble's own clock
			s.acquire(context.Background(), time.Now().Add(time.Hour), true)
			if waited := time.Since(began); waited > 200*time.Millisecond {
				t.Errorf("a start waited %s", waited)
			}
			time.Sleep(200 * time.Millisecond)
			s.release(true)
			time.Sleep(time.Second)
		}
		close(stop)
		work.Wait()
	})
}

// TestCallsAreServedByKind holds one connection and looks at what BankID gets first.
func TestCallsAreServedByKind(t *testing.T) {
	var mu sync.Mutex
	var got []string
	next, entered := make(chan struct{}), make(chan struct{}, 8)
	p := newPeer(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		mu.Lock()
		got = append(got, strings.TrimPrefix(r.URL.Path, "/rp/v6.0/"))
		mu.Unlock()
		entered <- struct{}{}
		<-next
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	o := p.options()
	o.MaxConns = 1
	a := newAPI(t, o)
	waiting := func(n int) {
		for {
			a.slots.mu.Lock()
			there := len(a.slots.first) + len(a.slots.later)
			a.slots.mu.Unlock()
			if there == n {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}
	var calls sync.WaitGroup
	for i, call := range []func(){
		func() { a.Collect(t.Context(), secret.New(testRef)) }, func() { a.Collect(t.Context(), secret.New(testRef)) },
		func() { a.Auth(t.Context(), AuthRequest{EndUserIP: endUser}) }, func() { a.Cancel(t.Context(), secret.New(testRef)) },
	} {
		calls.Go(call)
		if i == 0 {
			<-entered
		}
		waiting(i)
	}
	close(next)
	calls.Wait()
	if want := []string{"collect", "auth", "cancel", "collect"}; !slices.Equal(got, want) {
		t.Errorf("served as %v, want %v", got, want)
	}
}

func TestCapacity(t *testing.T) {
	a := &API{slots: &slots{size: 4}}
	if got := a.Capacity(2 * time.Second); got != 0 {
		t.Errorf("before anything was collected: %d", got)
	}
	for range 100 {
		a.slots.collected(200 * time.Millisecond)
	}
	if got := a.Capacity(2 * time.Second); got != 32 {
		t.Errorf("4 connections, 200 ms, each 2 s: %d, want 32 of 40", got)
	}
	for range 200 {
		a.slots.collected(10 * time.Second)
	}
	if got := a.Capacity(2 * time.Second); got != 1 {
		t.Errorf("a slow service: %d", got)
	}
}
