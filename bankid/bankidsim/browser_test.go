package bankidsim

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"brygga/web/browsertest"
)

// browser starts Chromium with one tab, which the context is for; it ends with the test.
func browser(t *testing.T, flags ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), browsertest.Options(flags...)...)
	t.Cleanup(cancel)
	ctx, cancelTab := chromedp.NewContext(ctx)
	t.Cleanup(cancelTab)
	ctx, cancelTime := context.WithTimeout(ctx, 60*time.Second)
	t.Cleanup(cancelTime)
	return ctx
}

// TestPhoneInABrowser follows a launch link on the page itself, as only a browser can show: the page's own policy lets
// its script run, somebody holds the phone already, a wrong code is refused, and the app goes to the return address.
func TestPhoneInABrowser(t *testing.T) {
	arrived := make(chan string, 1)
	back := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/back" {
			arrived <- r.URL.RawQuery
		}
	}))
	defer back.Close()
	r := newRig(t, Options{})
	phone := httptest.NewServer(r.Phone())
	defer phone.Close()
	o := r.start("auth", `{"endUserIp":"127.0.0.1","userVisibleData":"PGltZyBzcmM9eCBvbmVycm9yPWFsZXJ0KDEpPg==","returnUrl":"`+back.URL+`/back?n=1"}`)

	ctx := browser(t)
	if err := chromedp.Do(ctx,
		chromedp.Navigate(phone.URL+"/?autostarttoken="+o.AutoStartToken+"&redirect=null"),
		chromedp.WaitVisible("#code"),
		chromedp.SendKeys("#code", WrongCode),
		chromedp.Click("#approve-button"),
		chromedp.WaitVisible("#message"),
	); err != nil {
		t.Fatal(err)
	}
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.getElementById('order-text').textContent + '|' + document.getElementById('order-rp').textContent + '|' + location.search`))
	if err != nil {
		t.Fatal(err)
	}
	if want := `<img src=x onerror=alert(1)>|Brygga (test)|`; text != want {
		t.Errorf("the page shows %q, want %q: texts as text, and no token in the address", text, want)
	}
	if err := chromedp.Do(ctx, chromedp.SendKeys("#code", "123456"), chromedp.Click("#approve-button")); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-arrived:
		if got != "n=1" {
			t.Errorf("the app opened ?%s", got)
		}
	case <-ctx.Done():
		t.Fatal("the app never opened the return address")
	}
	r.wantOutcome(o.OrderRef, "complete/")
}

// TestPhoneTakesWhatWaits: an order that waits is on the screen at once, and two presses identify: one reads its code, one approves.
// The phone speaks the browser's language, or the one that was chosen, and its button for the person is called what it shows.
func TestPhoneTakesWhatWaits(t *testing.T) {
	r := newRig(t, Options{StyleSheet: []byte(":root { --accent: rgb(1, 2, 3); }")})
	phone := httptest.NewServer(r.Phone())
	defer phone.Close()
	o := r.auth()
	ctx := browser(t, chromedp.Flag("accept-lang", "sv"))
	wants := func(what, expression, want string) {
		t.Helper()
		if got, err := chromedp.Run(ctx, chromedp.Evaluate[string](expression)); err != nil || got != want {
			t.Errorf("%s is %q, want %q: %v", what, got, want, err)
		}
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(phone.URL+"/"), chromedp.WaitVisible(`[data-order="`+o.OrderRef+`"] button`)); err != nil {
		t.Fatal(err)
	}
	wants("the heading", `document.documentElement.lang + ' ' + document.querySelector('#home-title').textContent`, "sv En inloggning väntar")
	wants("the button of the person", `[...document.querySelectorAll('#who > :not([aria-hidden])')].map((e) => e.textContent).join('')`, "Åsa Öberg-Ström, byt person")
	wants("its own name", `String(document.querySelector('#who').getAttribute('aria-label'))`, "null")
	wants("the colour of the main button", `getComputedStyle(document.querySelector('#waiting-list button')).backgroundColor`, "rgb(1, 2, 3)")
	if err := chromedp.Do(ctx, chromedp.Navigate(phone.URL+"/?lang=en"), chromedp.WaitVisible("#waiting-list button")); err != nil {
		t.Fatal(err)
	}
	wants("the language that led here", `document.documentElement.lang + location.search`, "en")
	if err := chromedp.Do(ctx, chromedp.Click("#language"), chromedp.Click("#language"), chromedp.Navigate(phone.URL+"/?lang=sv"), chromedp.WaitVisible("#waiting-list button")); err != nil {
		t.Fatal(err)
	}
	wants("the heading", `document.documentElement.lang + ' ' + document.querySelector('#home-title').textContent`, "en A login is waiting")
	if err := chromedp.Do(ctx, chromedp.Click("#waiting-list button"), chromedp.WaitVisible("#approve-button"), chromedp.Click("#approve-button"), chromedp.WaitVisible("#done-close")); err != nil {
		t.Fatal(err)
	}
	r.wantOutcome(o.OrderRef, "complete/")
	if done := must(t)(r.Order(o.OrderRef)); done.PersonalNumber != asa {
		t.Errorf("approved by %s", done.PersonalNumber)
	}
}

// TestPhoneTargets: everything that is pressed is large enough for a finger, and every heading says something.
func TestPhoneTargets(t *testing.T) {
	r := newRig(t, Options{})
	phone := httptest.NewServer(r.Phone())
	defer phone.Close()
	r.auth()
	ctx := browser(t)
	if err := chromedp.Do(ctx, chromedp.Navigate(phone.URL+"/"), chromedp.WaitVisible("#waiting-list button")); err != nil {
		t.Fatal(err)
	}
	faults, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](`(() => {
		const faults = [...document.querySelectorAll('h1')].filter((h) => !h.textContent.trim()).map((h) => 'empty heading in ' + h.parentElement.id);
		for (const e of document.querySelectorAll('[hidden], details')) { e.hidden = false; e.open = true; }
		for (const e of document.querySelectorAll('button, summary, .button, input:not([type=file]), textarea')) {
			const box = e.getBoundingClientRect();
			if (box.height < 44 || box.width < 44) faults.push((e.id || e.textContent) + ' has ' + box.width + ' × ' + box.height);
		}
		return faults;
	})()`))
	if err != nil || len(faults) > 0 {
		t.Errorf("%q, %v", faults, err)
	}
}

// TestPhoneReadsPictures gives the page pictures of QR codes in each way that a browser has, and wants the order picked up.
func TestPhoneReadsPictures(t *testing.T) {
	r := newRig(t, Options{})
	phone := httptest.NewServer(r.Phone())
	defer phone.Close()
	dir := t.TempDir()

	o := r.auth()
	film := filepath.Join(dir, "film.mjpeg") // what the camera sees: the code on a screen
	write(t, film, asJPEG(t, onScreen(frameImage(t, o.frame(0), 3), 640, 480)))
	ctx := browser(t, chromedp.Flag("use-fake-device-for-media-stream", true), chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("use-file-for-fake-video-capture", film))
	open := chromedp.Steps(chromedp.Navigate(phone.URL+"/?person="+asa), chromedp.WaitVisible("#waiting-list"), chromedp.Click("#scan-summary"), chromedp.WaitVisible("#finder"))

	if err := chromedp.Do(ctx, open, chromedp.WaitVisible("#camera-button"), chromedp.Click("#camera-button"), chromedp.WaitVisible("#approve-button")); err != nil {
		t.Fatalf("camera: %v", err)
	}
	r.wantOutcome(o.OrderRef, "pending/userSign")
	if on, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.getElementById('camera').srcObject !== null`)); err != nil || on {
		t.Errorf("the camera still films: %t, %v", on, err)
	}
	must(t)(r.Cancel(o.OrderRef, asa))

	o = r.auth()
	file := filepath.Join(dir, "screen.png")
	write(t, file, asPNG(t, onScreen(frameImage(t, o.frame(0), 4), 1280, 800)))
	if err := chromedp.Do(ctx, open, chromedp.SetUploadFiles("#scan-file", []string{file}), chromedp.WaitVisible("#approve-button")); err != nil {
		t.Fatalf("file: %v", err)
	}
	r.wantOutcome(o.OrderRef, "pending/userSign")
	must(t)(r.Cancel(o.OrderRef, asa))

	// A drop, and a paste of a picture in a format that has to be drawn anew.
	for event, how := range map[string]string{
		"drop":  `new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true })`,
		"paste": `new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true })`,
	} {
		o = r.auth()
		picture := base64.StdEncoding.EncodeToString(asPNG(t, frameImage(t, o.frame(0), 4)))
		give := chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
			_, err := chromedp.Evaluate[bool](`(() => {
				const data = new DataTransfer();
				const type = '`+event+`' === 'drop' ? 'image/png' : 'image/x-other';
				data.items.add(new File([Uint8Array.from(atob('`+picture+`'), (c) => c.charCodeAt(0))], 'code', { type }));
				return document.body.dispatchEvent(`+how+`);
			})()`)(ctx, tab)
			return err
		})
		if err := chromedp.Do(ctx, open, give, chromedp.WaitVisible("#approve-button")); err != nil {
			t.Fatalf("%s: %v", event, err)
		}
		r.wantOutcome(o.OrderRef, "pending/userSign")
		must(t)(r.Cancel(o.OrderRef, asa))
	}
}

func write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
