package web_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"brygga/eid"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
	"brygga/templates"
)

// The texts of the invented eID, which has none for some of its words.
const (
	tagSv = `eid.name: Tagg
app-wait.title: Håll taggen mot läsaren
app-wait.text: Läsaren lyser när den är redo.
progress.tagRead.title: Taggen är läst
progress.tagRead.text: Tryck på knappen på taggen.
failed.tagWithdrawn.title: Taggen togs bort
failed.tagWithdrawn.text: Håll den kvar mot läsaren.
`
	tagEn = `eid.name: Tag
app-wait.title: Hold the tag to the reader
`
)

// newSelectHouse is a site with BankID and the invented eID. Client "both" has both, "tagged" the second alone, and the others name none.
func newSelectHouse(t *testing.T, offer login.Offer) (*house, *tagService) {
	t.Helper()
	tag := &tagService{}
	messages, err := templates.BuiltIn().WithEID("tag", map[string][]byte{"sv": []byte(tagSv), "en": []byte(tagEn)})
	must(t, err)
	h := newHouse(t, shared, func(s *settings) {
		s.engine.Methods = append(s.engine.Methods, tag)
		s.engine.Offers = map[string]login.Offer{"tag": offer}
		s.engine.CollectEvery, s.engine.Verify, s.web.Messages = 0, login.VerifyOff, messages
	})
	for id, methods := range map[string][]string{"both": {login.MethodBankID, "tag"}, "tagged": {"tag"}} {
		must(t, h.store.CreateClient(t.Context(), storage.Client{ID: id, Name: "Journalen", RedirectURIs: []string{callback + "/" + id}, Methods: methods}))
	}
	return h, tag
}

// TestSelect: of several eIDs the person chooses one, comes back to the choice from each page of it, and finds the last one first the next time.
func TestSelect(t *testing.T) {
	t.Parallel()
	h, _ := newSelectHouse(t, login.Offer{})
	b := h.browser(windowsPC)
	path := b.begin("both")
	if p := b.get(path); !p.has(`data-view="select"`, path+"?method=bankid", path+"?method=tag", ">Tagg<") || p.has("/start") {
		t.Fatalf("the choice:\n%s", p.body)
	}
	p := b.get(path + "?method=tag")
	if !p.has(`data-view="choose.tag"`, `name="method" value="tag"`, path+"?method=") || p.first() != "this" || strings.Contains(p.body, `value="other"`) {
		t.Errorf("the eID that was chosen:\n%s", p.body)
	}
	if answer := b.post(path+"/start", "device", "this", "method", "tag", "first", "1"); answer.location != path {
		t.Errorf("start leads to %q", answer.location)
	}
	if p := b.get(path); !p.has(`data-view="app-wait.1"`, "Håll taggen mot läsaren", path+"/choose") {
		t.Errorf("its order:\n%s", p.body)
	}
	if answer := b.post(path + "/choose"); answer.location != path+"?method=" {
		t.Errorf("the way back to the choice leads to %q", answer.location)
	}
	if l := h.login(path); l.State != storage.LoginFailed || l.Failure.Reason != login.ReasonCancelled {
		t.Errorf("the order is not ended: %s %q", l.State, l.Failure.Reason)
	}
	if p := b.get(path + "?method="); !p.has(`data-view="select"`) {
		t.Errorf("no choice again:\n%s", p.body)
	}
	if p := b.get(path + "?method=bankid"); !p.has(`data-view="choose.bankid"`, `name="method" value="bankid"`, `value="other"`) {
		t.Errorf("the other eID:\n%s", p.body)
	}
	b.post(path+"/start", "device", "other", "method", "bankid")
	if l := h.login(path); l.State != storage.LoginPending || l.Order.Method != login.MethodBankID {
		t.Fatalf("the other eID has no order: %s", l.State)
	}
	if p := b.get(path); !p.has(`data-view="qr-wait"`, path+"/choose") {
		t.Errorf("its order:\n%s", p.body)
	}
}

// TestSelectRemembers: the eID of the last completed login comes first, and a broken word of the browser's changes nothing.
func TestSelectRemembers(t *testing.T) {
	t.Parallel()
	h, tag := newSelectHouse(t, login.Offer{})
	b := h.browser(windowsPC)
	path := b.begin("both")
	b.post(path+"/start", "device", "other", "method", "bankid") // tried, and not completed
	tag.progress.Store(&eid.Progress{Status: eid.Complete, Identity: storage.Identity{Method: "tag", PersonalNumber: secret.New(shared.person(t)), DeviceIP: "127.0.0.1", Risk: "low"}})
	b.post(path+"/start", "device", "other", "method", "tag")
	b.await(path, "complete")
	b.post(path + "/done")
	first := func() string {
		_, rest, _ := strings.Cut(b.get(b.begin("both")).body, "?method=")
		method, _, _ := strings.Cut(rest, `"`)
		return method
	}
	if got := first(); got != "tag" {
		t.Errorf("%q is first", got)
	}
	b.http.Jar.SetCookies(mustURL(t, b.url), []*http.Cookie{{Name: "brygga-method", Value: "<b>"}})
	if got := first(); got != "bankid" {
		t.Errorf("with a broken cookie %q is first", got)
	}
}

