package web_test

import (
	"context"
	"encoding/base64"
	"html"
	"image"
	"image/color"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"brygga/audit"
	"brygga/bankid/bankidsim"
	"brygga/login"
	"brygga/storage"
	"brygga/templates"
)

// readQR reads the code of an update as a phone does: from a picture.
func readQR(t *testing.T, u templates.Update) string {
	t.Helper()
	bits, err := base64.StdEncoding.DecodeString(u.QR)
	must(t, err)
	const scale, quiet = 4, 4
	picture := image.NewGray(image.Rect(0, 0, scale*(u.Size+2*quiet), scale*(u.Size+2*quiet)))
	for y := range picture.Rect.Dy() {
		for x := range picture.Rect.Dx() {
			shade := color.Gray{Y: 255}
			if col, row := x/scale-quiet, y/scale-quiet; col >= 0 && row >= 0 && col < u.Size && row < u.Size {
				if i := row*u.Size + col; bits[i/8]&(0x80>>(i%8)) != 0 {
					shade.Y = 0
				}
			}
			picture.SetGray(x, y, shade)
		}
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	must(t, err)
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true})
	must(t, err)
	return result.GetText()
}

var launchLink = regexp.MustCompile(`id="launch"[^>]*href="([^"]+)"`)

// link returns the launch link of a page.
func link(t *testing.T, body string) string {
	t.Helper()
	found := launchLink.FindStringSubmatch(body)
	if found == nil {
		t.Fatalf("no launch link on the page:\n%s", body)
	}
	return html.UnescapeString(found[1])
}

// scan starts a login by QR code and has a person pick it up.
func (b *browser) scan(path string) bankidsim.Order {
	b.t.Helper()
	if answer := b.post(path+"/start", "device", "other"); answer.status != http.StatusSeeOther || answer.location != path {
		b.t.Fatalf("start = %d to %q, want 303 to the page", answer.status, answer.location)
	}
	person := b.peer.person(b.t)
	for try := 0; ; try++ {
		order, err := b.peer.Scan(bankidsim.Pickup{QR: readQR(b.t, b.await(path, "qr-wait")), PersonalNumber: person})
		if err == nil {
			return order
		}
		if try == 5 { // a code that was read too slowly is old: whoever scans holds the phone there a little longer
			b.t.Fatal(err)
		}
	}
}

// open starts a login on this device and has a person open the app with it.
func (b *browser) open(path string) bankidsim.Order {
	b.t.Helper()
	b.post(path+"/start", "device", "this")
	order, err := b.peer.Open(bankidsim.Pickup{URL: link(b.t, b.get(path).body), PersonalNumber: b.peer.person(b.t)})
	must(b.t, err)
	return order
}

func (b *browser) sign(order bankidsim.Order) bankidsim.Order {
	b.t.Helper()
	order, err := b.peer.Sign(order.OrderRef, bankidsim.Approval{})
	must(b.t, err)
	return order
}

