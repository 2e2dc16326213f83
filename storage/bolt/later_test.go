package bolt

import (
	"errors"
	"testing"
	"time"

	"brygga/storage"
	"brygga/storage/storagetest"
)

// storedLogin returns the login as it lies in the file.
func (s *Store) storedLogin(t *testing.T, id string) (login *storage.Login) {
	t.Helper()
	if err := s.view(func(x *tx) (err error) {
		login, err = s.codec.DecodeLogin(id, x.get(requestsBucket, []byte(id)), x.get(loginsBucket, []byte(id)))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return login
}

// TestHintsWaitForNoDisk: a hint code is there at once for all who look, costs no commit of its own, and is in the file with the login's next
// step, a little later without one, and when the store is closed.
func TestHintsWaitForNoDisk(t *testing.T) {
	s := openTest(t, Options{})
	ctx, now := t.Context(), time.Now().UTC().Truncate(time.Microsecond)
	login := storage.Login{
		Request: new(storage.AuthRequest),
		ID:      "l1", State: storage.LoginPending, Revision: 1, Created: now, Expires: now.Add(time.Hour),
		Order: &storage.Order{ID: "o1", Collector: "c1", Started: now},
	}
	if err := s.CreateLogin(ctx, login); err != nil {
		t.Fatal(err)
	}
	hint := func(code string) {
		t.Helper()
		before := s.commits(t)
		if after, err := s.RecordHint(ctx, "l1", "o1", storage.PhaseWorking, code, now); err != nil || after.Order.HintCode != code {
			t.Fatalf("hint %s: %+v, %v", code, after, err)
		}
		if seen, err := s.Login(ctx, "l1", now); err != nil || seen.Order.HintCode != code {
			t.Errorf("after hint %s the login has %q, %v", code, seen.Order.HintCode, err)
		}
		if s.commits(t) != before {
			t.Errorf("hint %s had a commit of its own", code)
		}
	}
	hint("outstandingTransaction")
	if stored := s.storedLogin(t, "l1"); stored.Order.HintCode != "" {
		t.Error("the hint was written at once")
	}
	if err := s.UseOnce(ctx, [32]byte{1}, now.Add(time.Hour), now); err != nil {
		t.Fatal(err)
	}
	if stored := s.storedLogin(t, "l1"); stored.Order.HintCode != "" {
		t.Error("the hint was written with a step of something else")
	}
	s.logins.Clear() // the memory was needed for others
	hint("started")
	for s.storedLogin(t, "l1").Order.HintCode == "" { // who is never written runs into the end of the test
		time.Sleep(10 * time.Millisecond)
	}
	if stored := s.storedLogin(t, "l1"); stored.Course != "outstandingTransaction@0 started@0" || stored.Revision != 3 {
		t.Errorf("after a while the file has %+v", stored)
	}
	hint("userSign")
	if _, err := s.CancelOrder(ctx, "l1", storage.Failure{Reason: "cancelled"}, now); err != nil {
		t.Fatal(err)
	}
	if stored := s.storedLogin(t, "l1"); stored.State != storage.LoginFailed || stored.Revision != 5 || stored.Course != "outstandingTransaction@0 started@0 userSign@0" {
		t.Errorf("the login's next step left %+v", stored)
	}
	if _, err := s.RecordHint(ctx, "l1", "o1", storage.PhaseWorking, "late", now); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("a hint of an ended order: %v", err)
	}
}

// TestHintsAreSavedAtTheEnd: closing the store writes what is newer in memory.
func TestHintsAreSavedAtTheEnd(t *testing.T) {
	s := openTest(t, Options{})
	ctx, now := t.Context(), time.Now().UTC().Truncate(time.Microsecond)
	login := storage.Login{Request: new(storage.AuthRequest), ID: "l1", State: storage.LoginPending, Expires: now.Add(time.Hour), Order: &storage.Order{ID: "o1", Started: now}}
	err := s.CreateLogin(ctx, login)
	_, hinted := s.RecordHint(ctx, "l1", "o1", storage.PhaseWorking, "started", now)
	if err := errors.Join(err, hinted, s.Close()); err != nil {
		t.Fatal(err)
	}
	again, err := Open(s.path, storagetest.FixedSealer("test"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if stored := again.storedLogin(t, "l1"); stored.Order.HintCode != "started" {
		t.Errorf("after closing the file has %q", stored.Order.HintCode)
	}
}
