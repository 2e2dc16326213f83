package main

import (
	"context"
	"image"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/chromedp"
)

// TestConsoleLooks: while a colour and a logo are chosen, the console shows the login page in them; people see it so once they are saved.
func TestConsoleLooks(t *testing.T) {
	t.Parallel()
	d := newDev(t, nil)
	owner := newTab(t, newBrowser(t), d, computer.in("en"))
	owner.visit(d.link.Address.Reveal())
	owner.heading("Take the account into use")
	owner.choosePassword("account/bootstrap")
	owner.logInByPassword(firstOperator)
	owner.until(`document.querySelector('h1')?.textContent === 'Översikt'`)
	owner.click(`footer a[hreflang=en]`)
	owner.heading("Overview")
	owner.makePlainApp("looks", "http://localhost:9/callback")

	owner.visit(d.AdminURL + "/admin/clients/looks/look")
	owner.fill("brand.accent", "#7A1F5C")
	owner.run(`document.querySelector('iframe').scrollIntoView()`)
	owner.sees("the colour that is typed", 0x7A, 0x1F, 0x5C)
	owner.giveFile("brand.logo", `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><rect width="8" height="8" fill="#00C853"/></svg>`)
	owner.sees("the logo that is chosen", 0x00, 0xC8, 0x53)
	if saved := owner.read(`document.querySelector('img.logo')?.src ?? ''`); saved != "" {
		t.Errorf("a picture has stored the logo %q", saved)
	}
	owner.run(`document.querySelector('form.settings > .actions button').click()`)
	owner.until(`document.querySelector('.flash')?.textContent === 'The change is saved.'`)
	owner.until(`document.querySelector('img.logo')?.src.startsWith('data:image/svg+xml')`)

	owner.visit(d.Issuer + "/preview/choose-phone?client=looks")
	owner.until(`getComputedStyle(document.documentElement).getPropertyValue('--accent').trim() === '#7A1F5C' && document.querySelector('img[src^="/brand/looks/"]')`)
}

// makePlainApp makes an app by the form, without a look at each of its steps.
func (b *tab) makePlainApp(id, redirect string) {
	b.t.Helper()
	b.visit(b.d.AdminURL + "/admin/clients/+new")
	b.fill("name", "The App", "id", id, "app", strings.TrimSuffix(redirect, "/callback"))
	for range 3 {
		step := b.read(`document.querySelector('.steps [aria-current]').textContent`)
		b.click(`button[value=on]`)
		b.until(`document.readyState === 'complete' && document.querySelector('.steps [aria-current]')?.textContent !== "` + step + `"`)
	}
	b.click(`button[value=on]`)
	b.secretShown()
}

// sees waits until what the tab shows has the colour.
func (b *tab) sees(what string, red, green, blue uint32) {
	b.t.Helper()
	b.eventually(what, func() bool {
		picture, err := b.picture()
		return err == nil && hasColour(picture, red, green, blue)
	})
}

func hasColour(picture image.Image, red, green, blue uint32) bool {
	bounds := picture.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y += 2 {
		for x := bounds.Min.X; x < bounds.Max.X; x += 2 {
			if r, g, b, _ := picture.At(x, y).RGBA(); r>>8 == red && g>>8 == green && b>>8 == blue {
				return true
			}
		}
	}
	return false
}

// giveFile chooses a file with that content in a field.
func (b *tab) giveFile(name, content string) {
	b.t.Helper()
	file := b.t.TempDir() + "/logo.svg"
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		root, err := cdp.Call(ctx, target, dom.GetDocument, dom.GetDocumentParams{})
		if err != nil {
			return err
		}
		field, err := cdp.Call(ctx, target, dom.QuerySelector, dom.QuerySelectorParams{NodeID: root.Root.NodeID, Selector: `[name="` + name + `"]`})
		if err != nil {
			return err
		}
		_, err = cdp.Call(ctx, target, dom.SetFileInputFiles, dom.SetFileInputFilesParams{Files: []string{file}, NodeID: field.NodeID})
		return err
	}))
}