func TestLoginByQRCode_U10_RowA1_RowA8(t *testing.T) {
	t.Parallel()
	h := newHouse(t, shared, func(s *settings) {
		s.web.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	b := h.browser(windowsPC)
	b.header.Set("X-Forwarded-For", "198.51.100.7")
	path := b.begin("app")
	if first := b.get(path); first.status != 200 || !first.has("Appen", `data-view="choose"`) {
		t.Fatalf("first page = %d:\n%s", first.status, first.body)
	}
	order := b.scan(path)
	if order.EndUserIP != "198.51.100.7" {
		t.Errorf("BankID was told the address %s", order.EndUserIP)
	}
	b.await(path, "confirm")
	b.sign(order)
	b.await(path, "complete")
	answer := b.post(path + "/done")
	if answer.status != http.StatusSeeOther || answer.location != callback+"/app?code=code-app" {
		t.Fatalf("done = %d to %q, want the client's answer", answer.status, answer.location)
	}
	// Until the client has it, the answer can be had again: by a press, and not by a tab that sends the form by itself.
	for range 2 {
		if page := b.get(b.get(path + "/done").location); !page.has(`data-view="complete.press"`, path+"/done") || page.has("data-submit") {
			t.Errorf("after the answer:\n%s", page.body)
		}
		if answer := b.post(path + "/done"); answer.location != callback+"/app?code=code-app" {
			t.Errorf("done again leads to %q", answer.location)
		}
	}
	before := h.login(path).Code
	if answer := b.post(path+"/done", "automatic", "1"); answer.location != path || h.login(path).Code != before {
		t.Errorf("done, sent by a tab that nobody presses in, leads to %q", answer.location)
	}
	h.redeem(path)
	// The back button, a reload and a second click show what has happened, and answer nothing twice.
	for _, again := range []page{b.get(path), b.get(b.post(path + "/done").location), b.get(b.get(path + "/done").location)} {
		if again.status != 200 || !again.has(`data-view="already-done"`, "https://app.example/") {
			t.Errorf("after the answer = %d:\n%s", again.status, again.body)
		}
	}
	for _, action := range []string{"/start", "/cancel", "/leave"} {
		if answer := b.post(path+action, "device", "other"); answer.status != http.StatusSeeOther || answer.location != path {
			t.Errorf("%s after the answer = %d to %q, want 303 to the page", action, answer.status, answer.location)
		}
	}
	if n := b.audits(audit.LoginCompleted); n != 1 {
		t.Errorf("%d logins completed in the audit log, want 1", n)
	}
}

func TestLoginOnSameDevice_T01_T05(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, nil).browser(iPhone)
	path := b.begin("app")
	order := b.sign(b.open(path))
	if order.ReturnURL == nil {
		t.Fatal("the order has no return URL")
	}
	// T-01: approved, but nobody has come back to the browser that started: there is no answer.
	for b.login(path).State != storage.LoginComplete {
		time.Sleep(20 * time.Millisecond)
	}
	if view := b.status(path).View; view == "complete" {
		t.Error("the page is complete before the return")
	}
	if answer := b.post(path + "/done"); answer.location != path {
		t.Fatalf("done before the return = %d to %q, want 303 to the page", answer.status, answer.location)
	}
	// T-05: the app opens another browser. Neither gets anything, and the nonce is still good.
	stranger := b.browser(iPhone)
	if astray := stranger.get(*order.ReturnURL); astray.status != 404 || !astray.has(`data-view="returned-astray"`) || astray.has("Appen") {
		t.Errorf("return in another browser = %d:\n%s", astray.status, astray.body)
	}
	if n := b.audits(audit.BindingRefused); n != 1 {
		t.Errorf("%d refused browsers in the audit log, want 1", n)
	}
	back := b.get(*order.ReturnURL)
	if back.status != http.StatusSeeOther || back.location != path {
		t.Fatalf("return = %d to %q, want 303 to the clean page", back.status, back.location)
	}
	if view := b.status(path).View; view != "complete" {
		t.Fatalf("after the return the page shows %q", view)
	}
	// A reload of the return address changes nothing.
	b.get(*order.ReturnURL)
	if answer := b.post(path + "/done"); answer.location != callback+"/app?code=code-app" {
		t.Errorf("done leads to %q", answer.location)
	}
}

// T-02: a nonce that is wrong, or another order's, voids the order.
func TestReturnNonce_T02(t *testing.T) {
	t.Parallel()
	h := newHouse(t, shared, nil)
	one, two := h.browser(iPhone), h.browser(iPhone)
	pathOne, pathTwo := one.begin("app"), two.begin("app")
	first, second := one.sign(one.open(pathOne)), two.open(pathTwo)
	_, foreignNonce, _ := strings.Cut(*first.ReturnURL, "?n=")

	if answer := two.get(pathTwo + "/return?n=" + foreignNonce); answer.status != http.StatusSeeOther || answer.location != pathTwo {
		t.Errorf("return with a foreign nonce = %d to %q", answer.status, answer.location)
	}
	if l := h.login(pathTwo); l.State != storage.LoginFailed || !l.Returned.IsZero() {
		t.Errorf("after a foreign nonce the login is %s", l.State)
	}
	if n := h.audits(audit.ReturnRefused); n != 1 {
		t.Errorf("%d refused returns in the audit log, want 1", n)
	}
	if failed := two.get(pathTwo); failed.status != 200 || !failed.has(`data-view="failed-unusable"`) {
		t.Errorf("page after a wrong nonce = %d:\n%s", failed.status, failed.body)
	}
	// The order is void: its approval comes too late.
	if _, err := h.peer.Sign(second.OrderRef, bankidsim.Approval{}); err == nil {
		time.Sleep(100 * time.Millisecond)
	}
	if l := h.login(pathTwo); l.State != storage.LoginFailed {
		t.Errorf("the void order made the login %s", l.State)
	}
	// What the browser fetches ahead does not use the nonce.
	one.header.Set("Sec-Purpose", "prefetch;prerender")
	if answer := one.get(*first.ReturnURL); answer.status != http.StatusServiceUnavailable {
		t.Errorf("prefetched return = %d", answer.status)
	}
	one.header.Del("Sec-Purpose")
	one.do("HEAD", *first.ReturnURL, "", "")
	if !h.login(pathOne).Returned.IsZero() {
		t.Error("a prefetch or HEAD counted as a return")
	}
	one.get(*first.ReturnURL)
	if h.login(pathOne).Returned.IsZero() {
		t.Error("the right nonce did not count")
	}
}

// T-08: two apps in two tabs of one browser, each answered for its own request.
func TestTwoTabs_T08(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, nil).browser(windowsPC)
	one, two := b.begin("app"), b.begin("other")
	first, second := b.scan(one), b.scan(two)
	b.sign(second)
	b.await(two, "complete")
	if view := b.status(one).View; view == "complete" {
		t.Error("one tab's approval completed the other's login")
	}
	b.sign(first)
	b.await(one, "complete")
	for path, want := range map[string]string{one: callback + "/app?code=code-app", two: callback + "/other?code=code-other"} {
		if answer := b.post(path + "/done"); answer.location != want {
			t.Errorf("done leads to %q, want %q", answer.location, want)
		}
	}
}

