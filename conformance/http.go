package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 4 << 20

// Answer is an HTTP answer, read to its end.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	// URL is what was asked.
	URL *url.URL
	// JSON is the body, nil when it is no JSON object.
	JSON map[string]any
}

// Text returns a member of the JSON body that is a string, else "".
func (a *Answer) Text(member string) string {
	text, _ := a.JSON[member].(string)
	return text
}

// String says what the provider answered, for a reason: the status and an error code, never a token.
func (a *Answer) String() string {
	text := fmt.Sprintf("%d", a.Status)
	if code := a.Text("error"); code != "" {
		text += " " + code
		if description := a.Text("error_description"); description != "" {
			text += " (" + description + ")"
		}
	}
	if to := a.Header.Get("Location"); to != "" {
		to, _, _ = strings.Cut(to, "?")
		text += " to " + to
	}
	return text
}

// MediaType returns the media type of the body, without its parameters.
func (a *Answer) MediaType() string {
	kind, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	return kind
}

// send does a request and reads the answer. It follows no redirect.
func send(client *http.Client, request *http.Request) (*Answer, error) {
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	a := &Answer{Status: response.StatusCode, Header: response.Header, Body: body, URL: request.URL}
	_ = json.Unmarshal(body, &a.JSON) // many answers are none
	return a, nil
}

// alter changes a request before it is sent.
type alter func(*http.Request)

func header(name, value string) alter { return func(r *http.Request) { r.Header.Set(name, value) } }

func basicAuth(id, secret string) alter {
	return func(r *http.Request) { r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret)) }
}

func bearer(token string) alter { return header("Authorization", "Bearer "+token) }

// Do sends a request without cookies; a provider that drops the connection fails the check.
func (c *Case) Do(method, address string, body io.Reader, alters ...alter) *Answer {
	request, err := http.NewRequestWithContext(c.ctx, method, address, body)
	if err != nil {
		c.Fail("make request: %v", err)
	}
	for _, change := range alters {
		change(request)
	}
	a, err := send(c.http, request)
	if err != nil {
		c.Fail("%s %s: no answer: %v", method, request.URL.Path, err)
	}
	c.Want(a.Status < 500 || a.Status == http.StatusNotImplemented, "%s %s = %s: a request must never be a fault of the server", method, request.URL.Path, a)
	return a
}

// Get sends a GET.
func (c *Case) Get(address string, alters ...alter) *Answer {
	return c.Do(http.MethodGet, address, nil, alters...)
}

// PostForm posts a form.
func (c *Case) PostForm(address string, form url.Values, alters ...alter) *Answer {
	return c.PostText(address, form.Encode(), alters...)
}

// PostText posts a form that is written out already.
func (c *Case) PostText(address, form string, alters ...alter) *Answer {
	alters = append([]alter{header("Content-Type", "application/x-www-form-urlencoded")}, alters...)
	return c.Do(http.MethodPost, address, strings.NewReader(form), alters...)
}

// Endpoint returns an address of the metadata. Optional ones are asked for by Offered first.
func (c *Case) Endpoint(member string) string {
	address := c.meta.Text(member)
	c.Want(address != "", "the metadata has no %s", member)
	return address
}

// WantError checks an error of RFC 6749 §5.2: the status, one of the codes, JSON, no cache, and a description of allowed characters.
func (c *Case) WantError(a *Answer, status int, codes ...string) {
	c.Want(a.Status == status, "answered %s, want %d %s", a, status, strings.Join(codes, " or "))
	c.Want(slices.Contains(codes, a.Text("error")), "answered %s, want the error %s", a, strings.Join(codes, " or "))
	c.Want(a.MediaType() == "application/json", "the error has Content-Type %q, want application/json", a.Header.Get("Content-Type"))
	c.Want(strings.Contains(a.Header.Get("Cache-Control"), "no-store"), "the error has Cache-Control %q, want no-store", a.Header.Get("Cache-Control"))
	c.wantDescription(a.Text("error_description"))
	for _, name := range []string{"access_token", "id_token", "refresh_token"} {
		c.Want(a.JSON[name] == nil, "the error holds %s", name)
	}
}

// wantDescription checks that a description has only the characters of RFC 6749 §5.2.
func (c *Case) wantDescription(text string) {
	for _, r := range text {
		c.Want(r >= 0x20 && r <= 0x7e && r != '"' && r != '\\', "error_description holds %q", r)
	}
}

// WantChallenge checks that an answer has status 401 with a challenge of the scheme (RFC 9110 §11.6.1), and returns that.
func (c *Case) WantChallenge(a *Answer, scheme string) string {
	c.Want(a.Status == http.StatusUnauthorized, "answered %s, want 401", a)
	challenge := a.Header.Get("WWW-Authenticate")
	c.Want(len(challenge) >= len(scheme) && strings.EqualFold(challenge[:len(scheme)], scheme), "WWW-Authenticate is %q, want scheme %s", challenge, scheme)
	return challenge
}

// Metadata is the discovery document.
type Metadata map[string]any

// Has reports whether the member is there.
func (m Metadata) Has(member string) bool { _, ok := m[member]; return ok }

// Text returns a member that is a string, else "".
func (m Metadata) Text(member string) string { text, _ := m[member].(string); return text }

// List returns the strings of a member that is an array.
func (m Metadata) List(member string) []string {
	array, _ := m[member].([]any)
	var list []string
	for _, value := range array {
		if text, ok := value.(string); ok {
			list = append(list, text)
		}
	}
	return list
}

func fetchMetadata(ctx context.Context, client *http.Client, issuer string) (Metadata, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration", nil)
	if err != nil {
		return nil, err
	}
	a, err := send(client, request)
	if err != nil {
		return nil, err
	}
	if a.Status != http.StatusOK || a.JSON == nil {
		return nil, fmt.Errorf("%s: no discovery document: %s", request.URL, a)
	}
	return a.JSON, nil
}

func contains(list []string, value string) bool { return slices.Contains(list, value) }
