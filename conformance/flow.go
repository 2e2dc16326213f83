package conformance

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// AuthRequest is what a client asks the authorization endpoint.
type AuthRequest struct {
	*Client
	// Values is the request as the client means it, Front what the browser carries: Values, or a reference to them.
	Values, Front url.Values
	Verifier      string
}

// Get returns a parameter that the client means.
func (q *AuthRequest) Get(name string) string { return q.Values.Get(name) }

// Client returns the client of a role.
func (c *Case) Client(role string) *Client {
	client := c.cfg.Clients[role]
	if client == nil {
		c.Fail("the configuration has no client %q", role)
	}
	return client
}

// Request makes an auth request of the client of a role, with state, nonce and PKCE. Pairs of names and values go over it; an empty
// value takes the parameter away.
func (c *Case) Request(role string, pairs ...string) *AuthRequest {
	client := c.Client(role)
	verifier := random()
	values := url.Values{
		"client_id": {client.ID}, "redirect_uri": {client.RedirectURIs[0]}, "response_type": {"code"}, "scope": {"openid"},
		"state": {random()}, "nonce": {random()}, "code_challenge": {challengeOf(verifier)}, "code_challenge_method": {"S256"},
	}
	setPairs(values, pairs)
	return &AuthRequest{Client: client, Values: values, Front: values, Verifier: verifier}
}

// Plain is Request without PKCE.
func (c *Case) Plain(role string, pairs ...string) *AuthRequest {
	return c.Request(role, append([]string{"code_challenge", "", "code_challenge_method", ""}, pairs...)...)
}

func setPairs(values url.Values, pairs []string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			values.Del(pairs[i])
		} else {
			values.Set(pairs[i], pairs[i+1])
		}
	}
}

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// random returns 256 random bits.
func random() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Reply is the provider's reply to an auth request.
type Reply struct {
	*Page
	Request *AuthRequest
	// Params are what the client gets, nil when the browser stays with the provider.
	Params url.Values
	// Mode is how: query, fragment or form_post.
	Mode string
}

// Asks reports whether the provider asks the person something.
func (r *Reply) Asks() bool { return r.To == nil && r.Status == http.StatusOK }

func newReply(q *AuthRequest, page *Page) *Reply {
	r := &Reply{Page: page, Request: q}
	switch {
	case page.To == nil:
	case page.Form != nil:
		r.Params, r.Mode = page.Form, "form_post"
	case page.To.Fragment != "":
		r.Params, _ = url.ParseQuery(page.To.Fragment)
		r.Mode = "fragment"
	default:
		r.Params, r.Mode = page.To.Query(), "query"
	}
	return r
}

// Ask sends an auth request and returns the reply, with nobody logging in.
func (c *Case) Ask(b *Browser, q *AuthRequest) *Reply {
	return c.visit(b, q, withQuery(c.Endpoint("authorization_endpoint"), q.Front), nil)
}

// AskByPost sends it as a form.
func (c *Case) AskByPost(b *Browser, q *AuthRequest) *Reply {
	return c.visit(b, q, c.Endpoint("authorization_endpoint"), q.Front)
}

func (c *Case) visit(b *Browser, q *AuthRequest, address string, form url.Values) *Reply {
	page, err := b.Visit(c.ctx, address, form)
	if err != nil {
		c.Fail("%v", err)
	}
	c.Want(page.Status < 500, "the authorization endpoint answered %s: a request must never be a fault of the server", page.Answer)
	return newReply(q, page)
}

// withQuery adds parameters to an address that may have some.
func withQuery(address string, values url.Values) string {
	separator := "?"
	if strings.Contains(address, "?") {
		separator = "&"
	}
	return address + separator + values.Encode()
}

// Person returns who logs in, the same during the whole check.
func (c *Case) Person() *Person {
	for c.person == nil {
		select {
		case person := <-c.people:
			if person.Special == "" {
				c.person = person
			} else {
				c.people <- person
			}
		case <-c.ctx.Done():
			c.Fail("there are too few people to log in")
		}
	}
	return c.person
}

