package templates

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// gzipHeader begins a gzip file that names neither time nor system (RFC 1952 §2.3); lastBlock ends its data, and blockHeader is what stands
// before a block that is not compressed (RFC 1951 §3.2.4).
const (
	gzipHeader  = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
	lastBlock   = "\x01\x00\x00\xff\xff"
	blockHeader = 5
	// packedHoles are the first ones, which alone may stand between compressed pieces; maxPacked bounds their values.
	packedHoles = holeReference + 1
	maxPacked   = 1 << 10
)

// Packed appends to w what [Stencils.Document] does, compressed with gzip, and reports true; or it does nothing, where the page has not been
// prepared or has more of its own than an address and a reference. What is prepared is compressed once. The values of a login are not
// compressed, so that the length tells no more of them than their own.
func (s *Stencils) Packed(w *bytes.Buffer, p Page, v View) bool {
	st, at, err := s.of(p, v, true)
	if st == nil || err != nil {
		return false
	}
	sizes := [...]int{len(at.append(nil, holeBase)), len(at.append(nil, holeReference))}
	st.once.Do(func() { st.pack(sizes) })
	if st.packed == nil || st.sizes != sizes {
		return false
	}
	w.Write(st.fillPacked(w.AvailableBuffer(), at))
	return true
}

// pack compresses the pieces between the holes, each up to a whole byte, for values of those sizes. A piece may repeat what stands in those
// before it, over holes of the right size, and never what stands in a hole: bytes of 255 are in no text.
func (st *stencil) pack(sizes [packedHoles]int) {
	var before []byte
	var all [][]byte
	for i, piece := range st.pieces() {
		if i > 0 {
			hole := st.holes[i-1].hole
			if hole >= packedHoles || sizes[hole] > maxPacked {
				return
			}
			before = append(before, bytes.Repeat([]byte{255}, sizes[hole])...)
		}
		all = append(all, deflated(piece, before))
		before = append(before, piece...)
	}
	st.packed, st.sizes = all, sizes
}

// deflated returns a piece compressed, as it follows what stands before it.
func deflated(piece, before []byte) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriterDict(&b, flate.BestCompression, before)
	if err == nil {
		_, err = w.Write(piece)
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		panic(fmt.Errorf("templates: compress stencil: %w", err)) // a buffer takes everything
	}
	return b.Bytes()
}

// pieces returns what stands before, between and after the holes.
func (st *stencil) pieces() [][]byte {
	var all [][]byte
	from := 0
	for _, h := range st.holes {
		all = append(all, st.html[from:h.before])
		from = h.before
	}
	return append(all, st.html[from:])
}

// fillPacked is fill for the packed page.
func (st *stencil) fillPacked(to []byte, at *values) []byte {
	to = append(to, gzipHeader...)
	sum, size, from := uint32(0), uint32(len(st.html)), 0
	for i, h := range st.holes {
		to = append(to, st.packed[i]...)
		sum = crc32.Update(sum, crc32.IEEETable, st.html[from:h.before])
		from = h.before
		begin := len(to)
		to = at.append(append(to, lastBlock...), h.hole)
		value := to[begin+blockHeader:]
		length := uint16(len(value))
		to[begin] = 0 // not the last
		binary.LittleEndian.PutUint16(to[begin+1:], length)
		binary.LittleEndian.PutUint16(to[begin+3:], ^length)
		sum = crc32.Update(sum, crc32.IEEETable, value)
		size += uint32(length)
	}
	to = append(to, st.packed[len(st.holes)]...)
	sum = crc32.Update(sum, crc32.IEEETable, st.html[from:])
	to = append(to, lastBlock...)
	to = binary.LittleEndian.AppendUint32(to, sum)
	return binary.LittleEndian.AppendUint32(to, size)
}
