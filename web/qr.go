package web

import (
	"encoding/binary"
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

// qrPlan is the code without data, and what each bit and each byte of the data does to it. A picture is made for every open page each
// second: with these tables it takes a few microseconds.
type qrPlan struct {
	fixed []byte     // one bit for each module, as templates.Frame has them
	bits  [][8]qrBit // by byte of the data and its error correction
	data  int        // bytes of data
	check int        // bytes of error correction for each block
	// remainders are the bytes of error correction that one byte of data makes, the first in the highest bits.
	remainders [256]qrCheck
}

// qrBit says which bit of a picture a bit of the code turns.
type qrBit struct{ at, shift uint8 }

// qrCheck is the error correction of a block: check bytes, the first in the highest bits of the first word.
type qrCheck [3]uint64

// qrPlanOnce makes the plan at first use; it is the same for ever.
var qrPlanOnce = sync.OnceValue(func() *qrPlan {
	plan, err := coding.NewPlan(qrVersion, qrLevel, 0)
	if err != nil {
		panic("web: QR plan: " + err.Error()) // the arguments are constants
	}
	p := &qrPlan{
		fixed: make([]byte, (qrSize*qrSize+7)/8), bits: make([][8]qrBit, plan.DataBytes+plan.CheckBytes),
		data: plan.DataBytes, check: plan.CheckBytes / qrBlocks,
	}
	for y, row := range plan.Pixel {
		for x, pixel := range row {
			i := y*qrSize + x
			if role := pixel.Role(); role == coding.Data || role == coding.Check {
				p.bits[pixel.Offset()/8][pixel.Offset()%8] = qrBit{uint8(i / 8), uint8(7 - i%8)}
			}
			if pixel&coding.Black != 0 {
				p.fixed[i/8] |= 0x80 >> (i % 8)
			}
		}
	}
	encoder, check := gf256.NewRSEncoder(coding.Field, p.check), make([]byte, 24)
	for b := range p.remainders {
		encoder.ECC([]byte{byte(b)}, check[:p.check])
		for i := range p.remainders[b] {
			p.remainders[b][i] = binary.BigEndian.Uint64(check[8*i:])
		}
	}
	return p
})

var qrCodes = sync.Pool{New: func() any {
	p := qrPlanOnce()
	return new(make([]byte, p.data+qrBlocks*p.check))
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
	code := qrCodes.Get().(*[]byte)
	defer qrCodes.Put(code)
	p.fill(*code, content)
	var picture [256]byte // more than it takes: no index can be out of range
	n := copy(picture[:], p.fixed)
	for i, b := range *code {
		for _, bit := range &p.bits[i] {
			picture[bit.at] ^= b >> 7 << (bit.shift & 7)
			b <<= 1
		}
	}
	return templates.Frame{Bits: string(picture[:n]), Size: qrSize}
}

// fill writes the data and its error correction (ISO/IEC 18004 §7.4): four bits for the mode, eight for the length, the
// bytes, a terminator of four bits and padding.
func (p *qrPlan) fill(all []byte, content string) {
	code := all[:0]
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
	for block := range qrBlocks {
		size := p.data / qrBlocks
		p.correct(code[block*size:(block+1)*size], all[p.data+block*p.check:p.data+(block+1)*p.check])
	}
}

// correct writes the error correction of a block: the remainder of its division by the generator polynomial, byte by byte (ISO/IEC 18004 §7.5).
func (p *qrPlan) correct(block, check []byte) {
	var r qrCheck
	for _, b := range block {
		add := &p.remainders[b^byte(r[0]>>56)]
		r = qrCheck{r[0]<<8 | r[1]>>56 ^ add[0], r[1]<<8 | r[2]>>56 ^ add[1], r[2]<<8 ^ add[2]}
	}
	var all [24]byte
	for i, word := range r {
		binary.BigEndian.PutUint64(all[8*i:], word)
	}
	copy(check, all[:])
}
