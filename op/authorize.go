package op

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"brygga/storage"
)

// The values of response_mode that are offered. A fragment is not: nothing we send is for scripts.
const (
	modeQuery    = "query"
	modeFormPost = "form_post"
)

// authorizeLimits are the parameters of an auth request with the most bytes that each may have. All of them may stand once;
// parameters that are not listed are ignored (OIDC Core §3.1.2.1).
var authorizeLimits = [...]struct {
	name string
	max  int
}{
	{"client_id", 128}, {"redirect_uri", maxURI}, {"response_type", 128}, {"response_mode", 32}, {"scope", 1024},
	{"state", 4096}, {"nonce", 1024}, {"code_challenge", 128}, {"code_challenge_method", 16}, {"prompt", 128},
	{"max_age", 10}, {"ui_locales", 256}, {"login_hint", 256}, {"acr_values", 1024}, {"id_token_hint", 16 << 10},
	{"display", 32}, {"claims", 16 << 10}, {"claims_locales", 256}, {"request", maxBody}, {"request_uri", maxURI},
	{"registration", 16 << 10},
}

// requestError is an error that goes back to the client by redirect.
type requestError struct{ code, description string }

func invalid(description string) *requestError { return &requestError{"invalid_request", description} }

// serveAuthorize is the authorization endpoint (OIDC Core §3.1.2). Until client and redirect URI are proven, errors are
// shown; from then on they are redirected.
func (p *Provider) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	values, err := readParams(w, r)
	if err != nil {
		p.showError(w, r, http.StatusBadRequest, "the parameters cannot be read")
		return
	}
	client, redirectURI, ok := p.proveClient(w, r, values)
	if !ok {
		return
	}
	request, refusal := p.checkRequest(client, values)
	request.ClientID, request.RedirectURI = client.ID, redirectURI
	if refusal != nil {
		setOutcome(w, refusal.code)
		p.respond(w, r, &request, refusal.values())
		return
	}
	p.o.Pages.BeginLogin(w, r, client, request)
}

// proveClient returns the client and the redirect URI of an auth request once they are known to belong together. Else it
// shows an error page and returns false: nothing may be redirected (RFC 6749 §4.1.2.1).
func (p *Provider) proveClient(w http.ResponseWriter, r *http.Request, values url.Values) (*storage.Client, string, bool) {
	id, ok := single(values, "client_id")
	if !ok || id == "" {
		p.showError(w, r, http.StatusBadRequest, "client_id must be given once")
		return nil, "", false
	}
	client, err := p.o.Store.Client(r.Context(), id)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		setOutcome(w, string(oidc.InvalidClient))
		p.o.Pages.ShowError(w, r, http.StatusBadRequest, string(oidc.InvalidClient), "no client is registered with this client_id")
		return nil, "", false
	case err != nil:
		p.showFault(w, r, "read client", err)
		return nil, "", false
	}
	uri, ok := single(values, "redirect_uri")
	if !ok || uri == "" {
		p.showError(w, r, http.StatusBadRequest, "redirect_uri must be given once")
		return nil, "", false
	}
	if !matchURI(client.RedirectURIs, uri, client.Native) {
		p.showError(w, r, http.StatusBadRequest, "redirect_uri is not one that the client has registered")
		return nil, "", false
	}
	return client, uri, true
}

// checkRequest returns the auth request as far as it was understood, state and response mode first, so that a refusal can
// be sent the way the client wants it.
func (p *Provider) checkRequest(client *storage.Client, values url.Values) (storage.AuthRequest, *requestError) {
	request := storage.AuthRequest{ResponseMode: modeQuery, Received: p.now()}
	request.State, _ = single(values, "state")
	switch mode, once := single(values, "response_mode"); {
	case !once || mode != "" && mode != modeQuery && mode != modeFormPost:
		return request, invalid("response_mode must be query or form_post")
	case mode != "":
		request.ResponseMode = mode
	}
	for _, limit := range authorizeLimits {
		value, once := single(values, limit.name)
		switch {
		case !once:
			return request, invalid(limit.name + " is given more than once")
		case len(value) > limit.max:
			return request, invalid(limit.name + " is too long")
		case !isText(value):
			return request, invalid(limit.name + " has characters that are not allowed")
		}
	}
	request.Nonce = values.Get("nonce")
	for _, check := range [...]func(*storage.Client, url.Values, *storage.AuthRequest) *requestError{
		checkUnsupported, checkScope, checkPKCE, checkPrompt, checkPerson, checkRest,
	} {
		if refusal := check(client, values, &request); refusal != nil {
			return request, refusal
		}
	}
	return request, nil
}

