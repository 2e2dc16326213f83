package main

import (
	"bytes"
	"context"
	"flag"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

var screenshots = flag.String("screenshots", "", "write pictures of the login page to this directory")

// screens goes through the states of the page as one kind of visitor. On each, nothing may stick out to the side, and what
// the person needs is on the screen at once, but for the smallest one, where it may take scrolling down.
func screens(b *tab) {
	b.start()
	b.screen("choose")
	b.choose("this")
	b.shows("app-wait")
	b.screen("app-wait")
	b.click(actionButton("cancel"))
	b.shows("failed-stopped")
	b.screen("failed")
	b.click(deviceButton("other"))
	b.shows("qr-wait")
	b.screen("qr-wait")
	order := b.scan()
	b.screen("confirm")
	// The last page goes on by itself. Without script it stays to be looked at.
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		return call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	}), chromedp.Reload())
	b.sign(order)
	b.shows("complete")
	b.screen("complete")
	b.click(actionButton("done"))
	b.loggedIn()
	b.screen("claims")
}

// screen checks what the tab shows, and keeps a picture of it if asked to.
func (b *tab) screen(name string) {
	b.t.Helper()
	b.until(`document.readyState === 'complete'`)
	if *screenshots != "" {
		b.photograph(name, "light")
		b.photograph(name, "dark")
		b.do(chromedp.Func(paint("light")))
	}
	if wide := read[float64](b, `document.documentElement.scrollWidth`); wide > float64(b.as.width) {
		b.t.Errorf("%s is %v pixels wide on a screen of %d", name, wide, b.as.width)
	}
	bottom := `innerHeight`
	if b.as.name == narrowPhone.name || name == "claims" {
		bottom = `Infinity`
	}
	if out := read[[]string](b, `[...document.querySelectorAll('h1, main .button, #qr, main form button')].filter(e => {
		const box = e.getBoundingClientRect()
		return box.left < 0 || box.right > `+"document.documentElement.clientWidth"+` || box.top < 0 || e.matches('h1, .button, #qr') && box.bottom > `+bottom+`
	}).map(e => e.textContent.trim().slice(0, 30) || e.id)`); len(out) != 0 {
		b.t.Errorf("%s: not all on the screen: %q", name, out)
	}
}

// photograph keeps a picture of the whole page in one of the schemes.
func (b *tab) photograph(name, scheme string) {
	b.t.Helper()
	ctx, end := context.WithTimeout(b.ctx, tabPatience)
	defer end()
	b.do(chromedp.Func(paint(scheme)))
	b.until(`document.getAnimations().length === 0`) // colours change over a moment
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(pictureFile(b.as, name, scheme), picture, 0o644)
	}
	if err != nil {
		b.t.Error(err)
	}
}

func pictureFile(as persona, name, scheme string) string {
	return filepath.Join(*screenshots, as.name+"-"+as.language+"-"+scheme+"-"+name+".png")
}

// composePictures makes the pictures of the README: the QR code on a computer beside the choice on a dark phone, and the main
// states on a phone.
func composePictures(t *testing.T) {
	if *screenshots == "" {
		return
	}
	compose(t, "login.png", readPicture(t, pictureFile(computer.in("en"), "qr-wait", "light")),
		halve(readPicture(t, pictureFile(androidPhone.in("en"), "choose", "dark"))))
	var states []image.Image
	for _, name := range []string{"choose", "qr-wait", "confirm", "complete", "failed"} {
		states = append(states, halve(readPicture(t, pictureFile(androidPhone.in("en"), name, "light"))))
	}
	compose(t, "states.png", states...)
	var tour []image.Image
	for _, name := range []string{"tour-1", "tour-3", "tour-4", "claims"} {
		tour = append(tour, halve(middle(readPicture(t, pictureFile(computer, name, "light")))))
	}
	compose(t, "tour.png", tour...)
}

// compose writes the pictures side by side into a file.
func compose(t *testing.T, file string, pictures ...image.Image) {
	const space = 40
	size := image.Pt(space, 0)
	for _, picture := range pictures {
		size.X += picture.Bounds().Dx() + space
		size.Y = max(size.Y, picture.Bounds().Dy()+2*space)
	}
	all := image.NewNRGBA(image.Rectangle{Max: size})
	draw.Draw(all, all.Bounds(), image.NewUniform(color.NRGBA{0xd3, 0xdc, 0xdf, 0xff}), image.Point{}, draw.Src)
	x := space
	for _, picture := range pictures {
		box := picture.Bounds()
		y := (size.Y - box.Dy()) / 2
		draw.DrawMask(all, image.Rect(x, y, x+box.Dx(), y+box.Dy()), picture, box.Min, rounded{box}, box.Min, draw.Over)
		x += box.Dx() + space
	}
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&out, all); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*screenshots, file), out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d bytes", file, out.Len())
}

func readPicture(t *testing.T, file string) image.Image {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	picture, _, err := image.Decode(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

// middle cuts away what is empty on both sides of a wide page, and what is below the screen.
func middle(from image.Image) image.Image {
	box := from.Bounds()
	cut := image.Rect(box.Min.X+box.Dx()/6, box.Min.Y, box.Max.X-box.Dx()/6, min(box.Max.Y, box.Min.Y+int(computer.height)))
	return from.(interface {
		SubImage(r image.Rectangle) image.Image
	}).SubImage(cut)
}

// halve makes one pixel of four.
func halve(from image.Image) image.Image {
	box := from.Bounds()
	to := image.NewNRGBA(image.Rect(0, 0, box.Dx()/2, box.Dy()/2))
	for y := range box.Dy() / 2 {
		for x := range box.Dx() / 2 {
			var sum [3]uint32
			for i := range 4 {
				r, g, b, _ := from.At(box.Min.X+2*x+i%2, box.Min.Y+2*y+i/2).RGBA()
				sum[0], sum[1], sum[2] = sum[0]+r, sum[1]+g, sum[2]+b
			}
			to.SetNRGBA(x, y, color.NRGBA{uint8(sum[0] >> 10), uint8(sum[1] >> 10), uint8(sum[2] >> 10), 0xff})
		}
	}
	return to
}

// rounded is a mask with round corners.
type rounded struct{ box image.Rectangle }

const radius = 18

func (rounded) ColorModel() color.Model   { return color.AlphaModel }
func (r rounded) Bounds() image.Rectangle { return r.box }

func (r rounded) At(x, y int) color.Color {
	dx := max(r.box.Min.X+radius-x, x-(r.box.Max.X-1-radius), 0)
	dy := max(r.box.Min.Y+radius-y, y-(r.box.Max.Y-1-radius), 0)
	inside := radius + 0.5 - math.Hypot(float64(dx), float64(dy))
	return color.Alpha{uint8(255 * min(max(inside, 0), 1))}
}
