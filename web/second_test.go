package web_test

import (
	"context"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"brygga/eid"
	"brygga/secret"
	"brygga/storage"
)

// tagService is an invented eID, with a pace and words of its own. One of its words is BankID's for something else.
type tagService struct{ progress atomic.Pointer[eid.Progress] }

func (*tagService) Name() string { return "tag" }

func (*tagService) Traits() eid.Traits {
	return eid.Traits{
		StartLife: 3 * time.Minute, OrderLife: 4 * time.Minute, CollectEvery: 3 * time.Second, LeastPause: 3 * time.Second,
		NoCode: true, Risk: true, Kinds: []storage.Kind{storage.KindIdentify}, Channels: []eid.Channel{eid.ChannelBrowser},
		Words: map[string]eid.Word{"tagWithdrawn": {Description: "The user took the tag away.", Lapsed: true}},
	}
}

func (*tagService) Start(context.Context, eid.Request) (storage.Order, error) {
	return storage.Order{Ref: secret.New("tag order"), Started: time.Now(), HintCode: "userSign"}, nil
}

func (s *tagService) Collect(context.Context, *storage.Order) (eid.Progress, error) {
	if p := s.progress.Load(); p != nil {
		return *p, nil
	}
	return eid.Progress{HintCode: "userSign"}, nil
}

func (*tagService) Cancel(context.Context, *storage.Order) error { panic("cannot be cancelled") }

func (*tagService) QR(*storage.Order, time.Duration) secret.String { return secret.String{} }

func (*tagService) Launch(o *storage.Order, _ storage.Starter) eid.Launch {
	l := eid.Launch{Possible: true}
	if o != nil && !o.Ref.IsZero() {
		l.URL = secret.New("https://tag.example/open?t=1")
	}
	return l
}

func (*tagService) ReturnURL(secret.String, storage.Starter) secret.String { return secret.String{} }

// TestPageOfAnotherEID: the page goes by how far an app has come, and not by what an eID calls that.
func TestPageOfAnotherEID(t *testing.T) {
	t.Parallel()
	tag := &tagService{}
	b := newHouse(t, shared, func(s *settings) { s.engine.Methods, s.engine.CollectEvery = []eid.Method{tag}, 0 }).browser(windowsPC)
	path := b.begin("app")
	b.post(path+"/start", "device", "this")
	if page := b.get(path); !page.has(`data-view="app-wait.1"`, "https://tag.example/open?t=1") {
		t.Errorf("an order that nobody has:\n%s", page.body)
	}
	tag.progress.Store(&eid.Progress{Phase: storage.PhaseInApp, HintCode: "outstandingTransaction"})
	b.await(path, "in-progress")
	tag.progress.Store(&eid.Progress{Status: eid.Failed, Phase: storage.PhaseInApp, HintCode: "tagWithdrawn"})
	b.await(path, "failed-unknown")
	answer := b.post(path + "/leave")
	if to, err := url.Parse(answer.location); err != nil || to.Query().Get("error_description") != "The user took the tag away." {
		t.Errorf("leave leads to %q", answer.location)
	}
}
