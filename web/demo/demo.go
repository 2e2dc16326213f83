// Package demo is an app that lets people log in with OpenID Connect: the sample to copy from, and what "brygga dev" shows.
//
// It is an ordinary client built on coreos/go-oidc and x/oauth2 and knows nothing of brygga or BankID but the names of a few
// claims. Its pages are a tour in three steps, in English and Swedish: log in, open the phone, see what the app got. It does all that a client must do: state, nonce and PKCE for each login, the iss parameter of the answer
// (RFC 9207), every check of the ID token (OIDC Core §3.1.3.7), and logging out at the provider (OpenID Connect RP-Initiated
// Logout). It leaves out one thing: sessions are kept in memory, where a real app has a store.
package demo

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Options are the parts of an app. Issuer, ClientID and BaseURL are required.
type Options struct {
	// Issuer is the OpenID Provider, exactly as its discovery document has it.
	Issuer string
	// ClientID and ClientSecret are what the provider knows the app by. A public client has no secret.
	ClientID, ClientSecret string
	// BaseURL is the address of this app without a closing slash. BaseURL/callback must be registered as a redirect URI,
	// BaseURL/ as an address to go to after logging out.
	BaseURL string
	// SigningKey signs what the app asks to have signed, with ES256; its public half is registered with the provider. Nil leaves out signatures.
	SigningKey *ecdsa.PrivateKey
	// HTTPClient calls the provider; nil means one with a time-out.
	HTTPClient *http.Client
	// PhoneURL is where the BankID app is found while there is a simulator; the tour leads there, with ?lang= and the language of the
	// page. Empty for real phones.
	PhoneURL string
	// StyleSheet follows that of the pages, so that they can look like those around them: custom properties such as --accent, which
	// stand at the head of demo.css. Empty for the colours of the system.
	StyleSheet []byte
	// Logger gets what went wrong; nil discards it.
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// app is the demo app. Its handlers may run concurrently.
type app struct {
	Options
	sessions   sessions
	signatures signatures

	mu       sync.Mutex
	provider *oidc.Provider // nil until discovery has succeeded
}

// New returns the app as a handler, or an error that names the option that cannot be used. The provider may be started
// later: it is looked up when the first person logs in.
func New(o Options) (http.Handler, error) {
	for name, address := range map[string]string{"Issuer": o.Issuer, "BaseURL": o.BaseURL} {
		if u, err := url.Parse(address); err != nil || u.Host == "" || strings.HasSuffix(address, "/") {
			return nil, fmt.Errorf("demo: %s %q is not an address without a closing slash", name, address)
		}
	}
	if o.ClientID == "" {
		return nil, errors.New("demo: ClientID is empty")
	}
	if o.HTTPClient == nil {
		o.HTTPClient = &http.Client{Timeout: 10 * time.Second}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &app{Options: o, sessions: sessions{now: o.Now}, signatures: signatures{now: o.Now}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.home)
	mux.HandleFunc("GET /login", a.login)
	mux.HandleFunc("GET /callback", a.callback)
	if a.signs() {
		mux.HandleFunc("POST /sign", a.sign)
		mux.HandleFunc("GET /signed/{id}", a.showSigned)
	}
	mux.HandleFunc("POST /logout", a.logout)
	mux.HandleFunc("GET /demo.css", serve(slices.Concat(style, o.StyleSheet), "text/css; charset=utf-8"))
	mux.HandleFunc("GET /icon.svg", serve(icon, "image/svg+xml"))
	mux.HandleFunc("GET /favicon.ico", serve(icon, "image/svg+xml"))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		a.render(w, r, http.StatusNotFound, page{Title: "error.missing", Text: "error.missing.t", Tone: "calm"})
	})
	origins := http.NewCrossOriginProtection()
	origins.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.render(w, r, http.StatusForbidden, page{Title: "error.origin", Text: "error.origin.t", Tone: "bad"})
	}))
	return a.secure(a.chooseLanguage(origins.Handler(mux))), nil
}

