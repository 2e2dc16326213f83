package interop

import (
	"cmp"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// browser is a person at the browser of a phone: it keeps cookies and goes where the provider leads.
type browser struct {
	*provider
	t      *testing.T
	client *http.Client
	person string
	// origins are the servers that it goes to; where it is led beside them, it stops.
	origins []string
}

func (p *provider) newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{
		Jar: jar, Timeout: patience, Transport: &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(client.CloseIdleConnections)
	return &browser{provider: p, t: t, client: client, person: p.newPerson(t), origins: []string{p.issuer}}
}

// page is what the browser shows. Where it does not go, there is only an address.
type page struct {
	status        int
	address, body string
}

// fetch follows redirects. A form is sent from a page of the server that it goes to.
func (b *browser) fetch(method, address string, form url.Values) page {
	b.t.Helper()
	for range 12 {
		if !slices.ContainsFunc(b.origins, func(origin string) bool { return strings.HasPrefix(address, origin+"/") }) {
			return page{address: address}
		}
		request, err := http.NewRequestWithContext(b.t.Context(), method, address, strings.NewReader(form.Encode()))
		if err != nil {
			b.t.Fatal(err)
		}
		request.Header.Set("User-Agent", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1")
		request.Header.Set("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
		if method == http.MethodPost {
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			request.Header.Set("Origin", request.URL.Scheme+"://"+request.URL.Host)
		}
		response, err := b.client.Do(request)
		if err != nil {
			b.t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			b.t.Fatal(err)
		}
		to, err := response.Location()
		if err != nil {
			return page{response.StatusCode, address, string(body)}
		}
		method, address, form = http.MethodGet, to.String(), nil
	}
	b.t.Fatalf("redirects lead in circles, at last to %s", address)
	return page{}
}

var (
	// ownForm is a form that a script sends by itself, or the question whether to log out.
	ownForm    = regexp.MustCompile(`(?s)<form method="post" action="(?:([^"]+)" data-submit|(/logout[^"]*)")>(.*?)</form>`)
	hidden     = regexp.MustCompile(`<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"`)
	launchLink = regexp.MustCompile(`id="launch"[^>]*href="([^"]+)"`)
)

// visit opens the address, does what the provider's pages ask for, and returns where that leads to.
func (b *browser) visit(address string) page {
	b.t.Helper()
	shown := b.fetch(http.MethodGet, address, nil)
	for range 5 {
		switch {
		case strings.HasPrefix(shown.address, b.issuer+"/login/") && strings.Contains(shown.body, `data-view="choose"`):
			shown = b.logIn(shown.address)
		case strings.HasPrefix(shown.address, b.issuer+"/") && ownForm.MatchString(shown.body):
			shown = b.submit(shown)
		default:
			return shown
		}
	}
	b.t.Fatalf("forms lead in circles, at last to %s", shown.address)
	return page{}
}

// submit sends the form of the page: that which a script sends to the client, or the question whether to log out.
func (b *browser) submit(shown page) page {
	b.t.Helper()
	form := ownForm.FindStringSubmatch(shown.body)
	from, err := url.Parse(shown.address)
	if err != nil {
		b.t.Fatal(err)
	}
	to, err := from.Parse(html.UnescapeString(cmp.Or(form[1], form[2])))
	if err != nil {
		b.t.Fatal(err)
	}
	fields := url.Values{}
	for _, field := range hidden.FindAllStringSubmatch(form[3], -1) {
		fields.Set(field[1], html.UnescapeString(field[2]))
	}
	return b.fetch(http.MethodPost, to.String(), fields)
}

// logIn logs the person in with BankID on this device.
func (b *browser) logIn(login string) page {
	b.t.Helper()
	waiting := b.fetch(http.MethodPost, login+"/start", url.Values{"device": {"this"}})
	link := launchLink.FindStringSubmatch(waiting.body)
	if link == nil {
		b.t.Fatalf("no launch link on the page:\n%s", waiting.body)
	}
	var order struct{ OrderRef, ReturnURL string }
	b.tell(b.t, "open", map[string]string{"url": html.UnescapeString(link[1]), "personalNumber": b.person}, &order)
	b.tell(b.t, "orders/"+order.OrderRef+"/sign", map[string]string{}, &order)
	b.fetch(http.MethodGet, order.ReturnURL, nil)
	b.await(login, "complete")
	return b.fetch(http.MethodPost, login+"/done", url.Values{})
}

// await asks how the login stands until its page is the one named.
func (b *browser) await(login, view string) {
	b.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		var status struct{ View string }
		if text := b.fetch(http.MethodGet, login+"/status", nil).body; json.Unmarshal([]byte(text), &status) != nil {
			b.t.Fatalf("the status of the login is %s", text)
		}
		if status.View == view {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("the page shows %q, want %q", status.View, view)
		}
	}
}
