package op

import (
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// oauthError is an answer that is an error, as OAuth has them: on its way to a client by JSON (RFC 6749 §5.2), by redirect (§4.1.2.1)
// or in a challenge (RFC 6750 §3), or to a person on a page. Code and description hold nothing that the request brought.
type oauthError struct {
	code, description string
	// status is the HTTP status where it is not the code's own, see statusOf.
	status int
	// over is the limit that the request was beyond, for Retry-After.
	over error
	// value is what the request brought that was refused, and cause a fixed text that says more than the description. Both are for
	// the log alone; see loggable.
	value, cause string
}

// newError returns an error with one of the library's codes, or one that it has no name for.
func newError[C ~string](code C, description string) *oauthError {
	return &oauthError{code: string(code), description: description}
}

// invalid returns the refusal of a request that is not as it should be.
func invalid(description string) *oauthError { return newError(oidc.InvalidRequest, description) }

// Error names the code and the description.
func (e *oauthError) Error() string { return e.code + ": " + e.description }

// with returns the error with what the request brought. It must never be a token, a secret, a hint, a state or a message.
func (e *oauthError) with(value string) *oauthError {
	c := *e
	c.value = value
	return &c
}

// at returns the error with another status.
func (e *oauthError) at(status int) *oauthError {
	c := *e
	c.status = status
	return &c
}

// values returns the error as parameters of an authorization response.
func (e *oauthError) values() url.Values {
	return url.Values{"error": {e.code}, "error_description": {ascii(e.description)}}
}

// statusOf returns the status of the error at an endpoint that clients call.
func (e *oauthError) statusOf() int {
	switch {
	case e.status != 0:
		return e.status
	case e.code == string(oidc.InvalidClient), e.code == errInvalidToken:
		return http.StatusUnauthorized
	case e.code == errInsufficientScope:
		return http.StatusForbidden
	case e.code == errTooMany:
		return http.StatusTooManyRequests
	case e.code == string(oidc.ServerError):
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}

// writeError writes the error as JSON, which the error answers of all endpoints that clients call are, with the challenge and the
// wait that its status has (RFC 6749 §5.2, RFC 6750 §3, RFC 9110 §10.2.3).
func writeError(w http.ResponseWriter, e *oauthError) {
	note(w, e)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	status := e.statusOf()
	switch w, ok := w.(*response); {
	case e.over != nil:
		setRetryAfter(w, e.over)
	case ok && w.bearer && status < http.StatusInternalServerError:
		h.Set("WWW-Authenticate", challengeBearer(e))
	}
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(struct {
		Code        string `json:"error"`
		Description string `json:"error_description,omitempty"`
	}{e.code, ascii(e.description)})
}

// challengeBearer returns the challenge of a protected resource. A request without a token is told no error (RFC 6750 §3.1).
func challengeBearer(e *oauthError) string {
	const challenge = `Bearer realm="brygga"`
	if e == errNoToken {
		return challenge
	}
	return challenge + `, error="` + e.code + `", error_description="` + ascii(e.description) + `"`
}
