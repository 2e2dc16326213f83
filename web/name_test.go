package web_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"brygga/eid"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
	"brygga/templates"
)

// named is what the tests type: the number of a tag, which must be found nowhere but in the store, sealed.
const named = "T-canary-name"

// askService is the invented eID that asks people on another device by the number of their tag.
type askService struct {
	tagService
	mu sync.Mutex
	// refuse is the error of starts, and slow how long each takes.
	refuse error
	slow   time.Duration
	asked  []string
}

func (*askService) readTag(typed string) (storage.PersonKey, bool) {
	typed = strings.TrimSpace(typed)
	return storage.PersonKey{Name: "tagId", Value: secret.New(typed)}, strings.HasPrefix(typed, "T-")
}

func (s *askService) Traits() eid.Traits {
	t := s.tagService.Traits()
	t.Naming = &eid.Naming{Kinds: []string{"employeeNumber", "hsaId"}, Read: s.readTag, App: "Taggtjänsten"}
	return t
}

func (s *askService) Start(_ context.Context, r eid.Request) (storage.Order, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	time.Sleep(s.slow)
	s.asked = append(s.asked, r.Starter.Device+" "+r.Required.Value.Reveal())
	return storage.Order{Ref: secret.New("tag order"), Started: time.Now(), HintCode: "userSign"}, s.refuse
}

func (s *askService) starts() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// newAskHouse is a site with BankID and that eID. Client "both" has both, "asks" the second alone, and "plain" too, without the right to ask.
func newAskHouse(t *testing.T) (*house, *askService) {
	t.Helper()
	tag := &askService{}
	messages, err := templates.BuiltIn().WithEID("tag", map[string][]byte{"sv": []byte(tagSv), "en": []byte(tagEn)})
	must(t, err)
	h := newHouse(t, shared, func(s *settings) {
		s.engine.Methods = append(s.engine.Methods, tag)
		s.engine.CollectEvery, s.engine.Verify, s.web.Messages = 0, login.VerifyOff, messages
		s.engine.Policy.PersonKeys = []string{storage.KeyPersonalNumber, "tagId"}
	})
	for _, c := range []storage.Client{
		{ID: "both", Methods: []string{login.MethodBankID, "tag"}, TypedIdentifiers: true}, {ID: "asks", Methods: []string{"tag"}, TypedIdentifiers: true},
		{ID: "plain", Methods: []string{"tag"}},
	} {
		c.Name, c.RedirectURIs = "Journalen", []string{callback + "/" + c.ID}
		must(t, h.store.CreateClient(t.Context(), c))
	}
	return h, tag
}

// holder is who has a tag.
func holder(tag string) *eid.Progress {
	return &eid.Progress{Status: eid.Complete, Identity: storage.Identity{
		Method: "tag", Name: secret.New("Kim"), Keys: []storage.PersonKey{{Name: "tagId", Value: secret.New(tag)}}, DeviceIP: "203.0.113.9", Risk: "low",
	}}
}

// TestName: who has a card elsewhere types who they are, is asked there, and is logged in; what was typed is in no address and no log.
func TestName(t *testing.T) {
	t.Parallel()
	h, tag := newAskHouse(t)
	for client, query := range map[string]string{"asks": "?device=other", "both": "?device=other&method=tag"} {
		tag.progress.Store(nil)
		b := h.browser(windowsPC)
		path := b.begin(client)
		escaped := strings.ReplaceAll(path+query, "&", "&amp;")
		if p := b.get(path + "?method=tag"); !p.has(`href="`+escaped+`"`, "Använd en annan enhet") || strings.Contains(p.body, `value="other"`) {
			t.Fatalf("%s: the choice:\n%s", client, p.body)
		}
		p := b.get(path + query)
		if !p.has("<h1 tabindex=\"-1\">Skriv vem du är</h1>", `<label for="person">Anställningsnummer eller HSA-id</label>`, `autocomplete="off"`, `spellcheck="false"`, `/assets/name.`) || p.has("aria-invalid") {
			t.Fatalf("%s: where a person is named:\n%s", client, p.body)
		}
		answer := b.post(path+"/start", "device", "other", "method", "tag", "first", "1", "person", " "+named+" ")
		if answer.location != path || strings.Contains(answer.location, "canary") {
			t.Fatalf("%s: start leads to %q", client, answer.location)
		}
		if p := b.get(path); !p.has(`data-view="ask-wait"`, "Taggtjänsten", path+"/start", path+"/cancel") || strings.Contains(p.body, "canary") || strings.Contains(p.body, "tag.example") {
			t.Fatalf("%s: while the person is asked:\n%s", client, p.body)
		}
		tag.progress.Store(holder(named))
		b.await(path, "complete")
		b.post(path + "/done")
		if l := h.login(path); !l.Starter().Person.IsZero() {
			t.Errorf("%s: an answered login knows who was asked", client)
		}
	}
	if strings.Contains(h.log.String(), "canary") {
		t.Error("what was typed is in the log")
	}
}

