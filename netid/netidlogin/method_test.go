package netidlogin_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brygga/eid"
	"brygga/netid"
	"brygga/netid/netidlogin"
	"brygga/netid/netidsim"
	"brygga/secret"
	"brygga/storage"
)

func TestLoginOnThisDevice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	l := h.started(this, "")
	token, back := h.follow(l)
	h.sign(token, astrid)
	l = h.settled(l)
	if l.State != storage.LoginComplete || l.Answerable() {
		t.Fatalf("before the return it is %s, for %v", l.State, l.Failure)
	}
	address, err := url.Parse(back)
	if err != nil {
		t.Fatal(err)
	}
	if l, err = h.Return(t.Context(), l.ID, secret.New(address.Query().Get("n")), this.IP); err != nil || !l.Answerable() {
		t.Fatalf("after the return: %v", err)
	}
	i := l.Identity
	if i.Method != netidlogin.Name || i.PersonalNumber.Reveal() != astrid || i.GivenName.Reveal() != "Astrid" || i.DeviceIP != device || i.DeviceName != "iOS" ||
		i.DeviceVersion != "17.5" || len(i.Keys) != 0 {
		t.Errorf("it is %s with %d keys", i.Method, len(i.Keys))
	}
}

// TestReturnOfAnotherLogin has somebody sign by a link that was sent to them: whoever sent it does not come back with its nonce.
func TestReturnOfAnotherLogin(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	l := h.started(this, "")
	token, _ := h.follow(l)
	h.sign(token, astrid)
	l = h.settled(l)
	if _, err := h.Return(t.Context(), l.ID, secret.New("another"), this.IP); err == nil {
		t.Error("any return will do")
	}
	if l = h.settled(l); l.Answerable() {
		t.Error("the login can be answered")
	}
}

func TestLoginOnAnotherDevice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	l := h.started(other, astrid)
	if !h.Launch(l).URL.IsZero() {
		t.Error("a link starts an order for another device")
	}
	h.sign(h.sim.Orders()[0].OrderRef, astrid)
	if l = h.settled(l); !l.Answerable() || l.Identity.PersonalNumber.Reveal() != astrid {
		t.Errorf("it is %s, for %v", l.State, l.Failure)
	}
}

func TestPersonWithoutPersonalNumber(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	l := h.started(this, "")
	token, _ := h.follow(l)
	h.sign(token, kim)
	i := h.settled(l).Identity
	if i == nil || !i.PersonalNumber.IsZero() {
		t.Fatalf("the identity is %v", i)
	}
	want := []storage.PersonKey{
		{Name: storage.KeyHSAID, Value: secret.New(kim)}, {Name: storage.KeyEmployeeNumber, Issuer: issuer, Value: secret.New("1001")},
		{Name: storage.KeyPrincipalName, Value: secret.New("kim.exempel@region.example")},
	}
	if diff := cmp.Diff(want, i.Keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	work := &storage.Work{Organization: "Region Prov", OrganizationNumber: "2321000016", Unit: "Provavdelningen", Title: "Sjuksköterska"}
	if diff := cmp.Diff(work, i.Work); diff != "" || i.Email.Reveal() != "kim.exempel@region.example" || i.Issuer != issuer {
		t.Errorf("issued by %q, at work (-want +got):\n%s", i.Issuer, diff)
	}
}

// TestKeysAreWrittenInOneWay has a certificate with other letters than the service's: a person must not become two.
func TestKeysAreWrittenInOneWay(t *testing.T) {
	h := newMethod(t, nil)
	if _, err := h.sim.AddUser(netidsim.User{ID: "Se-Nio", PrincipalName: "Nio@Region.Example", Surname: "Nio"}); err != nil {
		t.Fatal(err)
	}
	order, err := h.begin(this, "")
	if err != nil {
		t.Fatal(err)
	}
	h.sign(order.Ref.Reveal(), "SE-NIO")
	progress, err := h.method.Collect(t.Context(), &order)
	if keys := progress.Identity.Keys; err != nil || len(keys) != 2 || keys[0].Value.Reveal() != "SE-NIO" || keys[1].Value.Reveal() != "nio@region.example" {
		t.Errorf("the keys are %v, %v", keys, err)
	}
}

func TestAnotherPersonOnThisDevice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	l := h.started(this, astrid)
	token, _ := h.follow(l)
	h.sign(token, omar)
	if l = h.settled(l); l.State != storage.LoginFailed || l.Failure.Reason != "otherPerson" {
		t.Errorf("it is %s, for %v", l.State, l.Failure)
	}
}

