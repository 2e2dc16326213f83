package notice_test

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"brygga/notice"
	"brygga/storage"
	"brygga/storage/bolt"
	"brygga/storage/storagetest"
)

type harness struct {
	*testing.T
	store *bolt.Store
	now   time.Time
	mu    sync.Mutex
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "brygga.db"), storagetest.NewSealer(), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return &harness{T: t, store: store, now: time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)}
}

func (h *harness) ok(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func nothing(_, _ [][2]string) []storage.AuditEvent { return nil }

// TestBanner: it is shown from its beginning to its end, in the language asked for or another, in each process.
func TestBanner(t *testing.T) {
	h := newHarness(t)
	now := func() time.Time { return h.now }
	here, there := notice.NewBanners(h.store, now), notice.NewBanners(h.store, now)
	h.ok(here.Set(t.Context(), notice.Banner{Texts: map[string]string{"sv": "Underhåll 22–23"}, From: h.now.Add(time.Hour), To: h.now.Add(2 * time.Hour)}, nothing))
	for after, want := range map[time.Duration]string{0: "", time.Hour: "Underhåll 22–23", 2*time.Hour - 1: "Underhåll 22–23", 2 * time.Hour: ""} {
		h.now = time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC).Add(after)
		h.ok(there.Look(t.Context()))
		for _, language := range []string{"sv", "en", "en-GB", "fi"} {
			if got := here.Shown(language); got != want {
				t.Errorf("after %s, in %s: %q, want %q", after, language, got, want)
			}
			if got := there.Shown(language); got != want {
				t.Errorf("after %s, in %s, in another process: %q, want %q", after, language, got, want)
			}
		}
	}
	var changes [][2]string
	h.ok(here.Set(t.Context(), notice.Banner{}, func(before, after [][2]string) []storage.AuditEvent { changes = before; return nil }))
	if here.Shown("sv") != "" || changes[0] != [2]string{"text_sv", "Underhåll 22–23"} {
		t.Errorf("taken away: %q, %v", here.Shown("sv"), changes)
	}
	for name, b := range map[string]notice.Banner{
		"blank": {Texts: map[string]string{"sv": "  "}}, "long": {Texts: map[string]string{"sv": strings.Repeat("å", 301)}}, "lines": {Texts: map[string]string{"en": "a\nb"}},
		"language": {Texts: map[string]string{"sv": "a", "fi": "b"}}, "backwards": {Texts: map[string]string{"sv": "a"}, From: h.now, To: h.now},
	} {
		var problems notice.Problems
		if err := here.Set(t.Context(), b, nothing); !errors.As(err, &problems) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// process is one of those that share the store.
func (h *harness) process(name string) *notice.Alarms {
	return &notice.Alarms{Store: h.store, Process: name, Now: func() time.Time { return h.now }, Tell: func(s notice.Standing, over bool) ([]storage.AuditEvent, func()) {
		h.mu.Lock()
		defer h.mu.Unlock()
		kind := "ALM_600001"
		if over {
			kind = "ALM_600002"
		}
		return []storage.AuditEvent{{ID: storage.NewID(), Time: h.now, Type: kind, Expires: h.now.Add(time.Hour)}}, func() {}
	}}
}

// events returns how many alarms began and were over, as the audit log has it, and how many messages wait.
func (h *harness) events() (began, over, mails int) {
	h.Helper()
	all, err := h.store.AuditEvents(h.Context(), time.Time{}, h.now.Add(time.Hour), 1000)
	h.ok(err)
	for _, e := range all {
		if e.Type == "ALM_600001" {
			began++
		} else {
			over++
		}
	}
	mails, err = h.store.PendingMail(h.Context())
	h.ok(err)
	return began, over, mails
}

func (h *harness) want(began, over, mails int) {
	h.Helper()
	if b, o, m := h.events(); b != began || o != over || m != mails {
		h.Errorf("%d began, %d over, %d messages; want %d, %d, %d", b, o, m, began, over, mails)
	}
}

// TestAlarmOncePerCause: of many processes that see a cause at once, again and again, one tells; and once when the last sees it no more.
func TestAlarmOncePerCause(t *testing.T) {
	h := newHarness(t)
	processes := []*notice.Alarms{h.process("a"), h.process("b"), h.process("c")}
	h.ok(processes[0].SetRules(t.Context(), notice.Rules{Recipients: []notice.Recipient{
		{Email: "kim@example.se", Language: "sv"}, {Email: "bo@example.se", Language: "en", Kinds: []notice.Kind{notice.Disk}},
	}}, nothing))
	seen := []notice.Condition{{Kind: notice.BankID, Name: "BankID", Detail: "1 min"}}
	for range 5 {
		var all sync.WaitGroup
		for _, p := range processes {
			all.Go(func() {
				if err := p.Look(t.Context(), seen, nil); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		h.now = h.now.Add(30 * time.Second)
	}
	h.want(1, 0, 1) // bo gets no alarms of that kind
	look := func(p *notice.Alarms, after time.Duration, seen ...notice.Condition) {
		t.Helper()
		h.now = h.now.Add(after)
		h.ok(p.Look(t.Context(), seen, nil))
	}
	look(processes[0], 4*time.Minute)
	look(processes[1], 0, seen...) // one sees it longer than the others
	look(processes[0], 4*time.Minute)
	if standing, err := processes[2].Standing(t.Context()); err != nil || len(standing) != 1 || len(standing[0].Seen) != 1 {
		t.Errorf("while one has seen it of late: %+v, %v", standing, err)
	}
	h.want(1, 0, 1)
	for range 3 {
		for _, p := range processes {
			look(p, time.Minute)
		}
	}
	h.want(1, 1, 2)
	look(processes[2], 0, append(seen, notice.Condition{Kind: notice.Disk, Name: "c"})...)
	h.want(3, 1, 5)
}

// TestAlarmThatComesAndGoes is one until there has been calm for five minutes, and then a new one.
func TestAlarmThatComesAndGoes(t *testing.T) {
	h := newHarness(t)
	a := h.process("a")
	disk := []notice.Condition{{Kind: notice.Disk, Name: "data", Detail: "1 MiB"}}
	for range 10 {
		h.ok(a.Look(t.Context(), disk, nil))
		h.now = h.now.Add(2 * time.Minute)
		h.ok(a.Look(t.Context(), nil, nil))
		h.now = h.now.Add(2 * time.Minute)
	}
	h.want(1, 0, 0)
	h.now = h.now.Add(time.Minute)
	h.ok(a.Look(t.Context(), nil, nil))
	h.want(1, 1, 0)
	h.ok(a.Look(t.Context(), disk, nil))
	h.want(2, 1, 0)
}

// TestAlarmOfTheUnsure: a process that cannot tell, as it has just begun, ends nothing, however long; one that can does.
func TestAlarmOfTheUnsure(t *testing.T) {
	h := newHarness(t)
	bank := []notice.Condition{{Kind: notice.BankID, Name: "BankID", Detail: "a moment"}}
	h.ok(h.process("a").Look(t.Context(), bank, nil))
	h.now = h.now.Add(time.Hour)
	unsure := []notice.Condition{{Kind: notice.BankID, Name: "BankID"}}
	for range 3 {
		h.ok(h.process("a").Look(t.Context(), nil, unsure))
		h.ok(h.process("b").Look(t.Context(), nil, unsure))
	}
	h.want(1, 0, 0)
	h.ok(h.process("a").Look(t.Context(), bank, nil)) // it fails still
	h.want(1, 0, 0)
	h.now = h.now.Add(time.Hour)
	h.ok(h.process("b").Look(t.Context(), nil, nil))
	h.want(1, 1, 0)
}

// TestAlarmOfTheDead: what only a process has seen that died is over after a while.
func TestAlarmOfTheDead(t *testing.T) {
	h := newHarness(t)
	h.ok(h.process("dead").Look(t.Context(), []notice.Condition{{Kind: notice.Disk, Name: "dead"}}, nil))
	h.now = h.now.Add(time.Minute)
	alive := h.process("alive")
	h.ok(alive.Look(t.Context(), nil, nil))
	h.want(1, 0, 0)
	h.now = h.now.Add(5 * time.Minute)
	h.ok(alive.Look(t.Context(), nil, nil))
	h.want(1, 1, 0)
}

// TestRules: what cannot be is refused, and a test reaches each recipient.
func TestRules(t *testing.T) {
	h := newHarness(t)
	a := h.process("a")
	for name, r := range map[string]notice.Rules{
		"address":  {Recipients: []notice.Recipient{{Email: "kim", Language: "sv"}}},
		"name":     {Recipients: []notice.Recipient{{Email: "Kim <kim@example.se>", Language: "sv"}}},
		"header":   {Recipients: []notice.Recipient{{Email: "kim@example.se\r\nBcc: x@example.se", Language: "sv"}}},
		"language": {Recipients: []notice.Recipient{{Email: "kim@example.se", Language: "fi"}}},
		"kind":     {Recipients: []notice.Recipient{{Email: "kim@example.se", Language: "sv", Kinds: []notice.Kind{"weather"}}}},
		"days":     {Days: 366}, "share": {Share: 101}, "room": {FreeMiB: -1},
	} {
		var problems notice.Problems
		if err := a.SetRules(t.Context(), r, nothing); !errors.As(err, &problems) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var said [][2]string
	h.ok(a.SetRules(t.Context(), notice.Rules{Recipients: []notice.Recipient{{Email: "kim@example.se", Language: "sv"}, {Email: "bo@example.se", Language: "en"}}},
		func(_, after [][2]string) []storage.AuditEvent { said = after; return nil }))
	if strings.Contains(said[0][1], "kim@") {
		t.Errorf("the audit log is told %q", said[0][1])
	}
	sent, err := a.Test(t.Context(), func() []storage.AuditEvent { return nil })
	if err != nil || sent != 2 {
		t.Errorf("a test was sent to %d, %v", sent, err)
	}
	h.want(0, 0, 2)
}
