package storage_test

import (
	"errors"
	"testing"
	"time"

	"brygga/storage"
)

// TestEndNotice: a client is told once of each end, and of none that it has been told already by the answer to its start.
func TestEndNotice(t *testing.T) {
	const open, pending, complete, failed, answered = storage.LoginOpen, storage.LoginPending, storage.LoginComplete, storage.LoginFailed, storage.LoginAnswered
	for _, tt := range []struct {
		before, after storage.LoginState
		call, told    bool
		want          bool
	}{
		{pending, complete, false, true, true}, {pending, failed, false, true, true}, {complete, failed, false, true, true}, {open, failed, true, true, true},
		{open, failed, false, true, false}, {pending, complete, false, false, false}, {failed, failed, false, true, false}, {complete, complete, false, true, false},
		{open, pending, false, true, false}, {complete, answered, false, true, false},
	} {
		l := storage.Login{ID: "l", State: tt.after, Request: &storage.AuthRequest{ClientID: "app", Program: &storage.Program{Told: tt.told}}}
		if tt.call {
			l.Request.Call = &storage.Call{}
		}
		if got := l.EndNotice(tt.before, t0); (got != nil) != tt.want {
			t.Errorf("%+v: %+v", tt, got)
		}
	}
	if (&storage.Login{Request: new(storage.AuthRequest), State: failed}).EndNotice(pending, t0) != nil {
		t.Error("a login in a browser has a notice")
	}
}

// TestCancelledOnce: a failure that nobody may know yet can be cancelled, and then no more.
func TestCancelledOnce(t *testing.T) {
	l := storage.Login{
		State: storage.LoginFailed, Failure: storage.Failure{Reason: "requestRejected"},
		Request: &storage.AuthRequest{Program: &storage.Program{Quiet: t0.Add(time.Minute)}},
	}
	cancelled := storage.Failure{Reason: "cancelled", At: t0}
	if err := l.CancelOrder(cancelled); err != nil || l.Failure != cancelled {
		t.Errorf("%+v, %v", l.Failure, err)
	}
	if err := l.CancelOrder(cancelled); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("again: %v", err)
	}
}
