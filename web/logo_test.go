package web

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"

	"brygga/storage"
)

// drawing is a picture with a dark left half; noise makes it hard to compress.
func drawing(w, h int, noise bool) image.Image {
	random := rand.New(rand.NewPCG(1, 2))
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			shade := uint8(220)
			if x < w/2 {
				shade = 30
			}
			if noise {
				shade = uint8(random.Uint32())
			}
			m.SetNRGBA(x, y, color.NRGBA{shade, shade / 2, 255 - shade, 255})
		}
	}
	return m
}

func encoded(t *testing.T, encode func(b *bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadLogo(t *testing.T) {
	asPNG := func(m image.Image) []byte {
		return encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, m) })
	}
	small := asPNG(drawing(120, 60, false))
	for _, tt := range []struct {
		name string
		file []byte
		w, h int
	}{
		{"PNG", small, 120, 60},
		{"JPEG", encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, drawing(64, 64, false), nil) }), 64, 64},
		{"GIF", encoded(t, func(b *bytes.Buffer) error { return gif.Encode(b, drawing(64, 32, false), nil) }), 64, 32},
		{"larger than is served", asPNG(drawing(1024, 512, false)), 512, 256},
		{"with bytes behind the picture", append(bytes.Clone(small), "<script>alert(1)</script>"...), 120, 60},
	} {
		logo, mediaType, err := ReadLogo(tt.file)
		if err != nil || mediaType != "image/png" || len(logo) > maxServed {
			t.Errorf("%s: %s, %d bytes, error %v", tt.name, mediaType, len(logo), err)
			continue
		}
		m, err := png.Decode(bytes.NewReader(logo))
		if err != nil || m.Bounds().Dx() != tt.w || m.Bounds().Dy() != tt.h {
			t.Errorf("%s: %v, error %v, want %d × %d", tt.name, m.Bounds(), err, tt.w, tt.h)
			continue
		}
		left, _, _, _ := m.At(tt.w/4, tt.h/2).RGBA()
		right, _, _, _ := m.At(tt.w*3/4, tt.h/2).RGBA()
		if left > 0x5000 || right < 0xb000 || bytes.Contains(logo, []byte("script")) {
			t.Errorf("%s: the picture is not the one that was given", tt.name)
		}
	}
	noisy, _, err := ReadLogo(asPNG(drawing(200, 200, true)))
	if err != nil || len(noisy) > maxServed {
		t.Errorf("a picture that does not compress: %d bytes, error %v", len(noisy), err)
	}
}

func TestReadLogoRefuses(t *testing.T) {
	bomb := encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, drawing(8, 8, false)) })
	binary.BigEndian.PutUint32(bomb[16:], 60000) // the width, of a file of some hundred bytes
	binary.BigEndian.PutUint32(bomb[20:], 60000)
	binary.BigEndian.PutUint32(bomb[29:], crc32.ChecksumIEEE(bomb[12:29]))
	half := encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, drawing(64, 64, true)) })
	for name, file := range map[string][]byte{
		"nothing": nil, "text": []byte("logo"), "a page": []byte("<!DOCTYPE html><p>"), "a picture of a gigabyte": bomb,
		"half a picture": half[:len(half)/2], "a file of megabytes": bytes.Repeat([]byte{1}, maxLogoFile+1),
	} {
		if _, _, err := ReadLogo(file); !errors.Is(err, ErrLogo) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, _, err := ReadLogo(bomb); err == nil || !strings.Contains(err.Error(), "pixels") {
		t.Errorf("the size is not what a huge picture is refused for: %v", err)
	}
}

const goodSVG = `<?xml version="1.0"?><!-- made by hand --><svg xmlns="http://www.w3.org/2000/svg" xmlns:x="http://x.example/" xmlns:xlink="http://www.w3.org/1999/xlink" x:note="n" viewBox="0 0 24 24">
<title>A &amp; B</title><metadata><x:y>drop</x:y></metadata><x:layer>drop</x:layer><defs><linearGradient id="g"><stop offset="0" stop-color="#0b5c8c"/></linearGradient></defs>
<g transform="translate(1 2) rotate(-3.5)" data-x="drop"><path id="p" d="M0 0h24v24H0z" fill="url(#g)"/></g><use xlink:href="#p"/></svg>`

