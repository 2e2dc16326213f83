package bankidsim

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"io"
	"net/http/httptest"
	"testing"
	"testing/iotest"
	"time"

	"rsc.io/qr"
)

// frame is the text of the order's QR code in a second.
func (s startResponse) frame(second int) string {
	return fmt.Sprintf("bankid.%s.%d.%s", s.QRStartToken, second, qrCode(s.QRStartSecret, second))
}

// frameImage draws a QR code with size pixels for each of its dots and a quiet zone of four dots.
func frameImage(t *testing.T, text string, size int) image.Image {
	t.Helper()
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		t.Fatal(err)
	}
	side := (code.Size + 8) * size
	img := image.NewGray(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			if !code.Black(x/size-4, y/size-4) {
				img.SetGray(x, y, color.Gray{0xff})
			}
		}
	}
	return img
}

// onScreen puts a picture off the centre of a page with other things on it.
func onScreen(code image.Image, width, height int) image.Image {
	screen := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			screen.Set(x, y, color.RGBA{R: uint8(200 + x*40/width), G: 225, B: uint8(245 - y*60/height), A: 255})
		}
	}
	dark := image.NewUniform(color.RGBA{R: 18, G: 32, B: 43, A: 255})
	for line := range height / 30 {
		draw.Draw(screen, image.Rect(10, line*30+8, 10+width/6+line%5*9, line*30+18), dark, image.Point{}, draw.Src)
	}
	at := image.Pt((width-code.Bounds().Dx())*2/3, (height-code.Bounds().Dy())/3)
	draw.Draw(screen, code.Bounds().Add(at), code, image.Point{}, draw.Src)
	return screen
}

func inverted(img image.Image) image.Image {
	out := image.NewGray(img.Bounds())
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			out.SetGray(x, y, color.Gray{255 - color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y})
		}
	}
	return out
}

func asPNG(t *testing.T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asJPEG(t *testing.T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 70}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func testPictures(t *testing.T) {
	for _, tt := range []struct {
		name string
		draw func(code func(size int) image.Image) []byte
	}{
		{"the code alone", func(code func(int) image.Image) []byte { return asPNG(t, code(4)) }},
		{"two pixels a dot", func(code func(int) image.Image) []byte { return asPNG(t, code(2)) }},
		{"screenshot", func(code func(int) image.Image) []byte { return asPNG(t, onScreen(code(5), 1920, 1080)) }},
		{"photo", func(code func(int) image.Image) []byte { return asJPEG(t, onScreen(code(4), 1000, 1400)) }},
		{"light on dark", func(code func(int) image.Image) []byte { return asPNG(t, inverted(code(4))) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, Options{})
			o := r.auth()
			picture := tt.draw(func(size int) image.Image { return frameImage(t, o.frame(0), size) })
			var v Order
			if code := r.control("POST", "/api/scan-image?personalNumber="+asa, string(picture), &v); code != 200 || v.OrderRef != o.OrderRef || v.Step != "approve" || v.Via != viaQR {
				t.Fatalf("%d %+v", code, v)
			}
			r.wantOutcome(o.OrderRef, "pending/userSign")
		})
	}
}

// claiming returns a PNG of a few bytes that says it is as large as told.
func claiming(t *testing.T, width, height uint32) []byte {
	t.Helper()
	p := asPNG(t, image.NewGray(image.Rect(0, 0, 1, 1)))
	header := p[12:29] // the type and content of the first chunk
	binary.BigEndian.PutUint32(header[4:], width)
	binary.BigEndian.PutUint32(header[8:], height)
	binary.BigEndian.PutUint32(p[29:], crc32.ChecksumIEEE(header))
	return p
}

