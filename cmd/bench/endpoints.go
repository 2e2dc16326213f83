package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
)

// calls is how often each endpoint is called, and workers by how many connections at once: the server is never idle, so that
// waking up is no part of the figures.
const (
	calls   = 20_000
	workers = 16
)

// tokens is what the token endpoint answers.
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
}

// figure is what one endpoint costs: CPU seconds of the server for 1 000 calls, and the aim.
type figure struct {
	name          string
	measured, aim float64
}

// endpoints measures the endpoints that apps call once somebody is logged in. The families of tokens come from logins of their own.
func (b *bench) endpoints(ctx context.Context, s *server) ([]figure, error) {
	families := make(chan tokens, 4*workers)
	var frames atomic.Int64
	if err := each(cap(families), workers, func(int) error {
		person := <-b.people
		defer func() { b.people <- person }()
		code, err := b.login(ctx, person, "openid offline_access", &frames)
		if err != nil {
			return err
		}
		got, err := b.exchange(ctx, code)
		families <- got
		return err
	}); err != nil {
		return nil, fmt.Errorf("log in: %w", err)
	}
	with := func(do func(*tokens) error) func(int) error {
		return func(int) error {
			t := <-families
			defer func() { families <- t }()
			return do(&t)
		}
	}
	var figures []figure
	for _, e := range []struct {
		name string
		aim  float64
		do   func(int) error
	}{
		{"refreshes", 0.10, with(func(t *tokens) (err error) {
			*t, err = b.token(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {t.Refresh}})
			return err
		})},
		{"calls of userinfo", 0.04, with(func(t *tokens) error { return b.userinfo(ctx, t.Access) })},
		{"introspections", 0.05, with(func(t *tokens) error { return b.introspect(ctx, t.Access) })},
		{"calls of discovery", 0.02, func(int) error { return b.expect(b.get(ctx, b.issuer+"/.well-known/openid-configuration")) }},
		{"calls of the JWKS", 0.02, func(int) error { return b.expect(b.get(ctx, b.issuer+"/jwks.json")) }},
	} {
		cpu, err := s.using(func() error { return each(calls, workers, e.do) })
		if err != nil {
			return nil, fmt.Errorf("%s: %w (server: %s)", e.name, err, s.stderr)
		}
		figures = append(figures, figure{e.name, cpu / (calls / 1000), e.aim})
	}
	return figures, nil
}

// expect turns a status that is not 200 into an error.
func (b *bench) expect(status int, err error) error {
	if err == nil && status != http.StatusOK {
		return fmt.Errorf("status %d", status)
	}
	return err
}

// exchange redeems a code as the app does.
func (b *bench) exchange(ctx context.Context, code string) (tokens, error) {
	return b.token(ctx, url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectURI}, "code_verifier": {verifier}})
}

// token asks the token endpoint.
func (b *bench) token(ctx context.Context, form url.Values) (t tokens, err error) {
	text, err := b.post(ctx, "/token", form)
	if err == nil {
		err = json.Unmarshal(text, &t)
	}
	if err == nil && t.ID == "" {
		err = fmt.Errorf("no ID token in %s", text)
	}
	return t, err
}

func (b *bench) introspect(ctx context.Context, token string) error {
	text, err := b.post(ctx, "/introspect", url.Values{"token": {token}})
	if err == nil && !strings.Contains(string(text), `"active":true`) {
		err = fmt.Errorf("introspection answers %s", text)
	}
	return err
}

// post sends a form to an endpoint as the app.
func (b *bench) post(ctx context.Context, path string, form url.Values) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, b.issuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth("bench", clientSecret)
	return b.answer(request)
}

func (b *bench) userinfo(ctx context.Context, token string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.issuer+"/userinfo", nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	_, err = b.answer(request)
	return err
}

// answer returns the body of an answer with status 200.
func (b *bench) answer(request *http.Request) ([]byte, error) {
	response, err := b.browser.Do(request)
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
