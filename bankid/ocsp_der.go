package bankid

import "time"

// Tags of DER: universal ones, then those whose meaning depends on the place.
const (
	tagInteger     = 0x02
	tagBitString   = 0x03
	tagOctetString = 0x04
	tagEnumerated  = 0x0a
	tagTime        = 0x18 // GeneralizedTime
	tagSequence    = 0x30
	tagInside0     = 0xa0
	tagInside1     = 0xa1
)

// der reads one level of DER from start to end. Encoding/asn1 passes over what follows the elements it knows and over the
// length of explicit tags; here each byte counts, so that a response can be written in one way only. After the first fault
// on any level the others read nothing more.
type der struct {
	rest   []byte
	fault  bool
	parent *der
}

// bad reports a fault on this level or, as faults go up, on one inside of it.
func (d *der) bad() bool { return d.fault }

func (d *der) fail() {
	for ; d != nil; d = d.parent {
		d.fault, d.rest = true, nil
	}
}

// element reads the next element, which must have the tag, and returns it whole and its content alone.
func (d *der) element(tag byte) (whole, content []byte) {
	if !d.next(tag) {
		d.fail()
		return nil, nil
	}
	header, length := 2, int(d.rest[1])
	if length >= 0x80 {
		n := length - 0x80
		if n > 2 || len(d.rest) < 2+n {
			d.fail() // longer than any response
			return nil, nil
		}
		header, length = 2+n, 0
		for _, b := range d.rest[2:header] {
			length = length<<8 | int(b)
		}
		if length < 0x80 || n == 2 && length < 0x100 {
			d.fail() // indefinite, or longer than it must be
			return nil, nil
		}
	}
	if len(d.rest)-header < length {
		d.fail()
		return nil, nil
	}
	whole = d.rest[: header+length : header+length]
	d.rest = d.rest[header+length:]
	return whole, whole[header:]
}

// next reports whether the next element has the tag.
func (d *der) next(tag byte) bool { return len(d.rest) >= 2 && d.rest[0] == tag }

func (d *der) content(tag byte) []byte {
	_, content := d.element(tag)
	return content
}

func (d *der) whole(tag byte) []byte {
	whole, _ := d.element(tag)
	return whole
}

// inside reads an element and returns a reader of its content.
func (d *der) inside(tag byte) *der {
	content := d.content(tag)
	return &der{rest: content, fault: d.fault, parent: d}
}

// only is inside for the last element of this level.
func (d *der) only(tag byte) *der {
	content := d.content(tag)
	d.end()
	return &der{rest: content, fault: d.fault, parent: d}
}

// onlyWhole is whole for the last element of this level.
func (d *der) onlyWhole(tag byte) []byte {
	whole := d.whole(tag)
	d.end()
	return whole
}

// any reads the next element, whatever it is.
func (d *der) any() {
	if len(d.rest) > 0 {
		d.element(d.rest[0])
		return
	}
	d.fail()
}

// skip reads text if it comes next, and reports whether it did.
func (d *der) skip(text string) bool {
	if len(d.rest) < len(text) || string(d.rest[:len(text)]) != text {
		return false
	}
	d.rest = d.rest[len(text):]
	return true
}

func (d *der) literal(text string) {
	if !d.skip(text) {
		d.fail()
	}
}

// time reads a GeneralizedTime of whole seconds in UTC.
func (d *der) time() time.Time {
	const layout = "20060102150405Z"
	text := string(d.content(tagTime))
	at, err := time.Parse(layout, text)
	if err != nil || len(text) != len(layout) {
		d.fail()
	}
	return at
}

// end demands that this level has been read to its end.
func (d *der) end() {
	if len(d.rest) > 0 {
		d.fail()
	}
}