// Become waits for another person: a special one, or anybody else when special is empty.
func (c *Case) Become(special string) *Person {
	before := c.person
	defer func() {
		if before != nil {
			c.people <- before
		}
	}()
	for {
		select {
		case person := <-c.people:
			if person.Special == special {
				c.person = person
				return person
			}
			c.people <- person
		case <-c.ctx.Done():
			c.person, before = nil, nil
			c.Fail("nobody to log in as %q", special)
		}
	}
}

// release gives the person back.
func (c *Case) release() {
	if c.person != nil {
		c.people <- c.person
		c.person = nil
	}
}

// Act lets the person act at the login page that the reply shows.
func (c *Case) Act(b *Browser, r *Reply, do Action) *Reply {
	c.Want(r.Asks(), "the provider shows no login page: %s %v", r.Answer, r.Params)
	page, err := c.driver.Act(c.ctx, b, r.Page, c.Person(), do)
	if err != nil {
		c.Fail("log in: %v", err)
	}
	return newReply(r.Request, page)
}

// Login sends an auth request and logs the person in unless a session makes that needless.
func (c *Case) Login(b *Browser, q *AuthRequest) *Reply {
	r := c.Ask(b, q)
	if r.Asks() {
		r = c.Act(b, r, Approve)
	}
	return r
}

// Code checks a successful reply and returns its code (OIDC Core §3.1.2.5): to the redirect URI, with the state that was sent and
// with the issuer.
func (c *Case) Code(r *Reply) string {
	c.wantReply(r)
	c.Want(r.Params.Get("error") == "", "the request was refused: %s %s", r.Params.Get("error"), r.Params.Get("error_description"))
	code := r.Params["code"]
	c.Want(len(code) == 1 && code[0] != "", "the reply has %d codes", len(code))
	return code[0]
}

// wantReply checks what every reply to a client must have.
func (c *Case) wantReply(r *Reply) {
	c.Want(r.Params != nil, "nothing was sent to the client; the browser sees %s", r.Answer)
	want, got := r.Request.Get("redirect_uri"), *r.To
	got.Fragment = ""
	plain := got.String()
	c.Want(plain == want || r.Mode == "query" && strings.HasPrefix(plain, want+separatorAfter(want)), "the reply went to %s, not to the redirect_uri", got.Redacted())
	state := r.Request.Values["state"]
	if !slices.Contains(state, "") || len(state) == 0 {
		c.Want(slices.Equal(r.Params["state"], state), "state is %q, want %q", r.Params["state"], state)
	}
	if c.meta["authorization_response_iss_parameter_supported"] == true {
		c.Want(slices.Equal(r.Params["iss"], []string{c.cfg.Issuer}), "iss is %q, want %q (RFC 9207 §2)", r.Params["iss"], c.cfg.Issuer)
	}
}

func separatorAfter(uri string) string {
	if strings.Contains(uri, "?") {
		return "&"
	}
	return "?"
}

// WantReplyError checks that the client got an error of one of the codes, and nothing else (OIDC Core §3.1.2.6).
func (c *Case) WantReplyError(r *Reply, codes ...string) {
	if r.Params == nil {
		c.Fail("the client got no error; the browser sees %s", r.Answer)
	}
	c.wantReply(r)
	c.Want(slices.Contains(codes, r.Params.Get("error")), "the client got error=%q code=%t, want %s", r.Params.Get("error"), r.Params.Has("code"), strings.Join(codes, " or "))
	c.Want(!r.Params.Has("code"), "an error came with a code")
	c.wantDescription(r.Params.Get("error_description"))
}

