package login_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"brygga/audit"
	"brygga/eid"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
)

// The words of an invented eID. One of them is BankID's for something else.
const (
	tagWaiting   = "userSign" // nobody has held a tag to a reader yet
	tagRead      = "tagRead"
	tagWithdrawn = "tagWithdrawn"
	tagUnseen    = "tagUnseen"
)

// newTagService returns an invented eID: an order lives for three minutes, is asked for each three seconds, is never renewed and cannot be
// cancelled.
func newTagService() *service {
	s := newService()
	s.name, s.waiting, s.unstarted = "tag", tagWaiting, tagUnseen
	s.traits = eid.Traits{
		StartLife: 3 * time.Minute, OrderLife: 4 * time.Minute, CollectEvery: 3 * time.Second, LeastPause: 3 * time.Second,
		Kinds: []storage.Kind{storage.KindIdentify}, Channels: []eid.Channel{eid.ChannelBrowser},
		Texts: map[storage.Kind]eid.TextLimits{storage.KindIdentify: {Bytes: 60}}, Naming: &eid.Naming{Kinds: []string{"tagId"}, Read: readTag},
		Words: map[string]eid.Word{
			tagWithdrawn: {Description: "The user took the tag away.", Lapsed: true},
			tagUnseen:    {Description: "No tag was held to the reader.", Lapsed: true},
		},
	}
	return s
}

// readTag reads the number of a tag.
func readTag(typed string) (storage.PersonKey, bool) {
	return storage.PersonKey{Name: "tagId", Value: secret.New(typed)}, strings.HasPrefix(typed, "T")
}

// newTagHouse returns an engine with the invented eID, after that of [newHouse].
func newTagHouse(t *testing.T, change func(*login.Options)) (*house, *service) {
	t.Helper()
	tag := newTagService()
	return runHouse(t, openTagStore(t), newService(), func(o *login.Options) {
		o.Methods = append(o.Methods, tag)
		if change != nil {
			change(o)
		}
	}), tag
}

// openTagStore returns a store with a client that has the invented eID.
func openTagStore(t *testing.T) storage.Store {
	t.Helper()
	store := openStore(t, filepath.Join(t.TempDir(), "store"))
	if err := store.CreateClient(t.Context(), storage.Client{ID: "app", Name: "Appen", CustomIdentifier: "tag", Methods: []string{"fake", "tag"}, TypedIdentifiers: true}); err != nil {
		t.Fatal(err)
	}
	return store
}

// byTag is somebody who has chosen the invented eID.
var byTag = storage.Starter{Device: storage.DeviceThis, IP: "192.0.2.1", Method: "tag"}

func TestSecondMethodKeepsItsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, tag := newTagHouse(t, nil)
		defer h.close()
		l := h.started(byTag)
		if l.Order.Method != "tag" || l.Order.Kind != storage.KindIdentify || h.service.orders() != 0 || tag.orders() != 1 {
			t.Fatalf("the order is one of %q to %q", l.Order.Method, l.Order.Kind)
		}
		l = h.after(2*time.Minute, l)
		h.wantState(l, storage.LoginPending, "")
		if !l.Order.AwaitsApp() || l.Order.HintCode != tagWaiting || h.Launch(l).URL.IsZero() {
			t.Errorf("it is at %q and cannot be opened", l.Order.HintCode)
		}
		asked := tag.collected(1)
		for i := 1; i < len(asked); i++ {
			if pace := asked[i].Sub(asked[i-1]); pace != 3*time.Second {
				t.Fatalf("it is asked for again after %s", pace)
			}
		}
		l = h.after(time.Minute+4*time.Second, l)
		h.wantState(l, storage.LoginFailed, tagUnseen)
		if tag.orders() != 1 || tag.wasCancelled(1) {
			t.Error("it was renewed or cancelled")
		}
		if text := h.Description(l, tagUnseen); text != "No tag was held to the reader." {
			t.Errorf("the client is told %q", text)
		}
		if len(h.events(audit.LoginEnded)) != 1 {
			t.Error("it did not count as expired")
		}
	})
}