// connect returns the provider, from its discovery document the first time.
func (a *app) connect(ctx context.Context) (*oidc.Provider, *oauth2.Config, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.provider == nil {
		// The provider keeps this context for fetching keys later, so it must outlive the request; HTTPClient has a time-out.
		provider, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), a.HTTPClient), a.Issuer)
		if err != nil {
			return nil, nil, fmt.Errorf("find the provider: %w", err)
		}
		a.provider = provider
	}
	// The provider knows by which method the app authenticates. To try one after the other would spend the code.
	endpoint := a.provider.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if a.ClientSecret == "" {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return a.provider, &oauth2.Config{
		ClientID: a.ClientID, ClientSecret: a.ClientSecret, Endpoint: endpoint,
		RedirectURL: a.BaseURL + "/callback", Scopes: []string{oidc.ScopeOpenID},
	}, nil
}

// home shows who is logged in, or how to log in, or that the person has logged out just now.
func (a *app) home(w http.ResponseWriter, r *http.Request) {
	s, ok := a.sessions.of(r)
	switch {
	case ok:
		a.render(w, r, http.StatusOK, page{
			Title: "in.title", View: "claims", Step: 3, ClientID: a.ClientID, HomeURL: a.BaseURL + "/", LogoutState: s.LogoutState,
			Session: &s, Groups: groups(languageOf(r), s.Claims), JSON: indent(s.Claims), UserInfo: indent(s.UserInfo),
		})
	case takeLogout(w, r, r.URL.Query().Get("state"), a.secureCookies()):
		a.render(w, r, http.StatusOK, page{Title: "out.title", Text: "out.lead", Tone: "good"})
	default:
		a.render(w, r, http.StatusOK, page{Title: "start.title", View: "start", Signs: a.signs()})
	}
}

// login sends the person to the provider, with what only this browser and we will know.
func (a *app) login(w http.ResponseWriter, r *http.Request) {
	_, client, err := a.connect(r.Context())
	if err != nil {
		a.fail(w, r, http.StatusBadGateway, "error.reach", err)
		return
	}
	p := pending{State: random(), Nonce: random(), Verifier: oauth2.GenerateVerifier(), Began: a.Now()}
	p.keep(w, a.secureCookies())
	language := languageOf(r)
	if wanted := r.FormValue("language"); isLanguage(wanted) {
		language = wanted
	}
	options := []oauth2.AuthCodeOption{
		oidc.Nonce(p.Nonce), oauth2.S256ChallengeOption(p.Verifier), oauth2.SetAuthURLParam("ui_locales", language),
	}
	if r.FormValue("profile") != "" {
		client.Scopes = append(client.Scopes, "profile")
	}
	http.Redirect(w, r, client.AuthCodeURL(p.State, options...), http.StatusSeeOther)
}