// WantRefused checks that the browser shows an error and is sent nowhere (RFC 6749 §4.1.2.1).
func (c *Case) WantRefused(r *Reply) {
	c.Want(r.To == nil, "the browser was sent on, with error=%q code=%t", r.Params.Get("error"), r.Params.Has("code"))
	c.Want(r.Status >= 400 && r.Status < 500, "the browser sees %s, want an error of 4xx", r.Answer)
}

// Tokens are a token answer and what was verified of it.
type Tokens struct {
	*Answer
	Request             *AuthRequest
	Browser             *Browser
	Person              *Person
	Access, ID, Refresh string
	// Claims are those of the verified ID token, JOSE its header.
	Claims map[string]any
	JOSE   map[string]any
}

// Exchange sends a code to the token endpoint. Pairs go over the parameters.
func (c *Case) Exchange(q *AuthRequest, code string, pairs ...string) *Answer {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {q.Get("redirect_uri")}}
	if q.Values.Has("code_challenge") {
		form.Set("code_verifier", q.Verifier)
	}
	setPairs(form, pairs)
	return c.Token(q.Client, form)
}

// Token calls the token endpoint as the client.
func (c *Case) Token(client *Client, form url.Values) *Answer {
	return c.As(client, c.Endpoint("token_endpoint"), form)
}

// Redeem exchanges a code that must be good and verifies the tokens.
func (c *Case) Redeem(b *Browser, q *AuthRequest, code string, pairs ...string) *Tokens {
	return c.verified(b, q, c.Exchange(q, code, pairs...))
}

// verified checks a token answer (OIDC Core §3.1.3.3) and its ID token.
func (c *Case) verified(b *Browser, q *AuthRequest, a *Answer) *Tokens {
	c.Want(a.Status == http.StatusOK, "the token endpoint answered %s", a)
	t := &Tokens{Answer: a, Request: q, Browser: b, Person: c.person, Access: a.Text("access_token"), ID: a.Text("id_token"), Refresh: a.Text("refresh_token")}
	c.Want(t.Access != "" && strings.EqualFold(a.Text("token_type"), "Bearer"), "there is no access token of type Bearer")
	c.Want(t.ID != "", "there is no ID token")
	t.JOSE, t.Claims = c.CheckIDToken(q, t.ID, t.Access)
	return t
}

// SignIn logs the person in at the client of a role with a new browser and verifies what comes out.
func (c *Case) SignIn(role string, pairs ...string) *Tokens {
	return c.SignInAt(c.Browser(), role, pairs...)
}

// SignInAt is SignIn with a browser that is there.
func (c *Case) SignInAt(b *Browser, role string, pairs ...string) *Tokens {
	q := c.Request(role, pairs...)
	return c.Redeem(b, q, c.Code(c.Login(b, q)))
}

// sharing is one login that several checks look at.
type sharing struct {
	once   sync.Once
	tokens *Tokens
	fault  any
}

// Shared is SignIn once for all checks with the same arguments. They must not spend the tokens nor end the session.
func (c *Case) Shared(role string, pairs ...string) *Tokens {
	entry, _ := c.shared.LoadOrStore(role+" "+strings.Join(pairs, " "), new(sharing))
	s := entry.(*sharing)
	s.once.Do(func() {
		defer func() { s.fault = recover() }()
		s.tokens = c.SignIn(role, pairs...)
	})
	if s.fault != nil {
		panic(s.fault)
	}
	return s.tokens
}

// Userinfo returns the claims that userinfo gives for an access token, verified where they are signed.
func (c *Case) Userinfo(t *Tokens) map[string]any {
	a := c.Get(c.Endpoint("userinfo_endpoint"), bearer(t.Access))
	c.Want(a.Status == http.StatusOK, "userinfo answered %s", a)
	claims := a.JSON
	if a.MediaType() == "application/jwt" {
		_, claims = c.OpenToken(t.Request.Client, string(a.Body))
	}
	c.Want(claims["sub"] == t.Claims["sub"], "sub of userinfo and of the ID token differ (OIDC Core §5.3.2)")
	return claims
}
