package sink

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"brygga/audit"
	"brygga/audit/tree"
	"brygga/keys"
	"brygga/storage"
	"brygga/storage/bolt"
)

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fixture is a log in a store, at a time that the test sets.
type fixture struct {
	*testing.T
	store storage.Store
	tree  *tree.Tree
	now   time.Time
	n     int
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{T: t, now: epoch}
	sealer, err := keys.NewSealer([]byte("0123456789abcdefghijklmnopqrstuv"))
	if err != nil {
		t.Fatal(err)
	}
	if f.store, err = bolt.Open(filepath.Join(t.TempDir(), "brygga.db"), sealer, bolt.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.store.Close() })
	text, err := tree.NewKey("https://login.example.se")
	if err != nil {
		t.Fatal(err)
	}
	key, err := tree.ReadKey(text)
	if err != nil {
		t.Fatal(err)
	}
	if f.tree, err = tree.New(tree.Options{Store: f.store, Key: key, Now: func() time.Time { return f.now }}); err != nil {
		t.Fatal(err)
	}
	return f
}

// happen stores n events and signs them.
func (f *fixture) happen(n int) {
	f.Helper()
	var events []storage.AuditEvent
	for i := range n {
		f.n++
		at := f.now.Add(time.Duration(i) * time.Millisecond)
		events = append(events, storage.AuditEvent{ID: fmt.Sprintf("e%06d", f.n), Time: at, Type: "WEB_100001", Reference: "7QX42MKD",
			Fields: map[string]string{"CLIENT_ID": "app", "MESSAGE": "å|=\n"}, Expires: at.Add(24 * time.Hour)})
	}
	if err := f.store.AppendAudit(f.Context(), events...); err != nil {
		f.Fatal(err)
	}
	f.now = f.now.Add(10 * time.Second)
	if added, err := f.tree.Grow(f.Context()); err != nil || added != n {
		f.Fatalf("the tree grew by %d, %v, want %d", added, err, n)
	}
}

// memory is a receiver that keeps what it got, unless it is down; lost says that its answer does not arrive.
type memory struct {
	mu         sync.Mutex // for a test beside which the sink runs
	got        []string
	calls      int
	down, lost bool
	most       int   // how many it takes at once; 0 for all
	then       error // what it says after those
}

var errDown = errors.New("down")

func (m *memory) Deliver(_ context.Context, events []tree.Leaf) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	if m.down {
		return 0, errDown
	}
	if m.most > 0 {
		events = events[:min(m.most, len(events))]
	}
	for _, e := range events {
		m.got = append(m.got, e.Event.ID)
	}
	if m.lost {
		return 0, errDown
	}
	return len(events), m.then
}

func (f *fixture) sink(process string, to Receiver, fromStart bool) *Sink {
	f.Helper()
	s, err := New(Options{Name: "siem", Process: process, Log: f.tree, Secrets: f.store, Receiver: to, FromStart: fromStart, Now: func() time.Time { return f.now }})
	if err != nil {
		f.Fatal(err)
	}
	return s
}

// drain steps until there is no more.
func (f *fixture) drain(s *Sink) {
	f.Helper()
	for more := true; more; {
		var err error
		if more, err = s.step(f.Context()); err != nil {
			f.Fatal(err)
		}
	}
}

// want looks that these are the events of those numbers, both inclusive, in order.
func (f *fixture) want(got []string, from, to int) {
	f.Helper()
	var want []string
	for n := from; n <= to; n++ {
		want = append(want, fmt.Sprintf("e%06d", n))
	}
	if !slices.Equal(got, want) {
		f.Errorf("%d events were delivered, want %d to %d once and in order: %.10q …", len(got), from, to, got)
	}
}

// TestReceiverDown: nothing is lost and nothing is out of order when the receiver is down for a while, and the backlog shows.
func TestReceiverDown(t *testing.T) {
	f := newFixture(t)
	to := &memory{}
	s := f.sink("a", to, true)
	f.happen(3)
	f.drain(s)
	to.down = true
	f.happen(700)
	for range 3 {
		if _, err := s.step(t.Context()); !errors.Is(err, errDown) {
			t.Errorf("a delivery that failed: %v", err)
		}
	}
	if n, err := Backlog(t.Context(), f.store, f.tree, "siem", false); s.Behind() != 700 || n != 700 || err != nil {
		t.Errorf("%d and %d events behind, %v, want 700", s.Behind(), n, err)
	}
	s.Log = brokenLog{f.tree}
	if _, err := s.step(t.Context()); !errors.Is(err, errDown) || s.Behind() != 700 {
		t.Errorf("a log that cannot be read: %v, and %d events behind, want 700 still", err, s.Behind())
	}
	s.Log = f.tree
	to.down = false
	f.drain(s)
	f.want(to.got, 1, 703)
	if s.Behind() != 0 {
		t.Errorf("%d events behind after all were delivered", s.Behind())
	}
}

