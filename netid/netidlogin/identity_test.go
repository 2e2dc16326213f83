package netidlogin

import (
	"slices"
	"strings"
	"testing"

	"brygga/netid"
	"brygga/secret"
	"brygga/storage"
)

// person is a certificate of the issuer A as its holder is made from it.
func person(change func(*netid.Person)) *netid.Proof {
	p := &netid.Proof{Issuer: "A", Person: netid.Person{Name: secret.New("Kim Prov")}}
	change(&p.Person)
	return p
}

// keysOf writes the keys of an identity, the personal number first.
func keysOf(i *storage.Identity) (all []string) {
	if !i.PersonalNumber.IsZero() {
		all = append(all, storage.KeyPersonalNumber+" "+i.PersonalNumber.Reveal())
	}
	for _, key := range i.Keys {
		all = append(all, strings.TrimSpace(key.Name+" "+key.Value.Reveal()+" "+key.Issuer))
	}
	return all
}

// TestWhatASerialNumberIs: what an issuer puts there is what the installation says of the issuer, and not what it looks like. The number of an employee is never
// somebody's personal number.
func TestWhatASerialNumberIs(t *testing.T) {
	const number = "199001012385"
	for _, test := range []struct {
		key, serial, want string
	}{
		{"", number, "personalNumber " + number}, {"", "SE2321000016-KIM1", ""}, {"", "1001", ""},
		{storage.KeyPersonalNumber, number, "personalNumber " + number}, {storage.KeyPersonalNumber, "SE2321000016-KIM1", ""},
		{storage.KeyHSAID, number, "personalNumber " + number}, {storage.KeyHSAID, "SE2321000016-KIM1", "hsaId SE2321000016-KIM1"},
		{storage.KeyHSAID, "1001", ""}, {storage.KeyHSAID, "PNOSE-" + number, ""}, {storage.KeyHSAID, "199001012386", ""},
		{storage.KeyEmployeeNumber, number, "employeeNumber " + number + " A"}, {storage.KeyEmployeeNumber, "1001", "employeeNumber 1001 A"},
		{storage.KeyEmployeeNumber, "SE2321000016-KIM1", "employeeNumber SE2321000016-KIM1 A"},
	} {
		proof := person(func(p *netid.Person) { p.SerialNumber = secret.New(test.serial) })
		for name, m := range map[string]*method{
			"all":       {Options{SerialNumberKey: test.key}},
			"this":      {Options{SerialNumberKey: storage.KeyHSAID, Issuers: map[string]Issuer{"A": {SerialNumberKey: test.key}}}},
			"another's": {Options{SerialNumberKey: test.key, Issuers: map[string]Issuer{"B": {SerialNumberKey: storage.KeyEmployeeNumber}}}},
		} {
			if name == "this" && test.key == "" {
				continue // which means what is said of all
			}
			i := m.identity(proof, &netid.Result{})
			if got := strings.Join(keysOf(&i), ", "); got != test.want || whole(&i) != (test.want != "") {
				t.Errorf("%s certificates have %q, one has %q: %q, want %q", name, test.key, test.serial, got, test.want)
			}
		}
	}
}

// TestKeysInOneWay: what differs in capitals alone is one key, and what differs otherwise is another or none. Letters beyond ASCII that fold into others do not.
func TestKeysInOneWay(t *testing.T) {
	for _, test := range []struct{ name, value, want string }{
		{storage.KeyHSAID, "se2321000016-kim1", "SE2321000016-KIM1"}, {storage.KeyHSAID, "SE2321000016-KIM1", "SE2321000016-KIM1"},
		{storage.KeyHSAID, "SE2321000016-KIM1 ", ""}, {storage.KeyHSAID, "SE2321000016 KIM1", ""}, {storage.KeyHSAID, "SE2321000016-KIM1\n", ""},
		{storage.KeyHSAID, "SE2321000016-\u212aIM1", ""}, {storage.KeyHSAID, "\u017fE2321000016-KIM1", ""}, {storage.KeyHSAID, "SE2321000016\u2010KIM1", ""},
		{storage.KeyHSAID, "SE2321000016-" + strings.Repeat("1", 31), ""}, {storage.KeyHSAID, "", ""},
		{storage.KeyPrincipalName, "Kim@Region.Example", "kim@region.example"}, {storage.KeyPrincipalName, "\u212aim@region.example", "\u212aim@region.example"},
		{storage.KeyPrincipalName, "kim\u0131@region.example", "kim\u0131@region.example"}, {storage.KeyPrincipalName, "åsa@region.example", "åsa@region.example"},
		{storage.KeyPrincipalName, "kim@region.example ", ""}, {storage.KeyPrincipalName, "kim@a@b", ""}, {storage.KeyPrincipalName, "kim", ""},
		{storage.KeyPrincipalName, "ki\u200dm@region.example", ""}, {storage.KeyPrincipalName, "kim\x00@region.example", ""}, {storage.KeyPrincipalName, "kim\xff@region.example", ""},
		{storage.KeyEmployeeNumber, "a-17", "A-17 A"}, {storage.KeyEmployeeNumber, "17 1", ""}, {storage.KeyEmployeeNumber, "17\x00B", ""},
		{storage.KeyEmployeeNumber, "１７", ""}, {storage.KeyEmployeeNumber, strings.Repeat("1", 65), ""},
		{storage.KeyPersonalNumber, "199001012385", ""}, {"email", "kim@region.example", ""}, {"name", "Kim", ""},
	} {
		key, ok := Key(test.name, secret.New(test.value), "A")
		if got := strings.TrimSpace(key.Value.Reveal() + " " + key.Issuer); ok != (test.want != "") || got != test.want {
			t.Errorf("%s %q is %q, want %q", test.name, test.value, got, test.want)
		}
	}
}

