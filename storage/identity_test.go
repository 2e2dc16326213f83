package storage_test

import (
	"testing"

	"brygga/secret"
	"brygga/storage"
)

func TestKnownBy(t *testing.T) {
	key := func(name, value string) storage.PersonKey {
		return storage.PersonKey{Name: name, Value: secret.New(value)}
	}
	number := storage.Identity{PersonalNumber: secret.New("191212121212"), Name: secret.New("Tolvan")}
	nurse := storage.Identity{Name: secret.New("Tolvan"), Keys: []storage.PersonKey{key("upn", "kim@region.example"), key("hsaId", "SE1"), key("empty", "")}}
	both := number
	both.Keys = nurse.Keys
	for _, test := range []struct {
		who   *storage.Identity
		names []string
		want  string
	}{
		{&number, nil, "personalNumber 191212121212"},
		{&nurse, nil, ""},
		{&both, nil, "personalNumber 191212121212"},
		{&both, []string{"hsaId", storage.KeyPersonalNumber}, "hsaId SE1"},
		{&nurse, []string{storage.KeyPersonalNumber, "empty", "upn"}, "upn kim@region.example"},
		{&nurse, []string{"empty"}, ""},
		{&number, []string{"name", "upn"}, ""},
		{&storage.Identity{}, []string{storage.KeyPersonalNumber}, ""},
	} {
		key, known := test.who.KnownBy(test.names)
		if got := key.Name + " " + key.Value.Reveal(); known != (test.want != "") || known && got != test.want {
			t.Errorf("by %q: %q, %t, want %q", test.names, got, known, test.want)
		}
	}
}

// TestSamePerson: a personal number decides, and where nobody has one all other keys do. Names and addresses never do.
func TestSamePerson(t *testing.T) {
	key := func(name, issuer, value string) storage.PersonKey {
		return storage.PersonKey{Name: name, Issuer: issuer, Value: secret.New(value)}
	}
	known := func(number string, keys ...storage.PersonKey) *storage.Identity {
		return &storage.Identity{PersonalNumber: secret.New(number), Name: secret.New("Kim"), Email: secret.New("kim@region.example"), Keys: keys}
	}
	hsa, upn := key("hsaId", "", "SE1"), key("userPrincipalName", "", "kim@region.example")
	for name, test := range map[string]struct {
		a, b *storage.Identity
		same bool
	}{
		"a number and two cards":         {known("191212121212", hsa), known("191212121212", upn), true},
		"a number and none else":         {known("191212121212"), known("191212121212", hsa), true},
		"two numbers and one account":    {known("191212121212", upn), known("191212121213", upn), false},
		"a number and none":              {known("191212121212", hsa), known("", hsa), false},
		"the same keys":                  {known("", hsa, upn), known("", hsa, upn), true},
		"one key of two":                 {known("", hsa, upn), known("", hsa), false},
		"another value":                  {known("", hsa), known("", key("hsaId", "", "SE2")), false},
		"a value of another key":         {known("", hsa), known("", key("userPrincipalName", "", "SE1")), false},
		"a number of two employers":      {known("", key("employeeNumber", "A", "1001")), known("", key("employeeNumber", "B", "1001")), false},
		"a name and an address, no keys": {known(""), known(""), false},
	} {
		if test.a.SamePerson(test.b) != test.same || test.b.SamePerson(test.a) != test.same {
			t.Errorf("%s: want %t", name, test.same)
		}
		if test.a.Person().Equal(test.b.Person()) != test.same && len(test.a.Keys) == 1 {
			t.Errorf("%s: the pseudonyms say otherwise", name)
		}
	}
}
