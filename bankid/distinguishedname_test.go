package bankid

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"strings"
	"testing"
	"unicode/utf8"

	"brygga/bankid/bankidsim"
)

var (
	oidCountry      = asn1.ObjectIdentifier{2, 5, 4, 6}
	oidLocality     = asn1.ObjectIdentifier{2, 5, 4, 7}
	oidOrganization = asn1.ObjectIdentifier{2, 5, 4, 10}
	oidUnit         = asn1.ObjectIdentifier{2, 5, 4, 11}
	oidPrivate      = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 7}
)

// sameNames are distinguished names as some writer has them. Those of one row say the same.
var sameNames = []struct {
	name  string
	texts []string
}{
	{"published form", []string{
		"cn=FP Testcert 4,name=Test av BankID,serialNumber=5566304928,o=Testbank A AB (publ),c=SE",
		"CN=FP Testcert 4,NAME=Test av BankID,SERIALNUMBER=5566304928,O=Testbank A AB (publ),C=SE",
		"c=SE,o=Testbank A AB (publ),serialNumber=5566304928,name=Test av BankID,cn=FP Testcert 4",
		"cn=FP Testcert 4, name=Test av BankID, serialNumber=5566304928, o=Testbank A AB (publ), c=SE",
		"2.5.4.3=FP Testcert 4,2.5.4.41=#0c0e546573742061762042616e6b4944,2.5.4.5=#130a35353636333034393238,o=Testbank A AB (publ),OID.2.5.4.6=SE",
	}},
	{"comma", []string{`o=Nordea Bank Abp\, filial i Sverige`, `o=Nordea Bank Abp\2c filial i Sverige`, `o=Nordea Bank Abp\2C filial i Sverige`, `o="Nordea Bank Abp, filial i Sverige"`}},
	{"plus", []string{`name=Vård\+,cn=FP Vård\+`, `name=V\c3\a5rd\2B,cn=FP V\C3\A5rd\+`, `cn=FP Vård\+,name=Vård\+`}},
	{"quotation marks", []string{`name=\"Hjälpen\"`, `name=\22Hjälpen\22`, `name="\"Hjälpen\""`}},
	{"semicolon", []string{`name=a\;b`, `name=a\3bb`, `name="a;b"`}},
	{"angle brackets", []string{`name=\<a\>`, `name=<a>`, `name=\3Ca\3e`}},
	{"backslash", []string{`name=a\\b`, `name=a\5Cb`}},
	{"number sign", []string{`name=\#1`, `name=\231`, `name="#1"`}},
	{"number sign inside", []string{`name=a#1`, `name=a\#1`}},
	{"equals sign", []string{`name=a=b`, `name=a\=b`, `name=a\3Db`}},
	{"leading space", []string{`name=\ a`, `name=\20a`, `name=" a"`}},
	{"trailing space", []string{`name=a\ `, `name=a\20`, `name="a "`}},
	{"space alone", []string{`name=\ `, `name=" "`, `name=\20`}},
	{"two spaces at each end", []string{`name=\ \ a\ \ `, `name=\  a \ `}},
	{"empty", []string{`name=`, `name=""`, `name=#0c00`, `name= `}},
	{"NUL", []string{`name=a\00b`, "name=a\x00b"}},
	{"not ASCII", []string{`name=Löga 東京`, `name=L\c3\b6ga 東京`, `name=#0c0c4cc3b6676120e69db1e4baac`}},
	{"unit and locality", []string{`cn=a,ou=It\, drift,l=Umeå`, `l=Umeå,OU="It, drift",CN=a`, `2.5.4.3=a,2.5.4.11=#0c0949742c206472696674,L=Umeå`}},
	{"several values in one RDN", []string{`cn=a+ou=b,o=c`, `ou=b + cn=a, o=c`, `o=c,ou=b+cn=a`}},
	{"attribute without a keyword", []string{`1.3.6.1.4.1.99999.7=#0c0161`, `OID.1.3.6.1.4.1.99999.7=#0C0161`, `1.3.6.1.4.1.99999.7=#130161`, `1.3.6.1.4.1.99999.7=a`}},
	{"value that is no text", []string{`1.3.6.1.4.1.99999.7=#04026869`, `OID.1.3.6.1.4.1.99999.7=#04026869`}},
	{"the same in text", []string{`1.3.6.1.4.1.99999.7=\#04026869`}},
}

