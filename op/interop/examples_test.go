//go:build integrations

package interop

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// example is an app of examples/, which a page in docs/quickstart shows. In what it is told, APP is its own address, PORT its port,
// NODE its node_modules and BUILT the program that is built from it. All of them say the same to people.
type example struct {
	name string
	// prepare is run in its folder before it is started there by command.
	prepare, command []string
	// login is the path that logs in. Without one the app needs a browser with scripts, and there a button.
	login string
	// environ are variables beyond those of all, ISSUER, APP, PORT, CLIENT_ID and CLIENT_SECRET.
	environ []string
}

var examples = []example{
	{name: "express", command: []string{"node", "app.mjs"}, login: "/login"},
	{name: "flask", command: []string{"/usr/bin/python3", "app.py"}, login: "/login"},
	{name: "php", command: []string{"php", "-S", "127.0.0.1:PORT", "index.php"}, login: "/login"},
	{name: "go", prepare: []string{"go", "build", "-o", "BUILT", "."}, command: []string{"BUILT"}, login: "/login"},
	{
		name: "django", command: []string{"/usr/bin/python3", "app.py"}, login: "/login/oidc/", environ: []string{"DATABASE=DIR/app.sqlite3"},
	},
	{
		name: "react", command: []string{"node", "NODE/vite/bin/vite.js", "--port", "PORT", "--strictPort", "--host", "127.0.0.1"},
		environ: []string{"VITE_ISSUER=ISSUER", "VITE_CLIENT_ID=react"},
	},
	{
		name: "nextjs", prepare: []string{"node", "NODE/next/dist/bin/next", "build"}, command: []string{"node", "NODE/next/dist/bin/next", "start", "-p", "PORT"},
		environ: []string{"NEXTAUTH_URL=APP", "NEXTAUTH_SECRET=0123456789abcdef0123456789abcdef", "NEXT_TELEMETRY_DISABLED=1"},
	},
}

// What every example says.
const (
	saysLogIn     = "Log in with BankID"
	saysLogOut    = "Log out"
	saysCancelled = "You were not logged in"
)

func TestExamples(t *testing.T) {
	p := startProvider(t)
	for _, e := range examples {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			e.run(t, p)
		})
	}
}

func (e *example) run(t *testing.T, p *provider) {
	dir, err := filepath.Abs(filepath.Join("..", "..", "examples", e.name))
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	app := "http://localhost:" + port
	own := t.TempDir()
	fill := strings.NewReplacer("APP", app, "ISSUER", p.issuer, "PORT", port, "NODE", filepath.Join(dir, "node_modules"),
		"BUILT", filepath.Join(own, "built"), "DIR", own)
	if e.prepare != nil {
		command := replaced(fill, e.prepare)
		cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), e.variables(fill)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", command, err, out)
		}
	}
	secret := e.register(t, p, app)
	start(t, dir, port, replaced(fill, e.command), append([]string{
		"ISSUER=" + p.issuer, "APP=" + app, "PORT=" + port, "CLIENT_ID=" + e.name, "CLIENT_SECRET=" + secret,
	}, e.variables(fill)...))
	if e.login == "" {
		e.inChromium(t, p, app)
		return
	}
	e.withoutScripts(t, p, app)
}

// register runs the command of the example's page, for the app's own name and address, and returns the secret.
func (e *example) register(t *testing.T, p *provider, app string) (secret string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(pagesDirs[1], e.name+".md"))
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`"?[Mm]y[- ](app|page)"?`).ReplaceAllString(command.FindString(string(text)), e.name)
	line = strings.ReplaceAll(line, "http://localhost:3000", app)
	var added struct {
		Secret string `json:"client_secret"`
	}
	if out := p.shell(t, line+" --output json"); json.Unmarshal(out, &added) != nil {
		t.Fatalf("%s: %s", line, out)
	}
	return added.Secret
}

// variables returns environ with its values filled in.
func (e *example) variables(fill *strings.Replacer) []string {
	var all []string
	for _, variable := range e.environ {
		name, value, _ := strings.Cut(variable, "=")
		all = append(all, name+"="+fill.Replace(value))
	}
	return all
}

// withoutScripts cancels a login, logs in, sees the number and logs out.
func (e *example) withoutScripts(t *testing.T, p *provider, app string) {
	b := p.newBrowser(t)
	b.origins = append(b.origins, app)
	want := func(when string, shown page, text string) {
		t.Helper()
		if shown.status != http.StatusOK || !strings.Contains(shown.body, text) || !strings.HasPrefix(shown.address, app+"/") {
			t.Fatalf("%s: %d at %s, without %q:\n%s", when, shown.status, shown.address, text, shown.body)
		}
	}
	want("at first", b.fetch(http.MethodGet, app+"/", nil), saysLogIn)
	cancelled := b.fetch(http.MethodPost, b.fetch(http.MethodGet, app+e.login, nil).address+"/leave", nil)
	want("after cancelling", cancelled, saysCancelled)
	want("after cancelling", cancelled, saysLogIn)
	stray := b.fetch(http.MethodGet, strings.Replace(cancelled.address, "error=access_denied", "code=stolen", 1), nil)
	want("after an answer to no login", stray, saysLogIn)
	shown := b.visit(app + e.login)
	want("after logging in", shown, b.person)
	want("after logging in", shown, "Hello, Bo Prov")
	want("after logging out", b.submitTo(app, shown), saysLogIn)
	if again := b.fetch(http.MethodGet, app+"/", nil); strings.Contains(again.body, b.person) {
		t.Errorf("after logging out the app still shows the number")
	}
}

// inChromium does the same where the app is a page with scripts.
func (e *example) inChromium(t *testing.T, p *provider, app string) {
	b, v := newTab(t), p.newBrowser(t)
	b.do(chromedp.Navigate(app + "/"))
	b.press(saysLogIn)
	b.until(`document.querySelector('main[data-view="choose"]')`)
	b.click(`form[action$="/leave"] button`)
	b.until("document.body.innerText.includes('" + saysCancelled + "')")
	b.press(saysLogIn)
	v.scanAt(b, e.name)
	b.until("document.body.innerText.includes('Hello, Bo Prov') && document.body.innerText.includes('" + v.person + "')")
	b.press(saysLogOut)
	b.until("location.origin == '" + app + "' && document.body.innerText.includes('" + saysLogIn + "')")
	b.do(chromedp.Navigate(app + "/"))
	b.until("document.body.innerText.includes('" + saysLogIn + "')")
}

// press clicks the button with the words, once the page's script is there.
func (b *tab) press(words string) {
	b.t.Helper()
	found := "[...document.querySelectorAll('button')].find(b => b.innerText == '" + words + "' && Object.keys(b).length > 0)"
	b.until(found)
	b.until("(" + found + ".click(), true)")
}

// submitTo sends the only form of the app's page back to the app.
func (b *browser) submitTo(app string, shown page) page {
	b.t.Helper()
	form := regexp.MustCompile(`(?s)<form method="post" action="([^"]+)">(.*?)</form>`).FindStringSubmatch(shown.body)
	if form == nil {
		b.t.Fatalf("the app shows no form:\n%s", shown.body)
	}
	fields := url.Values{}
	for _, field := range hidden.FindAllStringSubmatch(form[2], -1) {
		fields.Set(field[1], html.UnescapeString(field[2]))
	}
	return b.fetch(http.MethodPost, app+form[1], fields)
}