// checkUnsupported refuses what must not be ignored: request objects (OIDC Core §6) and other flows than the code flow.
func checkUnsupported(_ *storage.Client, values url.Values, _ *storage.AuthRequest) *requestError {
	for _, name := range [...]string{"request", "request_uri", "registration"} {
		if values.Get(name) != "" {
			return &requestError{name + "_not_supported", name + " is not supported"}
		}
	}
	switch values.Get("response_type") {
	case "":
		return invalid("response_type is missing")
	case string(oidc.ResponseTypeCode):
		return nil
	}
	return &requestError{"unsupported_response_type", "response_type must be code"}
}

// checkScope keeps the scopes that exist and that the client may ask for; others are dropped (OIDC Core §3.1.2.1).
func checkScope(client *storage.Client, values url.Values, request *storage.AuthRequest) *requestError {
	for _, scope := range strings.Fields(values.Get("scope")) {
		known := scope == oidc.ScopeOpenID || scope == oidc.ScopeProfile
		if known && client.MayAsk(scope) && !slices.Contains(request.Scopes, scope) {
			request.Scopes = append(request.Scopes, scope)
		}
	}
	if !slices.Contains(request.Scopes, oidc.ScopeOpenID) {
		return &requestError{"invalid_scope", "scope must contain openid"}
	}
	return nil
}

// checkPKCE allows S256 and nothing else (RFC 7636 §4.3, RFC 9700 §2.1.1). A challenge without a method would mean plain.
func checkPKCE(client *storage.Client, values url.Values, request *storage.AuthRequest) *requestError {
	challenge, method := values.Get("code_challenge"), values.Get("code_challenge_method")
	switch {
	case challenge == "" && method != "":
		return invalid("code_challenge_method is given without code_challenge")
	case challenge == "" && (client.Public() || client.RequirePKCE):
		return invalid("code_challenge is missing: this client must use PKCE")
	case challenge == "":
		return nil
	case method != string(oidc.CodeChallengeMethodS256):
		return invalid("code_challenge_method must be S256")
	case !isVerifier(challenge):
		return invalid("code_challenge must have 43 to 128 of the characters A-Z a-z 0-9 - . _ ~")
	}
	request.CodeChallenge = challenge
	return nil
}

// isVerifier reports whether text has the form of a code verifier, which a challenge has too (RFC 7636 §4.1, §4.2).
func isVerifier(text string) bool {
	return len(text) >= 43 && len(text) <= 128 && !strings.ContainsFunc(text, func(c rune) bool {
		return !(c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.ContainsRune("-._~", c))
	})
}

// checkPrompt answers prompt=none: nobody is ever logged in here before the login (OIDC Core §3.1.2.1). Every login asks
// the person anew, so the other values hold by themselves, and unknown ones are ignored.
func checkPrompt(_ *storage.Client, values url.Values, request *storage.AuthRequest) *requestError {
	request.Prompt = strings.Fields(values.Get("prompt"))
	if !slices.Contains(request.Prompt, oidc.PromptNone) {
		return nil
	}
	if len(request.Prompt) > 1 {
		return invalid("prompt=none must stand alone")
	}
	return &requestError{"login_required", "nobody is logged in, and prompt=none forbids to ask"}
}

// checkRest takes over what only has to be well-formed.
func checkRest(_ *storage.Client, values url.Values, request *storage.AuthRequest) *requestError {
	if text := values.Get("max_age"); text != "" {
		age, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return invalid("max_age must be a number of seconds")
		}
		seconds := int64(age)
		request.MaxAge = &seconds
	}
	request.ACRValues = strings.Fields(values.Get("acr_values"))
	request.UILocales = strings.Fields(values.Get("ui_locales"))
	return nil
}