// TestSecondMethodByItsOwnWords tells of each phase in words that are another eID's for another one, or nobody's.
func TestSecondMethodByItsOwnWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, tag := newTagHouse(t, nil)
		defer h.close()
		l := h.started(byTag)
		at := func(p eid.Progress) *storage.Login {
			tag.set(1, p, nil)
			return h.after(3*time.Second, l)
		}
		if l = at(eid.Progress{Phase: storage.PhaseInApp, HintCode: "outstandingTransaction"}); l.Order.AwaitsApp() || !h.Launch(l).URL.IsZero() {
			t.Error("an order that an app has can be opened")
		}
		if l = at(eid.Progress{Phase: storage.PhaseWaiting, HintCode: "outstandingTransaction"}); !l.Order.AwaitsApp() {
			t.Error("a phase that has changed alone was not stored")
		}
		if l = at(eid.Progress{Phase: storage.PhaseWorking, HintCode: tagRead}); l.Order.AwaitsApp() || l.Order.HintCode != tagRead {
			t.Errorf("it is at %q", l.Order.HintCode)
		}
		if l = at(eid.Progress{Phase: storage.PhaseInApp, HintCode: "brandNew"}); l.Order.HintCode != tagRead {
			t.Errorf("it has gone back to %q", l.Order.HintCode)
		}
		if l = at(eid.Progress{Status: eid.Failed, Phase: storage.PhaseInApp, HintCode: tagWithdrawn}); l.Failure.Reason != tagWithdrawn {
			t.Errorf("it failed for %q", l.Failure.Reason)
		}
		if len(h.events(audit.LoginEnded)) != 1 || tag.orders() != 1 {
			t.Error("what the person did counts as a fault, or another order was made")
		}
	})
}

// TestSecondMethodIsNotCancelled: an order that cannot be ended at its service is ended with us, and whatever it brings counts for nothing.
func TestSecondMethodIsNotCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, tag := newTagHouse(t, nil)
		defer h.close()
		l := h.started(byTag)
		tag.set(1, complete(tolvan()), nil)
		if _, err := h.Cancel(t.Context(), l.ID, "192.0.2.1"); err != nil {
			t.Fatal(err)
		}
		h.wantState(h.after(time.Minute, l), storage.LoginFailed, login.ReasonCancelled)
		if tag.wasCancelled(1) || len(tag.collected(1)) != 0 {
			t.Error("the service was asked for an order that nobody wants")
		}
	})
}

// TestChangeOfMethod: who has begun with one eID and takes another gets it at once, and the order before is seen to by its own.
func TestChangeOfMethod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, tag := newTagHouse(t, nil)
		defer h.close()
		l := h.started(storage.Starter{Device: storage.DeviceThis, IP: "192.0.2.1"})
		if _, err := h.Start(t.Context(), l.ID, byTag); err != nil {
			t.Fatal(err)
		}
		l = h.after(4*time.Second, l)
		if l.Order.Method != "tag" || !h.service.wasCancelled(1) || len(tag.collected(1)) != 1 {
			t.Errorf("the order is one of %q, the one before was cancelled: %t", l.Order.Method, h.service.wasCancelled(1))
		}
		if _, err := h.Start(t.Context(), l.ID, storage.Starter{Device: storage.DeviceThis, IP: "192.0.2.1"}); err != nil {
			t.Fatal(err)
		}
		h.service.set(2, complete(tolvan()), nil)
		h.wantState(h.after(4*time.Second, l), storage.LoginComplete, "")
		if tag.wasCancelled(1) {
			t.Error("what cannot be cancelled was")
		}
	})
}

// TestOrderOfEachMethodGoesOn: after a restart each order is collected by its own method, and ends with a reason where that is gone.
func TestOrderOfEachMethodGoesOn(t *testing.T) {
	for name, gone := range map[string]bool{"configured": false, "gone": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, tag := newTagHouse(t, nil)
				l, other := h.started(byTag), h.started(other)
				h.stop()
				h = runHouse(t, h.store, h.service, func(o *login.Options) {
					if !gone {
						o.Methods = append(o.Methods, tag)
					}
				})
				defer h.close()
				tag.set(1, complete(tolvan()), nil)
				h.service.set(1, complete(tolvan()), nil)
				h.look(other, true)
				l = h.after(10*time.Second, l)
				if gone {
					h.wantState(l, storage.LoginFailed, login.ReasonMethodGone)
					if h.Launch(l).Possible || h.Description(l, l.Failure.Reason) == h.Description(l, "unheardOf") {
						t.Error("its page offers the app, or its client is told nothing")
					}
				} else {
					h.wantState(l, storage.LoginComplete, "")
				}
				h.wantState(h.after(0, other), storage.LoginComplete, "")
			})
		})
	}
}

