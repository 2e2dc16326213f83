package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"brygga/storage"
	"brygga/storage/storagetest"
)

func openTest(t *testing.T, options Options) *Store {
	t.Helper()
	store, err := Open(filepath.Join(t.TempDir(), "brygga.db"), storagetest.FixedSealer("test"), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// hold keeps the writer inside a step until the returned function is called, which then waits for that step.
func hold(t *testing.T, s *Store) (release func()) {
	t.Helper()
	running, gate, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		ended <- s.update(context.Background(), func(*tx) error {
			close(running)
			<-gate
			return nil
		})
	}()
	<-running
	return func() {
		close(gate)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// send starts a step and returns once it stands in the queue, at the given place.
func send(s *Store, place int, do func() error) (result chan error) {
	result = make(chan error, 1)
	go func() { result <- do() }()
	for len(s.queue) < place {
		runtime.Gosched()
	}
	return result
}

func write(key string) func(*tx) error {
	return func(t *tx) error { return t.put(secretsBucket, []byte(key), []byte("value")) }
}

func (s *Store) has(t *testing.T, key string) (found bool) {
	t.Helper()
	if err := s.view(func(t *tx) error { found = t.get(secretsBucket, []byte(key)) != nil; return nil }); err != nil {
		t.Fatal(err)
	}
	return found
}

// commits returns how many transactions the file has seen.
func (s *Store) commits(t *testing.T) (n int) {
	t.Helper()
	if err := s.view(func(t *tx) error { n = t.btx.ID(); return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWaitingStepsShareOneCommit(t *testing.T) {
	s := openTest(t, Options{})
	release := hold(t, s)
	var results []chan error
	for i := range maxBatch {
		results = append(results, send(s, i+1, func() error { return s.update(t.Context(), write(fmt.Sprint("key", i))) }))
	}
	before := s.commits(t)
	release()
	for _, r := range results {
		if err := <-r; err != nil {
			t.Error(err)
		}
	}
	if got := s.commits(t) - before; got != 1 {
		t.Errorf("%d steps took %d commits, want 1", maxBatch, got)
	}
	if !s.has(t, "key0") || !s.has(t, fmt.Sprint("key", maxBatch-1)) {
		t.Error("a step was lost")
	}
}

func TestStepsThatWriteNothingCostNoCommit(t *testing.T) {
	s := openTest(t, Options{})
	before := s.commits(t)
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := s.RefuseLogin(t.Context(), "unknown", time.Now()); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	if err := s.Heartbeat(t.Context(), "collector", time.Now()); err != nil {
		t.Error(err)
	}
	if got := s.commits(t); got != before {
		t.Errorf("%d commits for nothing", got-before)
	}
}

// TestBadStepsSpoilNoOthers mixes good steps with refusals, faults and panics in one batch.
func TestBadStepsSpoilNoOthers(t *testing.T) {
	var log bytes.Buffer
	s := openTest(t, Options{Logger: textLogger(&log)})
	boom := errors.New("boom")
	after := func(key string, err func() error) func(*tx) error {
		return func(t *tx) error { return errors.Join(write(key)(t), err()) }
	}
	steps := []struct {
		name string
		run  func(*tx) error
		want func(error) bool
		kept bool
	}{
		{"good", write("good"), func(err error) bool { return err == nil }, true},
		{"refused", func(*tx) error { return storage.ErrConflict }, func(err error) bool { return errors.Is(err, storage.ErrConflict) }, false},
		{"fault", after("fault", func() error { return boom }), func(err error) bool { return errors.Is(err, boom) }, false},
		{"refusal after a write", after("refusal after a write", func() error { return storage.ErrConflict }),
			func(err error) bool { return errors.Is(err, storage.ErrConflict) }, false},
		{"panic", after("panic", func() error { panic("199002304567") }),
			func(err error) bool { return err != nil && !strings.Contains(err.Error(), "199002304567") }, false},
		{"runtime panic", after("runtime panic", func() error { var none []int; return fmt.Errorf("%d", none[len(none)]) }),
			func(err error) bool { var r runtime.Error; return errors.As(err, &r) }, false},
		{"good too", write("good too"), func(err error) bool { return err == nil }, true},
	}
	release := hold(t, s)
	var results []chan error
	for i, step := range steps {
		results = append(results, send(s, i+1, func() error { return s.update(t.Context(), step.run) }))
	}
	release()
	for i, step := range steps {
		if err := <-results[i]; !step.want(err) {
			t.Errorf("%s: got error %v", step.name, err)
		}
		if got := s.has(t, step.name); got != step.kept {
			t.Errorf("%s: written %t, want %t", step.name, got, step.kept)
		}
	}
	if !strings.Contains(log.String(), "step by step") || strings.Contains(log.String(), "199002304567") {
		t.Errorf("log: %s", log.String())
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("the store did not survive: %v", err)
	}
}

// TestRefusals: an answer of the rules must not make the others of its transaction run again.
func TestRefusals(t *testing.T) {
	for _, err := range []error{
		storage.ErrNotFound, storage.ErrConflict, storage.ErrBusy, storage.ErrMismatch, storage.ErrExists, storage.ErrTarget,
		&storage.CodeReusedError{}, &storage.TokenReusedError{},
	} {
		if !refused(fmt.Errorf("wrapped: %w", err)) {
			t.Errorf("%v counts as a fault", err)
		}
	}
	if refused(storage.ErrWrongKey) || refused(errors.New("boom")) {
		t.Error("a fault counts as a refusal")
	}
}

func TestContextEndsWhileWaiting(t *testing.T) {
	s := openTest(t, Options{})
	release := hold(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	waiting := send(s, 1, func() error { return s.update(ctx, write("waiting")) })
	cancel()
	if err := <-waiting; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want Canceled", err)
	}
	release()
	if err := s.Ping(t.Context()); err != nil { // the step's turn has come and gone
		t.Error(err)
	}
	if s.has(t, "waiting") {
		t.Error("a step that was reported as cancelled has happened")
	}
}

func TestContextEndsDuringTheStep(t *testing.T) {
	s := openTest(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	err := s.update(ctx, func(t *tx) error {
		cancel()
		return write("running")(t)
	})
	if err != nil || !s.has(t, "running") {
		t.Errorf("a committed step was reported as %v", err)
	}
}

func TestReadsDoNotWaitForWrites(t *testing.T) {
	s := openTest(t, Options{})
	now := time.Now().UTC()
	if err := s.CreateLogin(t.Context(), storage.Login{Request: new(storage.AuthRequest), ID: "l1", Expires: now.Add(time.Minute)}); err != nil {
		t.Fatal(err)
	}
	release := hold(t, s)
	defer release()
	for name, read := range map[string]func() error{
		"Login":         func() error { _, err := s.Login(t.Context(), "l1", now); return err },
		"PendingOrders": func() error { _, err := s.PendingOrders(t.Context()); return err },
		"Clients":       func() error { _, err := s.Clients(t.Context(), "", 1); return err },
		"SigningKeys":   func() error { _, _, err := s.SigningKeys(t.Context()); return err },
		"AuditEvents":   func() error { _, err := s.AuditEvents(t.Context(), now, now, 1); return err },
		"Sweep":         func() error { _, err := s.Sweep(t.Context(), now, 1); return err },
		"AdoptOrders":   func() error { _, err := s.AdoptOrders(t.Context(), "a", now, now, 1); return err },
		"Heartbeat":     func() error { return s.Heartbeat(t.Context(), "a", now) },
		"Backup":        func() error { _, err := s.Backup(&bytes.Buffer{}); return err },
	} {
		if err := read(); err != nil { // a read that waits hangs here
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := s.AccessToken(t.Context(), [32]byte{}, now); !errors.Is(err, storage.ErrNotFound) {
		t.Error(err)
	}
}

func TestCloseFinishesWaitingSteps(t *testing.T) {
	s := openTest(t, Options{})
	path := s.db.Path()
	release := hold(t, s)
	waiting := send(s, 1, func() error { return s.update(t.Context(), write("waiting")) })
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	release()
	if err := errors.Join(<-waiting, <-closed); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func() error{
		"step":   func() error { return s.CreateClient(t.Context(), storage.Client{ID: "app"}) },
		"read":   func() error { _, _, err := s.SigningKeys(t.Context()); return err },
		"Ping":   func() error { return s.Ping(t.Context()) },
		"Backup": func() error { _, err := s.Backup(&bytes.Buffer{}); return err },
		"Close":  func() error { return s.Close() },
	} {
		if err := call(); !errors.Is(err, ErrClosed) {
			t.Errorf("%s: got %v, want ErrClosed", name, err)
		}
	}
	again, err := Open(path, storagetest.FixedSealer("test"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if !again.has(t, "waiting") {
		t.Error("a step that was acknowledged is lost")
	}
}

// TestSweptLoginStaysAway runs a sweep and a step with an earlier clock in one batch.
func TestSweptLoginStaysAway(t *testing.T) {
	s := openTest(t, Options{})
	now := time.Now().UTC().Truncate(time.Microsecond)
	if err := s.CreateLogin(t.Context(), storage.Login{Request: new(storage.AuthRequest), ID: "l1", Expires: now}); err != nil {
		t.Fatal(err)
	}
	release := hold(t, s)
	swept := send(s, 1, func() error { _, err := s.Sweep(t.Context(), now, 10); return err })
	late := send(s, 2, func() error { _, err := s.RefuseLogin(t.Context(), "l1", now.Add(-time.Second)); return err })
	release()
	if err := <-swept; err != nil {
		t.Error(err)
	}
	if err := <-late; !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	if _, err := s.Login(t.Context(), "l1", now.Add(-time.Second)); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	if n := s.logins.Len(); n != 0 {
		t.Errorf("%d logins left in memory", n)
	}
}

// TestRecentGrants: a grant is in memory from its answer on, until it is revoked or swept.
func TestRecentGrants(t *testing.T) {
	s := openTest(t, Options{})
	ctx, now := t.Context(), time.Now().UTC().Truncate(time.Microsecond)
	storeOneOfEach(t, s, now)
	known := func(want ...string) {
		t.Helper()
		if got := s.grants.Len(); got != len(want) {
			t.Errorf("%d in memory, want %v", got, want)
		}
		for _, id := range want {
			if s.grants.get(id) == nil {
				t.Errorf("%s is not in memory", id)
			}
		}
	}
	known("g1", "g2", "g3")
	if err := s.RevokeGrant(ctx, "g2", now); err != nil {
		t.Fatal(err)
	}
	known("g1", "g3")
	if _, err := s.Sweep(ctx, now.Add(time.Hour), 100); err != nil {
		t.Fatal(err)
	}
	known("g1") // of a session that lives longer
	if _, err := s.Sweep(ctx, now.Add(2*time.Hour), 100); err != nil {
		t.Fatal(err)
	}
	known()
}

// TestPatientStepsGather: those that are patient wait for more company, until one comes that is not, or there is no more room.
func TestPatientStepsGather(t *testing.T) {
	come := func(s *Store, after time.Duration, steps ...*step) {
		time.AfterFunc(after, func() {
			for _, st := range steps {
				if err := s.enqueue(context.Background(), st); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for name, test := range map[string]struct {
		first *step
		later []*step // come one after the other, every four milliseconds
		want  int     // of all that gather
		after time.Duration
	}{
		"nobody else":             {&step{patient: true}, nil, 1, patience},
		"patient ones":            {&step{patient: true}, slices.Repeat([]*step{{patient: true}}, 10), 8, patience},
		"one who is not":          {&step{patient: true}, []*step{{patient: true}, {}, {patient: true}}, 4, 8*time.Millisecond + linger},
		"the first is not":        {&step{}, slices.Repeat([]*step{{patient: true}}, 10), 2, linger},
		"as many as there may be": {&step{patient: true}, slices.Repeat([]*step{{patient: true}}, maxBatch), maxBatch, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &Store{queue: make(chan *step, 2*maxBatch), hurry: make(chan struct{}, 1)}
				s.hurry <- struct{}{} // of one in a batch of before
				for i, st := range test.later {
					if len(test.later) < maxBatch {
						come(s, time.Duration(i+1)*4*time.Millisecond, st)
					} else if err := s.enqueue(t.Context(), st); err != nil { // they are there already
						t.Error(err)
					}
				}
				began := time.Now()
				batch := s.gather([]*step{test.first})
				if took := time.Since(began); len(batch) != test.want || took != test.after {
					t.Errorf("%d gathered in %v", len(batch), took)
				}
				time.Sleep(time.Second)
			})
		})
	}
}