func TestSanitizeSVG(t *testing.T) {
	logo, mediaType, err := ReadLogo([]byte(goodSVG))
	if err != nil || mediaType != "image/svg+xml" {
		t.Fatalf("%s, error %v", mediaType, err)
	}
	for _, want := range []string{`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">`, `fill="url(#g)"`, `<use href="#p">`, "A &amp; B", `stop-color="#0b5c8c"`} {
		if !strings.Contains(string(logo), want) {
			t.Errorf("%s was lost in %s", want, logo)
		}
	}
	for _, gone := range []string{"drop", "made by hand", "metadata", "xlink", "x:"} {
		if strings.Contains(string(logo), gone) {
			t.Errorf("%s was kept in %s", gone, logo)
		}
	}
	if again, _, err := ReadLogo(logo); err != nil || !bytes.Equal(again, logo) {
		t.Errorf("cleaned again it becomes %s, error %v", again, err)
	}
}

// layers nests ten references in each of nine elements: 10⁹ shapes.
func layers(open, refer, end string) string {
	all := strings.ReplaceAll(open, "%d", "l0") + `<path d="M0 0h9v9"/>` + end
	for i := 1; i < 9; i++ {
		all += strings.ReplaceAll(open, "%d", fmt.Sprint("l", i)) + strings.Repeat(strings.ReplaceAll(refer, "%d", fmt.Sprint("l", i-1)), 10) + end
	}
	return all + strings.ReplaceAll(refer, "%d", "l8")
}

// doubled has each group use the one before it twice.
func doubled(times int) string {
	all := `<g id="l0"><path d="M0 0h9v9"/></g>`
	for i := 1; i <= times; i++ {
		all += fmt.Sprintf(`<g id="l%d"><use href="#l%d"/><use href="#l%d"/></g>`, i, i-1, i-1)
	}
	return all
}

// What many real logos have: a few uses, one within the other, a mask and a clip, and a reference to nothing.
func TestSanitizeSVGKeeps(t *testing.T) {
	for name, inner := range map[string]string{
		"uses":             `<g id="a"><path d="M0 0h9v9"/></g><g id="b"><use href="#a"/><use href="#a" x="9"/></g><use href="#b" y="9"/>`,
		"a mask":           `<mask id="m"><rect width="9" height="9"/></mask><g mask="url(#m)"><path d="M0 0h9v9"/></g>`,
		"a reference away": `<path d="M0 0h9v9" fill="url(#nowhere)"/>`,
		"the first of two": `<g id="a"><path d="M0 0h9v9"/></g><use id="a" href="#a"/>`,
		"no dashes":        `<path d="M0 0h9v9" stroke-dasharray="none"/>`,
		"both spellings":   `<path id="a" d="M0 0h9v9"/><use xlink:href="#b" href="#a"/>`,
		"eight doublings":  doubled(8),
	} {
		logo, _, err := ReadLogo([]byte(`<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">` + inner + `</svg>`))
		if err != nil || strings.Count(string(logo), "href") != strings.Count(inner, " href") {
			t.Errorf("%s: %v, became %s", name, err, logo)
		}
	}
}