// A browser sends no cookie with a cross-site POST. Its other tab's login must go on all the same.
func TestTwoTabsByPost_T08(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, nil).browser(windowsPC)
	one := b.begin("app")
	bare := b.browser(windowsPC)
	answer := bare.post("/authorize", "client_id", "other")
	b.http.Jar.SetCookies(mustURL(t, b.url), (&http.Response{Header: answer.header}).Cookies())
	for _, path := range []string{one, answer.location} {
		if got := b.get(path); got.status != 200 {
			t.Errorf("GET %s = %d", path, got.status)
		}
	}
}

func TestDoubleClick_U02(t *testing.T) {
	t.Parallel()
	p := ownPeer(t)
	must(t, p.SetChaos(bankidsim.Chaos{StartLatencyMS: 400}))
	b := newHouse(t, p, nil).browser(windowsPC)
	path := b.begin("app")
	answers := make(chan page)
	for range 2 {
		go func() { answers <- b.post(path+"/start", "device", "other") }()
	}
	for range 2 {
		if answer := <-answers; answer.status != http.StatusSeeOther || answer.location != path {
			t.Errorf("start = %d to %q", answer.status, answer.location)
		}
	}
	b.await(path, "qr-wait")
	if orders := p.Orders(""); len(orders) != 1 {
		t.Errorf("a double click made %d orders", len(orders))
	}
}

// A page without the script stands still for as long as its reader wants, and so do the pages that its forms lead to.
func TestPause(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, nil).browser(windowsPC)
	path := b.begin("app")
	const refresh, off = `http-equiv="refresh"`, "?refresh=off"
	if page := b.get(path + off); page.has(refresh) || !page.has(path+"/start"+off) {
		t.Errorf("the paused choice:\n%s", page.body)
	}
	if answer := b.post(path+"/start"+off, "device", "other", "first", "1"); answer.location != path+off {
		t.Errorf("start on a paused page leads to %q", answer.location)
	}
	b.await(path, "qr-wait")
	if page := b.get(path + off); page.has(refresh) || !page.has(`href="`+path+`"`, `href="`+path+off+`"`, path+"/cancel"+off) {
		t.Errorf("the paused page cannot be resumed:\n%s", page.body)
	}
	if page := b.get(path); !page.has(refresh, `href="`+path+off+`"`) || page.has("/cancel"+off) {
		t.Errorf("the page cannot be paused:\n%s", page.body)
	}
	if answer := b.post(path + "/cancel" + off); answer.location != path+off {
		t.Errorf("cancel on a paused page leads to %q", answer.location)
	}
}

// A page that has missed that an order is under way, as its network was away or it runs no script, replaces nothing: it shows how
// the login stands. Who sees the order may replace it.
func TestStalePageReplacesNothing(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, nil).browser(windowsPC)
	path := b.begin("app")
	stale := b.get(path)
	if !stale.has(`name="first"`) {
		t.Error("the choice does not say that it has seen no order")
	}
	order := b.scan(path)
	b.await(path, "confirm")
	for _, device := range []string{"this", "other"} {
		if answer := b.post(path+"/start", "device", device, "first", "1"); answer.status != http.StatusSeeOther || answer.location != path {
			t.Errorf("start = %d to %q", answer.status, answer.location)
		}
	}
	if page := b.get(path); !page.has(`data-view="confirm"`) || page.has(`name="first"`) {
		t.Error("the page does not show the order, or does not offer to replace it")
	}
	b.sign(order)
	b.await(path, "complete")
	b.post(path+"/start", "device", "other", "first", "1")
	b.await(path, "complete")
}

