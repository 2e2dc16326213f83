package clients_test

import (
	"strings"
	"testing"

	"brygga/clients"
	"brygga/storage"
)

// TestCommand: the command says what is not usual, and no more, in words of a shell.
func TestCommand(t *testing.T) {
	c := clients.New("journal")
	c.Name, c.LocalNames = "Anna's Journal", map[string]string{"sv": "Annas journal"}
	c.RedirectURIs, c.Scopes, c.RequirePKCE, c.PersonalNumber = []string{"https://a.example.se/?x=1", "https://b.example.se/"}, []string{"profile", "offline_access"}, true, false
	c.Policy.PinCode, c.SubjectType = "yes", storage.SubjectPublic
	clients.Complete(&c)
	want := strings.Join([]string{
		"brygga client add journal", `--name 'Anna'\''s Journal'`, "--local-name 'sv=Annas journal'", "--redirect-uri 'https://a.example.se/?x=1'", "--redirect-uri https://b.example.se/",
		"--scope 'profile offline_access'", "--subject-type public", "--personal-number=false", "--require-pkce", "--policy pin_code=yes",
	}, " \\\n  ")
	if got := clients.Command(&c); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	plain := sound()
	if got := clients.Command(&plain); got != "brygga client add app \\\n  --auth-method none \\\n  --redirect-uri https://app.example.se/cb" {
		t.Errorf("got %s", got)
	}
}