func TestSanitizeSVGRefuses(t *testing.T) {
	within := func(inner string) string {
		return `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9"><path d="M0 0"/>` + inner + `</svg>`
	}
	for name, file := range map[string]string{
		"script":                within(`<script>alert(1)</script>`),
		"style":                 within(`<style>@import url(//evil.example)</style>`),
		"foreign object":        within(`<foreignObject><p xmlns="http://www.w3.org/1999/xhtml">x</p></foreignObject>`),
		"image":                 within(`<image href="https://evil.example/x.png"/>`),
		"animation":             within(`<animate attributeName="href" to="javascript:alert(1)"/>`),
		"set":                   within(`<set attributeName="onclick" to="alert(1)"/>`),
		"link":                  within(`<a href="https://evil.example/"><path d="M0 0"/></a>`),
		"event":                 within(`<g onload="alert(1)"/>`),
		"event in capitals":     within(`<g ONLOAD="alert(1)"/>`),
		"style attribute":       within(`<g style="fill:url(//evil.example)"/>`),
		"use from elsewhere":    within(`<use href="https://evil.example/#x"/>`),
		"use by the older name": within(`<use xlink:href="data:image/svg+xml,x#x"/>`),
		"fill from elsewhere":   within(`<g fill="url(https://evil.example/#x)"/>`),
		"quoted fill":           within(`<g fill="url('#x')"/>`),
		"fill with a remark":    within(`<g fill="u/**/rl(//evil.example)"/>`),
		"fill in capitals":      within(`<g fill="URL(evil.example)"/>`),
		"an escape":             within(`<g fill="\75rl(x)"/>`),
		"entities":              `<!DOCTYPE svg [<!ENTITY a "&b;">]>` + within("&a;"),
		"a document type":       "<!DOCTYPE svg>" + within(""),
		"an unknown entity":     within("<title>&lol;</title>"),
		"no SVG":                `<html><svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg></html>`,
		"no name space":         `<svg><path d="M0 0"/></svg>`,
		"two roots":             within("") + within(""),
		"nothing drawn":         `<svg xmlns="http://www.w3.org/2000/svg"></svg>`,
		"not closed":            `<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/>`,
		"doubled attribute":     within(`<g fill="red" fill="blue"/>`),
		"doubled after a link":  within(`<use xlink:href="#a" xlink:href="#a"/>`),
		"dashes":                within(`<path d="M0 0H9" stroke-dasharray="0.000001"/>`),
		"a use of itself":       within(`<use id="a" href="#a"/>`),
		"a use of its parent":   within(`<g id="a"><use href="#a"/></g>`),
		"a mask in itself":      within(`<mask id="a"><path d="M0 0" mask="url(#a)"/></mask><path d="M0 0" mask="url(#a)"/>`),
		"uses of uses":          within(layers(`<g id="%d">`, `<use href="#%d"/>`, `</g>`)),
		"uses of symbols":       within(layers(`<symbol id="%d">`, `<use xlink:href="#%d"/>`, `</symbol>`)),
		"clips of clips":        within(layers(`<clipPath id="%d">`, `<path d="M0 0h9v9" clip-path="url(#%d)"/>`, `</clipPath>`)),
		"masks of masks":        within(layers(`<mask id="%d">`, `<path d="M0 0h9v9" mask="url(#%d)"/>`, `</mask>`)),
		"gradients in masks":    within(layers(`<linearGradient id="%d">`, `<stop href="#%d"/>`, `</linearGradient>`)),
		"two and two":           within(doubled(16)),
		"one long path":         within(`<path id="p" d="` + strings.Repeat("M0 0", 5000) + `"/>` + strings.Repeat(`<use href="#p"/>`, 40)),
		"the whole, once more":  `<svg xmlns="http://www.w3.org/2000/svg" id="a"><path d="M0 0"/><use href="#a"/></svg>`,
		"too deep":              within(strings.Repeat("<g>", 40) + strings.Repeat("</g>", 40)),
		"too many":              within(strings.Repeat("<g/>", 2100)),
		"too long":              within(`<path d="` + strings.Repeat("M0 0", 10000) + `"/>`),
	} {
		if logo, _, err := ReadLogo([]byte(file)); !errors.Is(err, ErrLogo) {
			t.Errorf("%s: error %v, became %.200s", name, err, logo)
		}
	}
	// An encoding that would hide the markup from the reader.
	if _, _, err := ReadLogo([]byte(`<?xml version="1.0" encoding="UTF-16"?>` + within(""))); !errors.Is(err, ErrLogo) {
		t.Errorf("another encoding: error %v", err)
	}
}

// FuzzSanitizeSVG: whatever comes in, what comes out can be read again, is the same then, and names nothing that runs or loads.
func FuzzSanitizeSVG(f *testing.F) {
	f.Add(goodSVG)
	f.Add(`<svg xmlns="http://www.w3.org/2000/svg"><a:script xmlns:a="http://www.w3.org/2000/svg"/><path d=""/></svg>`)
	f.Add(`<svg xmlns="http://www.w3.org/2000/svg"><path d="&#34;&gt;&lt;script&gt;"/></svg>`)
	f.Fuzz(func(t *testing.T, file string) {
		if !looksLikeSVG([]byte(file)) {
			return
		}
		logo, _, err := ReadLogo([]byte(file))
		if err != nil {
			return
		}
		if again, _, err := ReadLogo(logo); err != nil || !bytes.Equal(logo, again) {
			t.Errorf("%q became %q, then %q, error %v", file, logo, again, err)
		}
		if lower := strings.ToLower(string(logo)); strings.Contains(lower, "<script") || strings.Contains(lower, "<style") {
			t.Errorf("%q became %q", file, logo)
		}
	})
}

// A picture that was stored under older rules is held to those of today.
func TestStoredLogo(t *testing.T) {
	for file, shown := range map[string]bool{
		`<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0h9v9"></path></svg>`:         true,
		`<svg xmlns="http://www.w3.org/2000/svg">` + doubled(16) + `</svg>`:                false,
		`<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0" onclick="x"></path></svg>`: false,
	} {
		l := newLook("/brand/", storage.Brand{Logo: []byte(file), LogoType: typeSVG})
		if got := l.logo != ""; got != shown {
			t.Errorf("%.60s is shown: %t", file, got)
		}
	}
}
