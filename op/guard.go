package op

import (
	"context"
	"mime"
	"net/http"
)

// originKey is the context key of where a form came from.
type originKey struct{}

// formOrigin is where a form came from.
type formOrigin struct {
	address string
	// over is the *limit.Error for an address that has asked for too much: of it only what a client proves to be its own is served.
	over error
}

func originOf(ctx context.Context) formOrigin {
	origin, _ := ctx.Value(originKey{}).(formOrigin)
	return origin
}

// addressOf returns the address that a form came from, "" when ctx belongs to none.
func addressOf(ctx context.Context) string { return originOf(ctx).address }

// guardForm lets only clean requests pass to an endpoint that authenticates clients: one form, each parameter once (RFC 6749
// §3.2), nothing in the query, one Authorization header at most. resource alone may be repeated (RFC 8707 §2). Afterwards
// r.PostForm and r.Form hold the same parameters, and no answer is kept by a cache. An address that has asked for too much gets
// no further than to authenticate.
func (p *Provider) guardForm(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["Cache-Control"], h["Pragma"] = headerNoStore, headerNoCache
		if w, ok := w.(*response); ok {
			w.challenge = challengeBasic
		}
		origin := formOrigin{address: p.o.ClientIP(r)}
		origin.over = p.limits.addresses.Check(origin.address)
		description := readForm(w, r)
		switch {
		case description == "":
			next(w, r.WithContext(context.WithValue(r.Context(), originKey{}, origin)))
		case origin.over != nil:
			writeError(w, tooMany(origin.over))
		default:
			p.limits.addresses.Charge(origin.address, 1)
			writeError(w, invalid(description))
		}
	}
}

// guardBearer finds out whether the address has had too many access tokens refused: of it only those that stand are served. next
// counts what it refuses, see refuseToken; the rest counts for the client that the token is for, and a fault of ours for nobody.
func (p *Provider) guardBearer(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Cache-Control"] = headerNoStore
		if w, ok := w.(*response); ok { // and no context, which userinfo would pay for with each request
			w.bearer, w.over = true, p.limits.addresses.Check(p.o.ClientIP(r))
		}
		next(w, r)
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
	r.Body = http.MaxBytesReader(w, r.Body, bodyLimit(r.URL.Path))
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
