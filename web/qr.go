package web

import (
	"sync"

	"rsc.io/qr"
	"rsc.io/qr/coding"
	"rsc.io/qr/gf256"

	"brygga/secret"
	"brygga/templates"
)

// The shape of BankID's frames: 112 bytes at most fit a code of version 6 and level L, which is what BankID's own sample
// makes. One shape for all keeps the picture still while its seconds pass.
const (
	qrVersion = 6
	qrLevel   = coding.L
	qrSize    = 17 + 4*qrVersion
	qrBlocks  = 2
)

// qrPlan is the code without data: which modules are dark by themselves, and which bit of the data turns each.
type qrPlan struct {
	fixed []byte  // one bit for each module, as templates.Frame has them
	bit   []int16 // by module: the data bit it shows, or -1
	data  int     // bytes of data
	check int     // bytes of error correction for each block
}

// qrPlanOnce makes the plan at first use; it is the same for ever.
var qrPlanOnce = sync.OnceValue(func() *qrPlan {
	plan, err := coding.NewPlan(qrVersion, qrLevel, 0)
	if err != nil {
		panic("web: QR plan: " + err.Error()) // the arguments are constants
	}
	p := &qrPlan{
		fixed: make([]byte, (qrSize*qrSize+7)/8), bit: make([]int16, qrSize*qrSize),
		data: plan.DataBytes, check: plan.CheckBytes / qrBlocks,
	}
	for y, row := range plan.Pixel {
		for x, pixel := range row {
			i := y*qrSize + x
			p.bit[i] = -1
			if role := pixel.Role(); role == coding.Data || role == coding.Check {
				p.bit[i] = int16(pixel.Offset())
			}
			if pixel&coding.Black != 0 {
				p.fixed[i/8] |= 0x80 >> (i % 8)
			}
		}
	}
	return p
})

// qrWriter is the memory that making a frame takes.
type qrWriter struct {
	code []byte
	rs   *gf256.RSEncoder
}

var qrWriters = sync.Pool{New: func() any {
	p := qrPlanOnce()
	return &qrWriter{code: make([]byte, p.data+qrBlocks*p.check), rs: gf256.NewRSEncoder(coding.Field, p.check)}
}}

// encodeQR returns the picture of text. Longer texts than BankID's, which another eID may have, take a larger code.
func encodeQR(text secret.String) templates.Frame {
	p, content := qrPlanOnce(), text.Reveal()
	if len(content) > p.data-2 {
		code, err := qr.Encode(content, qr.L)
		if err != nil {
			return templates.Frame{}
		}
		return templates.NewFrame(code.Size, code.Black)
	}
	w := qrWriters.Get().(*qrWriter)
	defer qrWriters.Put(w)
	w.fill(p, content)
	bits := make([]byte, len(p.fixed))
	copy(bits, p.fixed)
	for i, bit := range p.bit {
		if bit >= 0 && w.code[bit/8]&(0x80>>(bit%8)) != 0 {
			bits[i/8] ^= 0x80 >> (i % 8)
		}
	}
	return templates.Frame{Bits: string(bits), Size: qrSize}
}

// fill writes the data and its error correction (ISO/IEC 18004 §7.4): four bits for the mode, eight for the length, the
// bytes, a terminator of four bits and padding.
func (w *qrWriter) fill(p *qrPlan, content string) {
	code := w.code[:0]
	carry := byte(0x4)<<4 | byte(len(content))>>4
	code = append(code, carry)
	rest := byte(len(content)) << 4
	for i := range len(content) {
		code = append(code, rest|content[i]>>4)
		rest = content[i] << 4
	}
	code = append(code, rest)
	for pad := byte(0xec); len(code) < p.data; pad ^= 0xec ^ 0x11 {
		code = append(code, pad)
	}
	code = code[:len(w.code)]
	for block := range qrBlocks {
		size := p.data / qrBlocks
		w.rs.ECC(code[block*size:(block+1)*size], code[p.data+block*p.check:p.data+(block+1)*p.check])
	}
}
