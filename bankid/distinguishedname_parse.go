package bankid

import (
	"encoding/asn1"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// parseName reads a distinguished name in text (RFC 4514 §3) and reports whether it is one. Like other readers it takes what
// older writers did, where that means one thing only (RFC 2253 §4): space around what separates, values in quotation marks, and
// characters that need no escape to be understood.
func parseName(text string) (distinguishedName, bool) {
	r := &nameReader{rest: text}
	name := distinguishedName{nil}
	for {
		last := len(name) - 1
		name[last] = append(name[last], r.attribute())
		switch {
		case r.bad || !utf8.ValidString(text):
			return nil, false
		case r.rest == "":
			return name, true
		case r.skip(","):
			name = append(name, nil)
		case !r.skip("+"):
			return nil, false
		}
	}
}

func isName(text string) bool {
	_, ok := parseName(text)
	return ok
}

// nameReader reads a name from its start. Once it is bad it stays so.
type nameReader struct {
	rest string
	bad  bool
}

func (r *nameReader) skip(prefix string) (found bool) {
	r.rest, found = strings.CutPrefix(r.rest, prefix)
	return found
}

func (r *nameReader) spaces() { r.rest = strings.TrimLeft(r.rest, " ") }

func (r *nameReader) attribute() attribute {
	r.spaces()
	kind, rest, found := strings.Cut(r.rest, "=")
	oid := attributeType(strings.TrimRight(kind, " "))
	r.rest, r.bad = rest, r.bad || !found || oid == ""
	r.spaces()
	defer r.spaces()
	switch {
	case r.skip("#"):
		return r.encoded(oid)
	case r.skip(`"`):
		return r.valid(attribute{oid: oid, text: r.quoted()})
	}
	return r.valid(attribute{oid: oid, text: r.plain()})
}

// valid refuses text that hex pairs have made no UTF-8.
func (r *nameReader) valid(a attribute) attribute {
	r.bad = r.bad || !utf8.ValidString(a.text)
	return a
}

// encoded reads the hexadecimal digits of a value in DER.
func (r *nameReader) encoded(oid string) attribute {
	end := strings.IndexAny(r.rest, ",+ ")
	if end < 0 {
		end = len(r.rest)
	}
	der, err := hex.DecodeString(r.rest[:end])
	r.rest = r.rest[end:]
	var whole asn1.RawValue
	rest, errDER := asn1.Unmarshal(der, &whole)
	r.bad = r.bad || err != nil || errDER != nil || len(rest) > 0
	return attributeOf(oid, der)
}

// plain reads a value until what separates it from the next. Space at its end belongs to it only when escaped.
func (r *nameReader) plain() string {
	var text []byte
	significant := 0
	for r.rest != "" && r.rest[0] != ',' && r.rest[0] != '+' {
		c := r.rest[0]
		if c == ';' { // it separated RDNs once
			r.bad = true
		}
		escaped := c == '\\'
		text = append(text, r.character())
		if escaped || c != ' ' {
			significant = len(text)
		}
	}
	return string(text[:significant])
}

// quoted reads a value up to the quotation mark that ends it.
func (r *nameReader) quoted() string {
	var text []byte
	for r.rest != "" && r.rest[0] != '"' {
		text = append(text, r.character())
	}
	r.bad = !r.skip(`"`) || r.bad
	return string(text)
}

// character reads one byte of a value, which may be escaped: by a backslash before it, or as two hexadecimal digits.
func (r *nameReader) character() byte {
	c := r.rest[0]
	r.rest = r.rest[1:]
	if c != '\\' {
		return c
	}
	if r.rest != "" && strings.IndexByte(` "#+,;<=>\`, r.rest[0]) >= 0 {
		c, r.rest = r.rest[0], r.rest[1:]
		return c
	}
	if len(r.rest) >= 2 {
		if pair, err := hex.DecodeString(r.rest[:2]); err == nil {
			r.rest = r.rest[2:]
			return pair[0]
		}
	}
	r.bad = true
	return c
}
