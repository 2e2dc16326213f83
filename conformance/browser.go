package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// Browser is one browser of one person: cookies, and requests that follow redirects as long as they stay with the provider.
type Browser struct {
	client   *http.Client
	jar      *cookiejar.Jar
	origin   *url.URL
	Language string
	// Shown is the text that the person last saw while they authenticated.
	Shown string
}

// Page is where a browser came to.
type Page struct {
	*Answer
	// To is the address outside the provider that the browser would go to next; nil when the page stays at the provider.
	To *url.URL
	// Form holds what a page posts to To by itself; nil when the way there is a redirect.
	Form url.Values
}

// Browser returns a new browser.
func (c *Case) Browser() *Browser {
	jar, _ := cookiejar.New(nil) // fails never without options
	origin, err := url.Parse(c.cfg.Issuer)
	if err != nil {
		c.Fail("issuer: %v", err)
	}
	return &Browser{client: c.http, jar: jar, origin: origin, Language: "sv-SE,sv;q=0.9"}
}

// cookieURL is where cookies are kept. Browsers send those marked Secure to loopback too.
func cookieURL(u *url.URL) *url.URL {
	secure := *u
	secure.Scheme = "https"
	return &secure
}

// maxRedirects bounds how far a provider may send a browser around.
const maxRedirects = 12

// Visit goes to an address from the client's site, with a form when it is not nil, and follows redirects within the provider.
func (b *Browser) Visit(ctx context.Context, address string, form url.Values) (*Page, error) {
	return b.follow(ctx, address, form, "cross-site")
}

// Submit sends a form of a page of the provider's, as the page itself would, and follows redirects.
func (b *Browser) Submit(ctx context.Context, address string, form url.Values) (*Page, error) {
	return b.follow(ctx, address, form, "same-origin")
}

func (b *Browser) follow(ctx context.Context, address string, form url.Values, site string) (*Page, error) {
	for range maxRedirects {
		page, err := b.load(ctx, address, form, site)
		if err != nil || page.To == nil || page.Form != nil || !b.stays(page.To) {
			return page, err
		}
		address = page.To.String()
		if page.Status != http.StatusTemporaryRedirect && page.Status != http.StatusPermanentRedirect {
			form = nil
		}
	}
	return nil, errors.New("the provider redirects without end")
}

// stays reports whether an address is the provider's.
func (b *Browser) stays(u *url.URL) bool {
	return u.Scheme == b.origin.Scheme && u.Host == b.origin.Host
}

// load does one request and tells where its answer leads.
func (b *Browser) load(ctx context.Context, address string, form url.Values, site string) (*Page, error) {
	method, body := http.MethodGet, ""
	if form != nil {
		method, body = http.MethodPost, form.Encode()
	}
	request, err := b.request(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Sec-Fetch-Site", site)
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Origin", "https://app.example.se")
		if site == "same-origin" {
			request.Header.Set("Origin", b.origin.Scheme+"://"+b.origin.Host)
		}
	}
	a, err := send(b.client, request)
	if err != nil {
		return nil, fmt.Errorf("%s %s: no answer: %w", method, request.URL.Path, err)
	}
	b.keep(request.URL, a.Header)
	page := &Page{Answer: a}
	if a.Status >= 300 && a.Status < 400 && a.Header.Get("Location") != "" {
		page.To, err = request.URL.Parse(a.Header.Get("Location"))
		return page, err
	}
	if action, fields, ok := pageForm(a.Body); ok && a.Status == http.StatusOK {
		if to, err := request.URL.Parse(action); err == nil && !b.stays(to) {
			page.To, page.Form = to, fields
		}
	}
	return page, nil
}

// request makes a request with the browser's cookies.
func (b *Browser) request(ctx context.Context, method, address string, body io.Reader) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	request.Header.Set("Accept", "text/html,application/xhtml+xml")
	request.Header.Set("Accept-Language", b.Language)
	for _, cookie := range b.jar.Cookies(cookieURL(request.URL)) {
		request.AddCookie(cookie)
	}
	return request, nil
}

// keep stores the cookies of an answer.
func (b *Browser) keep(u *url.URL, h http.Header) {
	b.jar.SetCookies(cookieURL(u), (&http.Response{Header: h}).Cookies())
}

// pageForm returns where the first form of a page leads by POST, and its fields.
func pageForm(body []byte) (action string, fields url.Values, ok bool) {
	forms := pageForms(body)
	if len(forms) == 0 || !strings.EqualFold(forms[0].method, "post") {
		return "", nil, false
	}
	return forms[0].action, forms[0].fields, true
}

type htmlForm struct {
	action, method string
	fields         url.Values
}

// pageForms returns the forms of an HTML page with what they would send.
func pageForms(body []byte) []htmlForm {
	var forms []htmlForm
	for tokens := html.NewTokenizer(bytes.NewReader(body)); ; {
		switch tokens.Next() {
		case html.ErrorToken:
			return forms
		case html.StartTagToken, html.SelfClosingTagToken:
			token := tokens.Token()
			attributes := make(map[string]string, len(token.Attr))
			for _, a := range token.Attr {
				attributes[a.Key] = a.Val
			}
			switch name := attributes["name"]; {
			case token.Data == "form":
				forms = append(forms, htmlForm{attributes["action"], attributes["method"], url.Values{}})
			case (token.Data == "input" || token.Data == "button") && name != "" && len(forms) > 0:
				last := forms[len(forms)-1]
				last.fields.Add(name, attributes["value"])
			}
		}
	}
}
