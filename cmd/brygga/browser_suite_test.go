package main

import (
	"context"
	"log/slog"
	"testing"

	"github.com/chromedp/chromedp"

	"brygga/bankid/bankidsim"
)

// browserTests are what only a real browser shows. Each has an installation and a fresh profile of its own, begins at the
// demo app and uses the hosted page as a person would.
var browserTests = []struct {
	name string
	run  func(b *tab)
	as   persona
	// chaos is how the simulator begins; nil means that it behaves.
	chaos *bankidsim.Chaos
}{
	{name: "login by QR code, Swedish", run: loginByPicture("sv"), as: computer},
	{name: "login by QR code, English, with BankID's delays", run: loginByPicture("en"), as: computer, chaos: bankidsim.MildChaos()},
	{name: "language switch", run: switchLanguage, as: computer},
	{name: "same device, Android phone", run: loginOnThisDevice, as: androidPhone},
	{name: "same device, Windows", run: loginOnThisDevice, as: computer},
	{name: "renewal", run: renewOrder, as: lowComputer},
	{name: "cancel on the page", run: cancelOnPage, as: computer},
	{name: "cancel in the app", run: cancelInApp, as: computer},

	{name: "return with a wrong nonce", run: returnWithWrongNonce, as: androidPhone},
	{name: "return with a wrong nonce after approval", run: returnWithWrongNonceAfterApproval, as: androidPhone},
	{name: "return in another browser", run: returnInOtherBrowser, as: androidPhone},
	{name: "page in another browser", run: openInOtherBrowser, as: computer},
	{name: "reload, back and forward", run: reloadAndGoBack, as: computer},
	{name: "second tab", run: secondTab, as: computer},
	{name: "stale tab", run: staleTab, as: computer},
	{name: "double click", run: doubleClick, as: computer, chaos: slowStart},

	{name: "no script", run: loginWithoutScript, as: withoutScript(computer)},
	{name: "no script, double click", run: doubleClick, as: withoutScript(computer), chaos: slowStart},
	{name: "keyboard only", run: loginByKeyboard, as: computer},
	{name: "events blocked", run: loginWithoutEvents, as: computer},

	{name: "BankID in trouble", run: troubleAtStart, as: computer},
	{name: "BankID fails while the code is shown", run: troubleOnTheWay, as: computer},

	{name: "page weight", run: weighPage, as: computer},
	{name: "the watch is not blind", run: checkWatch, as: computer},
	{name: "screens, narrow", run: screens, as: narrowPhone.in("sv")},
	{name: "screens, phone", run: screens, as: androidPhone.in("en")},
	{name: "screens, computer", run: screens, as: computer.in("en")},
}

// slowStart leaves time to click once more while the order is being made.
var slowStart = &bankidsim.Chaos{StartLatencyMS: 400}

// atOnce is how many browser tests run side by side. More of them would wait for each other's painting.
const atOnce = 2

func TestBrowser(t *testing.T) {
	browser := newBrowser(t)
	turn := make(chan struct{}, atOnce)
	for _, tc := range browserTests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			turn <- struct{}{}
			defer func() { <-turn }()
			d := newDev(t, func(o *devOptions) { o.chaos, o.log = tc.chaos, slog.New(slog.DiscardHandler) })
			tc.run(newTab(t, browser, d, tc.as))
		})
	}
	t.Cleanup(func() {
		if !t.Failed() {
			composePictures(t)
		}
	})
}

// newBrowser starts one browser for all tests. It finds no host but this one. Without a browser the test fails.
func newBrowser(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE localhost"))
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(end)
	ctx, end := chromedp.NewContext(allocator)
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return ctx
}
