package op

import (
	"context"
	"mime"
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// addressKey is the context key of the address that a form came from.
type addressKey struct{}

// guardForm lets only clean requests pass to an endpoint that authenticates clients: one form, each parameter once (RFC 6749
// §3.2), nothing in the query, one Authorization header at most. resource alone may be repeated (RFC 8707 §2). Afterwards
// r.PostForm and r.Form hold the same parameters, and no answer is kept by a cache.
func (p *Provider) guardForm(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Pragma", "no-cache")
		if w, ok := w.(*response); ok {
			w.challenge = challengeBasic
		}
		if description := readForm(w, r); description != "" {
			writeError(w, http.StatusBadRequest, oidc.ErrInvalidRequest().WithDescription("%s", description))
			return
		}
		next(w, r.WithContext(context.WithValue(r.Context(), addressKey{}, p.o.ClientIP(r))))
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
	default:
		writeError(w, http.StatusBadRequest, e)
	}
}
