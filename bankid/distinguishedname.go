package bankid

import (
	"encoding/asn1"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// distinguishedName is the name of a certificate's subject: the RDNs, most specific first.
type distinguishedName [][]attribute

// attribute is one attribute of an RDN. Its value is text, or DER of a type that is none.
type attribute struct {
	oid  string // dotted
	text string
	der  []byte // nil when only the text is known
}

// attributeKeywords are keywords of attribute types; the first of a type is the one that BankID writes (RFC 4519, BankID API:
// signature profile). The others are in the tables of libraries that write names.
var attributeKeywords = []struct{ oid, keyword string }{
	{"2.5.4.3", "cn"}, {"2.5.4.4", "sn"}, {"2.5.4.5", "serialNumber"}, {"2.5.4.6", "c"}, {"2.5.4.7", "l"}, {"2.5.4.8", "st"},
	{"2.5.4.9", "street"}, {"2.5.4.10", "o"}, {"2.5.4.11", "ou"}, {"2.5.4.12", "title"}, {"2.5.4.13", "description"},
	{"2.5.4.15", "businessCategory"}, {"2.5.4.16", "postalAddress"}, {"2.5.4.17", "postalCode"}, {"2.5.4.20", "telephoneNumber"},
	{"2.5.4.41", "name"}, {"2.5.4.42", "givenName"}, {"2.5.4.43", "initials"}, {"2.5.4.44", "generationQualifier"},
	{"2.5.4.45", "x500UniqueIdentifier"}, {"2.5.4.46", "dnQualifier"}, {"0.9.2342.19200300.100.1.1", "uid"},
	{"0.9.2342.19200300.100.1.25", "dc"}, {"2.5.4.65", "pseudonym"}, {"2.5.4.97", "organizationIdentifier"},
	{"1.2.840.113549.1.9.1", "emailAddress"},
	{"2.5.4.4", "surname"}, {"2.5.4.8", "s"}, {"2.5.4.12", "t"}, {"2.5.4.42", "gn"}, {"2.5.4.42", "g"}, {"2.5.4.44", "generation"},
	{"2.5.4.45", "uniqueIdentifier"}, {"2.5.4.46", "dn"}, {"1.2.840.113549.1.9.1", "email"}, {"1.2.840.113549.1.9.1", "e"},
}

// attributeType returns the dotted form of a keyword in any case, or of a dotted form with or without "OID." before it, as RFC
// 2253 writers had it. It returns "" for what it does not know.
func attributeType(text string) string {
	for _, known := range attributeKeywords {
		if strings.EqualFold(text, known.keyword) {
			return known.oid
		}
	}
	if len(text) > 4 && strings.EqualFold(text[:4], "oid.") {
		text = text[4:]
	}
	for part := range strings.SplitSeq(text, ".") {
		if !digits(part) || len(part) > 1 && part[0] == '0' {
			return ""
		}
	}
	return text
}

// subjectName reads the DER of a subject.
func subjectName(der []byte) (distinguishedName, error) {
	type typeAndValue struct {
		Type  asn1.ObjectIdentifier
		Value asn1.RawValue
	}
	type relativeNameSET []typeAndValue
	var sequence []relativeNameSET
	if _, err := asn1.Unmarshal(der, &sequence); err != nil {
		return nil, err
	}
	var name distinguishedName
	for _, set := range slices.Backward(sequence) {
		var rdn []attribute
		for _, a := range set {
			rdn = append(rdn, attributeOf(a.Type.String(), a.Value.FullBytes))
		}
		name = append(name, rdn)
	}
	return name, nil
}

// attributeOf is the attribute with that DER as value.
func attributeOf(oid string, der []byte) attribute {
	var value any
	rest, err := asn1.Unmarshal(der, &value)
	if text, ok := value.(string); ok && err == nil && len(rest) == 0 {
		return attribute{oid: oid, text: text}
	}
	return attribute{oid: oid, der: der}
}

// String writes the name by RFC 4514 §2, in the spelling of BankID.
func (n distinguishedName) String() string {
	rdns := make([]string, len(n))
	for i, rdn := range n {
		parts := make([]string, len(rdn))
		for j, a := range rdn {
			parts[j] = a.String()
		}
		rdns[i] = strings.Join(parts, "+")
	}
	return strings.Join(rdns, ",")
}

func (a attribute) String() string {
	if a.der != nil {
		return a.oid + "=#" + hex.EncodeToString(a.der)
	}
	for _, known := range attributeKeywords {
		if a.oid == known.oid {
			return known.keyword + "=" + escapeValue(a.text)
		}
	}
	// A dotted form asks for the value in DER; as a string of UTF-8 it is the same to whoever compares.
	der, err := asn1.MarshalWithParams(a.text, "utf8")
	if err != nil {
		return a.oid + "=" + escapeValue(a.text)
	}
	return a.oid + "=#" + hex.EncodeToString(der)
}

// escapeValue writes a value as a string (RFC 4514 §2.4).
func escapeValue(text string) string {
	var b strings.Builder
	for i := range len(text) {
		switch c := text[i]; {
		case c == 0:
			b.WriteString(`\00`)
			continue
		case strings.IndexByte(`"+,;<>\`, c) >= 0, i == 0 && (c == ' ' || c == '#'), i == len(text)-1 && c == ' ':
			b.WriteByte('\\')
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// equal reports whether both names have the same RDNs with the same attributes, in whatever order: writers differ in where
// they begin. Values are compared exactly.
func (n distinguishedName) equal(other distinguishedName) bool {
	return slices.Equal(n.sorted(), other.sorted())
}

// sorted returns one text for each RDN, the same for equal ones only.
func (n distinguishedName) sorted() []string {
	rdns := make([]string, len(n))
	for i, rdn := range n {
		parts := make([]string, len(rdn))
		for j, a := range rdn {
			parts[j] = a.oid + "=" + strconv.Quote(a.text)
			if a.der != nil {
				parts[j] = a.oid + "=#" + hex.EncodeToString(a.der)
			}
		}
		slices.Sort(parts)
		rdns[i] = strings.Join(parts, "+")
	}
	slices.Sort(rdns)
	return rdns
}
