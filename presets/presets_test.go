package presets

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"brygga/clients"
	"brygga/storage"
)

// TestPresetsAreThePages: a preset registers an app as its page does, and what is ready for it stands there.
func TestPresetsAreThePages(t *testing.T) {
	for _, p := range All() {
		if p.Doc == "" {
			continue
		}
		page := docPage(t, p.Doc)
		told := registered(t, page, p.id)
		usual := clients.New(p.id)
		if err := p.Apply(&usual, p.app); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		told.Name, told.ID = usual.Name, usual.ID
		fillBlanks(&usual)
		clients.Derive(&told)
		clients.Derive(&usual)
		if want, got := clients.Lines(&told), clients.Lines(&usual); !slices.Equal(want, got) {
			t.Errorf("%s registers\n%v\nand docs/%s.md\n%v", p.Name, got, p.Doc, want)
		}
		for _, r := range p.ReadyFor(Values{Issuer: "https://login.example.se", ID: p.id, Secret: "SECRET", App: p.app}) {
			if !strings.HasSuffix(r.File, ".env") && !strings.Contains(page, r.Text) {
				t.Errorf("docs/%s.md has not, as %s:\n%s", p.Doc, r.File, r.Text)
			}
		}
	}
}

// blanks are what the pages have for what nobody can know.
var blanks = strings.NewReplacer("{realm}", "city", "{tenant}", "example", "{tenant-id}", "11111111-2222-3333-4444-555555555555", "{connector}", "CONNECTOR")

func fillBlanks(c *storage.Client) {
	for _, list := range [][]string{c.RedirectURIs, c.PostLogoutRedirectURIs} {
		for i := range list {
			list[i] = blanks.Replace(list[i])
		}
	}
	c.BackchannelLogoutURI, c.JWKSURI = blanks.Replace(c.BackchannelLogoutURI), blanks.Replace(c.JWKSURI)
}

func docPage(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", filepath.FromSlash(name)+".md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	command = regexp.MustCompile(`(?m)^brygga client add (?:.*\\\n)*.*$`)
	word    = regexp.MustCompile(`"[^"]*"|[^\s"\\]+`)
)

// registered returns what the page's command for the client makes of it.
func registered(t *testing.T, page, id string) storage.Client {
	t.Helper()
	for _, line := range command.FindAllString(page, -1) {
		words := word.FindAllString(line, -1)
		if words[3] == id {
			return fromFlags(t, words[4:])
		}
	}
	t.Fatalf("no command adds %s", id)
	return storage.Client{}
}

func fromFlags(t *testing.T, words []string) storage.Client {
	t.Helper()
	c, given := clients.New(""), map[string][]string{}
	for i := 0; i < len(words); i++ {
		flag := strings.TrimPrefix(words[i], "--")
		switch flag {
		case "public":
			flag, given["auth-method"] = "auth-method", []string{storage.AuthMethodNone}
		case "native", "require-pkce":
			given[flag] = []string{"true"}
		default:
			i++
			given[flag] = append(given[flag], strings.Trim(words[i], `"`))
		}
	}
	for _, s := range clients.Settings() {
		if values := given[s.Flag]; values != nil {
			if err := s.Set(&c, values...); err != nil {
				t.Fatal(err)
			}
		}
	}
	return c
}

// TestVariablesAreTheExamples: the programs of examples/ read the variables that are ready for them.
func TestVariablesAreTheExamples(t *testing.T) {
	for name, program := range map[string]string{"express": "express/app.mjs", "flask": "flask/app.py", "php": "php/index.php", "go": "go/main.go"} {
		text, err := os.ReadFile(filepath.Join("..", "examples", filepath.FromSlash(program)))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(Of(name).ready[0].Text) {
			if variable, _, _ := strings.Cut(line, "="); !strings.Contains(string(text), variable) {
				t.Errorf("%s does not read %s", program, variable)
			}
		}
	}
}

// TestPresetsAreTaken: with the blanks filled, each preset can be registered as it is; with blanks left, it cannot.
func TestPresetsAreTaken(t *testing.T) {
	names := map[string]bool{}
	for _, p := range All() {
		if names[p.Name] || !slices.Contains(Kinds(), p.Kind) {
			t.Errorf("%s is there twice, or of no kind", p.Name)
		}
		names[p.Name] = true
		c := clients.New(p.Name)
		if err := p.Apply(&c, "https://app.example.se/"); err != nil {
			t.Fatal(err)
		}
		blank := strings.Contains(strings.Join(c.RedirectURIs, " "), "{")
		if clients.UsesSecret(&c) || c.AuthMethod == "" {
			c.Secrets = []storage.ClientSecret{{}}
		}
		clients.Complete(&c)
		if found := clients.Check(&c); blank != (len(found) > 0) {
			t.Errorf("%s: %v", p.Name, found)
		}
		fillBlanks(&c)
		c.Sector = ""
		clients.Complete(&c)
		if found := clients.Check(&c); len(found) > 0 {
			t.Errorf("%s, filled: %v", p.Name, found)
		}
		for _, r := range p.ReadyFor(Values{Issuer: "https://login.example.org", ID: "x", Secret: "s3cret", App: "https://x.example"}) {
			if strings.ContainsAny(r.Text, "⟪⟫") || strings.Contains(r.Text, "example.se") && !strings.Contains(r.Text, "example.se/") {
				t.Errorf("%s is not filled: %s", r.File, r.Text)
			}
		}
	}
	for _, k := range Kinds() {
		if Of(string(k)) == nil {
			t.Errorf("nothing is usual for %s", k)
		}
	}
}

func TestNearest(t *testing.T) {
	for want, c := range map[string]storage.Client{
		"nextcloud": {ID: "nextcloud", RedirectURIs: []string{"https://moln.example.org/apps/user_oidc/code", "https://moln.example.org/index.php/apps/user_oidc/code"}},
		"web":       {ID: "journal", RedirectURIs: []string{"https://app.example.se/callback"}},
		"page":      {ID: "journal", AuthMethod: storage.AuthMethodNone, RedirectURIs: []string{"https://app.example.se/callback"}},
		"machine":   {ID: "terraform", APIScopes: []string{"clients:read"}},
		"native":    {ID: "journal", AuthMethod: storage.AuthMethodNone, Native: true, RedirectURIs: []string{"se.example.app:/cb"}},
	} {
		if got := Nearest(&c); got.Name != want {
			t.Errorf("%v is %s, want %s", c, got.Name, want)
		}
	}
}

func TestFields(t *testing.T) {
	rows, is := Of("keycloak").ReadyFor(Values{Issuer: "https://login.example.org", ID: "kc"})[0].Fields()
	if !is || len(rows) < 10 || !slices.Contains(rows, [2]string{"Client ID", "`kc`"}) {
		t.Errorf("%v, %q", is, rows)
	}
	if _, is := (Ready{File: "app.env"}).Fields(); is {
		t.Error("variables are no fields")
	}
}
