package templates

import (
	"image"
	"image/color"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

func TestQRPath_A04(t *testing.T) {
	tests := []struct {
		name string
		bits string
		size int
		want string
	}{
		{"nothing", "", 0, ""},
		{"one dark", "\x80", 1, "M4 4h1v1h-1z"},
		{"rows without padding", string([]byte{0b101_011_11, 0b0_0000000}), 3, "M4 4h1v1h-1zM6 4h1v1h-1zM5 5h2v1h-2zM4 6h2v1h-2z"},
		{"bits that are missing", "\xff", 3, "M4 4h3v1h-3zM4 5h3v1h-3zM4 6h2v1h-2z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := QRPath(tt.bits, tt.size); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

var segment = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`)

// TestQRCanBeRead draws the path as a browser would and reads the picture with a QR decoder.
func TestQRCanBeRead(t *testing.T) {
	const scale = 6
	f := previewFrame()
	side := (f.Size + 2*quietZone) * scale
	picture := image.NewGray(image.Rect(0, 0, side, side))
	for i := range picture.Pix {
		picture.Pix[i] = 255
	}
	path := QRPath(f.Bits, f.Size)
	if rest := strings.TrimSpace(segment.ReplaceAllString(path, "")); rest != "" {
		t.Fatalf("the path has %q", rest)
	}
	for _, m := range segment.FindAllStringSubmatch(path, -1) {
		x, _ := strconv.Atoi(m[1])
		y, _ := strconv.Atoi(m[2])
		run, _ := strconv.Atoi(m[3])
		for py := y * scale; py < (y+1)*scale; py++ {
			for px := x * scale; px < (x+run)*scale; px++ {
				picture.SetGray(px, py, color.Gray{})
			}
		}
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		t.Fatal(err)
	}
	read, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
	if err != nil {
		t.Fatal(err)
	}
	const want = "bankid.67df3917-fa0d-44e5-b327-edcc928297f8.0.dc69358e712458a66a7525beef148ae8526b1c71610eff2c16cdffb4cdac9bf8"
	if read.GetText() != want {
		t.Errorf("read %q", read.GetText())
	}
}

func TestNewFrame(t *testing.T) {
	f := previewFrame()
	again := NewFrame(f.Size, func(x, y int) bool { return dark(f.Bits, y*f.Size+x) })
	if again.Bits != f.Bits || again.Size != f.Size {
		t.Error("a frame read module by module differs")
	}
}
