package bankidapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"brygga/bankid/bankidsim"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
	"brygga/web/bankidapi"
)

const authBody = `{"endUserIp":"` + endUserIP + `"}`

// TestUpstream: what BankID cannot do is told by a code of ours, and nothing of its own words.
func TestUpstream(t *testing.T) {
	h := newHouseThatWaits(t, 3*time.Second, nil)
	key := h.key("app", everything...)
	for _, one := range []struct {
		chaos  bankidsim.Chaos
		status int
		code   string
	}{
		{bankidsim.Chaos{Maintenance: 10}, 503, "upstream_unavailable"},
		{bankidsim.Chaos{Errors: 10}, 502, "upstream_error"},
		{bankidsim.Chaos{Errors: 10, ErrorStatus: 400, ErrorCode: "alreadyInProgress"}, 409, "already_in_progress"},
		{bankidsim.Chaos{Errors: 10, ErrorStatus: 400, ErrorCode: "invalidParameters"}, 422, "rejected_by_bankid"},
		{bankidsim.Chaos{RejectCertificate: true}, 502, "upstream_error"},
		{bankidsim.Chaos{StartLatencyMS: 4000}, 504, "upstream_timeout"},
	} {
		must(t, h.sim.SetChaos(one.chaos))
		got := h.ask(asking{key: key, path: "/auth", body: authBody})
		must(t, h.sim.SetChaos(bankidsim.Chaos{}))
		if got.status != one.status || got.word("errors", 0, "code") != one.code || strings.Contains(got.text, "details") {
			t.Errorf("%+v: %d %s", one.chaos, got.status, got.text)
		}
		if one.status == 503 && got.header.Get("Retry-After") == "" {
			t.Error("it does not say when to try again")
		}
	}
}

// TestPaceOfAsking: who asks for one order too often is told to wait, and keeps nobody else from asking.
func TestPaceOfAsking(t *testing.T) {
	h := newHouse(t, nil)
	key := h.key("app", everything...)
	start := func() string {
		return h.ok(h.ask(asking{key: key, path: "/auth", body: authBody}), http.StatusOK).word("data", "id")
	}
	hasty, calm := start(), start()
	for n := range 1000 {
		got := h.ask(asking{key: key, path: "/collect", body: `{"orderRef":"` + hasty + `"}`})
		if got.status == http.StatusTooManyRequests {
			if wait, err := strconv.Atoi(got.header.Get("Retry-After")); n < 60 || err != nil || wait < 1 || got.word("errors", 0, "code") != "too_many_requests" {
				t.Errorf("refused after %d: %v %s", n, got.header, got.text)
			}
			h.ok(h.ask(asking{key: key, path: "/collect", body: `{"orderRef":"` + calm + `"}`}), http.StatusOK)
			return
		}
	}
	t.Error("nobody is told to wait")
}

// TestLimits: an address may begin so many orders in a minute over this API too, and the answer says when to try again.
func TestLimits(t *testing.T) {
	h := newHouse(t, func(_ *bankidapi.Options, o *login.Options) { o.Limits.OrdersPerAddress = 2 })
	key := h.key("app", everything...)
	for range 2 {
		h.ok(h.ask(asking{key: key, path: "/auth", body: authBody}), http.StatusOK)
	}
	got := h.ok(h.ask(asking{key: key, path: "/auth", body: authBody}), http.StatusTooManyRequests)
	if got.header.Get("Retry-After") == "" {
		t.Errorf("%v %s", got.header, got.text)
	}
	h.ok(h.ask(asking{key: key, path: "/auth", body: `{"endUserIp":"198.51.100.9"}`}), http.StatusOK)
	h.ok(h.ask(asking{key: h.key("other", everything...), path: "/auth", body: authBody}), http.StatusOK)
	for range 2 { // who is at the address may begin as much as before
		l, err := h.engine.Create(t.Context(), storage.AuthRequest{ClientID: "app"}, secret.String{}, endUserIP)
		if err == nil {
			_, err = h.engine.Start(t.Context(), l.ID, storage.Starter{Device: storage.DeviceOther, IP: endUserIP})
		}
		must(t, err)
	}
}