// TestNameIsNone: what can be nobody's is said to be so beside the field, which keeps it, and nothing is begun.
func TestNameIsNone(t *testing.T) {
	t.Parallel()
	h, tag := newAskHouse(t)
	b := h.browser(windowsPC)
	path := b.begin("both")
	for typed, stands := range map[string]string{"": "", "x": "x", `"><script>`: "&#34;&gt;&lt;script&gt;", strings.Repeat("y", 300): strings.Repeat("y", 200), "\xff\xfe": ""} {
		p := b.post(path+"/start", "device", "other", "method", "tag", "first", "1", "person", typed)
		if p.status != http.StatusUnprocessableEntity || !p.has(`data-view="name.tag"`, `value="`+stands+`"`, `aria-invalid="true"`, `aria-describedby="person-wrong"`, `id="person-wrong"`, "Fyll i anställningsnummer eller HSA-id.") {
			t.Errorf("%q: %d\n%s", typed, p.status, p.body)
		}
	}
	if p := b.post(path+"/start", "device", "other", "method", "tag"); p.location != path+"?device=other&method=tag" {
		t.Errorf("a press without a name leads to %q", p.location)
	}
	if l := h.login(path); l.Order != nil || len(tag.starts()) != 0 {
		t.Error("something was begun")
	}
}

// TestNameWithoutTheRight: nobody is asked for a client without the right, whatever is posted.
func TestNameWithoutTheRight(t *testing.T) {
	t.Parallel()
	h, tag := newAskHouse(t)
	b := h.browser(windowsPC)
	path := b.begin("plain")
	for _, query := range []string{"", "?device=other"} {
		if p := b.get(path + query); !p.has(`data-view="choose"`) || p.has("device=other") || p.has(`name="person"`) {
			t.Errorf("%q:\n%s", query, p.body)
		}
	}
	b.post(path+"/start", "device", "other", "person", named)
	if got := tag.starts(); len(got) != 1 || got[0] != "this " {
		t.Errorf("asked was %q", got)
	}
}

