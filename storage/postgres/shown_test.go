package postgres

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"brygga/storage"
	"brygga/storage/postgres/pgtest"
	"brygga/storage/storagetest"
)

// late is a tracer that holds back what the database has answered to a batch, as a slow network does.
type late struct {
	tracer
	hold func()
}

func (l *late) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {
	if hold := l.hold; hold != nil {
		l.hold = nil
		hold()
	}
}

// tracedPair opens two stores on one database that hear of each other by the pulses that the test calls for, and by what it tells them. The
// round trips of the second are traced.
func tracedPair(t *testing.T) (a, b *Store, r *late) {
	t.Helper()
	dsn, sealer, r := pgtest.Database(t), storagetest.NewSealer(), new(late)
	opened := func(change func(*pgx.ConnConfig)) *Store {
		s, err := open(t.Context(), dsn, sealer, Options{}, change)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		s.stop()
		s.running.Wait()
		s.news.silent = func() bool { return true }
		return s
	}
	a, b = opened(func(*pgx.ConnConfig) {}), opened(func(c *pgx.ConnConfig) { c.Tracer = r })
	b.alone.Store(false)
	a.alone.Store(false)
	return a, b, r
}

// ages lets what the store holds of the login be older than it is trusted.
func ages(s *Store, id string) { s.logins.find(id).checked.Add(-int64(trusted)) }

func hintOn(t *testing.T, s *Store, hint string) {
	t.Helper()
	if _, err := s.RecordHint(t.Context(), "l1", "o1", storage.PhaseWorking, hint, moment); err != nil {
		t.Fatal(err)
	}
	s.saveLate(t.Context())
}

func shownHint(t *testing.T, s *Store) string {
	t.Helper()
	login, err := s.Login(t.Context(), "l1", moment)
	if err != nil {
		t.Fatal(err)
	}
	return login.Order.HintCode
}

// TestOnlyChangesAreRead: of a login that is held, a read brings what has changed, and what never changes is read once.
func TestOnlyChangesAreRead(t *testing.T) {
	a, b, r := tracedPair(t)
	pendingOn(t, a, "l1")
	whole := func() (n int) {
		for _, sql := range r.since() {
			if strings.Contains(sql, "login_requests") {
				n++
			}
		}
		return n
	}
	shownHint(t, b)
	if n := whole(); n != 1 {
		t.Fatalf("%d reads of a login that is not held", n)
	}
	ages(b, "l1")
	shownHint(t, b)
	held := b.logins.find("l1")
	hintOn(t, a, "started")
	ages(b, "l1")
	if hint := shownHint(t, b); hint != "started" {
		t.Errorf("after a change the hint code is %q", hint)
	}
	if n := whole(); n != 0 {
		t.Errorf("what never changes was read %d times more", n)
	}
	if held.login.Order.HintCode != "" {
		t.Error("a login that readers have was changed")
	}
	if _, err := a.pool.Exec(t.Context(), `DELETE FROM logins; DELETE FROM login_requests`); err != nil {
		t.Fatal(err)
	}
	other := storage.Login{Request: new(storage.AuthRequest), ID: "l1", State: storage.LoginOpen, Revision: 2, Created: moment, Expires: moment.Add(2 * time.Hour)}
	if err := a.CreateLogin(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	ages(b, "l1")
	if login, err := b.Login(t.Context(), "l1", moment); err != nil || login.State != storage.LoginOpen || !login.Expires.Equal(other.Expires) {
		t.Errorf("in the place of one that was swept: %+v, %v", login, err)
	}
}

// TestNewsOfWhatIsKnown: a process that has read a login is not made to read it again by older news, but by newer ones it is.
func TestNewsOfWhatIsKnown(t *testing.T) {
	a, b, r := tracedPair(t)
	pendingOn(t, a, "l1")
	hintOn(t, a, "started") // revision 2
	shownHint(t, b)
	r.since()
	b.told("l1:2")
	shownHint(t, b)
	if trips := r.since(); len(trips) != 0 {
		t.Errorf("news of a revision that is held cost %q", trips)
	}
	hintOn(t, a, "userSign")
	for _, word := range []string{"l1:3", "l1"} { // a version before told no revisions
		b.told(word)
		if hint := shownHint(t, b); hint != "userSign" {
			t.Errorf("after the news %q the hint code is %q", word, hint)
		}
		if trips := r.since(); len(trips) != 1 {
			t.Errorf("the news %q cost %q", word, trips)
		}
	}
}

// TestStepsOnWhatIsKnownToBeOld: a step on a login that another process is known to have changed reads it first, in place of trying.
func TestStepsOnWhatIsKnownToBeOld(t *testing.T) {
	a, b, r := tracedPair(t)
	pendingOn(t, a, "l1")
	shownHint(t, b)
	hintOn(t, a, "started")
	b.told("l1:2")
	r.since()
	if _, err := b.CancelOrder(t.Context(), "l1", storage.Failure{Reason: "cancelled"}, moment); err != nil {
		t.Fatal(err)
	}
	if trips := r.since(); len(trips) != 2 {
		t.Errorf("a read and a step took %q", trips)
	}
}

// TestPulseAsksForWhatIsShown: what was shown since the last pulse is looked for by the next, and needs no read of its own until the one after that.
func TestPulseAsksForWhatIsShown(t *testing.T) {
	a, b, r := tracedPair(t)
	pendingOn(t, a, "l1")
	shownHint(t, b)
	ages(b, "l1")
	pulse := func() {
		t.Helper()
		if err := b.pulse(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	pulse()
	r.since()
	shownHint(t, b)
	if trips := r.since(); len(trips) != 0 {
		t.Errorf("right after a pulse it took %q", trips)
	}
	hintOn(t, a, "started")
	pulse()
	if hint := shownHint(t, b); hint != "started" {
		t.Errorf("after a pulse the hint code is %q", hint)
	}
	pulse()
	ages(b, "l1")
	pulse() // nobody has looked at it since the one before
	r.since()
	shownHint(t, b)
	if trips := r.since(); len(trips) != 1 {
		t.Errorf("of a login that nobody looked at it took %q", trips)
	}
}

// TestTrustCountsFromTheQuestion: what is shown was so a second ago at most. The second counts from when the database was asked, however late its
// answer comes, and nothing but an answer renews it.
func TestTrustCountsFromTheQuestion(t *testing.T) {
	for name, old := range map[string]func(a, b *Store, r *late){
		"a pulse that is answered late": func(a, b *Store, r *late) {
			ages(b, "l1")
			r.hold = func() {
				hintOn(t, a, "started")
				time.Sleep(trusted)
			}
			if err := b.pulse(t.Context()); err != nil {
				t.Error(err)
			}
		},
		"a step in memory": func(a, b *Store, _ *late) {
			hintOn(t, a, "started")
			ages(b, "l1")
			if _, err := b.RecordSeen(t.Context(), "l1", moment); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, b, r := tracedPair(t)
			pendingOn(t, a, "l1")
			shownHint(t, b)
			old(a, b, r)
			if hint := shownHint(t, b); hint != "started" {
				t.Errorf("what was so more than a second ago is shown: %q", hint)
			}
		})
	}
}