// TestSelectInTabs: a page at the choice stays there whatever became of the login before, and follows an order of another tab to its end.
func TestSelectInTabs(t *testing.T) {
	t.Parallel()
	h, tag := newSelectHouse(t, login.Offer{})
	b := h.browser(windowsPC)
	path := b.begin("both")
	for view, want := range map[string]string{"": "select", "select": "select", "choose.tag": "choose.tag", "choose.tag.tablet": "choose.tag", "choose.none": "select"} {
		if u := b.status(path + "/status?view=" + view); u.View != want {
			t.Errorf("a page that shows %q is told %q", view, u.View)
		}
	}
	b.post(path+"/start", "device", "this", "method", "tag")
	if u := b.status(path + "/status?view=select"); u.View != "app-wait.1" {
		t.Errorf("the other tab shows %q", u.View)
	}
	tag.progress.Store(&eid.Progress{Status: eid.Failed, Phase: storage.PhaseInApp, HintCode: "tagWithdrawn"})
	b.await(path, "failed-tagWithdrawn")
	if u := b.status(path + "/status?view=app-wait.1"); u.View != "failed-tagWithdrawn" || !strings.Contains(u.HTML, `name="method" value="tag"`) {
		t.Errorf("the tab that followed shows %q, and tries again by\n%s", u.View, u.HTML)
	}
	if u := b.status(path + "/status?view=select"); u.View != "select" {
		t.Errorf("who is at the choice is told %q", u.View)
	}
}

// TestPagesOfAnotherEIDSpeakOfIt: no page of an eID speaks of another one, and words that it has no text for are said neutrally.
func TestPagesOfAnotherEIDSpeakOfIt(t *testing.T) {
	t.Parallel()
	h, tag := newSelectHouse(t, login.Offer{})
	b := h.browser(windowsPC)
	path := b.begin("tagged")
	see := func(view string) {
		t.Helper()
		b.await(path, view)
		for _, lang := range []string{"sv", "en"} {
			b.get(path + "?lang=" + lang)
			if p := b.get(path); strings.Contains(p.body, "BankID") || !p.has(`data-view="`+view+`"`) {
				t.Errorf("%s in %s:\n%s", view, lang, p.body)
			}
		}
	}
	see("choose")
	for _, failed := range []struct{ hint, view string }{{"tagWithdrawn", "failed-tagWithdrawn"}, {"userCancel", "failed-unknown"}, {"startFailed", "failed-unknown"}} {
		tag.progress.Store(nil)
		b.post(path+"/start", "device", "other") // which it has no code for
		b.await(path, "app-wait."+string('0'+rune(h.login(path).Orders)))
		if l := h.login(path); l.Order.Method != "tag" || l.Order.Starter.Device != storage.DeviceThis {
			t.Fatalf("an order of %q for %s device", l.Order.Method, l.Order.Starter.Device)
		}
		tag.progress.Store(&eid.Progress{Phase: storage.PhaseInApp, HintCode: "tagRead"})
		see("tagRead")
		tag.progress.Store(&eid.Progress{Status: eid.Failed, Phase: storage.PhaseInApp, HintCode: failed.hint})
		see(failed.view)
	}
	tag.progress.Store(&eid.Progress{Phase: storage.PhaseWorking, HintCode: "userMrtd"}) // BankID's for something else
	b.post(path+"/start", "device", "this")
	see("in-progress")
}

// TestSelectOnlyWhatIsOffered: an address or a form that names another eID leads to what is offered, and makes no order.
func TestSelectOnlyWhatIsOffered(t *testing.T) {
	t.Parallel()
	h, _ := newSelectHouse(t, login.Offer{Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	b := h.browser(windowsPC)
	for _, client := range []string{"app", "both"} { // one is left: it is taken without asking
		path := b.begin(client)
		if p := b.get(path + "?method=tag"); !p.has(`data-view="choose"`) || p.has("?method=") || p.has(`name="method"`) {
			t.Errorf("%s:\n%s", client, p.body)
		}
		if answer := b.post(path+"/start", "device", "this", "method", "tag"); answer.location != path || h.login(path).Order != nil {
			t.Errorf("%s: start by what is not offered leads to %q", client, answer.location)
		}
	}
	path := b.begin("tagged") // none is left since the request came
	if p := b.get(path); !p.has(`data-view="failed-noMethod"`, path+"/leave") || p.has("/start") {
		t.Errorf("none that is offered:\n%s", p.body)
	}
	if answer := b.post(path+"/start", "device", "this"); answer.location != path || h.login(path).Order != nil {
		t.Errorf("a start by none leads to %q", answer.location)
	}
}
