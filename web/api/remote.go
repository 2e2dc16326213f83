package api

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"brygga/admin"
	"brygga/clients"
	"brygga/secret"
	"brygga/storage"
)

// RemoteOptions say which server to ask, and with what.
type RemoteOptions struct {
	// Server is the address at which the server has the API, without the path: https, or http on loopback.
	Server string
	// Key is a key for the API, or an access token with its scopes.
	Key secret.String
	// Roots are those that the server's certificate must lead to; nil for the system's.
	Roots *x509.CertPool
	// Agent names the program.
	Agent string
}

// Remote are the operations of a server that is asked over the API, which looks at rights and rules: there are none here. Its methods are those of
// admin.Service, without an actor: the key is who asks. Each returns a *RemoteError when the server refuses, ErrUntrusted when it has no certificate to be
// believed by, and ErrUnreachable when it does not answer. They may be called concurrently.
type Remote struct {
	base   string
	key    secret.String
	agent  string
	client *http.Client
}

// ErrUnreachable means that the server gave no answer, or none that is one of the API.
var ErrUnreachable = errors.New("api: the server does not answer")

// remoteTime bounds one request.
const remoteTime = time.Minute

// maxAnswer bounds an answer, in bytes.
const maxAnswer = 64 << 20

// NewRemote returns the operations of that server, or an error that says what is wrong with its address. It asks nothing yet.
func NewRemote(o RemoteOptions) (*Remote, error) {
	at, err := url.Parse(o.Server)
	switch {
	case err != nil || at.Host == "" || at.Scheme != "https" && at.Scheme != "http":
		return nil, fmt.Errorf("%.200q is no address of a server", o.Server)
	case at.User != nil || at.RawQuery != "" || at.Fragment != "":
		return nil, errors.New("the address of a server has no user, query or fragment")
	case at.Scheme == "http" && !onLoopback(at.Hostname()):
		return nil, fmt.Errorf("http to %s would show the key to everybody on the way", at.Host)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.Roots}
	if at.Scheme == "http" {
		transport.Proxy = nil
	}
	return &Remote{
		base: strings.TrimSuffix(strings.TrimSuffix(o.Server, "/"), base) + base, key: o.Key, agent: cmp.Or(o.Agent, "brygga"),
		client: &http.Client{
			Transport: transport, Timeout: remoteTime,
			// The key is for this server alone.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

func onLoopback(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}

// RemoteError is what the server refused, as it said so (RFC 9457).
type RemoteError struct {
	Status        int
	Title, Detail string
	// Problems are what is wrong with what was sent, each with the member that it concerns.
	Problems clients.Problems
}

// Error returns what the server said.
func (e *RemoteError) Error() string {
	if len(e.Problems) > 0 {
		return e.Problems.Error()
	}
	return cmp.Or(e.Detail, e.Title)
}

// Unwrap returns the errors that the operation itself would have returned.
func (e *RemoteError) Unwrap() (all []error) {
	if len(e.Problems) > 0 {
		all = append(all, e.Problems)
	}
	switch e.Status {
	case http.StatusUnauthorized:
		return append(all, admin.ErrKey)
	case http.StatusForbidden:
		return append(all, storage.ErrForbidden)
	case http.StatusNotFound:
		return append(all, storage.ErrNotFound)
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		return append(all, storage.ErrUnavailable)
	case http.StatusPreconditionFailed:
		if e.Title == existing.Title {
			return append(all, storage.ErrExists)
		}
		return append(all, storage.ErrConflict)
	}
	return all
}

// request is what is asked of the server.
type request struct {
	method, path string
	query        url.Values
	match, none  string // If-Match and If-None-Match
	body         any
}

// ask asks the server and reads its answer into to, unless that is nil. It returns the tag of the answer.
func (r *Remote) ask(ctx context.Context, q request, to any) (etag string, err error) {
	response, err := r.do(ctx, q)
	if err != nil {
		return "", unanswered(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return response.Header.Get("ETag"), read(response, text, to)
}

// do sends the request.
func (r *Remote) do(ctx context.Context, q request) (*http.Response, error) {
	var body io.Reader
	if q.body != nil {
		text, err := json.Marshal(q.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	address := r.base + q.path
	if len(q.query) > 0 {
		address += "?" + q.query.Encode()
	}
	sent, err := http.NewRequestWithContext(ctx, q.method, address, body)
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{
		"Authorization": "Bearer " + r.key.Reveal(), "User-Agent": r.agent, "Accept": "application/json, application/problem+json", "If-Match": q.match, "If-None-Match": q.none,
	} {
		if value != "" {
			sent.Header.Set(name, value)
		}
	}
	if q.body != nil {
		sent.Header.Set("Content-Type", "application/json")
	}
	return r.client.Do(sent)
}

// copy asks the server and writes its answer to w.
func (r *Remote) copy(ctx context.Context, q request, w io.Writer) error {
	patient := *r
	patient.client = &http.Client{Transport: r.client.Transport, CheckRedirect: r.client.CheckRedirect} // the whole log may take longer than a request
	response, err := patient.do(ctx, q)
	if err != nil {
		return unanswered(err)
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusMultipleChoices {
		text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
		if err != nil {
			return fmt.Errorf("%w: %w", ErrUnreachable, err)
		}
		return read(response, text, nil)
	}
	if _, err := io.Copy(w, response.Body); err != nil {
		return fmt.Errorf("%w to the end: %w", ErrUnreachable, err)
	}
	return nil
}

// read reads an answer, or the problem that it is.
func read(response *http.Response, text []byte, to any) error {
	if response.StatusCode >= http.StatusMultipleChoices {
		var p problem
		if json.Unmarshal(text, &p) != nil || p.Title == "" {
			return fmt.Errorf("%w as the API does: %s", ErrUnreachable, response.Status)
		}
		e := &RemoteError{Status: response.StatusCode, Title: p.Title, Detail: p.Detail}
		for _, f := range p.Errors {
			key := strings.ReplaceAll(strings.TrimPrefix(f.Pointer, "/"), "/", ".")
			e.Problems = append(e.Problems, clients.Problem{Key: cmp.Or(key, f.Parameter), Problem: f.Detail, Remedy: f.Remedy})
		}
		return e
	}
	if to == nil {
		return nil
	}
	if err := json.Unmarshal(text, to); err != nil {
		return fmt.Errorf("%w as the API does: %w", ErrUnreachable, err)
	}
	return nil
}

// at returns a path with the parts, each escaped.
func at(parts ...string) (path string) {
	for _, part := range parts {
		path += "/" + url.PathEscape(part)
	}
	return path
}

func dry(d admin.Demand) url.Values {
	if d.DryRun {
		return url.Values{dryRun: {"true"}}
	}
	return nil
}

// pages asks for all pages of a list, until do says that it has enough.
func pages[T any](ctx context.Context, r *Remote, path string, query url.Values, do func([]T) (more bool)) error {
	for {
		var page struct {
			Items []T
			Next  string
		}
		if _, err := r.ask(ctx, request{method: "GET", path: path, query: query}, &page); err != nil {
			return err
		}
		if !do(page.Items) || page.Next == "" {
			return nil
		}
		query.Set(cursor, page.Next)
	}
}