// TestNameFromAnotherSite: no other site has anybody asked, and no other browser sees who was named.
func TestNameFromAnotherSite(t *testing.T) {
	t.Parallel()
	h, tag := newAskHouse(t)
	b := h.browser(windowsPC)
	path := b.begin("asks")
	body := url.Values{"device": {"other"}, "person": {named}}.Encode()
	b.header = http.Header{"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}}
	if p := b.do("POST", path+"/start", "application/x-www-form-urlencoded", body); p.status != http.StatusForbidden {
		t.Errorf("another site gets %d", p.status)
	}
	b.header = http.Header{}
	if p := b.do("GET", path+"/start?"+body, "", ""); p.location != path {
		t.Errorf("an address that names somebody leads to %q", p.location)
	}
	if len(tag.starts()) != 0 {
		t.Fatalf("asked was %q", tag.starts())
	}
	b.post(path+"/start", "device", "other", "person", named)
	b.post(path + "/cancel")
	stranger := h.browser(windowsPC)
	if p := stranger.get(path + "?device=other"); p.status != http.StatusNotFound || strings.Contains(p.body, "canary") {
		t.Errorf("another browser sees %d", p.status)
	}
}

// TestNameAgain: who was named stands in the field when the person comes back to it in that login, from each way there is; another name is another wish.
func TestNameAgain(t *testing.T) {
	t.Parallel()
	h, tag := newAskHouse(t)
	b := h.browser(windowsPC)
	path := b.begin("both")
	b.post(path+"/start", "device", "other", "method", "tag", "first", "1", "person", named)
	b.await(path, "ask-wait")
	answer := b.post(path+"/choose", "device", "other", "method", "tag")
	if answer.location != path+"?device=other&method=tag" {
		t.Fatalf("the way to another name is %q", answer.location)
	}
	if p := b.get(answer.location); !p.has(`data-view="name.tag"`, `value="`+named+`"`) || h.login(path).State != storage.LoginFailed {
		t.Errorf("the field again:\n%s", p.body)
	}
	if p := b.get(path); !p.has(`data-view="failed-stopped"`, strings.ReplaceAll(answer.location, "&", "&amp;")) {
		t.Errorf("who has cancelled:\n%s", p.body)
	}
	if p := b.get(answer.location + "&lang=en"); p.location != answer.location {
		t.Errorf("another language leads to %q", p.location)
	}
	b.post(path+"/start", "device", "other", "method", "tag", "first", "1", "person", "T-2")
	b.await(path, "ask-wait")
	tag.progress.Store(holder(named)) // who was asked first answers late
	if u := b.await(path, "failed-wrongPerson"); !strings.Contains(u.HTML, "device=other") {
		t.Errorf("another try:\n%s", u.HTML)
	}
	if got := strings.Join(tag.starts(), ", "); got != "other "+named+", other T-2" {
		t.Errorf("asked were %s", got)
	}
}

// TestNameThatTheClientMeans stands in the field, if it can be one, and may be changed.
func TestNameThatTheClientMeans(t *testing.T) {
	t.Parallel()
	h, tag := newAskHouse(t)
	for hint, stands := range map[string]string{named: named, "nobody's": "", `T-"><b>`: "T-&#34;&gt;&lt;b&gt;"} {
		b := h.browser(windowsPC)
		path := b.begin("asks&login_hint=" + url.QueryEscape(hint))
		if p := b.get(path + "?device=other"); !p.has(`value="`+stands+`"`) || strings.Contains(p.body, "<b>\"") {
			t.Errorf("%q:\n%s", hint, p.body)
		}
		b.post(path+"/start", "device", "other", "person", "T-2")
	}
	if got := tag.starts(); len(got) == 0 || got[0] != "other T-2" {
		t.Errorf("asked was %q", got)
	}
}

// TestNameAndBankID: an order for a person gives way to BankID and comes back, and neither leaves anything with the other.
func TestNameAndBankID(t *testing.T) {
	t.Parallel()
	h, tag := newAskHouse(t)
	b := h.browser(windowsPC)
	path := b.begin("both")
	b.post(path+"/start", "device", "other", "method", "tag", "first", "1", "person", named)
	b.await(path, "ask-wait")
	b.post(path + "/choose")
	b.post(path+"/start", "device", "other", "method", "bankid", "person", named)
	l := h.login(path)
	if b.await(path, "qr-wait"); l.Order.Method != login.MethodBankID || !l.Order.Starter.Person.IsZero() {
		t.Errorf("BankID's order is for somebody who was named")
	}
	tag.progress.Store(holder(named)) // too late
	time.Sleep(20 * time.Millisecond)
	b.post(path + "/choose")
	tag.progress.Store(nil)
	if p := b.get(path + "?device=other&method=tag"); !p.has(`value=""`) {
		t.Errorf("the field after BankID:\n%s", p.body)
	}
	b.post(path+"/start", "device", "other", "method", "tag", "first", "1", "person", named)
	b.await(path, "ask-wait")
	tag.progress.Store(holder(named))
	b.await(path, "complete")
	if l := h.login(path); l.Order.Method != "tag" || l.Identity.Key("tagId").Value.Reveal() != named {
		t.Error("the login is not of who was asked")
	}
	b.post(path+"/start", "device", "other", "method", "none", "person", named) // an eID that is not offered
	if l := h.login(path); l.State != storage.LoginComplete || len(tag.starts()) != 2 {
		t.Errorf("it is %s after %d orders", l.State, len(tag.starts()))
	}
}

// moment is what differs from one look to the next on a page that stays the same.
var moment = regexp.MustCompile(`data-seconds="\d+"|/login/[\w-]{22}|<p class="reference">[^<]*<b>[^<]*</b>|"seconds":\d+`)

// TestStrangersSeeTheSamePage compares all that a browser gets, byte by byte, for a person who is known, unknown, blocked, being asked for another login, and
// slow to be found.
func TestStrangersSeeTheSamePage(t *testing.T) {
	t.Parallel()
	h, tag := newAskHouse(t)
	unlike := func(err error, slow time.Duration) { tag.mu.Lock(); tag.refuse, tag.slow = err, slow; tag.mu.Unlock() }
	seen := func(person string) (all []string) {
		b := h.browser(windowsPC)
		path := b.begin("both")
		answer := b.post(path+"/start", "device", "other", "method", "tag", "first", "1", "person", person)
		all = append(all, answer.location, http.StatusText(answer.status))
		for range 2 {
			all = append(all, b.get(path).body, b.do("GET", path+"/status?view=name.tag", "", "").body, b.do("GET", path+"/status?view=ask-wait", "", "").body)
			time.Sleep(300 * time.Millisecond) // the order has been made
		}
		for i := range all {
			all[i] = moment.ReplaceAllString(all[i], "")
		}
		return all
	}
	want := seen("T-known")
	for name, c := range map[string]struct {
		err  error
		slow time.Duration
	}{
		"unknown": {err: &eid.Fault{Reason: login.ReasonRejected, Personal: true}}, "blocked": {err: &eid.Fault{Reason: login.ReasonAlreadyInProgress, Personal: true}},
		"slow": {slow: 200 * time.Millisecond}, "known": {},
	} {
		unlike(c.err, c.slow)
		person := "T-" + name // which is being asked already
		if name == "known" {
			unlike(nil, 0)
		}
		for i, got := range seen(person) {
			if got != want[i] {
				at := 0
				for at < min(len(got), len(want[i])) && got[at] == want[i][at] {
					at++
				}
				t.Errorf("%s: answer %d is …%.200s\nand of somebody who is known …%.200s", name, i, got[at:], want[i][at:])
			}
		}
	}
}
