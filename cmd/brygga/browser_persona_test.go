package main

import (
	"context"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// persona is a kind of visitor: device, browser and settings.
type persona struct {
	name          string
	agent         string
	platform      string // as Sec-CH-UA-Platform has it
	width, height int64
	phone         bool   // touch and a mobile viewport
	touch         bool   // of a tablet
	language      string // what the demo app is told to ask for; empty leaves it to the browser
	noScript      bool
}

const (
	iPadAgent    = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15"
	tabletAgent  = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
	desktopAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)

const androidAgent = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36"

var (
	computer     = persona{name: "computer", agent: computerAgent, platform: "Windows", width: 1280, height: 900}
	lowComputer  = persona{name: "low-computer", agent: computerAgent, platform: "Windows", width: 900, height: 700}
	androidPhone = persona{name: "phone", agent: androidAgent, platform: "Android", width: 390, height: 844, phone: true}
	iPhone       = persona{name: "iphone", agent: phoneAgent, width: 393, height: 852, phone: true}
	iPad         = persona{name: "ipad", agent: iPadAgent, platform: "macOS", width: 820, height: 1180, touch: true}
	tablet       = persona{name: "tablet", agent: tabletAgent, platform: "Android", width: 800, height: 1280, touch: true}
	// desktopSite is such a tablet that asks for pages made for computers, as Chrome does on larger ones by itself.
	desktopSite = persona{name: "desktop-site", agent: desktopAgent, platform: "Linux", width: 1280, height: 800, touch: true}
	narrowPhone = persona{name: "narrow", agent: androidAgent, platform: "Android", width: 320, height: 640, phone: true}
)

func (p persona) in(language string) persona {
	p.language = language
	return p
}

func withoutScript(p persona) persona {
	p.noScript = true
	return p
}

// wear makes the tab look like the persona's browser. Two pixels to a point are for pictures alone: with them Chromium on a busy
// machine takes a press at half its coordinates at times, and another button, or none, is what is pressed.
func (p persona) wear(ctx context.Context, t *chromedp.Target) error {
	scale, touch := 1.0, int64(1)
	if p.phone || p.touch {
		touch = 5
	}
	if p.phone && *screenshots != "" {
		scale = 2
	}
	for _, err := range []error{
		call(ctx, t, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{
			UserAgent: p.agent, AcceptLanguage: "en-GB,en", Platform: p.platform,
			UserAgentMetadata: &emulation.UserAgentMetadata{
				Brands:   []*emulation.UserAgentBrandVersion{{Brand: "Chromium", Version: "126"}},
				Platform: p.platform, Mobile: p.phone,
			},
		}),
		call(ctx, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: p.width, Height: p.height, DeviceScaleFactor: scale, Mobile: p.phone,
		}),
		call(ctx, t, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: touch > 1, MaxTouchPoints: touch}),
		paint("light")(ctx, t),
		call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: p.noScript}),
		// Every tab counts as the one in front, as its person sees it.
		call(ctx, t, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// paint chooses the light or the dark scheme, without movement.
func paint(scheme string) func(context.Context, *chromedp.Target) error {
	return func(ctx context.Context, t *chromedp.Target) error {
		return call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}})
	}
}

func call[P, R any](ctx context.Context, t *chromedp.Target, command cdp.Command[P, R], params P) error {
	_, err := cdp.Call(ctx, t, command, params)
	return err
}
