package netidlogin_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/audit"
	"brygga/netid/netidlogin"
	"brygga/netid/netidsim"
	"brygga/storage"
)

// events returns the audit events of the house, each as its number and message, in their order: those of one step have the same time.
func (h *house) events() (told []string) {
	h.Helper()
	all, err := h.store.AuditEvents(h.Context(), time.Time{}, time.Now().Add(time.Hour), 100)
	if err != nil {
		h.Fatal(err)
	}
	for _, e := range all {
		told = append(told, strings.TrimSpace(e.Type+" "+e.Fields["MESSAGE"]))
	}
	slices.Sort(told)
	return told
}

func (h *house) chaos(c netidsim.Chaos) {
	h.Helper()
	if err := h.sim.SetChaos(c); err != nil {
		h.Fatal(err)
	}
}

// at has the service say a code of the login's order.
func (h *house) at(code string) {
	h.Helper()
	if _, err := h.sim.SetStatus(h.sim.Orders()[0].OrderRef, code); err != nil {
		h.Fatal(err)
	}
}

func (h *house) cancel(l *storage.Login) {
	h.Helper()
	if _, err := h.Cancel(h.Context(), l.ID, device); err != nil {
		h.Fatal(err)
	}
}

// TestEventsOfLogins has one event for each thing that happens, with what the service said of it and nothing of a person.
func TestEventsOfLogins(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		happens func(h *house)
		want    []string
	}{
		"completed": {func(h *house) {
			l := h.started(other, astrid)
			h.sign(h.sim.Orders()[0].OrderRef, astrid)
			h.settled(l)
		}, []string{"WEB_100009", "WEB_100010"}},
		"not started": {func(h *house) {
			h.chaos(netidsim.Chaos{Faults: 1, FaultText: "INVALID_PARAMETERS"})
			h.started(this, "")
		}, []string{"WEB_100009", "WEB_100011 requestRejected: INVALID_PARAMETERS"}},
		"not started, with a text that names somebody": {func(h *house) {
			h.chaos(netidsim.Chaos{Faults: 1, FaultText: "The\ndatabase of Astrid Åkerlund, " + astrid + " (astrid@region.example), is down. WEB_100010"})
			h.started(this, "")
		}, []string{"WEB_100009", "WEB_100011 unavailable: The database of … is down. …"}},
		"a web page": {func(h *house) {
			h.chaos(netidsim.Chaos{HTML: 1})
			h.started(this, "")
		}, []string{"WEB_100009", "WEB_100011 unavailable: unusable answer"}},
		"ended with a text": {func(h *house) {
			h.chaos(netidsim.Chaos{Operation: "Collect", Faults: 1, FaultText: "Something broke"})
			h.settled(h.started(this, ""))
		}, []string{"WEB_100009", "WEB_100011 UNKNOWN: Something broke"}},
		"a fault of an order": {func(h *house) {
			h.chaos(netidsim.Chaos{Operation: "Collect", Statuses: 1, StatusText: "RETRY"})
			h.settled(h.started(this, ""))
		}, []string{"WEB_100009", "WEB_100011 unavailable: RETRY"}},
		"a broken answer on the way": {func(h *house) {
			l := h.started(this, "")
			h.chaos(netidsim.Chaos{Operation: "Collect", HTML: 1})
			for range 100 {
				if h.sim.Chaos().HTML == 0 {
					break
				}
				time.Sleep(100 * time.Millisecond)
			}
			token, _ := h.follow(l)
			h.sign(token, astrid)
			h.settled(l)
		}, []string{"WEB_100009", "WEB_100010"}},
		"a result that is lost on its way": {func(h *house) {
			l := h.started(this, "")
			h.chaos(netidsim.Chaos{Operation: "Collect", Truncated: 1})
			token, _ := h.follow(l)
			h.sign(token, astrid)
			h.settled(l)
		}, []string{"WEB_100009", "WEB_100011 orderLost: ALREADY_COLLECTED"}},
		"cancelled on the page, twice": {func(h *house) {
			l := h.started(this, "")
			h.cancel(l)
			h.cancel(l)
		}, []string{"WEB_100009", "WEB_100012 pageCancel"}},
		"declined in the app": {func(h *house) {
			l := h.started(this, "")
			h.at("USER_CANCEL")
			h.settled(l)
		}, []string{"WEB_100009", "WEB_100012 USER_CANCEL"}},
		"expired": {func(h *house) {
			l := h.started(this, "")
			h.at("EXPIRED_TRANSACTION")
			h.settled(l)
		}, []string{"WEB_100009", "WEB_100012 EXPIRED_TRANSACTION"}},
		"for somebody who is not known": {func(h *house) {
			l := h.started(other, "191212121212")
			h.mu.Lock()
			h.now = 4 * time.Minute
			h.mu.Unlock()
			h.settled(l)
		}, []string{"WEB_100009", "WEB_100012 unanswered: UNKNOWN_USER"}},
		"not proven": {func(h *house) {
			h.chaos(netidsim.Chaos{Attacks: []string{netidsim.AttackOtherIssuer}})
			l := h.started(other, astrid)
			h.sign(h.sim.Orders()[0].OrderRef, astrid)
			h.settled(l)
		}, []string{"SEC_200005 issuer", "WEB_100009", "WEB_100011 resultUnverified"}},
		"started twice and cancelled": {func(h *house) {
			l := h.started(this, "")
			l, err := h.Start(h.Context(), l.ID, this)
			if err != nil {
				h.Fatal(err)
			}
			h.cancel(l)
		}, []string{"WEB_100009", "WEB_100009", "WEB_100012 pageCancel"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			c.happens(h)
			if got := h.events(); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestFieldsOfEvents has the fields of the events by the names under which others filter them, in the forms in which they leave.
func TestFieldsOfEvents(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(o *netidlogin.Options) { o.CustomIdentifier = "kort" })
	l := h.started(this, "")
	h.cancel(l)
	all, err := h.store.AuditEvents(t.Context(), time.Time{}, time.Now().Add(time.Hour), 100)
	if err != nil || len(all) != 2 {
		t.Fatalf("%d events, %v", len(all), err)
	}
	for i, message := range []string{"", "pageCancel"} {
		fields := all[i].Fields
		if fields["IDENTIFIER"] != l.ID || fields["SOURCE_ADDRESS"] != device || fields["CUSTOMER_IDENTIFIER"] != "kort" || fields["MESSAGE"] != message || fields["SOURCE_USER_NAME"] != "" {
			t.Errorf("the fields of %s are %v", all[i].Type, fields)
		}
	}
	cef := audit.CEF("1")(&all[1])
	for _, want := range []string{
		"CEF:0|Brygga|brygga|1|WEB_100012|Net iD Access login cancelled or expired|1|", " src=" + device + " ", " msg=pageCancel ", "=IDENTIFIER cs", "=" + l.ID + " ",
		"=CUSTOMER_IDENTIFIER cs", "=kort ",
	} {
		if !strings.Contains(cef, want) {
			t.Errorf("%q is not in %s", want, cef)
		}
	}
	line, err := storage.AuditText(&all[1])
	if err != nil || !strings.Contains(string(line), `"type":"WEB_100012"`) || !strings.Contains(string(line), `"CUSTOMER_IDENTIFIER":"kort"`) {
		t.Errorf("%s, %v", line, err)
	}
}

// TestClientMarksItsEvents has the client's own mark before that of the installation.
func TestClientMarksItsEvents(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(o *netidlogin.Options) { o.CustomIdentifier = "kort" })
	client, err := h.store.Client(t.Context(), "app")
	if err != nil {
		t.Fatal(err)
	}
	client.CustomIdentifier = "appens"
	if err := h.store.UpdateClient(t.Context(), *client); err != nil {
		t.Fatal(err)
	}
	h.started(this, "")
	all, err := h.store.AuditEvents(t.Context(), time.Time{}, time.Now().Add(time.Hour), 100)
	if err != nil || len(all) != 1 || all[0].Fields["CUSTOMER_IDENTIFIER"] != "appens" {
		t.Errorf("%v, %v", all, err)
	}
}