// TestLimitsByNetwork: addresses of one household count together, and a whole network of them is no way around.
func TestLimitsByNetwork(t *testing.T) {
	h := newHouse(t, func(_ *bankidapi.Options, o *login.Options) { o.Limits.OrdersPerAddress = 1 })
	key := h.key("app", everything...)
	begin := func(address string) int {
		return h.ask(asking{key: key, path: "/auth", body: `{"endUserIp":"` + address + `"}`}).status
	}
	for address, want := range map[string]int{"2001:db8:1:1::1": 200, "2001:db8:2:1::1": 200, "192.0.2.1": 200, "192.0.2.2": 200} {
		if got := begin(address); got != want {
			t.Errorf("%s: %d", address, got)
		}
	}
	for address, want := range map[string]int{"2001:db8:1:1::2": 429, "2001:db8:2:2::1": 200, "192.0.2.1": 429} {
		if got := begin(address); got != want {
			t.Errorf("then %s: %d", address, got)
		}
	}
}

// TestGuessingEnds: who tries out keys is answered no more for a while, from whichever address of their network.
func TestGuessingEnds(t *testing.T) {
	var asked atomic.Uint32
	from := func(*http.Request) netip.Addr {
		n := asked.Add(1)
		return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 14: byte(n >> 8), 15: byte(n)})
	}
	h := newHouse(t, func(o *bankidapi.Options, _ *login.Options) { o.Address = from })
	for range 30 {
		h.ok(h.ask(asking{key: secret.New("brygga_a_b"), path: "/auth", body: authBody}), http.StatusUnauthorized)
	}
	h.ok(h.ask(asking{key: secret.New("brygga_a_b"), path: "/auth", body: authBody}), http.StatusTooManyRequests)
	h.ahead.Store(int64(time.Minute))
	h.ok(h.ask(asking{key: h.key("app", everything...), path: "/auth", body: authBody}), http.StatusOK)
}

// TestRepeatedStart: the same start with the same key makes one order, however many come at once; another start with that key is refused, and another program's
// is its own.
func TestRepeatedStart(t *testing.T) {
	h := newHouse(t, nil)
	key := h.key("app", everything...)
	named := func(body string) asking {
		return asking{key: key, path: "/auth", body: body, header: map[string]string{"Idempotency-Key": "order-7"}}
	}
	const many = 8
	refs := make([]string, many)
	var all sync.WaitGroup
	for i := range refs {
		all.Go(func() { refs[i] = h.ask(named(authBody)).word("data", "attributes", "autoStartToken") })
	}
	all.Wait()
	for _, ref := range refs {
		if ref == "" || ref != refs[0] {
			t.Errorf("the orders are %v", refs)
			break
		}
	}
	if n, err := h.store.PendingOrders(t.Context()); n != 1 || err != nil {
		t.Errorf("%d orders, %v", n, err)
	}
	if got := h.ask(named(`{"endUserIp":"203.0.113.8"}`)); got.status != 422 || got.word("errors", 0, "code") != "idempotency_key_reused" {
		t.Errorf("another start: %d %s", got.status, got.text)
	}
	other := named(authBody)
	other.key = h.key("app", everything...)
	if got := h.ok(h.ask(other), http.StatusOK); got.word("data", "attributes", "autoStartToken") == refs[0] {
		t.Error("another program was handed the order")
	}
}

// TestClientOfAnotherEID: a client that names other eIDs alone is told that its programs cannot use this one.
func TestClientOfAnotherEID(t *testing.T) {
	h := newHouse(t, nil)
	key := h.key("app", everything...)
	client, err := h.store.Client(t.Context(), "app")
	must(t, err)
	client.Methods = []string{"another"}
	must(t, h.store.UpdateClient(t.Context(), *client))
	if got := h.ok(h.ask(asking{key: key, path: "/auth", body: authBody}), http.StatusForbidden); got.word("errors", 0, "code") != "forbidden_operation" {
		t.Errorf("answered with %s", got.text)
	}
}

// TestStartThatMadeNothing: who repeats a start that came beyond a limit is not told of an order that there will never be.
func TestStartThatMadeNothing(t *testing.T) {
	h := newHouse(t, func(_ *bankidapi.Options, o *login.Options) { o.Limits.OrdersPerAddress = 1 })
	named := asking{key: h.key("app", everything...), path: "/auth", body: authBody, header: map[string]string{"Idempotency-Key": "order-8"}}
	h.ok(h.ask(asking{key: named.key, path: "/auth", body: authBody}), http.StatusOK)
	h.ok(h.ask(named), http.StatusTooManyRequests)
	h.ahead.Store(int64(2 * time.Minute))
	if got := h.ok(h.ask(named), http.StatusConflict); got.word("errors", 0, "code") != "idempotency_key_spent" {
		t.Errorf("again: %s", got.text)
	}
	named.header = map[string]string{"Idempotency-Key": "order-9"}
	h.ok(h.ask(named), http.StatusOK)
}