// TestKilledAfterDelivery: what was accepted and not noted is delivered again, and nothing is lost.
func TestKilledAfterDelivery(t *testing.T) {
	f := newFixture(t)
	to := &memory{lost: true}
	f.happen(5)
	if _, err := f.sink("a", to, true).step(t.Context()); !errors.Is(err, errDown) {
		t.Errorf("an answer that was lost: %v", err)
	}
	f.want(to.got, 1, 5)
	to.lost, to.got = false, nil
	f.now = f.now.Add(lease + time.Second)
	f.drain(f.sink("b", to, true))
	f.want(to.got, 1, 5)
}

// TestNewSinkBegins: a new sink begins at the end of the log, or at its start when that is asked for; later it goes on from where it was.
func TestNewSinkBegins(t *testing.T) {
	f := newFixture(t)
	f.happen(4)
	to := &memory{}
	f.drain(f.sink("a", to, false))
	f.happen(2)
	f.drain(f.sink("a", to, true))
	f.want(to.got, 5, 6)
}

// TestTwoProcesses: of two one delivers, and the other when that one has not for half a minute.
func TestTwoProcesses(t *testing.T) {
	f := newFixture(t)
	one, other := &memory{}, &memory{}
	a, b := f.sink("a", one, true), f.sink("b", other, true)
	for range 5 {
		f.happen(2)
		f.drain(a)
		f.drain(b)
	}
	f.happen(2)
	f.drain(b)
	f.want(one.got, 1, 10)
	if len(other.got) != 0 || b.Behind() != 2 {
		t.Errorf("the other delivered %q beside it, and is %d behind", other.got, b.Behind())
	}
	f.now = f.now.Add(lease)
	f.drain(b)
	f.want(other.got, 11, 12)
}

// TestStoppedProcess: one that was told to stop keeps the others from nothing.
func TestStoppedProcess(t *testing.T) {
	f := newFixture(t)
	f.happen(2)
	one, other := &memory{}, &memory{}
	a := f.sink("a", one, true)
	f.drain(a)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a.Run(ctx)
	f.happen(1)
	f.drain(f.sink("b", other, true))
	f.want(other.got, 3, 3)
}

// TestOvertaken: who finds that the store has another cursor than it has read delivers nothing.
func TestOvertaken(t *testing.T) {
	f := newFixture(t)
	to := &memory{}
	f.happen(2)
	s := f.sink("a", to, true)
	s.Secrets = overtaking{f.store}
	if more, err := s.step(t.Context()); more || err != nil || to.calls != 0 {
		t.Errorf("more %t, %v, delivered %d times, want that the other delivers", more, err, to.calls)
	}
}

// overtaking is a store in which somebody else is always quicker.
type overtaking struct{ storage.Store }

func (overtaking) ReplaceSecret(context.Context, string, []byte, []byte) error {
	return storage.ErrConflict
}

// TestRunBacksOff: while the receiver is down it is tried less and less often, and at least each minute and a half.
func TestRunBacksOff(t *testing.T) {
	f := newFixture(t)
	f.happen(2)
	synctest.Test(t, func(t *testing.T) {
		to := &memory{down: true}
		var failures atomic.Int64
		s, err := New(Options{Name: "siem", Process: "a", Log: fixedLog{}, Secrets: &fixedSecrets{}, Receiver: to, FromStart: true, Failed: func() { failures.Add(1) }})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go s.Run(ctx)
		time.Sleep(10*time.Minute + time.Millisecond)
		synctest.Wait()
		to.mu.Lock()
		if to.calls < 10 || to.calls > 15 || failures.Load() != int64(to.calls) {
			t.Errorf("tried %d times in ten minutes and counted %d failures, want some 12", to.calls, failures.Load())
		}
		to.down = false
		to.mu.Unlock()
		time.Sleep(2 * maxWait)
		synctest.Wait()
		cancel()
		synctest.Wait()
		to.mu.Lock()
		defer to.mu.Unlock()
		f.want(to.got, 1, 1)
	})
}

