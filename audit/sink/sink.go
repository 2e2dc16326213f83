// Package sink hands the audit log over to others: to files, syslog and webhooks, in the order of its tree, each event at least once.
//
// It owns how far each sink has come, which is kept in the store, and the forms that receivers are spoken to in. It reads what is stored and
// signed already, so nothing that raises events waits for it. It must not know who raises them.
package sink

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"brygga/audit"
	"brygga/audit/tree"
	"brygga/storage"
)

// Receiver is where a sink leads. Deliver is given at least one event, and returns how many of them, from the first on, are where they do not
// get lost any more: one at least, or an error. The others are delivered again. Its error holds nothing of an event. Calls do not overlap.
type Receiver interface {
	Deliver(ctx context.Context, events []tree.Leaf) (delivered int, err error)
}

// Log is the audit log as a sink reads it: a tree.Tree.
type Log interface {
	Follow(ctx context.Context, from int64, limit int) (tree.Leaves, error)
}

// Secrets is where a sink remembers how far it has come: a store.
type Secrets interface {
	SecretOrCreate(ctx context.Context, name string, proposed []byte) ([]byte, error)
	ReplaceSecret(ctx context.Context, name string, before, after []byte) error
	SecretNames(ctx context.Context, prefix string) ([]string, error)
}

const (
	// batch is how many events are delivered at once, at most.
	batch = 256
	// lookEvery is how often a sink looks for events, and deliverTime how long a delivery may take.
	lookEvery   = 5 * time.Second
	deliverTime = 10 * time.Second
	// lease is how long one process has a sink to itself after it has delivered.
	lease = 30 * time.Second
	// firstWait is how long a sink waits after a failure; each further one doubles it, up to maxWait.
	firstWait = time.Second
	maxWait   = time.Minute
)