// TestByTelephone: an order reaches the app by the number, has nothing to show, and ends as any other.
func TestByTelephone(t *testing.T) {
	h := newHouse(t, nil)
	key := h.key("app", everything...)
	for path, text := range map[string]string{"/phone/auth": "", "/phone/sign": `,"userVisibleData":"Jag säger upp avtalet."`} {
		got := h.ok(h.ask(asking{key: key, path: path, body: `{"personalNumber":"` + otherOne + `","callInitiator":"RP"` + text + `}`}), http.StatusOK)
		attributes, _ := got.at("data", "attributes").(map[string]any)
		ref := got.word("data", "id")
		if len(attributes) != 1 || ref == "" {
			t.Errorf("%s: %s", path, got.text)
		}
		own := h.orderOf(ref)
		if qr := h.ask(asking{key: key, method: "GET", path: "/orders/" + ref + "/qr"}); qr.status != http.StatusConflict || qr.word("errors", 0, "code") != "qr_not_available" {
			t.Errorf("%s: a code: %d %s", path, qr.status, qr.text)
		}
		_, err := h.sim.Open(bankidsim.Pickup{OrderRef: own, PersonalNumber: otherOne})
		must(t, err)
		_, err = h.sim.ConfirmCall(own, true)
		must(t, err)
		_, err = h.sim.Sign(own, bankidsim.Approval{})
		must(t, err)
		if done := h.ended(key, ref); done.word("data", "completionData", "user", "personalNumber") != otherOne {
			t.Errorf("%s: %s", path, done.text)
		}
	}
}

// TestRequiredPerson: an order for one person ends for another.
func TestRequiredPerson(t *testing.T) {
	h := newHouse(t, nil)
	key := h.key("app", everything...)
	ref := h.ok(h.ask(asking{key: key, path: "/auth", body: `{"endUserIp":"` + endUserIP + `","personalNumber":"` + person + `"}`}), http.StatusOK).word("data", "id")
	if _, err := h.sim.Scan(bankidsim.Pickup{OrderRef: h.orderOf(ref), PersonalNumber: otherOne}); err == nil {
		_, err = h.sim.Sign(h.orderOf(ref), bankidsim.Approval{})
		if err == nil {
			t.Error("another person could approve")
		}
	}
}

// TestCode: the code of the second comes as text, in a document, and as pictures that a reader of ours did not write reads back.
func TestCode(t *testing.T) {
	h := newHouse(t, nil)
	key := h.key("app", everything...)
	ref := h.ok(h.ask(asking{key: key, path: "/auth", body: authBody}), http.StatusOK).word("data", "id")
	get := func(accept string) answered {
		return h.ok(h.ask(asking{key: key, method: "GET", path: "/orders/" + ref + "/qr", header: map[string]string{"Accept": accept}}), http.StatusOK)
	}
	if got := get("text/plain"); !strings.HasPrefix(got.text, "bankid.") || got.header.Get("Content-Type") != "text/plain" {
		t.Errorf("text: %s", got.text)
	}
	for accept, kind := range map[string]string{"": jsonAPI, "application/json": "application/json", jsonAPI: jsonAPI, "image/*;q=0.5, " + jsonAPI: jsonAPI} {
		if got := get(accept); got.header.Get("Content-Type") != kind || got.word("data", "type") != "bankIdQr" || !strings.HasPrefix(got.word("data", "attributes", "qrData"), "bankid.") {
			t.Errorf("%s: %v %s", accept, got.header, got.text)
		}
	}
	picture, err := png.Decode(bytes.NewReader([]byte(get("image/png").text)))
	must(t, err)
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	must(t, err)
	read, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
	must(t, err)
	if !strings.HasPrefix(read.GetText(), "bankid.") {
		t.Errorf("the picture says %q", read.GetText())
	}
	if _, err := h.sim.Scan(bankidsim.Pickup{QR: read.GetText(), PersonalNumber: person}); err != nil {
		t.Errorf("BankID does not take the code: %v", err)
	}
}