// holder is somebody whom the invented eID knows by the tag alone.
func holder(tag string) storage.Identity {
	return storage.Identity{Method: "tag", Keys: []storage.PersonKey{{Name: "tagId", Value: secret.New(tag)}}, DeviceIP: "192.0.2.1", Risk: "low"}
}

// TestPersonByAnotherKey: who has no personal number is somebody to a client whose policy says by what, and to no other.
func TestPersonByAnotherKey(t *testing.T) {
	for _, test := range []struct {
		name     string
		keys     []string
		required string
		minimum  int
		identity storage.Identity
		want     string
	}{
		{"known by the tag", []string{"tagId"}, "", 0, holder("T1"), ""},
		{"by the first key there is", []string{storage.KeyPersonalNumber, "tagId"}, "", 0, holder("T1"), ""},
		{"known by the number alone", nil, "", 0, holder("T1"), login.ReasonNoIdentifier},
		{"known by another key", []string{"hsaId"}, "", 0, holder("T1"), login.ReasonNoIdentifier},
		{"no key at all", []string{"tagId"}, "", 0, holder(""), login.ReasonNoIdentifier},
		{"a number was required", []string{"tagId"}, "191212121212", 0, holder("T1"), login.ReasonOtherPerson},
		{"an age was required", []string{"tagId"}, "", 18, holder("T1"), login.ReasonTooYoung},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				subjects := map[string]bool{}
				h, tag := newTagHouse(t, func(o *login.Options) {
					o.Policy = storage.Policy{PersonKeys: test.keys, MinimumAge: test.minimum}
					o.Subject = func(_ *storage.Client, i *storage.Identity) string {
						subjects[i.Keys[0].Value.Reveal()] = true
						return "subject"
					}
				})
				defer h.close()
				tag.set(1, complete(test.identity), nil)
				l, err := h.Create(t.Context(), storage.AuthRequest{ClientID: "app", RequiredPersonalNumber: secret.New(test.required)}, secret.New("binding"), "192.0.2.1")
				if err != nil {
					t.Fatal(err)
				}
				if l, err = h.Start(t.Context(), l.ID, byTag); err != nil {
					t.Fatal(err)
				}
				l = h.after(4*time.Second, l)
				if l.Failure.Reason != test.want || (l.State == storage.LoginComplete) != (test.want == "") {
					t.Fatalf("login is %s (%q), want %q", l.State, l.Failure.Reason, test.want)
				}
				if test.want == "" && (!subjects["T1"] || !l.Identity.SamePerson(&test.identity) || h.events(audit.LoginCompleted)[0].Fields["SOURCE_USER_NAME"] == "") {
					t.Errorf("the person is %+v to the log", h.events(audit.LoginCompleted)[0])
				}
			})
		})
	}
}

// TestSecondMethodIsWaitedFor: how long a fault may last is the method's to say.
func TestSecondMethodIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, tag := newTagHouse(t, func(o *login.Options) { o.Window = 20 * time.Minute })
		defer h.close()
		tag.set(1, eid.Progress{}, &eid.Fault{Reason: login.ReasonUnavailable, Passing: true, Err: errors.New("503")})
		tag.set(2, eid.Progress{}, &eid.Fault{Reason: login.ReasonLost, Err: errors.New("no such order")})
		l, lost := h.started(byTag), h.started(byTag)
		h.wantState(h.after(5*time.Minute, l), storage.LoginPending, "")
		h.wantState(h.after(2*time.Minute, l), storage.LoginFailed, login.ReasonUnavailable)
		h.wantState(h.after(0, lost), storage.LoginFailed, login.ReasonLost)
		if tag.orders() != 2 {
			t.Error("an order was renewed")
		}
	})
}

// TestNoWayBackWithoutRisk: where nothing tells whoever approved from whoever began, no order is made, and a result of one from before does not count.
func TestNoWayBackWithoutRisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, tag := newTagHouse(t, nil)
		tag.noReturn = true
		l := h.started(byTag)
		h.wantState(l, storage.LoginFailed, login.ReasonNoWayBack)
		if tag.orders() != 0 {
			t.Error("somebody was asked to approve what would be refused")
		}
		h.stop()
		tag.traits.Risk = true // as in a version before
		more := func(o *login.Options) { o.Methods = append(o.Methods, tag) }
		h = runHouse(t, h.store, h.service, more)
		l = h.started(byTag)
		h.stop()
		tag.traits.Risk = false
		h = runHouse(t, h.store, h.service, more)
		defer h.close()
		tag.set(1, complete(tolvan()), nil)
		h.wantState(h.after(10*time.Second, l), storage.LoginFailed, login.ReasonNoWayBack)
	})
}