// callback receives the answer: an error, or a code that it exchanges for tokens.
func (a *app) callback(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	p, ok := takePending(w, r, query.Get("state"), a.secureCookies())
	if !ok {
		a.fail(w, r, http.StatusBadRequest, "error.foreign", nil)
		return
	}
	// An answer of another provider, mixed up by an attacker (RFC 9207 §2.4).
	if query.Get("iss") != a.Issuer {
		a.fail(w, r, http.StatusBadRequest, "error.issuer", nil)
		return
	}
	if code := query.Get("error"); code != "" {
		a.showRefusal(w, r, code, query.Get("error_description"), p.Text != "")
		return
	}
	s, err := a.redeem(r.Context(), query.Get("code"), p)
	if err != nil {
		a.fail(w, r, http.StatusBadGateway, "error.verify", err)
		return
	}
	if p.Text != "" {
		a.keepSigned(w, r, s, p)
		return
	}
	a.sessions.begin(w, r, s, a.secureCookies())
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// redeem exchanges the code and returns the session that the verified ID token allows.
func (a *app) redeem(ctx context.Context, code string, p pending) (session, error) {
	provider, client, err := a.connect(ctx)
	if err != nil {
		return session{}, err
	}
	tokens, err := client.Exchange(oidc.ClientContext(ctx, a.HTTPClient), code, oauth2.VerifierOption(p.Verifier))
	if err != nil {
		return session{}, fmt.Errorf("exchange the code: %w", err)
	}
	raw, ok := tokens.Extra("id_token").(string)
	if !ok {
		return session{}, errors.New("the answer has no ID token")
	}
	// Verify checks signature, issuer, audience and expiry; the nonce is ours to compare.
	verifier := provider.Verifier(&oidc.Config{ClientID: a.ClientID, Now: a.Now})
	token, err := verifier.Verify(oidc.ClientContext(ctx, a.HTTPClient), raw)
	if err != nil {
		return session{}, fmt.Errorf("verify the ID token: %w", err)
	}
	if token.Nonce != p.Nonce {
		return session{}, errors.New("the ID token is for another login")
	}
	s := session{IDToken: raw, Since: a.Now(), Took: a.Now().Sub(p.Began), LogoutState: random()}
	if err := token.Claims(&s.Claims); err != nil {
		return session{}, fmt.Errorf("read the claims: %w", err)
	}
	s.UserInfo, err = a.userInfo(ctx, provider, tokens, token.Subject)
	return s, err
}

// userInfo returns what the userinfo endpoint says of the subject, nil where the provider has none. An answer about somebody else
// must not be used (OIDC Core §5.3.2).
func (a *app) userInfo(ctx context.Context, provider *oidc.Provider, tokens *oauth2.Token, subject string) (map[string]any, error) {
	if provider.UserInfoEndpoint() == "" {
		return nil, nil
	}
	info, err := provider.UserInfo(oidc.ClientContext(ctx, a.HTTPClient), oauth2.StaticTokenSource(tokens))
	if err != nil {
		return nil, fmt.Errorf("ask for userinfo: %w", err)
	}
	if info.Subject != subject {
		return nil, errors.New("userinfo is about somebody else")
	}
	var claims map[string]any
	if err := info.Claims(&claims); err != nil {
		return nil, fmt.Errorf("read userinfo: %w", err)
	}
	return claims, nil
}

// logout ends the session here and then at the provider. The form holds what the provider needs; 307 makes the browser post
// it on, so that the ID token never stands in an address.
//
// The provider brings the state back with the person: only then are they told that they are logged out there, too.
func (a *app) logout(w http.ResponseWriter, r *http.Request) {
	if s, ok := a.sessions.of(r); ok {
		keepLogout(w, s.LogoutState, a.secureCookies())
	}
	a.sessions.end(w, r, a.secureCookies())
	provider, _, err := a.connect(r.Context())
	var metadata struct {
		EndSession string `json:"end_session_endpoint"`
	}
	if err == nil {
		err = provider.Claims(&metadata)
	}
	if err != nil || metadata.EndSession == "" {
		a.render(w, r, http.StatusOK, page{Title: "out.title", Text: "out.here", Tone: "good"})
		return
	}
	http.Redirect(w, r, metadata.EndSession, http.StatusTemporaryRedirect)
}

// showRefusal tells that the provider let nobody in. Code and description come from the address: the template escapes them.
func (a *app) showRefusal(w http.ResponseWriter, r *http.Request, code, description string, signing bool) {
	p := page{Title: "error.refused", Text: "error.cancelled.t", Tone: "bad", Code: code, Description: description, Again: !signing}
	if code == "access_denied" {
		p.Title, p.Tone = "error.cancelled", "calm"
	}
	if signing {
		p.Title, p.Text = "error.unsigned", "error.unsigned.t"
	}
	a.render(w, r, http.StatusOK, p)
}

// fail shows an error to the person, in the words of that key, and its cause to the log.
func (a *app) fail(w http.ResponseWriter, r *http.Request, status int, key string, cause error) {
	if cause != nil {
		a.Logger.Error("login failed", "err", describe(cause))
	}
	a.render(w, r, status, page{Title: key, Text: key + ".t", Tone: "bad", Again: true})
}

// describe leaves out the body of a token response, which may hold more than a log should.
func describe(err error) string {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		return fmt.Sprintf("the token endpoint answered %s %s", refused.Response.Status, refused.ErrorCode)
	}
	return err.Error()
}

func (a *app) secureCookies() bool { return strings.HasPrefix(a.BaseURL, "https://") }

// secure sets the headers that every page should have. Logging out posts to the provider, so forms may go there.
func (a *app) secure(next http.Handler) http.Handler {
	policy := "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' " + a.Issuer
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
