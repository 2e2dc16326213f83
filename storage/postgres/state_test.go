package postgres

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"brygga/storage"
	"brygga/storage/postgres/pgtest"
	"brygga/storage/storagetest"
)

// TestStateOfMany: what processes do to each other, and the database to them, is counted.
func TestStateOfMany(t *testing.T) {
	a, b := pair(t)
	ctx := t.Context()
	until := func(what string, reached func() bool) {
		t.Helper()
		for !reached() { // what is never reached runs into the end of the test
			time.Sleep(10 * time.Millisecond)
		}
		t.Log(what)
	}
	pendingOn(t, a, "l1")
	if _, err := a.RecordHint(ctx, "l1", "o1", storage.PhaseWorking, "started", moment); err != nil {
		t.Fatal(err)
	}
	until("a hint is saved late", func() bool { return a.State().SavedLate == 1 })
	until("news come back", func() bool { return a.State().NewsLag > 0 && a.news.echo.waiting() == 0 })

	if _, err := b.Login(ctx, "l1", moment); err != nil {
		t.Fatal(err)
	}
	h := b.logins.find("l1")
	if _, err := a.RecordReturn(ctx, "l1", [32]byte{}, moment); !errors.Is(err, storage.ErrMismatch) {
		t.Fatal(err)
	}
	if _, err := a.FailOrder(ctx, "l1", "o1", storage.Failure{Reason: "userCancel"}, moment); err != nil {
		t.Fatal(err)
	}
	b.logins.mu.Lock()
	b.logins.Put("l1", h, 1) // what a process knows that has been paused
	b.logins.mu.Unlock()
	if _, err := b.CompleteLogin(ctx, "l1", "o1", storage.Result{}, moment); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("what comes late is taken: %v", err)
	}
	if n := b.State().Overtaken; n != 1 {
		t.Errorf("%d writes were refused, want 1", n)
	}

	pendingOn(t, a, "l2")
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	now := b.Now().UTC()
	if _, err := b.AdoptOrders(ctx, b.Node(), now.Add(-4*time.Second), now, 10); err != nil {
		t.Fatal(err)
	}
	if n := b.State().TakenOver; n != 1 {
		t.Errorf("%d orders were taken over, want 1", n)
	}
}

// TestRetriesAreCounted: by their reasons, each of which is one.
func TestRetriesAreCounted(t *testing.T) {
	s, err := Open(t.Context(), pgtest.Database(t), storagetest.NewSealer(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for code, reason := range map[string]RetryReason{
		"40001": RetryConflict, "40P01": RetryConflict, "57P01": RetryConnection, "08006": RetryConnection, "25006": RetryStandby, "53300": RetryFull,
		"57014": "", "23505": "",
	} {
		before, sent := s.State().Retries[reason], 0
		s.retry(t.Context(), func(context.Context) error {
			if sent++; sent > 1 {
				return nil
			}
			return &pgconn.PgError{Code: code}
		})
		if again := s.State().Retries[reason] - before; reason != "" && (again != 1 || sent != 2) || reason == "" && sent != 1 {
			t.Errorf("%s: sent %d times, %d retries of %q", code, sent, again, reason)
		}
	}
	if all := s.State().Retries; len(all) != len(RetryReasons) || all[RetryConflict] != 2 || all[RetryConnection] < 2 {
		t.Errorf("in the end: %v", all)
	}
}

// TestDeafnessIsTold: who does not hear his own news, as a pooler by transaction does not pass LISTEN on, is told so, once.
func TestDeafnessIsTold(t *testing.T) {
	log := new(lockedLog)
	s, err := Open(t.Context(), pgtest.Database(t), storagetest.NewSealer(), Options{Logger: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for !strings.Contains(log.String(), "LISTEN") { // runs into the end of the test
		s.news.echo.told.Store(sinceBegan() - int64(2*deafAfter)) // the connection that listens forgets what was told before
		time.Sleep(10 * time.Millisecond)
	}
	if lag := s.State().NewsLag; lag < deafAfter {
		t.Errorf("news take %v", lag)
	}
	if n := strings.Count(log.String(), "LISTEN"); n != 1 {
		t.Errorf("it is told %d times", n)
	}
}

// lockedLog is a log that several goroutines write.
type lockedLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
