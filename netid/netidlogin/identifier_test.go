package netidlogin_test

import (
	"strings"
	"testing"

	"brygga/eid"
	"brygga/netid"
	"brygga/netid/netidlogin"
	"brygga/secret"
	"brygga/storage"
)

// allKinds are rules for each kind, as a region could have them.
func allKinds(o *netidlogin.Options) {
	o.Identifiers = []netidlogin.Identifier{
		{Kind: storage.KeyPersonalNumber}, {Kind: storage.KeyHSAID},
		{Kind: netidlogin.KindEmail, Pattern: `[^@]+@region\.example`, UserID: "{local}@ad.region.example"},
		{Kind: storage.KeyPrincipalName},
		{Kind: storage.KeyEmployeeNumber, Pattern: `[0-9]{4,6}|[0-9]{12}`, UserID: "SE2321000016-{value}", Key: storage.KeyHSAID},
	}
}

// namingBy returns how people are named by a method with the options.
func namingBy(t testing.TB, change func(*netidlogin.Options)) *eid.Naming {
	t.Helper()
	o := netidlogin.Options{APIs: map[string]*netid.API{"": {}}, Verifier: new(netid.Verifier), SerialNumberKey: storage.KeyHSAID, OtherDevice: true}
	if change != nil {
		change(&o)
	}
	m, err := netidlogin.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return m.Traits().Naming
}

// TestIdentifiers types what people type, and what they do not mean.
func TestIdentifiers(t *testing.T) {
	naming := namingBy(t, allKinds)
	if got := strings.Join(naming.Kinds, " "); got != "personalNumber hsaId email userPrincipalName employeeNumber" {
		t.Errorf("the kinds are %s", got)
	}
	for typed, want := range map[string]string{
		"199001012385": "personalNumber 199001012385", " 900101-2385 ": "personalNumber 199001012385", "19900101 2385": "personalNumber 199001012385",
		"199001012386": "", "900101-2386": "", // slips of the pen, one of which has the form of an employee's number
		"555501012386":      "hsaId SE2321000016-555501012386", // such a number that looks like nobody's personal number
		"se2321000016-kim1": "hsaId SE2321000016-KIM1", "SE2321000016 - KIM1": "hsaId SE2321000016-KIM1",
		"Kim.Exempel@Region.example": "userPrincipalName kim.exempel@ad.region.example",
		"kim@other.example":          "userPrincipalName kim@other.example",
		"12345":                      "hsaId SE2321000016-12345",
		"123":                        "", "1234567": "", "kim": "", "": "", "   ": "", "@": "", "kim@": "", "a@b@c": "",
		"SE2321000016-KIM1\x00": "", "SE2321000016-KIM\u200b1": "", "kim@region.example\u202e": "", "\xff@a.example": "",
		"12345{value}": "", "{local}@ad.region.example": "userPrincipalName {local}@ad.region.example",
		strings.Repeat("1", 201): "", strings.Repeat("a", 100) + "@" + strings.Repeat("b", 100): "",
	} {
		got := ""
		if key, ok := naming.Read(typed); ok {
			got = key.Name + " " + key.Value.Reveal()
		}
		if got != want {
			t.Errorf("%q is %q, want %q", typed, got, want)
		}
	}
}

// TestIdentifiersAreStable: who is read once is the same when what was read is typed again.
func TestIdentifiersAreStable(t *testing.T) {
	naming := namingBy(t, nil)
	key, ok := naming.Read("900101-2385")
	again, okAgain := naming.Read(key.Value.Reveal())
	if !ok || !okAgain || !again.Equal(key) || len(naming.Kinds) != 1 {
		t.Error("a personal number is read as another")
	}
	if namingBy(t, func(o *netidlogin.Options) { o.OtherDevice = false }) != nil {
		t.Error("people are named though nobody allowed that")
	}
}

// TestRulesThatCannotBe are refused with the place of the fault.
func TestRulesThatCannotBe(t *testing.T) {
	usual := netidlogin.Identifier{Kind: storage.KeyPersonalNumber}
	for name, c := range map[string]struct {
		rules []netidlogin.Identifier
		want  string
	}{
		"another kind":              {[]netidlogin.Identifier{usual, {Kind: "phone"}}, "identifiers[1].kind"},
		"no kind":                   {[]netidlogin.Identifier{{}}, "identifiers[0].kind"},
		"one kind twice":            {[]netidlogin.Identifier{usual, usual}, "identifiers[1].kind"},
		"a broken pattern":          {[]netidlogin.Identifier{{Kind: storage.KeyEmployeeNumber, Pattern: "("}}, "identifiers[0].pattern"},
		"personal numbers by form":  {[]netidlogin.Identifier{{Kind: storage.KeyPersonalNumber, Pattern: ".*"}}, "identifiers[0].pattern"},
		"everybody is one":          {[]netidlogin.Identifier{{Kind: storage.KeyEmployeeNumber, UserID: "SE-1"}}, "identifiers[0].user_id"},
		"twice the same":            {[]netidlogin.Identifier{{Kind: storage.KeyEmployeeNumber, UserID: "{value}{value}"}}, "identifiers[0].user_id"},
		"other braces":              {[]netidlogin.Identifier{{Kind: storage.KeyEmployeeNumber, UserID: "{value}{domain}"}}, "identifiers[0].user_id"},
		"a key of no certificate":   {[]netidlogin.Identifier{{Kind: storage.KeyEmployeeNumber, Key: "email"}}, "identifiers[0].key"},
		"HSA-IDs that nobody reads": {[]netidlogin.Identifier{{Kind: storage.KeyHSAID}}, "identifiers[0].key"},
	} {
		o := netidlogin.Options{APIs: map[string]*netid.API{"": {}}, Verifier: new(netid.Verifier), Identifiers: c.rules, OtherDevice: true}
		if _, err := netidlogin.New(o); err == nil || !strings.Contains(err.Error(), c.want+":") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzIdentifiers: whatever is typed, who is meant is known by a key of the rules, in a form that reads as the same again.
func FuzzIdentifiers(f *testing.F) {
	for _, text := range []string{"199001012385", "se2321000016-kim1", "kim@region.example", "12345", "a@b", " ", "\u200b", "K@X.example"} {
		f.Add(text)
	}
	naming := namingBy(f, func(o *netidlogin.Options) {
		allKinds(o)
		o.Identifiers = o.Identifiers[:2]
	})
	f.Fuzz(func(t *testing.T, typed string) {
		key, ok := naming.Read(typed)
		if !ok {
			return
		}
		if again, ok := naming.Read(key.Value.Reveal()); !ok || !again.Equal(key) {
			t.Errorf("%q is somebody else when it is read again", typed)
		}
		if _, known := netidlogin.Key(key.Name, secret.New(key.Value.Reveal()), ""); !known && key.Name != storage.KeyPersonalNumber {
			t.Errorf("%q is a key that no certificate has", typed)
		}
	})
}
