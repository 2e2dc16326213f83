package op

import (
	"context"
	"mime"
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"brygga/limit"
)

// addressKey is the context key of the address that a form came from.
type addressKey struct{}

// addressOf returns the address that a form came from, "" when ctx belongs to none.
func addressOf(ctx context.Context) string {
	address, _ := ctx.Value(addressKey{}).(string)
	return address
}

// guardForm lets only clean requests pass to an endpoint that authenticates clients: one form, each parameter once (RFC 6749
// §3.2), nothing in the query, one Authorization header at most. resource alone may be repeated (RFC 8707 §2). Afterwards
// r.PostForm and r.Form hold the same parameters, and no answer is kept by a cache. An address that has asked for too much gets
// no further.
func (p *Provider) guardForm(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Pragma", "no-cache")
		if w, ok := w.(*response); ok {
			w.challenge = challengeBasic
		}
		address := p.o.ClientIP(r)
		network := limit.Network(address)
		if err := p.limits.addresses.Check(network); err != nil {
			writeRefusal(w, tooMany(err))
			return
		}
		if description := readForm(w, r); description != "" {
			p.limits.addresses.Charge(network, 1)
			writeRefusal(w, oidc.ErrInvalidRequest().WithDescription("%s", description))
			return
		}
		next(w, r.WithContext(context.WithValue(r.Context(), addressKey{}, address)))
	}
}

// guardBearer lets requests with an access token pass from addresses that have not asked for too much. What is refused counts for
// the address, the rest for the client that the token is for.
func (p *Provider) guardBearer(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		network := limit.Network(p.o.ClientIP(r))
		if err := p.limits.addresses.Check(network); err != nil {
			writeRefusal(w, tooMany(err))
			return
		}
		next(w, r)
		if w, ok := w.(*response); ok && w.status >= 400 {
			p.limits.addresses.Charge(network, 1)
		}
	}
}

// readForm parses the body into r.Form and r.PostForm, drops the query, and returns what is wrong with the request.
func readForm(w http.ResponseWriter, r *http.Request) (fault string) {
	if !isForm(r) {
		return "the content type must be application/x-www-form-urlencoded"
	}
	if r.URL.RawQuery != "" {
		bare := *r.URL
		bare.RawQuery = ""
		r.URL = &bare
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		return "the form cannot be read"
	}
	for name, all := range r.PostForm {
		if len(all) > 1 && name != "resource" {
			return "a parameter is given more than once"
		}
	}
	if len(r.Header.Values("Authorization")) > 1 {
		return "more than one Authorization header"
	}
	return ""
}

// isForm reports whether the body of the request is an HTML form.
func isForm(r *http.Request) bool {
	const form = "application/x-www-form-urlencoded"
	kind := r.Header.Get("Content-Type")
	if kind == form {
		return true
	}
	kind, _, err := mime.ParseMediaType(kind)
	return err == nil && kind == form
}

// writeRefusal writes an error of an endpoint that clients call with the status that its code has (RFC 6749 §5.2).
func writeRefusal(w http.ResponseWriter, e *oidc.Error) {
	switch e.ErrorType {
	case oidc.InvalidClient:
		writeError(w, http.StatusUnauthorized, e)
	case oidc.ServerError:
		writeError(w, http.StatusInternalServerError, e)
	case errTooMany:
		setRetryAfter(w, e.Parent)
		writeError(w, http.StatusTooManyRequests, e)
	default:
		writeError(w, http.StatusBadRequest, e)
	}
}
