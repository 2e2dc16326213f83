package conformance

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	roleCards      = "cards"
	choiceSection  = "OIDC Core §3.1.2.3"
	dialectSection = "docs/netid.md, pages of an older product"
	// cardOwner is whose card the card app of a new simulator has.
	cardOwner = "199001012385"
)

// cards are logins by Net iD Access beside BankID, at the client that has both.
var cards = []Check{
	{"choice", "where an app has several eIDs, the person is asked which, and may take either", choiceSection, "", func(c *Case) {
		b := c.Browser()
		page := c.Ask(b, c.Request(roleCards))
		login := page.URL.Path
		c.Want(page.Asks(), "nobody is asked: %s", page.Answer)
		for _, method := range []string{"bankid", "netid"} {
			c.Want(bytes.Contains(page.Body, []byte(login+"?method="+method)), "the page does not lead to %s", method)
			chosen := c.Get(page.URL.Scheme+"://"+page.URL.Host+login+"?method="+method, cookies(b, page.URL))
			c.Want(chosen.Status == http.StatusOK && bytes.Contains(chosen.Body, []byte(login+"/start")), "%s cannot be started: %s", method, chosen)
		}
	}},
	{"choice-alone", "an app that has one eID asks nobody which", choiceSection, "", func(c *Case) {
		page := c.Ask(c.Browser(), c.Request("basic"))
		c.Want(page.Asks() && !bytes.Contains(page.Body, []byte("?method=")), "there is a choice: %s", page.Answer)
	}},
	{"login", "somebody with a card logs in on the same device by a page of the older product, and the ID token says by what", dialectSection, "", func(c *Case) {
		b, q := c.Browser(), c.Request(roleCards, "claims", claimsOf("id_token", claimProvider, nil))
		t := c.byCard(b, q)
		c.Want(strings.HasSuffix(text(t.Claims[claimProvider]), "/authn/netid"), "authnProvider is %v", t.Claims[claimProvider])
	}},
	{"signature", "a text is signed with a card, and the ID token has the PKCS#7 that holds it, byte for byte, with the data that was asked for", signOPSection, "", func(c *Case) {
		c.Offered("scopes_supported", scopeSign)
		b, q := c.Browser(), c.Request(roleCards, "scope", signScopes, "prompt", signPrompt, paramSign, c.signJWT(roleCards))
		t := c.byCard(b, q)
		raw, err := base64.StdEncoding.DecodeString(text(t.Claims[claimSignature]))
		c.Want(err == nil && bytes.Contains(raw, []byte(signText)), "the text is not in the %d bytes of the signature, %v", len(raw), err)
		c.Want(bytes.Contains(raw, []byte("."+encoded(signData)+".")), "the data is not in the signature")
	}},
	{"repeated-start", "a start that is repeated gets the same order", dialectSection, "", func(c *Case) {
		b := c.Browser()
		page := c.Ask(b, c.Request(roleCards))
		first, again := c.speak(b, page.Page, `{"action":"start"}`), c.speak(b, page.Page, `{"action":"start"}`)
		c.Want(first.Text("authRef") == again.Text("authRef") && first.Text("launchUrl") == again.Text("launchUrl"), "first %s, then %s", first, again)
	}},
	{"handle", "authRef does not start the app", dialectSection, "", func(c *Case) {
		b := c.Browser()
		started := c.speak(b, c.Ask(b, c.Request(roleCards)).Page, `{"action":"start"}`)
		token, _ := c.launched(started)
		c.Want(!strings.Contains(started.Text("launchUrl"), started.Text("authRef")) && token != started.Text("authRef"), "the link has it")
	}},
	{"cancel", "an order that was cancelled stays so, and another one may follow", dialectSection, "", func(c *Case) {
		b := c.Browser()
		page := c.Ask(b, c.Request(roleCards))
		started := c.speak(b, page.Page, `{"action":"start"}`)
		c.wantEnd(c.speak(b, page.Page, `{"action":"cancel","authRef":"`+started.Text("authRef")+`"}`), "CANCELLED")
		again := c.speak(b, page.Page, `{"action":"start"}`)
		c.Want(again.Text("status") == "PENDING" && again.Text("authRef") != started.Text("authRef"), "started again: %s", again)
		c.wantEnd(c.speak(b, page.Page, `{"action":"poll","authRef":"`+started.Text("authRef")+`"}`), "CANCELLED")
	}},
	{"failed", "an order that the service ends is told by the older words, and the page of the login leaves a way on", dialectSection, "", func(c *Case) {
		b := c.Browser()
		page := c.Ask(b, c.Request(roleCards))
		started := c.speak(b, page.Page, `{"action":"start"}`)
		token, _ := c.launched(started)
		c.card(token, "status", `{"status":"INVALID_DEVICESW"}`)
		var a *Answer
		for range 20 {
			if a = c.speak(b, page.Page, `{"action":"poll","authRef":"`+started.Text("authRef")+`"}`); a.Text("status") != "PENDING" {
				break
			}
			time.Sleep(500 * time.Millisecond)
		}
		c.wantEnd(a, "INVALID_DEVICESW")
		shown := c.Get(addressOf(page.Page), cookies(b, page.URL))
		for _, way := range []string{"/start", "?method=", "/leave"} {
			c.Want(bytes.Contains(shown.Body, []byte(page.URL.Path+way)), "the page has no way by %s", way)
		}
	}},
	{"other-browser", "no other browser learns of a login, or does anything with it", dialectSection, "", func(c *Case) {
		b, stranger := c.Browser(), c.Browser()
		page := c.Ask(b, c.Request(roleCards))
		started := c.speak(b, page.Page, `{"action":"start"}`)
		for _, body := range []string{`{"action":"start"}`, `{"action":"poll","authRef":"` + started.Text("authRef") + `"}`, `{"action":"cancel","authRef":"` + started.Text("authRef") + `"}`} {
			c.wantRefused(c.speak(stranger, page.Page, body), http.StatusNotFound, "not_found")
		}
		a := c.speak(b, page.Page, `{"action":"poll","authRef":"`+started.Text("authRef")+`"}`)
		c.Want(a.Text("status") == "PENDING", "somebody else ended it: %s", a)
	}},
	{"cross-site", "a page of another origin starts nothing", dialectSection, "", func(c *Case) {
		b := c.Browser()
		page := c.Ask(b, c.Request(roleCards)).Page
		for _, alters := range [][]alter{{header("Sec-Fetch-Site", "cross-site")}, {header("Sec-Fetch-Site", ""), header("Origin", "https://app.example.se")}} {
			c.wantRefused(c.speak(b, page, `{"action":"start"}`, alters...), http.StatusForbidden, "cross_origin")
		}
		c.wantRefused(c.speak(b, page, `{"action":"start"}`, header("Content-Type", "text/plain")), http.StatusUnsupportedMediaType, "unsupported_media_type")
		c.Want(c.speak(b, page, `{"action":"poll"}`).Text("status") == "ABOUT_TO_START", "something was started")
	}},
	{"bad-request", "what is no request is an error, and starts nothing", dialectSection, "", func(c *Case) {
		b := c.Browser()
		page := c.Ask(b, c.Request(roleCards)).Page
		for _, body := range []string{``, `{}`, `[]`, `{"action":"go"}`, `{"action":"start","pnr":"1"}`, `{"action":"start","action":"start"}`, `{"action":"poll","authRef":1}`} {
			c.wantRefused(c.speak(b, page, body), http.StatusBadRequest, "invalid_request")
		}
		c.wantRefused(c.speak(b, page, `{"action":"start"`+strings.Repeat(" ", 5000)+`}`), http.StatusRequestEntityTooLarge, "too_large")
		c.Want(c.speak(b, page, `{"action":"poll"}`).Text("status") == "ABOUT_TO_START", "something was started")
	}},
	{"named", "an app without the right to it has nobody named on another device", dialectSection, "", func(c *Case) {
		b := c.Browser()
		page := c.Ask(b, c.Request(roleCards)).Page
		c.wantRefused(c.speak(b, page, `{"action":"start","identifier":"`+cardOwner+`"}`), http.StatusForbidden, "not_offered")
	}},
	{"not-offered", "an app that has no Net iD has none by the older page either", dialectSection, "", func(c *Case) {
		b := c.Browser()
		page := c.Ask(b, c.Request("basic")).Page
		c.wantRefused(c.speak(b, page, `{"action":"start"}`), http.StatusForbidden, "not_offered")
	}},
}

