package main

import (
	"context"
	"log/slog"
	"testing"

	"github.com/chromedp/chromedp"

	"brygga/bankid/bankidsim"
	"brygga/web/browsertest"
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
	{name: "U-03 U-04 RowA16 RowA18 login by QR code, Swedish", run: loginByPicture("sv"), as: computer},
	{name: "U-03 U-04 RowA18 login by QR code, English, with BankID's delays", run: loginByPicture("en"), as: computer, chaos: bankidsim.MildChaos()},
	{name: "a login asks for little", run: asksForLittle, as: computer},
	{name: "U-20 language switch", run: switchLanguage, as: computer},
	{name: "U-13 RowA17 same device, Android phone", run: loginOnThisDevice, as: androidPhone},
	{name: "U-13 same device, iPhone", run: loginOnThisDevice, as: iPhone},
	{name: "U-13 same device, iPad that says it is a Mac", run: loginOnThisDevice, as: iPad},
	{name: "U-13 same device, Android tablet", run: loginOnThisDevice, as: tablet},
	{name: "U-13 same device, Android tablet that says it is Linux", run: loginOnThisDevice, as: desktopSite},
	{name: "other device, Android phone", run: loginByPicture("en"), as: androidPhone},
	{name: "other device, iPhone", run: loginByPicture("sv"), as: iPhone},
	{name: "other device, iPad that says it is a Mac", run: loginByPicture("sv"), as: iPad},
	{name: "other device, Android tablet", run: loginByPicture("sv"), as: tablet},
	{name: "other device, Android tablet that says it is Linux", run: loginByPicture("en"), as: desktopSite},
	{name: "U-13 RowA17 same device, Windows", run: loginOnThisDevice, as: computer},
	{name: "U-07 U-11 U-19 A-02 A-05 RowA7 renewal", run: renewOrder, as: lowComputer},
	{name: "U-07 a code from before the renewal", run: scanAcrossRenewal, as: computer},
	{name: "U-02 U-08 RowA18 cancel on the page", run: cancelOnPage, as: computer},
	{name: "U-09 A-07 cancel in the app", run: cancelInApp, as: computer},

	{name: "signature by QR code, Swedish", run: signByPicture("sv"), as: computer},
	{name: "signature by QR code, English", run: signByPicture("en"), as: computer, chaos: bankidsim.MildChaos()},
	{name: "signature on this device, Android phone", run: signOnThisDevice, as: androidPhone},
	{name: "signature on this device, Windows", run: signOnThisDevice, as: computer},
	{name: "signature cancelled", run: cancelSignature, as: computer.in("en")},
	{name: "signature by another person", run: anotherPersonSigns, as: computer},
	{name: "signature of a changed text", run: changedTexts, as: computer.in("en")},

	{name: "T-02 return with a wrong nonce", run: returnWithWrongNonce, as: androidPhone},
	{name: "T-02 return with a wrong nonce after approval", run: returnWithWrongNonceAfterApproval, as: androidPhone},
	{name: "T-01 T-05 return in another browser", run: returnInOtherBrowser, as: androidPhone},
	{name: "T-07 RowA2 page in another browser", run: openInOtherBrowser, as: computer},
	{name: "U-10 reload, back and forward", run: reloadAndGoBack, as: computer},
	{name: "U-10 RowA8 second tab", run: secondTab, as: computer},
	{name: "U-10 stale tab", run: staleTab, as: computer},
	{name: "U-02 double click", run: doubleClick, as: computer, chaos: slowStart},

	{name: "a newcomer's minute", run: newcomersMinute, as: computer, chaos: bankidsim.MildChaos()},
	{name: "a newcomer's minute, Swedish", run: newcomersMinute, as: computer.in("sv")},
	{name: "the tour, its errors and log-out", run: tourEnds, as: androidPhone},

	{name: "no script", run: loginWithoutScript, as: withoutScript(computer)},
	{name: "no script, double click", run: doubleClick, as: withoutScript(computer), chaos: slowStart},
	{name: "no script, double click on the way back", run: doubleClickBack, as: withoutScript(computer)},
	{name: "A-07 keyboard only", run: loginByKeyboard, as: computer},
	{name: "RowA5 events blocked", run: loginWithoutEvents, as: computer},

	{name: "U-09 BankID in trouble", run: troubleAtStart, as: computer},
	{name: "BankID fails while the code is shown", run: troubleOnTheWay, as: computer},

	{name: "A-16 axe beside the login, English", run: judgePages, as: computer.in("en")},
	{name: "A-16 axe beside the login, Swedish", run: judgePages, as: computer.in("sv")},
	{name: "screens of a signature, phone, Swedish", run: signScreens, as: androidPhone.in("sv")},
	{name: "screens of a signature, computer, English", run: signScreens, as: computer.in("en")},
	{name: "U-18 page weight", run: weighPage, as: computer},
	{name: "the watch is not blind", run: checkWatch, as: computer},
	{name: "U-18 A-10 screens, narrow", run: screens, as: narrowPhone.in("sv")},
	{name: "U-18 screens, phone", run: screens, as: androidPhone.in("en")},
	{name: "U-18 screens, computer", run: screens, as: computer.in("en")},
}

// slowStart leaves time to click once more while the order is being made.
var slowStart = &bankidsim.Chaos{StartLatencyMS: 400}

func TestBrowser(t *testing.T) {
	t.Parallel()
	browser := newBrowser(t)
	for _, tc := range browserTests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
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
	allocator, end := chromedp.NewExecAllocator(context.Background(), browsertest.Options()...)
	t.Cleanup(end)
	ctx, end := chromedp.NewContext(allocator)
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return ctx
}
