package bankid

import (
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// verifyPerson compares the person in the result with the subject of the certificate. The identity is the personal number, which
// must be there once, exactly. Names are compared as people would: no published result shows how BankID composes them.
// Authorities have a serialNumber too, so only the person's own subject counts.
func verifyPerson(e *examination, leaf *x509.Certificate, user User) {
	number := subjectValues(leaf, oidSerialNumber)
	e.want(len(number) == 1 && number[0] != "" && number[0] == user.PersonalNumber.Reveal(), CheckPerson, "the certificate has another personal number")
	const reason = "the certificate has another name"
	e.want(sameName(subjectValues(leaf, oidGivenName), user.GivenName.Reveal()), CheckName, reason)
	e.want(sameName(subjectValues(leaf, oidSurname), user.Surname.Reveal()), CheckName, reason)
	full := user.Name.Reveal()
	composed := append(subjectValues(leaf, oidGivenName), subjectValues(leaf, oidSurname)...)
	e.want(sameName(subjectValues(leaf, oidCommonName), full) || sameName([]string{strings.Join(composed, " ")}, full), CheckName, reason)
}

// subjectValues returns the values of an attribute of the subject.
func subjectValues(cert *x509.Certificate, oid asn1.ObjectIdentifier) (values []string) {
	for _, name := range cert.Subject.Names {
		if value, ok := name.Value.(string); ok && name.Type.Equal(oid) {
			values = append(values, value)
		}
	}
	return values
}

// maxCommonName is how long a common name may be (RFC 5280 appendix A.1, ub-common-name): authorities cut longer ones.
const maxCommonName = 64

// sameName reports whether the one value that a certificate has is the name: the same words in any order, in whatever case, and
// in whatever form of Unicode. No value is the same as an empty name, as of somebody without a surname. A value as long as it
// may be can be the beginning of a name.
func sameName(values []string, name string) bool {
	switch {
	case len(values) > 1:
		return false
	case len(values) == 0:
		return name == ""
	case values[0] == name:
		return true
	}
	has, want := words(values[0]), words(name)
	if utf8.RuneCountInString(values[0]) >= maxCommonName && strings.HasPrefix(strings.Join(want, " "), strings.Join(has, " ")) {
		return true
	}
	slices.Sort(has)
	slices.Sort(want)
	return slices.Equal(has, want)
}

// words returns the words of a name in the form in which they are compared.
func words(name string) []string {
	return strings.FieldsFunc(strings.ToLower(norm.NFKC.String(name)), func(r rune) bool { return r == ' ' || r == ',' || r == '\t' })
}
