package clients_test

import (
	"strings"
	"testing"

	"brygga/clients"
	"brygga/storage"
)

const someSub = "-Ab4kZzZ0mM1nN2bB3vV4cC5xX6zZ7lL8kK9jJ0hHgg"

func TestGivenClaims(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*storage.Client)
		want   string // the setting at fault
	}{
		{"name from sub", given("preferred_username", "sub"), ""},
		{"name from the number", given("preferred_username", "personalNumber"), ""},
		{"name from the name", given("preferred_username", "name"), ""},
		{"name from a number that it may not have", without(given("preferred_username", "personalNumber")), "claims"},
		{"name from a name that it may not have", without(given("preferred_username", "name")), "claims"},
		{"name from the name by a scope", without(given("preferred_username", "name"), "profile"), ""},
		{"name from the number with names alone", without(given("preferred_username", "personalNumber"), "profile"), "claims"},
		{"name from something else", given("preferred_username", "birthdate"), "claims"},
		{"name from nothing", given("preferred_username", ""), "claims"},
		{"another claim", given("phone_number", "sub"), "claims"},
		{"a claim of the protocol", given("sub", "personalNumber"), "claims"},
		{"groups among the claims", given("groups", "staff"), "claims"},

		{"address", given("email", "sub@people.example.se"), ""},
		{"address in a certificate", given("email", "certificate"), ""},
		{"address in another thing", given("email", "card"), "claims"},
		{"address that nobody has", given("email", "sub@journal.invalid"), ""},
		{"address with its scope", func(c *storage.Client) {
			given("email", "sub@journal.invalid")(c)
			c.Scopes = []string{"email"}
		}, ""},
		{"scope without an address", func(c *storage.Client) { c.Scopes = []string{"email"} }, "scopes"},
		{"address from the number", given("email", "personalNumber@people.example.se"), "claims"},
		{"address of one for all", given("email", "info@people.example.se"), "claims"},
		{"capitals in the address", given("email", "sub@People.example.se"), "claims"},
		{"address at no domain", given("email", "sub@"), "claims"},
		{"address at a host without a domain", given("email", "sub@localhost"), "claims"},
		{"address at a number", given("email", "sub@192.0.2.1"), "claims"},
		{"address with more behind it", given("email", "sub@people.example.se, admin@example.se"), "claims"},
		{"longest address", given("email", "sub@"+strings.Repeat("a.", 98)+"example"), "claims"},

		{"everybody", grouped("staff", "everybody"), ""},
		{"one of them", grouped("Ärendeadministratörer", someSub), ""},
		{"several", grouped("admins", someSub+" "+strings.ToLower(someSub)), ""},
		{"nobody", grouped("admins", " "), "groups"},
		{"a personal number", grouped("admins", "198502039822"), "groups"},
		{"everybody and one", grouped("admins", "everybody "+someSub), "groups"},
		{"commas", grouped("admins", someSub+","+someSub), "groups"},
		{"too many", grouped("admins", strings.Repeat(someSub+" ", 1001)), "groups"},
		{"a name with a comma", grouped("staff,admins", "everybody"), "groups"},
		{"no name", grouped("", "everybody"), "groups"},
		{"a name that nobody sees", grouped("staff\u202e", "everybody"), "groups"},
	} {
		c := clients.New("app")
		c.RedirectURIs, c.Secrets = []string{"https://app.example.se/cb"}, make([]storage.ClientSecret, 1)
		tt.change(&c)
		clients.Complete(&c)
		got := ""
		for _, p := range clients.Check(&c) {
			if got += p.Key; strings.Contains(p.Error(), "198502039822") {
				t.Errorf("%s: the number is told again: %v", tt.name, p)
			}
		}
		if got != tt.want {
			t.Errorf("%s: %v", tt.name, clients.Check(&c))
		}
	}
}

func given(name, source string) func(*storage.Client) {
	return func(c *storage.Client) { c.Claims = map[string]string{name: source} }
}

func grouped(name, members string) func(*storage.Client) {
	return func(c *storage.Client) { c.Groups = map[string]string{name: members} }
}

// without takes the right to the number away, and leaves the scopes.
func without(change func(*storage.Client), scopes ...string) func(*storage.Client) {
	return func(c *storage.Client) {
		change(c)
		c.PersonalNumber, c.Scopes = false, scopes
	}
}

// TestGroupsAreBounded: an ID token with all groups must stay one that is taken as a hint.
func TestGroupsAreBounded(t *testing.T) {
	c := clients.New("app")
	c.RedirectURIs, c.Secrets, c.Groups = []string{"https://app.example.se/cb"}, make([]storage.ClientSecret, 1), map[string]string{}
	for i := range 99 {
		c.Groups[strings.Repeat("x", 50)+string(rune('0'+i/10))+string(rune('0'+i%10))] = storage.GroupOfAll
	}
	clients.Complete(&c)
	if p := clients.Check(&c); len(p) != 1 || p[0].Key != "groups" {
		t.Errorf("5 kB of names: %v", p)
	}
}
