package bankidsim

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"strings"
)

// nameLabels are what srvInfo calls the attributes of a subject (BankID API: signature profile; RFC 4519).
var nameLabels = map[string]string{
	oidCommonName.String(): "cn", oidName.String(): "name", oidSerialNumber.String(): "serialNumber",
	oidOrganization.String(): "o", oidCountry.String(): "c", oidOrgUnit.String(): "ou", "2.5.4.7": "l", "2.5.4.8": "st",
	"2.5.4.9": "street", "2.5.4.17": "postalCode", oidSurname.String(): "sn", oidGivenName.String(): "givenName",
}

// subjectText writes a certificate's subject as srvInfo has it: by RFC 4514, most specific part first. Like the library that
// BankID's form is that of, it escapes an equals sign too, which readers must understand.
func subjectText(cert *x509.Certificate) (string, error) {
	var parts pkix.RDNSequence
	if _, err := asn1.Unmarshal(cert.RawSubject, &parts); err != nil {
		return "", fmt.Errorf("read subject: %w", err)
	}
	var text []string
	for i := len(parts) - 1; i >= 0; i-- {
		var together []string
		for _, part := range parts[i] {
			one, err := attributeText(part)
			if err != nil {
				return "", err
			}
			together = append(together, one)
		}
		text = append(text, strings.Join(together, "+"))
	}
	return strings.Join(text, ","), nil
}

func attributeText(a pkix.AttributeTypeAndValue) (string, error) {
	value, isText := a.Value.(string)
	if label, known := nameLabels[a.Type.String()]; known && isText {
		return label + "=" + escapeName(value), nil
	}
	der, err := asn1.Marshal(a.Value)
	if err != nil {
		return "", fmt.Errorf("write subject: %w", err)
	}
	return fmt.Sprintf("%s=#%x", a.Type, der), nil
}

// nameEscapes are the characters that get a backslash wherever they stand.
var nameEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `+`, `\+`, `,`, `\,`, `;`, `\;`, `<`, `\<`, `>`, `\>`, `=`, `\=`, "\x00", `\00`)

func escapeName(value string) string {
	body := strings.TrimLeft(value, " ")
	leading := strings.Repeat(`\ `, len(value)-len(body))
	trimmed := strings.TrimRight(body, " ")
	trailing := strings.Repeat(`\ `, len(body)-len(trimmed))
	text := nameEscapes.Replace(trimmed)
	if strings.HasPrefix(text, "#") && leading == "" {
		text = `\` + text
	}
	return leading + text + trailing
}