// addressOf returns the address of a login's page.
func addressOf(page *Page) string { return page.URL.Scheme + "://" + page.URL.Host + page.URL.Path }

// cookies are those of a browser.
func cookies(b *Browser, at *url.URL) alter {
	return func(r *http.Request) {
		for _, cookie := range b.jar.Cookies(cookieURL(at)) {
			r.AddCookie(cookie)
		}
	}
}

// speak sends a request of a page of the older product about the login of a page.
func (c *Case) speak(b *Browser, page *Page, body string, alters ...alter) *Answer {
	request, err := b.request(c.ctx, http.MethodPut, addressOf(page)+"/netid", strings.NewReader(body))
	c.Want(err == nil, "%v", err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	for _, alter := range alters {
		alter(request)
	}
	a, err := send(b.client, request)
	c.Want(err == nil, "no answer: %v", err)
	b.keep(request.URL, a.Header)
	c.Want(a.JSON != nil && a.MediaType() == "application/json" && a.Header.Get("Cache-Control") == "no-store", "%s is answered %s", body, a)
	return a
}

// launched returns what the link of a started order has for the app, and where the app leads back to.
func (c *Case) launched(a *Answer) (token, back string) {
	link, err := url.Parse(a.Text("launchUrl"))
	c.Want(err == nil && a.Status == http.StatusOK && a.Text("authRef") != "", "not started: %s", a)
	token, back = link.Query().Get("autostarttoken"), link.Query().Get("redirect")
	c.Want(token != "", "the link %q starts nothing", link)
	return token, back
}

// wantEnd holds an answer to the end of an order.
func (c *Case) wantEnd(a *Answer, code string) {
	c.Want(a.Status == http.StatusOK && a.Text("status") == "ERROR" && a.Text("niasStatus") == code, "%s, want the end %s", a, code)
}

// wantRefused holds an answer to an error.
func (c *Case) wantRefused(a *Answer, status int, word string) {
	c.Want(a.Status == status && a.Text("error") == word && a.Text("status") == "", "%s, want %d with %s", a, status, word)
}

// card has the virtual card app do something with an order.
func (c *Case) card(order, do, body string) {
	c.Want(json.Valid([]byte(body)), "no JSON: %s", body)
	a := c.Do(http.MethodPost, c.cfg.Cards+"/api/orders/"+order+"/"+do, strings.NewReader(body), header("Content-Type", "application/json"))
	c.Want(a.Status == http.StatusOK, "the card app says %s", a)
}

// byCard has the card's owner do what the request is for on the same device, by a page of the older product, and returns what the client gets.
func (c *Case) byCard(b *Browser, q *AuthRequest) *Tokens {
	page := c.Ask(b, q)
	started := c.speak(b, page.Page, `{"action":"start"}`)
	token, back := c.launched(started)
	c.card(token, "open", `{"userId":"`+cardOwner+`"}`)
	c.card(token, "sign", `{}`)
	poll := `{"action":"poll","authRef":"` + started.Text("authRef") + `"}`
	time.Sleep(5 * time.Second) // until the result is here
	a := c.speak(b, page.Page, poll)
	c.Want(a.Text("status") == "PENDING", "before the person has come back: %s", a)
	c.visit(b, q, back, nil)
	for range 20 {
		if a = c.speak(b, page.Page, poll); a.Text("status") == "COMPLETED" {
			break
		}
		time.Sleep(500 * time.Millisecond)
	}
	c.Want(a.Text("niasStatus") == "COMPLETE" && a.Text("location") == page.URL.Path, "complete: %s", a)
	done, err := b.Submit(c.ctx, addressOf(page.Page)+"/done", url.Values{})
	c.Want(err == nil, "%v", err)
	return c.Redeem(nil, q, c.Code(newReply(q, done)))
}
