package web_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"brygga/storage"
)

// swept is a store that has removed every login since it was read, once it is told so.
type swept struct {
	storage.Store
	gone *atomic.Bool
}

func (s swept) CancelOrder(ctx context.Context, id string, failure storage.Failure, now time.Time, tell ...storage.Tell) (*storage.Login, error) {
	if s.gone.Load() {
		return nil, storage.ErrNotFound
	}
	return s.Store.CancelOrder(ctx, id, failure, now, tell...)
}

func (s swept) BeginOrder(ctx context.Context, id string, claim storage.Claim, tell ...storage.Tell) (*storage.Login, error) {
	if s.gone.Load() {
		return nil, storage.ErrNotFound
	}
	return s.Store.BeginOrder(ctx, id, claim, tell...)
}

// A login may be removed while a press on one of its buttons is on its way. That is no fault of ours: the page says what it says of
// any login that is not there.
func TestPressOnALoginThatIsRemoved(t *testing.T) {
	t.Parallel()
	var gone atomic.Bool
	b := newHouse(t, shared, func(s *settings) { s.engine.Store = swept{s.engine.Store, &gone} }).browser(iPhone)
	path := b.begin("app")
	b.sign(b.open(path))
	b.await(path, "await-return")
	gone.Store(true)
	for _, press := range [][]string{{"/start", "device", "other"}, {"/leave"}} {
		if answer := b.post(path+press[0], press[1:]...); answer.status != http.StatusNotFound || !answer.has(`data-view="expired"`) {
			t.Errorf("%s = %d:\n%s", press[0], answer.status, answer.body)
		}
	}
	if answer := b.post(path + "/cancel"); answer.status != http.StatusSeeOther || answer.location != path {
		t.Errorf("cancel = %d to %q", answer.status, answer.location)
	}
}