// TestReturnIsNotWaivedWithoutRisk: what an identity says of a risk that its service does not judge counts for nothing.
func TestReturnIsNotWaivedWithoutRisk(t *testing.T) {
	for _, judges := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			store, tag := openStore(t, filepath.Join(t.TempDir(), "store")), newTagService()
			if err := store.CreateClient(t.Context(), storage.Client{ID: "app", Name: "Appen", Methods: []string{"tag"}}); err != nil {
				t.Fatal(err)
			}
			tag.traits.Risk = judges
			h := runHouse(t, store, newService(), func(o *login.Options) {
				o.Methods, o.Policy.Return = append(o.Methods, tag), storage.ReturnBalanced
			})
			defer h.close()
			tag.set(1, complete(tolvan()), nil)
			starter := byTag
			starter.DeviceIdentifier = "cookie"
			l := h.after(4*time.Second, h.started(starter))
			h.wantState(l, storage.LoginComplete, "")
			if l.ReturnWaived != judges {
				t.Errorf("the service judges risks: %t, and the return is waived: %t", judges, l.ReturnWaived)
			}
		})
	}
}

// TestSecondMethodShowsWhatItCan: texts are for what the app of an eID can show.
func TestSecondMethodShowsWhatItCan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, tag := newTagHouse(t, func(o *login.Options) {
			o.VisibleText = func(*storage.Client, string) string { return "Log in to Appen" }
			o.Policy.VisibleText, o.Policy.VisibleFormat = map[string]string{"sv": "# Logga in"}, "simpleMarkdownV1"
		})
		defer h.close()
		sv := byTag
		sv.Language = "sv"
		h.started(sv)
		if r := tag.request(1); r.VisibleText != "Log in to Appen" || r.VisibleFormat != eid.PlainText {
			t.Errorf("shown is %q as %q", r.VisibleText, r.VisibleFormat)
		}
		client, err := h.store.Client(t.Context(), "app")
		if err != nil {
			t.Fatal(err)
		}
		for text, fits := range map[string]bool{"Box 7": true, strings.Repeat("x", 60): false} {
			if got := h.MessageFits(client, &storage.UserMessage{Text: map[string]string{"en": text}, Format: eid.PlainText}, []string{"en"}); got != fits {
				t.Errorf("a message of %d bytes fits: %t", len(text), got)
			}
		}
		if h.MessageFits(client, &storage.UserMessage{Text: map[string]string{"en": "**Box 7**"}, Format: "simpleMarkdownV1"}, []string{"en"}) {
			t.Error("a message fits that one of the eIDs cannot show")
		}
	})
}

