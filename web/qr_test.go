package web

import (
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	"rsc.io/qr/coding"

	"brygga/secret"
	"brygga/templates"
)

// decode reads a frame's modules.
func decode(t *testing.T, f templates.Frame) string {
	t.Helper()
	matrix, err := gozxing.NewSquareBitMatrix(f.Size)
	if err != nil {
		t.Fatal(err)
	}
	for i := range f.Size * f.Size {
		if f.Bits[i/8]&(0x80>>(i%8)) != 0 {
			matrix.Set(i%f.Size, i/f.Size)
		}
	}
	result, err := decoder.NewDecoder().DecodeWithoutHint(matrix)
	if err != nil {
		t.Fatal(err)
	}
	return result.GetText()
}

func TestEncodeQR(t *testing.T) {
	bankID := "bankid.67df3917-fa0d-44e5-b327-edcc928297f8.123." + strings.Repeat("dc69358e", 8)
	for name, text := range map[string]string{
		"BankID's": bankID, "one byte": "x", "fullest of the usual size": strings.Repeat("a", 134),
		"larger": strings.Repeat("b", 135), "much larger": strings.Repeat("c", 1000),
	} {
		frame := encodeQR(secret.New(text))
		if got := decode(t, frame); got != text {
			t.Errorf("%s: decoded %q", name, got)
		}
		if usual := len(text) <= 134; usual != (frame.Size == 41) || len(frame.Bits) != (frame.Size*frame.Size+7)/8 {
			t.Errorf("%s: size %d, %d bytes", name, frame.Size, len(frame.Bits))
		}
	}
	plan, err := coding.NewPlan(6, coding.L, 0)
	if err != nil {
		t.Fatal(err)
	}
	code, err := plan.Encode(coding.String(bankID))
	if err != nil {
		t.Fatal(err)
	}
	same := templates.NewFrame(code.Size, func(x, y int) bool { return code.Black(x, y) })
	if frame := encodeQR(secret.New(bankID)); frame != same { // a reader would correct what is wrong
		t.Error("the frame is not what a general encoder makes")
	}
	if frame := encodeQR(secret.New(strings.Repeat("d", 5000))); frame.Size != 0 {
		t.Error("a text too long for any code has a frame")
	}
	if n := testing.AllocsPerRun(100, func() { encodeQR(secret.New(bankID)) }); n > 4 {
		t.Errorf("a frame takes %.0f allocations", n)
	}
}

func BenchmarkEncodeQR(b *testing.B) {
	text := secret.New("bankid.67df3917-fa0d-44e5-b327-edcc928297f8.123." + strings.Repeat("dc69358e", 8))
	b.ReportAllocs()
	for b.Loop() {
		encodeQR(text)
	}
}
