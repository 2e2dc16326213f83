package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// tokens is what a token endpoint answers.
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
}

// provider is a server that is measured, and an app of it.
type provider struct {
	name string
	*server
	browser    *http.Client
	id, secret string
	// metadata is what its discovery document says.
	metadata struct {
		Issuer        string `json:"issuer"`
		Authorization string `json:"authorization_endpoint"`
		Token         string `json:"token_endpoint"`
		Userinfo      string `json:"userinfo_endpoint"`
		Introspection string `json:"introspection_endpoint"`
		JWKS          string `json:"jwks_uri"`
	}
	// code logs somebody in, in the cheapest way that there is, and returns the code that the app gets.
	code     func(ctx context.Context, scope string) (string, error)
	families chan tokens
}

// discover reads the metadata.
func (p *provider) discover(ctx context.Context, issuer string) error {
	text, err := p.get(ctx, issuer+"/.well-known/openid-configuration", "")
	if err != nil {
		return err
	}
	return json.Unmarshal(text, &p.metadata)
}

// authorization returns where a browser is sent to log in.
func (p *provider) authorization(scope string) string {
	return p.metadata.Authorization + "?" + url.Values{
		"client_id": {p.id}, "redirect_uri": {redirectURI}, "response_type": {"code"}, "scope": {scope}, "state": {"s"}, "nonce": {"n"},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}.Encode()
}

// exchange redeems a code as the app does.
func (p *provider) exchange(ctx context.Context, code string) (tokens, error) {
	return p.token(ctx, url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectURI}, "code_verifier": {verifier}})
}

// refresh takes the next tokens of a family.
func (p *provider) refresh(ctx context.Context) error {
	t := <-p.families
	defer func() { p.families <- t }()
	next, err := p.token(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {t.Refresh}})
	if err == nil {
		t = next
	}
	return err
}

// token asks the token endpoint.
func (p *provider) token(ctx context.Context, form url.Values) (t tokens, err error) {
	text, err := p.post(ctx, p.metadata.Token, form)
	if err == nil {
		err = json.Unmarshal(text, &t)
	}
	if err == nil && t.ID == "" {
		err = fmt.Errorf("no ID token in %s", text)
	}
	return t, err
}

// introspect asks whether a family's access token stands, userinfo who it is for.
func (p *provider) introspect(ctx context.Context) error {
	t := <-p.families
	defer func() { p.families <- t }()
	text, err := p.post(ctx, p.metadata.Introspection, url.Values{"token": {t.Access}})
	if err == nil && !strings.Contains(string(text), `"active":true`) {
		err = fmt.Errorf("introspection answers %s", text)
	}
	return err
}

func (p *provider) userinfo(ctx context.Context) error {
	t := <-p.families
	defer func() { p.families <- t }()
	_, err := p.get(ctx, p.metadata.Userinfo, t.Access)
	return err
}

// post sends a form to an endpoint as the app.
func (p *provider) post(ctx context.Context, address string, form url.Values) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(p.id, p.secret)
	return p.answer(request)
}

func (p *provider) get(ctx context.Context, address, bearer string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	return p.answer(request)
}

// answer returns the body of an answer with status 200.
func (p *provider) answer(request *http.Request) ([]byte, error) {
	response, err := p.browser.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", request.URL.Path, response.Status, text)
	}
	return text, err
}

// codeIn returns the code in the address of a callback.
func codeIn(callback string) (string, error) {
	to, err := url.Parse(callback)
	if err != nil {
		return "", err
	}
	if code := to.Query().Get("code"); code != "" {
		return code, nil
	}
	return "", errors.New("no code in the answer to the app")
}
