package demo_test

import (
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// logIn goes through a login and returns the page of claims.
func (b *browser) logIn(p *provider) string {
	b.t.Helper()
	asked := b.begin(p, "")
	_, body, _ := b.get("/callback?code=c&state=" + asked.Get("state") + "&iss=" + url.QueryEscape(p.URL))
	return body
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)

// logOut sends the log-out form of a page and returns the page that comes.
func (b *browser) logOut(page string) string {
	b.t.Helper()
	form := url.Values{}
	for _, field := range hiddenField.FindAllStringSubmatch(page, -1) {
		form.Set(field[1], html.UnescapeString(field[2]))
	}
	response, err := b.client.PostForm(b.app+"/logout", form)
	if err != nil {
		b.t.Fatal(err)
	}
	return readAll(b.t, response)
}

func readAll(t *testing.T, response *http.Response) string {
	t.Helper()
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestLoggedOut: the app says that the person is logged out at the provider, too, when the provider has brought them back, in the
// browser that went there, once; and not because an address says so.
func TestLoggedOut(t *testing.T) {
	const both = "You are logged out, here and at the provider."
	p := newProvider(t)
	b := newBrowser(t, p)
	page := b.logIn(p)
	if body := b.logOut(page); !strings.Contains(body, both) {
		t.Errorf("after logging out: %s", body)
	}
	state := p.loggedOut.Get("state")
	if _, body, _ := b.get("/?state=" + state); strings.Contains(body, both) {
		t.Error("told twice")
	}
	for _, query := range []string{"?state=", "?state=x", "?state=" + state} {
		if _, body, _ := b.fresh().get("/" + query); strings.Contains(body, both) {
			t.Errorf("told by the address %s", query)
		}
	}
}

// TestClaimsPage: the tour names what happened, and shows the token decoded and as it came, and userinfo, as text.
func TestClaimsPage(t *testing.T) {
	p := newProvider(t)
	body := newBrowser(t, p).logIn(p)
	for _, want := range []string{
		`aria-current="step"`, "What happened", "signature (ES256)", "&#34;alg&#34;: &#34;ES256&#34;", "&#34;surname&#34;: &#34;\\u003ci\\u003eÖberg&#34;",
		`<span>` + strings.Split(p.idToken(t), ".")[0] + `</span>.<span>`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s on the page", want)
		}
	}
	if strings.Contains(body, "<i>") {
		t.Error("userinfo became markup")
	}
}

// TestLanguages: the app speaks the browser's language or the one that was chosen, and asks the provider for the same.
func TestLanguages(t *testing.T) {
	p := newProvider(t)
	b := newBrowser(t, p)
	if asked := b.begin(p, ""); asked.Get("ui_locales") != "en" {
		t.Errorf("a browser without languages has the provider asked for %q", asked.Get("ui_locales"))
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.app, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept-Language", "nn,sv-FI;q=0.8,en;q=0.7")
	response, err := b.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if body := readAll(t, response); !strings.Contains(body, `<html lang="sv">`) || !strings.Contains(body, "Logga in med BankID") {
		t.Errorf("a Swedish browser gets: %s", body)
	}
	if _, body, response := b.get("/?lang=sv"); !strings.Contains(body, `<html lang="sv">`) || response.Request.URL.RawQuery != "" {
		t.Errorf("the choice of Swedish leads to %s: %s", response.Request.URL, body)
	}
	if asked := b.begin(p, ""); asked.Get("ui_locales") != "sv" {
		t.Errorf("in Swedish the provider is asked for %q", asked.Get("ui_locales"))
	}
	if _, body, _ := b.get("/?lang=xx"); !strings.Contains(body, `<html lang="sv">`) {
		t.Error("a language that there is none of was taken")
	}
}

// TestNoSuchPage: an address that is none is a page like the others.
func TestNoSuchPage(t *testing.T) {
	b := newBrowser(t, newProvider(t))
	for path, want := range map[string]int{"/nothing": 404, "/logout": 404, "/callback/x": 404, "/icon.svg": 200, "/favicon.ico": 200, "/demo.css": 200} {
		status, body, response := b.get(path)
		if status != want {
			t.Errorf("%s = %d, want %d", path, status, want)
		}
		if want == 404 && (!strings.Contains(body, "There is no such page") || !strings.Contains(body, `href="/"`) || response.Header.Get("Content-Type") != "text/html; charset=utf-8") {
			t.Errorf("%s: %s", path, body)
		}
	}
}
