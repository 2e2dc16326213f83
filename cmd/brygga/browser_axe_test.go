package main

import (
	"context"
	"os"
	"strings"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// axeFile is axe-core, which make needs installs for the hosted pages' own test.
const axeFile = "../../templates/testdata/axe/node_modules/axe-core/axe.min.js"

// axeRun lists what axe-core holds against the page as it stands.
const axeRun = `axe.run(document, {
	runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice', 'experimental'], resultTypes: ['violations'], preload: false, iframes: false,
}).then(found => found.violations.flatMap(rule => rule.nodes.map(node =>
	rule.id + ' at ' + node.target.join(' ') + ': ' + node.failureSummary.replace(/\s+/g, ' '))))`

// atOnceColours keeps buttons from fading from one theme into the other while they are judged.
const atOnceColours = `(() => {
	const sheet = new CSSStyleSheet()
	sheet.replaceSync('* { transition: none !important }')
	document.adoptedStyleSheets = [sheet]
})()`

// judgePages goes through the pages beside those of a login, and a login as its person meets it: the demo app, the virtual phone, what
// is shown when something is wrong, log-out and the designers' list. axe-core finds nothing on any of them, wide and narrow, light and dark.
func judgePages(b *tab) {
	axe, err := os.ReadFile(axeFile)
	if err != nil {
		b.t.Fatalf("%v; run make needs", err)
	}
	judge := func(name string) { b.t.Helper(); b.judge(name, string(axe)) }
	b.allow("404", "400")

	b.visit(b.d.DemoURL + "/")
	b.demoSpeaks(b.as.language)
	judge("demo, start")
	b.visit(b.d.DemoURL + "/nothing")
	judge("demo, no such page")
	b.start()
	judge("choose")
	b.click(actionButton("leave"))
	b.until(`document.querySelector('#error')`)
	judge("demo, cancelled")

	b.startQR()
	judge("code")
	order := b.scan()
	b.shows("confirm")
	judge("confirm")
	phone := b.another()
	phone.visit(b.d.PhoneURL + "/?lang=" + b.as.language)
	phone.until(`document.readyState === 'complete'`)
	phone.judge("phone, an order waits", string(axe))
	b.sign(order)
	b.loggedIn()
	judge("demo, claims")
	phone.reload()
	phone.judge("phone, nothing waits", string(axe))

	b.visit(b.d.Issuer + "/logout?lang=" + b.as.language)
	judge("log-out")
	b.visit(b.d.Issuer + "/nothing?lang=" + b.as.language)
	judge("no such page")
	b.visit(b.d.Issuer + "/authorize?client_id=nobody&lang=" + b.as.language)
	judge("bad request")
	b.visit(b.d.Issuer + "/preview?lang=" + b.as.language)
	judge("preview")
}

// judge runs axe-core on the page, in each theme and on a wide and a narrow screen, and wants nothing to stick out to the side.
func (b *tab) judge(name, axe string) {
	b.t.Helper()
	b.until(`document.readyState === 'complete'`)
	if read[bool](b, `!window.axe`) {
		b.do(chromedp.Evaluate[chromedp.Void](axe + ";" + atOnceColours + ";undefined"))
	}
	for _, width := range []int64{320, 1280} {
		b.do(chromedp.EmulateViewport(width, 900))
		for _, scheme := range []string{"light", "dark"} {
			b.do(chromedp.Func(paint(scheme)))
			if faults := read[[]string](b, axeRun); len(faults) > 0 {
				b.t.Errorf("%s, %d wide, %s: %s", name, width, scheme, strings.Join(faults, "\n"))
			}
		}
		if wide := read[int64](b, `document.documentElement.scrollWidth`); wide > width {
			b.t.Errorf("%s is %d wide on a screen of %d", name, wide, width)
		}
	}
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		return call(ctx, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: b.as.width, Height: b.as.height, DeviceScaleFactor: 1, Mobile: b.as.phone,
		})
	}), chromedp.Func(paint("light")))
}