// TestMethodsThatCannotBe are refused before anything starts.
func TestMethodsThatCannotBe(t *testing.T) {
	store := openStore(t, filepath.Join(t.TempDir(), "store"))
	defer store.Close()
	for name, change := range map[string]func(*login.Options, *service){
		"none":                    func(o *login.Options, _ *service) { o.Methods = nil },
		"two of a name":           func(o *login.Options, s *service) { s.name = "fake" },
		"no name":                 func(o *login.Options, s *service) { s.name = "" },
		"asked for too often":     func(o *login.Options, s *service) { o.CollectEvery = 2 * time.Second },
		"renewed when it is dead": func(o *login.Options, s *service) { s.traits.RenewAfter = 3 * time.Minute },
		"dead before its time":    func(o *login.Options, s *service) { s.traits.OrderLife = time.Minute },
	} {
		log, err := audit.New(audit.Options{Store: store, PseudonymKey: slices.Repeat([]byte{1}, 32)})
		if err != nil {
			t.Fatal(err)
		}
		tag := newTagService()
		o := login.Options{Store: store, Methods: []eid.Method{newService(), tag}, Audit: log, ReturnURL: func(string, secret.String) secret.String { return secret.String{} }}
		change(&o, tag)
		if _, err := login.New(o); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
}

// TestSecondMethodByItsOwnEvents has the audit log call an eID's logins by their own numbers, those of the first eID by theirs, and refuses numbers of
// something else.
func TestSecondMethodByItsOwnEvents(t *testing.T) {
	own := eid.Events{Started: "WEB_100009", Completed: "WEB_100010", Failed: "WEB_100011", Ended: "WEB_100012"}
	synctest.Test(t, func(t *testing.T) {
		tag := newTagService()
		tag.traits.Events = own
		h := runHouse(t, openTagStore(t), newService(), func(o *login.Options) { o.Methods = append(o.Methods, tag) })
		press := func(l *storage.Login, starter storage.Starter) *storage.Login {
			time.Sleep(time.Second) // the log is in the order of time
			l, err := h.Start(t.Context(), l.ID, starter)
			if err != nil {
				t.Fatal(err)
			}
			return l
		}
		cancel := func(l *storage.Login) {
			time.Sleep(time.Second)
			if _, err := h.Cancel(t.Context(), l.ID, "192.0.2.1"); err != nil {
				t.Fatal(err)
			}
		}
		defer h.close()
		l := h.started(byTag)
		tag.set(1, eid.Progress{Status: eid.Failed, HintCode: "tagBroken", Detail: "a crack"}, nil)
		l = h.after(4*time.Second, l)
		h.wantState(l, storage.LoginFailed, "tagBroken")
		l = press(l, byTag)
		cancel(l)
		l = press(l, storage.Starter{Device: storage.DeviceOther, IP: "192.0.2.1"})
		cancel(l)
		var got []string
		for _, e := range h.events(audit.Types()...) {
			got = append(got, strings.TrimSpace(e.Type+" "+e.Fields["MESSAGE"]))
		}
		want := []string{"WEB_100009", "WEB_100011 tagBroken: a crack", "WEB_100009", "WEB_100012 pageCancel", "WEB_100001", "WEB_100004 pageCancel"}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	for _, wrong := range []eid.Events{{Started: "WEB_1"}, {Started: "WEB_100010"}, {Completed: "SEC_200001"}, {Failed: "WEB_100004"}} {
		tag := newTagService()
		tag.traits.Events = wrong
		if _, err := login.New(login.Options{Store: openTagStore(t), Methods: []eid.Method{tag}, Audit: new(audit.Log), ReturnURL: func(string, secret.String) secret.String { return secret.String{} }}); err == nil {
			t.Errorf("%v are events of logins", wrong)
		}
	}
}

// TestMessageFitsTheClientsOwn: a message is held against the eIDs of its client that show texts, and one of them must.
func TestMessageFitsTheClientsOwn(t *testing.T) {
	for name, test := range map[string]struct {
		methods []string
		bytes   int // that the invented eID shows
		want    bool
	}{
		"an eID of others shows little":  {nil, 10, true},
		"one of its own shows little":    {[]string{"fake", "tag"}, 10, false},
		"one of its own shows nothing":   {[]string{"tag", "fake"}, 0, true},
		"its only one shows nothing":     {[]string{"tag"}, 0, false},
		"its only one shows little":      {[]string{"tag"}, 10, false},
		"each of its own shows enough":   {[]string{"fake", "tag"}, 100, true},
		"one that is not there any more": {[]string{"gone", "fake"}, 10, true},
		"none that is there":             {[]string{"gone"}, 100, false},
	} {
		t.Run(name, func(t *testing.T) {
			h, tag := newTagHouse(t, func(o *login.Options) {
				o.VisibleText = func(*storage.Client, string) string { return "Log in" }
				o.Methods[1].(*service).traits.Channels = []eid.Channel{eid.ChannelAPI}
			})
			defer h.close()
			tag.traits.Texts[storage.KindIdentify] = eid.TextLimits{Bytes: test.bytes}
			client := storage.Client{ID: "app", Name: "Appen", Methods: test.methods}
			message := storage.UserMessage{Text: map[string]string{"en": "Box 7, by the door"}, Format: eid.PlainText}
			if got := h.MessageFits(&client, &message, []string{"en"}); got != test.want {
				t.Errorf("it fits: %t", got)
			}
			request := storage.AuthRequest{UserMessage: &message, Program: &storage.Program{}}
			if offered := h.Offered(&client, &request, byTag); slices.Contains(offered, "tag") != (test.bytes > 0 && slices.Contains(test.methods, "tag")) {
				t.Errorf("for a program's message are offered %q", offered)
			}
		})
	}
}