// TestPartsOfABatch: what a receiver has taken of a batch is not delivered again, whether or not it failed then.
func TestPartsOfABatch(t *testing.T) {
	f := newFixture(t)
	to := &memory{most: 2, then: errDown}
	s := f.sink("a", to, true)
	f.happen(5)
	if more, err := s.step(t.Context()); !more || !errors.Is(err, errDown) || s.Behind() != 3 {
		t.Errorf("more %t, %v, %d behind, want 3", more, err, s.Behind())
	}
	to.then = nil
	f.drain(s)
	f.want(to.got, 1, 5)
	to.most, to.lost = 0, true
	f.happen(1)
	s.Receiver = nobody{}
	if _, err := s.step(t.Context()); !errors.Is(err, errNothing) {
		t.Errorf("a receiver that takes nothing and says nothing: %v", err)
	}
}

type nobody struct{}

func (nobody) Deliver(context.Context, []tree.Leaf) (int, error) { return 0, nil }

// TestWants: what is not wanted is passed over, is no backlog, and is not delivered when it is wanted later.
func TestWants(t *testing.T) {
	f := newFixture(t)
	to := &memory{}
	s := f.sink("a", to, true)
	wants, _ := audit.Select([]string{"SEC_"})
	s.Wants = wants
	f.happen(300)
	f.drain(s)
	if len(to.got) != 0 || s.Behind() != 0 {
		t.Errorf("got %d events and is %d behind", len(to.got), s.Behind())
	}
	s.Wants = func(audit.Type) bool { return true }
	f.happen(1)
	f.drain(s)
	f.want(to.got, 301, 301)
}

// TestForget: a sink of before is known by its name, and is new once it was forgotten; one that somebody delivers to is not forgotten.
func TestForget(t *testing.T) {
	f := newFixture(t)
	f.happen(2)
	f.drain(f.sink("a", &memory{}, true))
	if err := Forget(t.Context(), f.store, "siem", f.now); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("one that is in use: %v", err)
	}
	f.now = f.now.Add(lease + time.Second)
	if names, err := Names(t.Context(), f.store); err != nil || !slices.Equal(names, []string{"siem"}) {
		t.Errorf("the sinks are %q, %v", names, err)
	}
	if err := Forget(t.Context(), f.store, "siem", f.now); err != nil {
		t.Error(err)
	}
	if err := Forget(t.Context(), f.store, "siem", f.now); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("one that there is not: %v", err)
	}
	to := &memory{}
	f.drain(f.sink("b", to, true))
	f.want(to.got, 1, 2)
}

// TestBackOffIsSpread: two sinks that failed at once do not come back at once, and neither waits much longer than it should.
func TestBackOffIsSpread(t *testing.T) {
	waits := map[time.Duration]bool{}
	for range 20 {
		wait := backOff(20)
		if waits[wait] = true; wait < maxWait || wait > maxWait+maxWait/2 {
			t.Errorf("waits for %s", wait)
		}
	}
	if len(waits) < 2 {
		t.Error("all wait as long as the others")
	}
}

// brokenLog says how long it is, and no more.
type brokenLog struct{ Log }

func (l brokenLog) Follow(ctx context.Context, from int64, limit int) (tree.Leaves, error) {
	if limit > 0 {
		return tree.Leaves{}, errDown
	}
	return l.Log.Follow(ctx, from, limit)
}

// fixedLog has one event.
type fixedLog struct{}

func (fixedLog) Follow(_ context.Context, from int64, limit int) (tree.Leaves, error) {
	if from > 0 || limit == 0 {
		return tree.Leaves{Next: from, Size: 1}, nil
	}
	return tree.Leaves{Events: []tree.Leaf{{Event: storage.AuditEvent{ID: "e000001"}}}, Next: 1, Size: 1}, nil
}

func (s *fixedSecrets) SecretNames(context.Context, string) ([]string, error) { return nil, nil }

// fixedSecrets has one secret, in memory: waiting for a disk is not waiting to a bubble.
type fixedSecrets struct{ value []byte }

func (s *fixedSecrets) SecretOrCreate(_ context.Context, _ string, proposed []byte) ([]byte, error) {
	if s.value == nil {
		s.value = proposed
	}
	return s.value, nil
}

func (s *fixedSecrets) ReplaceSecret(_ context.Context, _ string, before, after []byte) error {
	if string(before) != string(s.value) {
		return storage.ErrConflict
	}
	s.value = after
	return nil
}