func TestNamesThatSayTheSame(t *testing.T) {
	for i, row := range sameNames {
		for _, text := range row.texts {
			got, ok := parseName(text)
			if !ok {
				t.Errorf("%s: %q cannot be read", row.name, text)
				continue
			}
			for j, others := range sameNames {
				for _, other := range others.texts {
					if want, _ := parseName(other); got.equal(want) != (i == j) {
						t.Errorf("%q and %q: equal is %v", text, other, i != j)
					}
				}
			}
			if again, ok := parseName(got.String()); !ok || !again.equal(got) {
				t.Errorf("%q is written %q, which says something else", text, got)
			}
		}
	}
}

func TestNamesThatAreNone(t *testing.T) {
	for _, text := range []string{
		"", " ", "cn", "=a", "cn=a,", "cn=a,,o=b", ",cn=a", "cn=a+", "+cn=a", "cn=a;o=b", `cn=a\`, `cn=a\x`, `cn=a\2`, `cn=\c3`, "cn=\xc3",
		`cn="a`, `cn="a"b`, `cn=a,b`, "nosuch=a", "2.5.=a", "2..4=a", "2.5.4.03=a", "oid.=a", "cn=#", "cn=#0c", "cn=#0c0161ff", "cn=#zz", "cn=#0c01 61",
		"cn =a=b,", "2.5.4.3 =", "c n=a",
	} {
		switch name, ok := parseName(text); {
		case text == "2.5.4.3 =":
			if !ok {
				t.Errorf("%q cannot be read", text)
			}
		case ok:
			t.Errorf("%q was read as %q", text, name)
		}
	}
}

// hardNames are names of relying parties with what distinguished names need an escape for.
var hardNames = []string{
	"Vård, omsorg", "Vård+", `"Hjälpen"`, "a;b", "<a>", `a\b`, "#1", "1#", " a", "a ", " ", "a=b", "  a  ", "Löga 東京", `\,+"`, "cn=a,name=b", `a\2cb`, "🙂",
}

// TestSubjectsAreComparedByWhatTheySay gives each hard name, beside further attributes, to a relying party of the simulator,
// which writes names by itself.
func TestSubjectsAreComparedByWhatTheySay(t *testing.T) {
	s := newSimulated(t)
	for _, name := range hardNames {
		if strings.TrimSpace(name) == "" {
			continue // nobody is called so
		}
		t.Run(name, func(t *testing.T) {
			cert := must(s.IssueRPCertificate(bankidsim.RPSubject{
				Name: name, OrgNumber: "5599990016", Bank: "Provbanken Abp, filial i Sverige",
				Further: []pkix.AttributeTypeAndValue{
					{Type: oidLocality, Value: name}, {Type: oidUnit, Value: "It" + name}, {Type: oidPrivate, Value: name},
				},
			})).TLS
			one := *s
			o := Options{BaseURL: s.url, Certificate: CertificateSource{TLS: &cert}, RootCAsPEM: s.ServerRootPEM()}
			one.api = must(New(o))
			defer one.api.Close()
			data, want, err := one.complete(t, simulatedOrder{kind: KindAuth, person: simulatedPerson})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.verifier.Verify(data, want); err != nil {
				t.Errorf("%v; expected %q", err, want.RelyingParty.Name)
			}
			if !strings.Contains(want.RelyingParty.Name, "1.3.6.1.4.1.99999.7=#") || want.RelyingParty.DisplayName != name {
				t.Errorf("expected %+v", want.RelyingParty)
			}
			want.RelyingParty.Name = strings.Replace(want.RelyingParty.Name, "5599990016", "5599990024", 1)
			_, err = s.verifier.Verify(data, want)
			wantCheck(t, err, CheckRelyingParty)
		})
	}
}

