package templates

import "strconv"

// quietZone is the white margin around a QR code in modules (ISO/IEC 18004 §9.1).
const quietZone = 4

// Frame is one picture of the animated QR code.
type Frame struct {
	// Bits holds the modules row by row from the top left, one bit each, the first in the highest bit of the first byte,
	// with no padding between rows; set bits are dark. It takes (Size*Size+7)/8 bytes.
	Bits string
	// Size is the number of modules on a side, without the quiet zone. Zero means that there is no frame yet.
	Size int
	// mark stands in place of the drawing in a stencil.
	mark string
}

// NewFrame reads a QR code of the given size into a Frame. dark reports whether the module in column x, row y is dark.
func NewFrame(size int, dark func(x, y int) bool) Frame {
	bits := make([]byte, (size*size+7)/8)
	for y := range size {
		for x := range size {
			if dark(x, y) {
				i := y*size + x
				bits[i/8] |= 0x80 >> (i % 8)
			}
		}
	}
	return Frame{Bits: string(bits), Size: size}
}

// QRPath returns the dark modules as data of one SVG path in units of a module, moved in by the quiet zone, so that the
// picture is size+8 wide and high. The page script draws later frames by the same rule. Bits that are missing are light.
func QRPath(bits string, size int) string {
	return string(appendQRPath(make([]byte, 0, size*size*6), bits, size))
}

func appendQRPath(d []byte, bits string, size int) []byte {
	for y := range size {
		for x := 0; x < size; x++ {
			if !dark(bits, y*size+x) {
				continue
			}
			run := 1
			for x+run < size && dark(bits, y*size+x+run) {
				run++
			}
			d = append(d, 'M')
			d = strconv.AppendInt(d, int64(x+quietZone), 10)
			d = append(d, ' ')
			d = strconv.AppendInt(d, int64(y+quietZone), 10)
			d = append(d, 'h')
			d = strconv.AppendInt(d, int64(run), 10)
			d = append(d, "v1h-"...)
			d = strconv.AppendInt(d, int64(run), 10)
			d = append(d, 'z')
			x += run
		}
	}
	return d
}

// path is the drawing of the frame.
func (f Frame) path() string {
	if f.mark != "" {
		return f.mark
	}
	return QRPath(f.Bits, f.Size)
}

func dark(bits string, i int) bool {
	return i/8 < len(bits) && bits[i/8]&(0x80>>(i%8)) != 0
}

// viewBox is that of the picture QRPath draws into.
func (f Frame) viewBox() string {
	size := f.Size
	if size == 0 {
		size = 41 // version 6, what BankID's codes take: the frame to come
	}
	side := strconv.Itoa(size + 2*quietZone)
	return "0 0 " + side + " " + side
}

// ghost is what stands in the frame until the first code is there: its three corners, by which one knows what is to come.
func ghost() string {
	const far = 41 - 7
	return QRPath(NewFrame(41, func(x, y int) bool {
		corner := func(left, top int) bool {
			x, y := x-left, y-top
			return x >= 0 && x < 7 && y >= 0 && y < 7 && (x%6 == 0 || y%6 == 0 || x > 1 && x < 5 && y > 1 && y < 5)
		}
		return corner(0, 0) || corner(far, 0) || corner(0, far)
	}).Bits, 41)
}
