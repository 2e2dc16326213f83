package bankid

import (
	"crypto/x509/pkix"
	"strings"
	"testing"

	"brygga/secret"
)

// TestVerifyName compares the names of a result with those of a certificate.
func TestVerifyName(t *testing.T) {
	type name struct{ full, given, sur string }
	long := strings.TrimSpace(strings.Repeat("Maria ", 12)) // 71 characters
	for _, tt := range []struct {
		what       string
		cert, said name
		want       Check
	}{
		{"the same", name{"Åsa Öberg", "Åsa", "Öberg"}, name{"Åsa Öberg", "Åsa", "Öberg"}, ""},
		{"other name", name{"Åsa Öberg", "Åsa", "Öberg"}, name{"Åsa Oberg", "Åsa", "Öberg"}, CheckName},
		{"other given name", name{"Åsa Öberg", "Åsa", "Öberg"}, name{"Åsa Öberg", "Asa", "Öberg"}, CheckName},
		{"other surname", name{"Åsa Öberg", "Åsa", "Öberg"}, name{"Åsa Öberg", "Åsa", "Oberg"}, CheckName},
		{"no name", name{"Åsa Öberg", "Åsa", "Öberg"}, name{"", "Åsa", "Öberg"}, CheckName},
		{"given name left out", name{"Åsa Öberg", "Åsa", "Öberg"}, name{"Åsa Öberg", "", "Öberg"}, CheckName},
		{"surname left out", name{"Åsa Öberg", "Åsa", "Öberg"}, name{"Åsa Öberg", "Åsa", ""}, CheckName},
		{"one name more", name{"Åsa Öberg", "Åsa", "Öberg"}, name{"Åsa Öberg", "Åsa Märta", "Öberg"}, CheckName},
		{"beginning of the name", name{"Åsa Öberg", "Åsa", "Öberg"}, name{"Åsa Öberg", "Åsa", "Öbergsson"}, CheckName},

		{"capitals on one side", name{"Åsa ÖBERG", "Åsa", "ÖBERG"}, name{"Åsa Öberg", "Åsa", "Öberg"}, ""},
		{"surname first in one", name{"Öberg Åsa", "Åsa", "Öberg"}, name{"Åsa Öberg", "Åsa", "Öberg"}, ""},
		{"composed of both", name{"Åsa M Öberg", "Åsa Märta", "Öberg"}, name{"Åsa Märta Öberg", "Åsa Märta", "Öberg"}, ""},
		{"spaces", name{"Åsa  Öberg", "Åsa ", "Öberg"}, name{"Åsa Öberg", "Åsa", " Öberg"}, ""},
		{"letters composed otherwise", name{"A\u030asa O\u0308berg", "A\u030asa", "Öberg"}, name{"Åsa Öberg", "Åsa", "O\u0308berg"}, ""},
		{"cut at 64 characters", name{(long + " Öberg")[:64], long[:64], "Öberg"}, name{long + " Öberg", long, "Öberg"}, ""},
		{"cut elsewhere", name{(long + " Öberg")[:60], long, "Öberg"}, name{long, long, "Öberg"}, CheckName},
		{"long and another", name{long[:64], long[:64], "Öberg"}, name{"Anna " + long, long, "Öberg"}, CheckName},

		{"given name alone", name{"Wayan", "Wayan", ""}, name{"Wayan", "Wayan", ""}, ""},
		{"surname alone", name{"Wayan", "", "Wayan"}, name{"Wayan", "", "Wayan"}, ""},
		{"given name said to be the surname", name{"Wayan", "Wayan", ""}, name{"Wayan", "", "Wayan"}, CheckName},
		{"surname added", name{"Wayan", "Wayan", ""}, name{"Wayan", "Wayan", "Öberg"}, CheckName},
	} {
		t.Run(tt.what, func(t *testing.T) {
			f := newForger()
			var names []pkix.AttributeTypeAndValue
			for _, a := range f.person.Subject.ExtraNames {
				switch {
				case a.Type.Equal(oidCommonName):
					a.Value = tt.cert.full
				case a.Type.Equal(oidGivenName):
					a.Value = tt.cert.given
				case a.Type.Equal(oidSurname):
					a.Value = tt.cert.sur
				}
				if a.Value != "" {
					names = append(names, a)
				}
			}
			f.person.Subject.ExtraNames = names
			f.user.Name, f.user.GivenName, f.user.Surname = secret.New(tt.said.full), secret.New(tt.said.given), secret.New(tt.said.sur)
			_, err := f.verified(t)
			wantCheck(t, err, tt.want)
			noPerson(t, err)
		})
	}
	t.Run("surname twice", func(t *testing.T) {
		f := newForger()
		f.person.Subject.ExtraNames = append(f.person.Subject.ExtraNames, pkix.AttributeTypeAndValue{Type: oidSurname, Value: "Öberg"})
		_, err := f.verified(t)
		wantCheck(t, err, CheckName)
	})
	t.Run("empty attribute of somebody with one name", func(t *testing.T) {
		f := newForger()
		for i, a := range f.person.Subject.ExtraNames {
			if a.Type.Equal(oidSurname) {
				f.person.Subject.ExtraNames[i].Value = ""
			}
			if a.Type.Equal(oidCommonName) {
				f.person.Subject.ExtraNames[i].Value = "Åsa"
			}
		}
		f.user.Surname, f.user.Name = secret.String{}, secret.New("Åsa")
		_, err := f.verified(t)
		wantCheck(t, err, "")
	})
}

// TestVerifyEverybodyOfTheSimulator lets each of its people log in.
func TestVerifyEverybodyOfTheSimulator(t *testing.T) {
	s := newSimulated(t)
	for _, person := range s.People() {
		data, want, err := s.complete(t, simulatedOrder{kind: KindAuth, person: person.PersonalNumber})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.verifier.Verify(data, want); err != nil {
			t.Errorf("%s: %v", person.Note, err)
		}
		if data.BankIDIssueDate.IsZero() || data.User.GivenName.Reveal() != person.GivenName || data.User.Surname.Reveal() != person.Surname {
			t.Errorf("%s: issued %v", person.Note, data.BankIDIssueDate)
		}
	}
}