func testPicturesRefused(t *testing.T) {
	r := newRig(t, Options{})
	o := r.auth()
	good := asPNG(t, frameImage(t, o.frame(0), 4))
	for _, tt := range []struct {
		name, query string
		picture     []byte
		want        int
		code        string
	}{
		{"nothing", "", nil, 400, "badPicture"},
		{"no picture", "", []byte("GIF89a is not read"), 400, "badPicture"},
		{"damaged", "", good[:len(good)/2], 400, "badPicture"},
		{"too many bytes", "", append(append([]byte{}, good...), make([]byte, maxPictureBytes)...), 413, "pictureTooLarge"},
		{"too many pixels", "", claiming(t, 100_000, 100_000), 413, "pictureTooLarge"},
		{"one line of pixels too long", "", claiming(t, maxPicturePixels+1, 1), 413, "pictureTooLarge"},
		{"no code", "", asPNG(t, onScreen(image.NewGray(image.Rect(0, 0, 50, 50)), 300, 200)), 400, "noQR"},
		{"another code", "", asPNG(t, frameImage(t, "https://example.se/", 4)), 400, "qrMalformed"},
		{"code of the future", "", asPNG(t, frameImage(t, o.frame(9), 4)), 409, "qrTooEarly"},
		{"nobody's phone", "none", good, 404, "unknownPerson"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.query == "" {
				tt.query = "personalNumber=" + asa
			}
			var got Refusal
			if code := r.control("POST", "/api/scan-image?"+tt.query, string(tt.picture), &got); code != tt.want || got.Code != tt.code {
				t.Errorf("got %d %+v, want %d %s", code, got, tt.want, tt.code)
			}
		})
	}
	r.wantOutcome(o.OrderRef, "pending/outstandingTransaction")

	r.advance(6 * time.Second) // a picture that was held back
	_, err := r.ScanPicture(good, Pickup{PersonalNumber: asa})
	wantRefusal(t, err, "qrTooOld")
	_, err = r.ScanPicture(append(good, make([]byte, maxPictureBytes)...), Pickup{PersonalNumber: asa})
	wantRefusal(t, err, "pictureTooLarge")

	// A body without an end is not read for long.
	rec := newRecorder()
	endless := io.MultiReader(io.LimitReader(zeros{}, 2*maxPictureBytes), iotest.ErrReader(errors.New("nobody should read this far")))
	r.Phone().ServeHTTP(rec, httptest.NewRequest("POST", "/api/scan-image?personalNumber="+asa, endless))
	if rec.Code != 413 {
		t.Errorf("an endless body: %d %s", rec.Code, rec.Body)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// TestCameraIsForThePageAlone: only the page that films may ask for the camera, and nothing else of the phone.
func TestCameraIsForThePageAlone(t *testing.T) {
	r := newRig(t, Options{})
	for path, want := range map[string]string{"/": "camera=(self)", "/?autostarttoken=x": "camera=(self)", "/assets/scan.js": "camera=()", "/api/people": "camera=()"} {
		rec := newRecorder()
		r.Phone().ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
		if got := rec.Header().Get("Permissions-Policy"); got != want+", microphone=(), geolocation=()" {
			t.Errorf("%s: %q", path, got)
		}
	}
}

// FuzzFindQR looks for panics of the decoder: damaged codes of many sizes, and noise.
func FuzzFindQR(f *testing.F) {
	code, err := qr.Encode("bankid.67df3917-fa0d-44e5-b327-edcc928297f8.0.dc69358e712458a66a7525beef148ae8526b1c71610eff2c16cdffb4cdac9bf8", qr.L)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{1, 2, 3}, uint8(3))
	f.Add(bytes.Repeat([]byte{7, 0, 0x55}, 300), uint8(1))
	f.Fuzz(func(t *testing.T, noise []byte, size uint8) {
		dot := int(size%4) + 1
		img := image.NewGray(image.Rect(0, 0, (code.Size+8)*dot, (code.Size+8)*dot))
		for i := range img.Pix {
			x, y := i%img.Stride, i/img.Stride
			if !code.Black(x/dot-4, y/dot-4) {
				img.Pix[i] = 0xff
			}
			if len(noise) > 0 {
				img.Pix[i] ^= noise[(x/dot+y/dot*code.Size)%len(noise)]
			}
		}
		findQR(img)
	})
}

// TestCodeWithMisleadingPatterns reads a code alone in its picture that a search for the patterns at its corners does not find.
func TestCodeWithMisleadingPatterns(t *testing.T) {
	const text = "bankid.00000000-0000-4000-8000-0000000001e8.0.7437383351d53f2f7c8eec1b962cddcc6d7192e7a22f07df8883c2a93bd2e53f"
	code := frameImage(t, text, 4)
	for name, img := range map[string]image.Image{"dark on light": code, "light on dark": inverted(code)} {
		if got, ok := findQR(img); !ok || got != text {
			t.Errorf("%s: read %q", name, got)
		}
	}
}