func TestOrderThatIsDeclined(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	l := h.started(this, "")
	token, _ := h.follow(l)
	if _, err := h.sim.Open(token, astrid); err != nil {
		t.Fatal(err)
	}
	if _, err := h.sim.Cancel(token); err != nil {
		t.Fatal(err)
	}
	l = h.settled(l)
	if l.Failure.Reason != "USER_CANCEL" || h.Description(l, l.Failure.Reason) != "The user cancelled in the Net iD app." {
		t.Errorf("it failed for %s", l.Failure.Reason)
	}
}

// TestUnprovenResult shows that nobody is let in by what the service says alone.
func TestUnprovenResult(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if err := h.sim.SetChaos(netidsim.Chaos{Attacks: []string{netidsim.AttackOtherIssuer}}); err != nil {
		t.Fatal(err)
	}
	l := h.started(this, "")
	token, _ := h.follow(l)
	h.sign(token, astrid)
	if l = h.settled(l); l.State != storage.LoginFailed || l.Failure.Reason != "resultUnverified" {
		t.Errorf("it is %s, for %v", l.State, l.Failure)
	}
}

// begin makes an order by the method alone.
func (h *house) begin(starter storage.Starter, person string) (storage.Order, error) {
	r := eid.Request{Kind: storage.KindIdentify, Channel: eid.ChannelBrowser, Starter: starter, Binding: []byte("binding")}
	if person != "" {
		r.Required = storage.PersonKey{Name: storage.KeyPersonalNumber, Value: secret.New(person)}
	}
	return h.method.Start(h.Context(), r)
}

// TestAttacksBringNobody has each result that must not be believed: also an engine that believes all would have nobody.
func TestAttacksBringNobody(t *testing.T) {
	h := newMethod(t, nil)
	for _, attack := range netidsim.Attacks() {
		if attack == netidsim.AttackOtherPerson || attack == netidsim.AttackOtherOrder {
			continue // proven results; whether it is the right person, the engine judges
		}
		if err := h.sim.SetChaos(netidsim.Chaos{Attacks: []string{attack}}); err != nil {
			t.Fatal(err)
		}
		order, err := h.begin(this, "")
		if err != nil {
			t.Fatal(err)
		}
		h.sign(order.Ref.Reveal(), astrid)
		progress, err := h.method.Collect(t.Context(), &order)
		if attack == netidsim.AttackUnsigned {
			if failed, ok := errors.AsType[*eid.Fault](err); !ok || failed.Reason != eid.ReasonIncomplete {
				t.Errorf("%s: %v", attack, err)
			}
			continue
		}
		if err != nil || progress.Status != eid.Complete || h.method.Traits().Whole(&progress.Identity) || progress.Evidence != nil {
			t.Errorf("%s: %v, and there is somebody", attack, err)
		}
		if _, ok := errors.AsType[*eid.UnverifiedError](progress.Verify(order.Sent)); !ok {
			t.Errorf("%s is verified", attack)
		}
	}
}

// TestNonceIsOfTheOrder gives the result of one order of a login to the next one.
func TestNonceIsOfTheOrder(t *testing.T) {
	h := newMethod(t, nil)
	first, errFirst := h.begin(this, "")
	second, errSecond := h.begin(this, "")
	if err := errors.Join(errFirst, errSecond); err != nil {
		t.Fatal(err)
	}
	h.sign(first.Ref.Reveal(), astrid)
	progress, err := h.method.Collect(t.Context(), &first)
	if err != nil || progress.Verify(first.Sent) != nil || progress.Verify(second.Sent) == nil {
		t.Errorf("the result is of either order: %v", err)
	}
	proof, err := progress.Evidence()
	if err != nil || len(proof.Certificate) == 0 || len(proof.OCSP) == 0 || proof.ValidTo.IsZero() {
		t.Errorf("the evidence is %v, %v", proof, err)
	}
}

