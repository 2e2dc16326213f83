package conformance

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	jose "github.com/go-jose/go-jose/v4"
)

// liar stands between the suite and a provider, and spoils what goes through it.
type liar struct {
	next http.RoundTripper
	cfg  *Config
	key  jose.JSONWebKey
	// before changes a request. It may answer it itself.
	before func(l *liar, r *http.Request) *http.Response
	// after changes an answer.
	after func(l *liar, r *http.Request, a *http.Response)

	mu   sync.Mutex
	kept map[string]string
}

func newLiar(t *testing.T, cfg *Config, f fault) *liar {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := newTransport(cfg.RootCAFile)
	if err != nil {
		t.Fatal(err)
	}
	return &liar{
		next: transport, cfg: cfg, key: jose.JSONWebKey{Key: key, KeyID: "liar", Algorithm: "ES256", Use: "sig"},
		before: f.before, after: f.after, kept: make(map[string]string),
	}
}

// RoundTrip passes a request on and spoils it, or its answer.
func (l *liar) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.before != nil {
		r = r.Clone(r.Context())
		if a := l.before(l, r); a != nil {
			return a, nil
		}
	}
	a, err := l.next.RoundTrip(r)
	if err == nil && l.after != nil && a.Header.Get("Content-Type") != "text/event-stream" {
		l.after(l, r, a)
	}
	return a, err
}

// form returns the posted form of a request, which can be read again.
func form(r *http.Request) url.Values {
	if r.Body == nil || r.Method != http.MethodPost {
		return url.Values{}
	}
	text, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(text))
	values, _ := url.ParseQuery(string(text))
	return values
}

// setForm gives a request another form.
func setForm(r *http.Request, values url.Values) {
	text := values.Encode()
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	r.Header.Set("Content-Length", strconv.Itoa(len(text)))
}

// body returns the body of an answer, which can be read again.
func body(a *http.Response) []byte {
	text, _ := io.ReadAll(a.Body)
	a.Body.Close()
	setBody(a, text)
	return text
}

func setBody(a *http.Response, text []byte) {
	a.Body, a.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	a.Header.Del("Content-Length")
}

// answer makes an answer of one's own.
func answer(r *http.Request, status int, document string) *http.Response {
	a := &http.Response{StatusCode: status, Proto: "HTTP/1.1", Header: http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}}, Request: r}
	setBody(a, []byte(document))
	return a
}

// asks reports whether a request is for the endpoint.
func asks(r *http.Request, path string) bool { return r.URL.Path == path }

// request changes the parameters of auth requests.
func request(change func(values url.Values)) func(*liar, *http.Request) *http.Response {
	return func(_ *liar, r *http.Request) *http.Response {
		if !asks(r, "/authorize") {
			return nil
		}
		if r.Method == http.MethodPost {
			values := form(r)
			change(values)
			setForm(r, values)
			return nil
		}
		values := r.URL.Query()
		change(values)
		r.URL.RawQuery = values.Encode()
		return nil
	}
}

// reply changes the parameters of replies to clients that come by redirect.
func reply(change func(values url.Values)) func(*liar, *http.Request, *http.Response) {
	return func(_ *liar, r *http.Request, a *http.Response) {
		to, err := url.Parse(a.Header.Get("Location"))
		if err != nil || !strings.HasSuffix(to.Host, ".example.se") {
			return
		}
		values := to.Query()
		change(values)
		to.RawQuery = values.Encode()
		a.Header.Set("Location", to.String())
	}
}

// object changes the members of the JSON answers of an endpoint.
func object(path string, change func(members map[string]any)) func(*liar, *http.Request, *http.Response) {
	return func(_ *liar, r *http.Request, a *http.Response) {
		if !asks(r, path) {
			return
		}
		var members map[string]any
		if json.Unmarshal(body(a), &members) != nil {
			return
		}
		change(members)
		text, _ := json.Marshal(members)
		setBody(a, text)
	}
}

// idToken changes the claims of ID tokens, and signs them with a key that it publishes.
func idToken(change func(claims map[string]any)) func(*liar, *http.Request, *http.Response) {
	return func(l *liar, r *http.Request, a *http.Response) {
		object("/jwks.json", func(members map[string]any) {
			var key map[string]any
			text, _ := json.Marshal(l.key.Public())
			json.Unmarshal(text, &key)
			members["keys"] = append(members["keys"].([]any), key)
		})(l, r, a)
		object("/token", func(members map[string]any) {
			raw, _ := members["id_token"].(string)
			if claims, err := peek(raw, 1); err == nil {
				change(claims)
				members["id_token"], _ = signWith(l.key, "ES256", "JWT", claims)
			}
		})(l, r, a)
	}
}

// everyHeader changes the headers of all answers.
func everyHeader(change func(r *http.Request, h http.Header)) func(*liar, *http.Request, *http.Response) {
	return func(_ *liar, r *http.Request, a *http.Response) { change(r, a.Header) }
}

// noted is the header by which a liar tells its second half what it saw in a request.
const noted = "X-Liar"

// replayed answers a token request with the same value of the parameter as it was answered the first time.
func replayed(parameter string) (func(*liar, *http.Request) *http.Response, func(*liar, *http.Request, *http.Response)) {
	before := func(l *liar, r *http.Request) *http.Response {
		if !asks(r, "/token") {
			return nil
		}
		value := form(r).Get(parameter)
		l.mu.Lock()
		defer l.mu.Unlock()
		if kept := l.kept[value]; value != "" && kept != "" {
			return answer(r, http.StatusOK, kept)
		}
		r.Header.Set(noted, value)
		return nil
	}
	after := func(l *liar, r *http.Request, a *http.Response) {
		if asks(r, "/token") && a.StatusCode == http.StatusOK {
			text := string(body(a))
			l.mu.Lock()
			defer l.mu.Unlock()
			l.kept[r.Header.Get(noted)] = text
		}
	}
	return before, after
}

// pushedOpen forgets whose a pushed request is, and that it works once.
func pushedOpen() (func(*liar, *http.Request) *http.Response, func(*liar, *http.Request, *http.Response)) {
	before := func(l *liar, r *http.Request) *http.Response {
		switch {
		case asks(r, "/par"):
			r.Header.Set(noted, form(r).Encode())
		case asks(r, "/authorize"):
			l.mu.Lock()
			defer l.mu.Unlock()
			if kept := l.kept[r.URL.Query().Get("request_uri")]; kept != "" {
				r.URL.RawQuery = kept
			}
		}
		return nil
	}
	after := func(l *liar, r *http.Request, a *http.Response) {
		if !asks(r, "/par") || a.StatusCode != http.StatusCreated {
			return
		}
		var members struct {
			URI string `json:"request_uri"`
		}
		if json.Unmarshal(body(a), &members) == nil {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.kept[members.URI] = r.Header.Get(noted)
		}
	}
	return before, after
}