// TestCodeAsDrawing reads the drawing by its modules.
func TestCodeAsDrawing(t *testing.T) {
	h := newHouse(t, nil)
	key := h.key("app", everything...)
	ref := h.ok(h.ask(asking{key: key, path: "/auth", body: authBody}), http.StatusOK).word("data", "id")
	got := h.ok(h.ask(asking{key: key, method: "GET", path: "/orders/" + ref + "/qr", header: map[string]string{"Accept": "image/svg+xml"}}), http.StatusOK)
	var size int
	_, err := fmt.Sscanf(got.text, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d`, &size)
	must(t, err)
	dark, err := gozxing.NewBitMatrix(4*size, 4*size)
	must(t, err)
	_, modules, _ := strings.Cut(got.text, `<path d="`)
	for _, module := range strings.Split(modules, "M")[1:] {
		var x, y int
		if _, err := fmt.Sscanf(module, "%d %dh1v1h-1z", &x, &y); err != nil {
			t.Fatal(err)
		}
		must(t, dark.SetRegion(4*x, 4*y, 4, 4))
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(dark)
	must(t, err)
	read, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
	must(t, err)
	if _, err := h.sim.Scan(bankidsim.Pickup{QR: read.GetText(), PersonalNumber: person}); err != nil {
		t.Errorf("BankID does not take %q: %v", read.GetText(), err)
	}
}

// TestSecretsStayInside: nothing that orders are made from, and nothing of the person, stands in the log at its lowest level.
func TestSecretsStayInside(t *testing.T) {
	h := newHouse(t, nil)
	key := h.key("app", everything...)
	got := h.ok(h.ask(asking{key: key, path: "/auth", body: `{"endUserIp":"` + endUserIP + `","personalNumber":"` + person + `"}`}), http.StatusOK)
	own := h.orderOf(got.word("data", "id"))
	h.approve(got.word("data", "id"), person)
	done := h.ended(key, got.word("data", "id"))
	events, err := h.store.AuditEvents(t.Context(), h.now().Add(-time.Minute), h.now().Add(time.Minute), 1000)
	must(t, err)
	for _, e := range events {
		if e.Fields["IDENTIFIER"] != "" && !strings.HasPrefix(e.Fields["ACTOR"], "key:") {
			t.Errorf("%s does not say whose order it is: %v", e.Type, e.Fields)
		}
	}
	canaries := []string{person, own, key.Reveal(), done.word("data", "completionData", "user", "name")}
	for _, name := range []string{"autoStartToken", "qrStartToken", "qrStartSecret"} {
		canaries = append(canaries, got.word("data", "attributes", name))
	}
	text := h.log.String()
	for _, canary := range canaries {
		if canary == "" || strings.Contains(text, canary) {
			t.Errorf("%q stands in the log", canary)
		}
	}
	var started bool
	for line := range strings.Lines(text) {
		var entry map[string]any
		must(t, json.Unmarshal([]byte(line), &entry))
		started = started || strings.Contains(line, endUserIP)
	}
	if !started {
		t.Error("the person's address does not stand in the audit log")
	}
}

// TestPhoneSilence: an order by telephone that could not be made looks like one that nobody opens until that would have ended, and when it is cancelled.
func TestPhoneSilence(t *testing.T) {
	h := newHouse(t, func(o *bankidapi.Options, _ *login.Options) { o.Silence = 36 * time.Second })
	key := h.key("app", everything...)
	unmade := func() string {
		must(t, h.sim.SetChaos(bankidsim.Chaos{Errors: 1, ErrorStatus: 400, ErrorCode: "invalidParameters"}))
		ref := h.ok(h.ask(asking{key: key, path: "/phone/auth", body: `{"personalNumber":"` + person + `","callInitiator":"RP"}`}), http.StatusOK).word("data", "id")
		for range 500 {
			l, err := h.engine.Login(t.Context(), loginID(t, ref))
			must(t, err)
			if l.State == storage.LoginFailed {
				return ref
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatal("the order is made")
		return ""
	}
	is := func(ref, status, hint string) {
		t.Helper()
		got := h.ok(h.ask(asking{key: key, path: "/collect", body: `{"orderRef":"` + ref + `"}`}), http.StatusOK)
		if got.word("data", "attributes", "status") != status || got.word("data", "attributes", "hintCode") != hint {
			t.Errorf("%s, want %s %s", got.text, status, hint)
		}
	}
	cancelled, left := unmade(), unmade()
	is(cancelled, "pending", "outstandingTransaction")
	h.ok(h.ask(asking{key: key, method: http.MethodDelete, path: "/orders/" + cancelled, header: map[string]string{"Accept": "application/vnd.api+json"}}), http.StatusNoContent)
	is(cancelled, "failed", "cancelled")
	is(left, "pending", "outstandingTransaction")
	h.ahead.Store(int64(37 * time.Second))
	if got := h.ok(h.ask(asking{key: key, path: "/collect", body: `{"orderRef":"` + left + `"}`}), http.StatusOK); got.word("data", "attributes", "status") != "failed" {
		t.Errorf("at its end it is %s", got.text)
	}
}