// TestWhatTellsOfAPerson: errors that say who has a credential are marked, where somebody was named, and no others.
func TestWhatTellsOfAPerson(t *testing.T) {
	for name, c := range map[string]struct {
		busy     netidsim.Busy
		person   string
		chaos    netidsim.Chaos
		starter  storage.Starter
		personal bool
	}{
		"nobody has the name":   {netidsim.BusyReplaced, "191212121212", netidsim.Chaos{}, other, true},
		"blocked for a while":   {netidsim.BusyBlocked, astrid, netidsim.Chaos{}, other, true},
		"busy":                  {netidsim.BusyRefused, astrid, netidsim.Chaos{}, other, true},
		"the service is down":   {netidsim.BusyReplaced, astrid, netidsim.Chaos{Down: 1}, other, false},
		"refused":               {netidsim.BusyReplaced, astrid, netidsim.Chaos{Faults: 1, FaultText: "ACCESS_DENIED_RP"}, other, false},
		"a card is blocked":     {netidsim.BusyReplaced, astrid, netidsim.Chaos{Faults: 1, FaultText: "CERTIFICATE_ERR"}, other, true},
		"no app":                {netidsim.BusyReplaced, astrid, netidsim.Chaos{Faults: 1, FaultText: "NO_CLIENT"}, other, true},
		"no name of anybody":    {netidsim.BusyReplaced, astrid, netidsim.Chaos{Faults: 1, FaultText: "INVALID_PARAMETERS"}, other, true},
		"a new word":            {netidsim.BusyReplaced, astrid, netidsim.Chaos{Faults: 1, FaultText: "USER_SUSPENDED"}, other, true},
		"words":                 {netidsim.BusyReplaced, astrid, netidsim.Chaos{Faults: 1, FaultText: "no such user in the directory"}, other, true},
		"passing trouble":       {netidsim.BusyReplaced, astrid, netidsim.Chaos{Faults: 1, FaultText: "RETRY"}, other, false},
		"nobody has been named": {netidsim.BusyReplaced, "", netidsim.Chaos{Faults: 1, FaultText: "UNKNOWN_USER"}, this, false},
	} {
		h := newMethod(t, nil)
		set := netidsim.DefaultSettings()
		set.Busy = c.busy
		if err := errors.Join(h.sim.SetSettings(set), h.sim.SetChaos(netidsim.Chaos{})); err != nil {
			t.Fatal(err)
		}
		if c.busy != netidsim.BusyReplaced {
			if _, err := h.begin(other, astrid); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.sim.SetChaos(c.chaos); err != nil {
			t.Fatal(err)
		}
		_, err := h.begin(c.starter, c.person)
		if failed, ok := errors.AsType[*eid.Fault](err); !ok || failed.Personal != c.personal {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOtherDeviceMustBeAllowed(t *testing.T) {
	for name, c := range map[string]struct {
		allowed bool
		person  string
	}{"not allowed": {false, astrid}, "nobody named": {true, ""}} {
		h := newMethod(t, func(o *netidlogin.Options) { o.OtherDevice = c.allowed })
		_, err := h.begin(other, c.person)
		if failed, ok := errors.AsType[*eid.Fault](err); !ok || failed.Reason != eid.ReasonQRExcluded || len(h.sim.Orders()) != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCodesOfOrders says each code of an order, and looks for what is said of it.
func TestCodesOfOrders(t *testing.T) {
	h := newMethod(t, nil)
	words := h.method.Traits().Words
	for _, code := range append(netid.Codes(), "SOMETHING_NEW") {
		order, err := h.begin(this, "")
		if err != nil {
			t.Fatal(err)
		}
		if code != netid.CodeComplete {
			if _, err := h.sim.SetStatus(order.Ref.Reveal(), string(code)); err != nil {
				t.Fatal(err)
			}
		} else {
			h.sign(order.Ref.Reveal(), astrid)
		}
		progress, err := h.method.Collect(t.Context(), &order)
		failed, isFault := errors.AsType[*eid.Fault](err)
		switch class := code.Class(); {
		case class == netid.ClassFault:
			if !isFault || failed.Passing {
				t.Errorf("%s: %v %v", code, progress.Status, err)
			}
		case class == netid.ClassEnded:
			if err != nil || progress.Status != eid.Failed || words[progress.HintCode].Description == "" {
				t.Errorf("%s: %v %v", code, progress.Status, err)
			}
		case class == netid.ClassComplete:
			if err != nil || progress.Status != eid.Complete {
				t.Errorf("%s: %v %v", code, progress.Status, err)
			}
		default:
			if err != nil || progress.Status != eid.Pending || progress.HintCode != string(code) {
				t.Errorf("%s: %v %v", code, progress.Status, err)
			}
		}
	}
}

func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		chaos   netidsim.Chaos
		reason  string
		passing bool
	}{
		"down":               {netidsim.Chaos{Down: 1}, eid.ReasonUnavailable, true},
		"a web page":         {netidsim.Chaos{HTML: 1}, eid.ReasonUnavailable, true},
		"to be tried again":  {netidsim.Chaos{Faults: 1, FaultText: "RETRY"}, eid.ReasonUnavailable, false},
		"a fault of its own": {netidsim.Chaos{Faults: 1, FaultText: "It broke."}, eid.ReasonUnavailable, false},
		"refused":            {netidsim.Chaos{Faults: 1, FaultText: "ACCESS_DENIED_RP"}, eid.ReasonRefused, false},
		"rejected":           {netidsim.Chaos{Faults: 1, FaultText: "INVALID_PARAMETERS"}, eid.ReasonRejected, false},
	} {
		h := newMethod(t, nil)
		if err := h.sim.SetChaos(c.chaos); err != nil {
			t.Fatal(err)
		}
		_, err := h.begin(this, "")
		if failed, ok := errors.AsType[*eid.Fault](err); !ok || failed.Reason != c.reason || failed.Passing != c.passing {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReturnURL(t *testing.T) {
	address := secret.New("https://id.example/r?n=1")
	windows := storage.Starter{UserAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0 Safari/537.36"}
	within := storage.Starter{UserAgent: strings.Replace(iphone, "Version/17.5 ", "", 1)}
	chrome := storage.Starter{UserAgent: strings.Replace(iphone, "Version/17.5", "CriOS/125.0", 1)}
	usual, sparing := newMethod(t, nil).method, newMethod(t, func(o *netidlogin.Options) { o.NoReturnElsewhere = true }).method
	virtual := newMethod(t, func(o *netidlogin.Options) { o.App = "http://localhost:8085/" }).method
	for name, c := range map[string]struct {
		method  eid.Method
		starter storage.Starter
		want    string
	}{
		"Chrome on iOS":           {usual, chrome, "googlechromes://id.example/r?n=1"},
		"a page within an app":    {usual, within, ""},
		"Windows":                 {usual, windows, "https://id.example/r?n=1"},
		"Windows, sparingly":      {sparing, windows, ""},
		"a virtual app, anywhere": {virtual, within, "https://id.example/r?n=1"},
	} {
		if got := c.method.ReturnURL(address, c.starter); got.Reveal() != c.want {
			t.Errorf("%s: %q", name, got.Reveal())
		}
	}
	order := &storage.Order{AutoStartToken: secret.New("?autostarttoken=1&redirect=null")}
	if got := virtual.Launch(order, windows); got.URL.Reveal() != "http://localhost:8085/?autostarttoken=1&redirect=null" || !got.NeedsTap {
		t.Errorf("the link to a virtual app is %q", got.URL.Reveal())
	}
	if l := usual.Launch(nil, this); !l.Phone || l.Tablet || !l.URL.IsZero() || l.NeedsTap {
		t.Errorf("an iPhone is %+v", l)
	}
}

func TestOptions(t *testing.T) {
	v, a := new(netid.Verifier), map[string]*netid.API{"": {}}
	for name, o := range map[string]netidlogin.Options{
		"no API": {Verifier: v}, "no verifier": {APIs: a}, "a key of another name": {APIs: a, Verifier: v, SerialNumberKey: storage.KeyPrincipalName},
		"a key of an issuer": {APIs: a, Verifier: v, Issuers: map[string]netidlogin.Issuer{"A": {SerialNumberKey: "email"}}},
	} {
		if _, err := netidlogin.New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