// Options are the parts of a Sink. All but FromStart, Wants, Failed, Delivered, Logger and Now are required.
type Options struct {
	// Name is what the sink is called, in the configuration and the store; Process is a name that no other process has.
	Name, Process string
	Log           Log
	Secrets       Secrets
	Receiver      Receiver
	// FromStart says that a new sink begins with the first event of the log, and not with the next.
	FromStart bool
	// Wants says which events are delivered; nil means all.
	Wants func(audit.Type) bool
	// Failed is called when a delivery has failed, Delivered when one has not, with how many events and how long it took.
	Failed    func()
	Delivered func(events int, took time.Duration)
	// Logger gets what deserves a look; nil discards it.
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Sink brings the log to a receiver. Its methods may be called concurrently, but for Run.
type Sink struct {
	Options
	behind atomic.Int64
	// failing is since when nothing could be delivered, nil while something can.
	failing atomic.Pointer[time.Time]
}

// New returns a sink over the options, or an error when one is missing.
func New(o Options) (*Sink, error) {
	if o.Name == "" || o.Process == "" || o.Log == nil || o.Secrets == nil || o.Receiver == nil {
		return nil, errors.New("audit/sink: an option is missing")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Failed == nil {
		o.Failed = func() {}
	}
	if o.Delivered == nil {
		o.Delivered = func(int, time.Duration) {}
	}
	if o.Wants == nil {
		o.Wants = func(audit.Type) bool { return true }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Sink{Options: o}, nil
}

// Behind returns how many events wait for the sink, as it has last seen.
func (s *Sink) Behind() int64 { return s.behind.Load() }

// FailingSince returns since when this process could deliver nothing that it tried to, the zero time while it can.
func (s *Sink) FailingSince() time.Time {
	if since := s.failing.Load(); since != nil {
		return *since
	}
	return time.Time{}
}

// Run delivers until ctx is done, and then leaves the sink to other processes at once.
func (s *Sink) Run(ctx context.Context) {
	defer s.release(context.WithoutCancel(ctx))
	failures := 0
	for ctx.Err() == nil {
		more, err := s.step(ctx)
		wait := lookEvery
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.tell(ctx, err)
			wait = backOff(failures)
			failures++
		default:
			s.recovered(ctx)
			failures = 0
		}
		if more && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// release lets another process deliver, if this one has the sink to itself. When that fails the other waits for the end of the lease.
func (s *Sink) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, deliverTime)
	defer cancel()
	if at, stored, err := s.load(ctx); err == nil && at.Process == s.Process {
		s.save(ctx, stored, cursor{Next: at.Next})
	}
}

// backOff returns how long to wait after so many failures before the last: up to half as long again by chance, so that the sinks of several
// servers do not come back to a receiver all at once.
func backOff(failures int) time.Duration {
	wait := min(firstWait<<min(failures, 10), maxWait)
	return wait + rand.N(wait/2)
}

// tell notes a failure: in the log once, until it is over.
func (s *Sink) tell(ctx context.Context, err error) {
	s.Failed()
	if now := s.Now(); s.failing.CompareAndSwap(nil, &now) {
		s.Logger.ErrorContext(ctx, "audit events cannot be delivered", "sink", s.Name, "behind", s.Behind(), "err", err)
	}
}

func (s *Sink) recovered(ctx context.Context) {
	if s.failing.Swap(nil) != nil {
		s.Logger.InfoContext(ctx, "audit events are delivered again", "sink", s.Name, "behind", s.Behind())
	}
}

// cursor is how far a sink has come, as the store has it.
type cursor struct {
	Next int64 `json:"next"` // the index of the first leaf that was not delivered
	// Process has the sink to itself Until then, so that of several one delivers.
	Process string    `json:"process,omitempty"`
	Until   time.Time `json:"until,omitzero"`
}

// step delivers a batch, if there is something to deliver and no other process is at it. It reports whether there is more.
func (s *Sink) step(ctx context.Context) (more bool, err error) {
	at, stored, err := s.load(ctx)
	if err != nil {
		return false, err
	}
	now := s.Now().UTC()
	others := at.Process != s.Process && now.Before(at.Until)
	limit := batch
	if others {
		limit = 0
	}
	found, err := s.Log.Follow(ctx, at.Next, limit)
	if err != nil {
		return false, err
	}
	s.behind.Store(found.Size - at.Next)
	if found.Next == at.Next {
		return false, nil
	}
	if at.Process != s.Process || at.Until.Sub(now) < lease/2 {
		if stored, err = s.save(ctx, stored, cursor{at.Next, s.Process, now.Add(lease)}); err != nil {
			return false, overtaken(err)
		}
	}
	next, failed := s.deliver(ctx, at.Next, found)
	if failed != nil && next == at.Next {
		return false, failed
	}
	if _, err := s.save(ctx, stored, cursor{next, s.Process, s.Now().UTC().Add(lease)}); err != nil {
		return false, cmp.Or(failed, overtaken(err))
	}
	s.behind.Store(found.Size - next)
	return next < found.Size, failed
}

// overtaken returns nil for an error that says that another process was quicker: it has the sink to itself now.
func overtaken(err error) error {
	if errors.Is(err, storage.ErrConflict) {
		return nil
	}
	return err
}

// deliver delivers what is wanted of the events that were found from the index on. It returns the index from which on there is more to do.
func (s *Sink) deliver(ctx context.Context, from int64, found tree.Leaves) (next int64, err error) {
	if found.Skipped > 0 {
		s.Logger.WarnContext(ctx, "audit events are gone before they were delivered", "sink", s.Name, "events", found.Skipped, "before", found.Next)
	}
	wanted := slices.DeleteFunc(slices.Clone(found.Events), func(leaf tree.Leaf) bool { return !s.Wants(audit.Type(leaf.Event.Type)) })
	if len(wanted) == 0 {
		return found.Next, nil
	}
	ctx, cancel := context.WithTimeout(ctx, deliverTime)
	defer cancel()
	began := time.Now()
	n, err := s.Receiver.Deliver(ctx, wanted)
	if n > 0 {
		s.Delivered(n, time.Since(began))
	}
	switch {
	case n >= len(wanted):
		return found.Next, err
	case n <= 0:
		return from, cmp.Or(err, errNothing)
	}
	return wanted[n].Index, err
}

// errNothing is what a receiver has done that has neither taken an event nor said why.
var errNothing = errors.New("no event was taken")

// load returns how far the sink has come, and how that is stored.
func (s *Sink) load(ctx context.Context) (at cursor, stored []byte, err error) {
	return load(ctx, s.Secrets, s.Log, s.Name, s.FromStart)
}

func load(ctx context.Context, secrets Secrets, log Log, name string, fromStart bool) (at cursor, stored []byte, err error) {
	begin, err := log.Follow(ctx, 0, 0)
	if err != nil {
		return at, nil, err
	}
	if !fromStart {
		at.Next = begin.Size
	}
	proposed, err := json.Marshal(at)
	if err != nil {
		return at, nil, err
	}
	if stored, err = secrets.SecretOrCreate(ctx, secretName(name), proposed); err != nil {
		return at, nil, fmt.Errorf("read how far the audit sink %s has come: %w", name, err)
	}
	at = cursor{}
	if err := json.Unmarshal(stored, &at); err != nil {
		return at, nil, fmt.Errorf("read how far the audit sink %s has come: %w", name, err)
	}
	return at, stored, nil
}

// cursors is how the names begin that the store knows cursors by.
const cursors = "audit sink "

// secretName is what the store knows the cursor of a sink by.
func secretName(name string) string { return cursors + name }

// Names returns the names of all sinks that the store knows, in order: those of now and of before.
func Names(ctx context.Context, secrets Secrets) ([]string, error) {
	names, err := secrets.SecretNames(ctx, cursors)
	for i := range names {
		names[i] = strings.TrimPrefix(names[i], cursors)
	}
	return names, err
}

// Forget removes how far the sink of that name has come: if it comes back, it is new. It returns storage.ErrNotFound when the store does not
// know the sink, and storage.ErrConflict while a process delivers to it.
func Forget(ctx context.Context, secrets Secrets, name string, now time.Time) error {
	all, err := Names(ctx, secrets)
	if err != nil {
		return err
	}
	if !slices.Contains(all, name) {
		return storage.ErrNotFound
	}
	stored, err := secrets.SecretOrCreate(ctx, secretName(name), []byte("{}"))
	if err != nil {
		return err
	}
	var at cursor
	if err := json.Unmarshal(stored, &at); err == nil && now.Before(at.Until) {
		return storage.ErrConflict
	}
	return secrets.ReplaceSecret(ctx, secretName(name), stored, nil)
}

func (s *Sink) save(ctx context.Context, before []byte, at cursor) ([]byte, error) {
	after, err := json.Marshal(at)
	if err != nil {
		return nil, err
	}
	if err := s.Secrets.ReplaceSecret(ctx, secretName(s.Name), before, after); err != nil {
		return nil, fmt.Errorf("store how far the audit sink %s has come: %w", s.Name, err)
	}
	return after, nil
}

// Backlog returns how many events wait for the sink of that name, whichever process delivers them. A sink that is new begins now, as New's
// would.
func Backlog(ctx context.Context, secrets Secrets, log Log, name string, fromStart bool) (int64, error) {
	at, _, err := load(ctx, secrets, log, name, fromStart)
	if err != nil {
		return 0, err
	}
	found, err := log.Follow(ctx, at.Next, 0)
	return found.Size - at.Next, err
}