// TestMissingValues: a certificate may lack all but what its holder is known by, and what has not its form is left out.
func TestMissingValues(t *testing.T) {
	m := &method{Options{SerialNumberKey: storage.KeyHSAID}}
	bare := m.identity(&netid.Proof{Person: netid.Person{SerialNumber: secret.New("SE1-1")}}, &netid.Result{})
	if !whole(&bare) || bare.Work != nil || !bare.Name.IsZero() || !bare.Email.IsZero() || bare.DeviceIP != "" {
		t.Errorf("it is %+v", bare)
	}
	spoiled := m.identity(person(func(p *netid.Person) {
		p.Name, p.GivenName, p.Surname = secret.String{}, secret.New("Kim"), secret.New("Prov")
		p.Email, p.Organization, p.Title, p.OrganizationID, p.Units = secret.New("kim@@region"), strings.Repeat("x", 300), "a\x00b", "NTRSE-9001012385", []string{"\xff"}
	}), &netid.Result{Device: netid.Device{Name: "iOS\n", Version: "17\x1b[2J", Address: "fe80::1%eth0"}})
	if whole(&spoiled) || spoiled.Name.Reveal() != "Kim Prov" || spoiled.Work != nil || !spoiled.Email.IsZero() || spoiled.DeviceName != "iOS" || spoiled.DeviceVersion != "" || spoiled.DeviceIP != "" {
		t.Errorf("it is %+v at work %+v", spoiled, spoiled.Work)
	}
	if known := (&storage.Identity{Email: secret.New("kim@region.example"), Name: secret.New("Kim")}); whole(known) {
		t.Error("a name and an address are somebody")
	}
}

// TestNamesCanBeShown: a name with what nobody sees is left out like any other value without its form.
func TestNamesCanBeShown(t *testing.T) {
	for name, want := range map[string]string{
		"Kim Prov": "Kim Prov", " Åsa Öberg-Łukasz ": "Åsa Öberg-Łukasz", "Kim\nadmin": "", "Kim \u202evorP": "", "Kim\x00": "", "Kim\u200b": "", strings.Repeat("k", 300): "", "\xff": "",
	} {
		i := (&method{}).identity(person(func(p *netid.Person) {
			p.Name, p.GivenName, p.Surname = secret.New(name), secret.New(name), secret.New(name)
		}), &netid.Result{})
		if i.Name.Reveal() != want || i.GivenName.Reveal() != want || i.Surname.Reveal() != want {
			t.Errorf("%+q is shown as %+q, %+q, %+q", name, i.Name.Reveal(), i.GivenName.Reveal(), i.Surname.Reveal())
		}
	}
}

func TestOrganizationNumbers(t *testing.T) {
	for id, want := range map[string]string{
		"NTRSE-2321000016": "2321000016", "ntrse-232100-0016": "2321000016", "2321000016": "2321000016", "VATSE-232100001601": "2321000016",
		"VATSE-2321000016": "", "VATSE-232100001602": "", "NTRDE-2321000016": "", "2321000017": "", "9001012385": "", "232100-001": "", "": "",
	} {
		if got := organizationNumber(id); got != want {
			t.Errorf("%q: %q, want %q", id, got, want)
		}
	}
}

// TestCardsOfOthers: two issuers may give two people the same number, or the same account; two cards of one person may say the same.
func TestCardsOfOthers(t *testing.T) {
	m := &method{Options{SerialNumberKey: storage.KeyEmployeeNumber}}
	card := func(issuer, number, account string) []string {
		i := m.identity(&netid.Proof{Issuer: issuer, Person: netid.Person{SerialNumber: secret.New(number), PrincipalName: secret.New(account)}}, &netid.Result{})
		return keysOf(&i)
	}
	one := card("A", "1001", "kim@a.example")
	if !slices.Equal(one, card("A", "1001", "Kim@A.example")) {
		t.Error("two cards of one employee are two people")
	}
	if other := card("B", "1001", "kim@b.example"); other[0] == one[0] {
		t.Errorf("the employees of two issuers are one person: %q", other)
	}
	// An account that was given to somebody else is, by that, the same person: only its issuer could tell. Clients are advised against that key.
	if reused := card("A", "1002", "kim@a.example"); reused[1] != one[1] || reused[0] == one[0] {
		t.Errorf("the next holder of the account is %q", reused)
	}
}

// TestKeysOfTheMethod: what people may be known by is what the issuers' serial numbers are, beside what stands elsewhere in a certificate.
func TestKeysOfTheMethod(t *testing.T) {
	for want, o := range map[string]Options{
		"personalNumber employeeNumber userPrincipalName":       {},
		"personalNumber hsaId employeeNumber userPrincipalName": {SerialNumberKey: storage.KeyHSAID, Issuers: map[string]Issuer{"A": {}}},
		"employeeNumber userPrincipalName":                      {Issuers: map[string]Issuer{"A": {storage.KeyEmployeeNumber}}},
	} {
		if got := strings.Join(o.Keys(), " "); got != want {
			t.Errorf("they are %q, want %q", got, want)
		}
	}
}
