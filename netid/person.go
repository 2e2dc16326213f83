package netid

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"
	"strings"

	"brygga/secret"
)

// Person is who a certificate names. Any value but ID may be zero.
type Person struct {
	// ID is what the service knows the person by, from the field that VerifierOptions.Identifier names.
	ID secret.String
	// SerialNumber is that of the subject, PrincipalName the UPN among the alternative names, and EmployeeNumber the attribute of that name.
	SerialNumber, PrincipalName, EmployeeNumber secret.String
	Name, GivenName, Surname                    secret.String
	Email                                       secret.String
	// Organization, Units and Title are of the subject, and OrganizationID is the identifier of the organization as it stands there, with the
	// name of its register or without (ETSI EN 319 412-1 §5.1.4).
	Organization, OrganizationID string
	Units                        []string
	Title                        string
}

// Attributes of a subject (RFC 4519 §2.12, §2.31, §2.32, §2.38; X.520 §6.4.4; RFC 2798 §2.4).
var (
	oidSerialNumber   = asn1.ObjectIdentifier{2, 5, 4, 5}
	oidSurname        = asn1.ObjectIdentifier{2, 5, 4, 4}
	oidGivenName      = asn1.ObjectIdentifier{2, 5, 4, 42}
	oidTitle          = asn1.ObjectIdentifier{2, 5, 4, 12}
	oidOrganizationID = asn1.ObjectIdentifier{2, 5, 4, 97}
	oidEmployeeNumber = asn1.ObjectIdentifier{2, 16, 840, 1, 113730, 3, 1, 3}
)

func personOf(cert *x509.Certificate) Person {
	s := cert.Subject
	p := Person{
		SerialNumber: hidden(strings.TrimSpace(only(s, oidSerialNumber))), PrincipalName: hidden(principalName(cert)),
		EmployeeNumber: hidden(strings.TrimSpace(only(s, oidEmployeeNumber))), Name: hidden(s.CommonName),
		Units: slices.Clone(s.OrganizationalUnit), OrganizationID: strings.TrimSpace(only(s, oidOrganizationID)), Title: only(s, oidTitle),
	}
	for _, attribute := range s.Names {
		text, _ := attribute.Value.(string)
		switch {
		case attribute.Type.Equal(oidSurname):
			p.Surname = hidden(text)
		case attribute.Type.Equal(oidGivenName):
			p.GivenName = hidden(text)
		}
	}
	if len(cert.EmailAddresses) > 0 {
		p.Email = hidden(cert.EmailAddresses[0])
	}
	if len(s.Organization) > 0 {
		p.Organization = s.Organization[0]
	}
	return p
}

// only returns the value of an attribute, "" when the subject has none or more than one: nobody could say which counts.
func only(s pkix.Name, attribute asn1.ObjectIdentifier) (value string) {
	count := 0
	for _, one := range s.Names {
		if one.Type.Equal(attribute) {
			value, _ = one.Value.(string)
			count++
		}
	}
	if count != 1 {
		return ""
	}
	return value
}

var (
	oidAlternativeNames = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidPrincipalName    = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 20, 2, 3} // Microsoft's
)

// otherName is the form of an alternative name that has a type of its own (RFC 5280 §4.2.1.6).
type otherName struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue // explicit, with the tag 0
}

// principalName returns the UPN among the alternative names, "" when there is none or more than one.
func principalName(cert *x509.Certificate) string {
	var found []string
	for _, extension := range cert.Extensions {
		if !extension.Id.Equal(oidAlternativeNames) {
			continue
		}
		var all []asn1.RawValue
		if _, err := asn1.Unmarshal(extension.Value, &all); err != nil {
			return ""
		}
		for _, name := range all {
			found = append(found, principal(name)...)
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

func principal(name asn1.RawValue) []string {
	var other otherName
	if name.Class != asn1.ClassContextSpecific || name.Tag != 0 {
		return nil
	}
	if _, err := asn1.UnmarshalWithParams(name.FullBytes, &other, "tag:0"); err != nil || !other.Type.Equal(oidPrincipalName) {
		return nil
	}
	var text string
	if rest, err := asn1.Unmarshal(other.Value.Bytes, &text); err != nil || len(rest) > 0 {
		return nil
	}
	return []string{text}
}