// A BankID that is slow does not hold the answer up: the page shows that the order is being made.
func TestSlowStart(t *testing.T) {
	t.Parallel()
	p := ownPeer(t)
	must(t, p.SetChaos(bankidsim.Chaos{StartLatencyMS: 2500}))
	b := newHouse(t, p, nil).browser(windowsPC)
	path := b.begin("app")
	b.post(path+"/start", "device", "other")
	if view := b.status(path).View; view != "starting" {
		t.Errorf("while BankID is slow the page shows %q", view)
	}
	b.await(path, "qr-wait")
}

// late is a store that takes longer to note a click than a browser waits for BankID.
type late struct{ storage.Store }

func (l late) BeginOrder(ctx context.Context, id string, claim storage.Claim, tell ...storage.Tell) (*storage.Login, error) {
	time.Sleep(2 * time.Second)
	return l.Store.BeginOrder(ctx, id, claim, tell...)
}

// A store that is slow does not lose a click either: whatever is answered after it, the page no longer offers the choice.
func TestSlowStore(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, func(s *settings) { s.engine.Store = late{s.engine.Store} }).browser(windowsPC)
	path := b.begin("app")
	p := b.follow(b.post(path+"/start", "device", "other").location)
	if p.has(`data-view="choose"`) || p.has(`id="choose"`) {
		t.Errorf("after the click the page offers the choice:\n%s", p.body)
	}
	b.await(path, "qr-wait")
}

func TestLeave_U08_RowA19(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, nil).browser(windowsPC)
	path := b.begin("app")
	b.scan(path)
	answer := b.post(path + "/leave")
	if answer.status != http.StatusSeeOther || !strings.HasPrefix(answer.location, callback+"/app?error=access_denied") {
		t.Errorf("leave = %d to %q", answer.status, answer.location)
	}
	if again := b.get(b.post(path + "/leave").location); !again.has(`data-view="already-done"`) {
		t.Errorf("second leave:\n%s", again.body)
	}
}

// U-08: cancel works although BankID does not.
func TestCancelWhileBankIDIsDown_U08_U09(t *testing.T) {
	t.Parallel()
	p := ownPeer(t)
	b := newHouse(t, p, nil).browser(windowsPC)
	path := b.begin("app")
	b.post(path+"/start", "device", "other")
	b.await(path, "qr-wait")
	p.close()
	if answer := b.post(path + "/cancel"); answer.status != http.StatusSeeOther || answer.location != path {
		t.Fatalf("cancel = %d to %q", answer.status, answer.location)
	}
	if cancelled := b.get(path); !cancelled.has(`data-view="failed-stopped"`, path+"/start", path+"/leave") {
		t.Errorf("after cancel:\n%s", cancelled.body)
	}
	b.post(path+"/start", "device", "other")
	if down := b.get(path); !down.has(`data-view="failed-unavailable"`, path+"/start", path+"/leave") {
		t.Errorf("start while BankID is down:\n%s", down.body)
	}
	answer := b.post(path + "/leave")
	if to, err := url.Parse(answer.location); err != nil || to.Query().Get("error") != "access_denied" ||
		to.Query().Get("error_description") != login.DescriptionOf(login.BankIDTraits().Words, login.ReasonUnavailable) {
		t.Errorf("leave leads to %q", answer.location)
	}
}

func TestBankIDTrouble(t *testing.T) {
	t.Parallel()
	p := ownPeer(t)
	b := newHouse(t, p, nil).browser(windowsPC)
	path := b.begin("app")
	for view, chaos := range map[string]bankidsim.Chaos{
		"failed-maintenance":       {Maintenance: -1},
		"failed-refused":           {RejectCertificate: true},
		"failed-unavailable":       {Errors: -1, ErrorStatus: 500},
		"failed-alreadyInProgress": {Errors: -1, ErrorStatus: 400, ErrorCode: "alreadyInProgress"},
	} {
		must(t, p.SetChaos(chaos))
		b.post(path+"/start", "device", "other")
		b.await(path, view)
	}
	must(t, p.SetChaos(bankidsim.Chaos{}))
	b.post(path+"/start", "device", "other") // the login goes on once BankID does
	b.await(path, "qr-wait")
}