func TestVerifyRelyingParty(t *testing.T) {
	with := func(said string) func(*forger) {
		return func(f *forger) {
			f.want.RelyingParty.Name = `cn=FP Vård\+,name=Vård\+,serialNumber=5560000001,ou=a+l=b,o=Provbank Abp\, filial,c=SE`
			f.data = replace("<name>"+b64(f.want.RelyingParty.Name), "<name>"+b64(said))
		}
	}
	runForgeries(t, []forgery{
		{"as expected", with(`cn=FP Vård\+,name=Vård\+,serialNumber=5560000001,ou=a+l=b,o=Provbank Abp\, filial,c=SE`), ""},
		{"other escapes, case and order", with(`C=SE,O=Provbank Abp\2C filial,L=b+OU=a,SERIALNUMBER=5560000001,2.5.4.41=V\C3\A5rd\2b,CN="FP Vård+"`), ""},
		{"one attribute less", with(`cn=FP Vård\+,name=Vård\+,serialNumber=5560000001,ou=a+l=b,o=Provbank Abp\, filial`), CheckRelyingParty},
		{"one attribute more", with(`cn=FP Vård\+,name=Vård\+,serialNumber=5560000001,ou=a+l=b,o=Provbank Abp\, filial,c=SE,l=c`), CheckRelyingParty},
		{"one attribute twice", with(`cn=FP Vård\+,name=Vård\+,serialNumber=5560000001,ou=a+l=b,o=Provbank Abp\, filial,c=SE,c=SE`), CheckRelyingParty},
		{"one RDN split", with(`cn=FP Vård\+,name=Vård\+,serialNumber=5560000001,ou=a,l=b,o=Provbank Abp\, filial,c=SE`), CheckRelyingParty},
		{"values exchanged", with(`cn=Vård\+,name=FP Vård\+,serialNumber=5560000001,ou=a+l=b,o=Provbank Abp\, filial,c=SE`), CheckRelyingParty},
		{"other number", with(`cn=FP Vård\+,name=Vård\+,serialNumber=5560000002,ou=a+l=b,o=Provbank Abp\, filial,c=SE`), CheckRelyingParty},
		{"other letter case in a value", with(`cn=fp Vård\+,name=Vård\+,serialNumber=5560000001,ou=a+l=b,o=Provbank Abp\, filial,c=SE`), CheckRelyingParty},
		{"no name", with(`Vård`), CheckRelyingParty},
	})
}

// FuzzNames compares with names written by crypto/x509/pkix, and looks at what is read from any text.
func FuzzNames(f *testing.F) {
	for _, row := range sameNames {
		for _, text := range row.texts {
			f.Add(text, "a", false)
		}
	}
	for _, name := range hardNames {
		f.Add(name, name, true)
	}
	f.Fuzz(func(t *testing.T, one, two string, together bool) {
		if name, ok := parseName(one); ok {
			if again, ok := parseName(name.String()); !ok || !again.equal(name) || again.String() != name.String() {
				t.Errorf("%q is written %q, which says something else", one, name)
			}
		}
		if !utf8.ValidString(one) || !utf8.ValidString(two) {
			return
		}
		sets := pkix.RDNSequence{
			{{Type: oidCountry, Value: "SE"}}, {{Type: oidOrganization, Value: two}, {Type: oidUnit, Value: one}}, {{Type: oidPrivate, Value: two}}, {{Type: oidCommonName, Value: one}},
		}
		if !together {
			sets[1] = sets[1][:1]
		}
		der, err := asn1.Marshal(sets)
		if err != nil {
			return // a string that no certificate can have
		}
		want, err := subjectName(der)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := parseName(sets.String())
		if !ok || !got.equal(want) {
			t.Errorf("%q is read as %q, want %q", sets, got, want)
		}
		if again, ok := parseName(want.String()); !ok || !again.equal(want) {
			t.Errorf("%q is read as %q", want, again)
		}
	})
}
