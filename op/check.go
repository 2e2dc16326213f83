package op

import (
	"errors"
	"maps"
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

// The scopes that a client may be registered for, beside those that the library names.
const (
	scopeNaturalPersonInfo   = storage.ScopeNaturalPersonInfo
	scopeNaturalPersonNumber = storage.ScopeNaturalPersonNumber
	scopeNaturalPersonOrgID  = storage.ScopeNaturalPersonOrgID
)

// authorizeLimits are the parameters of an auth request with the most bytes that each may have. All of them may stand once;
// parameters that are not listed are ignored (OIDC Core §3.1.2.1), but for resource, which may stand several times.
var authorizeLimits = [...]struct {
	name string
	max  int
}{
	{"client_id", 128}, {"redirect_uri", maxURI}, {"response_type", 128}, {"response_mode", 32}, {"scope", 1024},
	{"state", 4096}, {"nonce", 1024}, {"code_challenge", 128}, {"code_challenge_method", 16}, {"prompt", 128},
	{"max_age", 32}, {"ui_locales", maxWish}, {"login_hint", maxWish}, {"acr_values", 1024}, {"id_token_hint", 16 << 10},
	{"display", maxWish}, {"claims", 16 << 10}, {"claims_locales", maxWish}, {"registration", 16 << 10},
	{paramUserMessage, 16 << 10}, {paramAuthnProvider, 512}, {paramSignRequest, maxSignRequest},
}

// wishes are parameters that change nothing when they are ignored (OIDC Core §3.1.2.1), as longer ones than maxWish bytes are.
var wishes = [...]string{"ui_locales", "login_hint", "claims_locales", "display"}

const maxWish = 256

// withoutLongWishes returns the parameters without the wishes that are too long.
func withoutLongWishes(values url.Values) url.Values {
	for _, name := range wishes {
		if len(values[name]) == 1 && len(values.Get(name)) > maxWish {
			values = maps.Clone(values)
			values.Del(name)
		}
	}
	return values
}

const (
	paramResource = "resource"
	maxResources  = 16
)

// readReply takes over how the client wants its answer: state, response mode, and whether the person may see a page. It returns false
// for a mode that is not offered.
func readReply(values url.Values, request *storage.AuthRequest) bool {
	request.State, _ = single(values, "state")
	request.Prompt = strings.Fields(values.Get("prompt"))
	request.ResponseMode = modeQuery
	switch mode, once := single(values, "response_mode"); {
	case !once || mode != "" && mode != modeQuery && mode != modeFormPost:
		return false
	case mode != "":
		request.ResponseMode = mode
	}
	return true
}

// checkRequest returns the auth request as far as it was understood, what readReply reads first, so that a refusal can
// be sent the way the client wants it.
func (p *Provider) checkRequest(client *storage.Client, values url.Values) (storage.AuthRequest, *oauthError) {
	request := storage.AuthRequest{Received: p.now()}
	if !readReply(values, &request) {
		return request, invalid("response_mode must be query or form_post").with(values.Get("response_mode"))
	}
	values = withoutLongWishes(values)
	if refusal := checkForm(values); refusal != nil {
		return request, refusal
	}
	request.Nonce = values.Get("nonce")
	for _, check := range [...]func(*Provider, *storage.Client, url.Values, *storage.AuthRequest) *oauthError{
		checkUnsupported, checkScope, checkPKCE, checkPrompt, checkRest, checkResources, checkClaims, checkSwedish, checkSign,
	} {
		if refusal := check(p, client, values, &request); refusal != nil {
			return request, refusal
		}
	}
	return request, nil
}

// checkForm holds every parameter to its limit.
func checkForm(values url.Values) *oauthError {
	for _, limit := range authorizeLimits {
		value, once := single(values, limit.name)
		switch {
		case !once:
			return invalid(limit.name + " is given more than once")
		case len(value) > limit.max:
			return invalid(limit.name + " is too long")
		case !isText(value) && limit.name != paramUserMessage && limit.name != paramSignRequest && limit.name != "claims":
			return invalid(limit.name + " has characters that are not allowed")
		}
	}
	return nil
}

// checkUnsupported refuses other flows than the code flow, and what must not be ignored.
func checkUnsupported(_ *Provider, _ *storage.Client, values url.Values, _ *storage.AuthRequest) *oauthError {
	if values.Get("registration") != "" {
		return newError("registration_not_supported", "registration is not supported")
	}
	switch values.Get("response_type") {
	case "":
		return invalid("response_type is missing")
	case string(oidc.ResponseTypeCode):
		return nil
	}
	return newError("unsupported_response_type", "response_type must be code").with(values.Get("response_type"))
}

// checkScope keeps the scopes that exist and that the client may ask for; others are dropped (OIDC Core §3.1.2.1). A client's
// registration for offline_access is the permission that OIDC Core §11 wants for it: nobody is asked for consent here.
func checkScope(p *Provider, client *storage.Client, values url.Values, request *storage.AuthRequest) *oauthError {
	for _, scope := range strings.Fields(values.Get("scope")) {
		switch scope {
		case storage.ScopeSign, storage.ScopeSignApproval: // a login in the place of a signature would be a lie
			if p.o.SignatureOf == nil {
				continue
			}
			if !client.MayAsk(scope) {
				return newError(oidc.UnauthorizedClient, "this client may not ask for signatures").with(scope)
			}
			if !slices.Contains(request.Scopes, scope) {
				request.Scopes = append(request.Scopes, scope)
			}
		case oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeOfflineAccess, scopeNaturalPersonInfo, scopeNaturalPersonNumber, scopeNaturalPersonOrgID, storage.ScopeEmail:
			if client.MayAsk(scope) && !slices.Contains(request.Scopes, scope) {
				request.Scopes = append(request.Scopes, scope)
			}
		}
	}
	if !slices.Contains(request.Scopes, oidc.ScopeOpenID) {
		return newError(oidc.InvalidScope, "scope must contain openid").with(values.Get("scope"))
	}
	return nil
}

// checkPKCE allows S256 and nothing else (RFC 7636 §4.3, RFC 9700 §2.1.1). A challenge without a method would mean plain.
func checkPKCE(_ *Provider, client *storage.Client, values url.Values, request *storage.AuthRequest) *oauthError {
	challenge, method := values.Get("code_challenge"), values.Get("code_challenge_method")
	switch {
	case challenge == "" && method != "":
		return invalid("code_challenge_method is given without code_challenge")
	case challenge == "" && client.NeedsPKCE():
		return invalid("code_challenge is missing: this client must use PKCE")
	case challenge == "":
		return nil
	case method != string(oidc.CodeChallengeMethodS256):
		return invalid("code_challenge_method must be S256").with(method)
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

// checkPrompt takes over how the person may be met (OIDC Core §3.1.2.1). Values that nobody has defined are ignored.
func checkPrompt(_ *Provider, _ *storage.Client, values url.Values, request *storage.AuthRequest) *oauthError {
	if len(request.Prompt) > 1 && prompts(request, oidc.PromptNone) {
		return invalid("prompt=none must stand alone").with(values.Get("prompt"))
	}
	return nil
}

// checkRest takes over what only has to be well-formed. display changes nothing: there is one page, for all screens.
func checkRest(_ *Provider, client *storage.Client, values url.Values, request *storage.AuthRequest) *oauthError {
	request.MaxAge = client.DefaultMaxAge
	if text := values.Get("max_age"); text != "" {
		age, err := strconv.ParseUint(text, 10, 32) // one out of range, of centuries, comes as the greatest there is
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return invalid("max_age must be a number of seconds").with(text)
		}
		seconds := int64(age)
		request.MaxAge = &seconds
	}
	request.UILocales = strings.Fields(values.Get("ui_locales"))
	if len(request.UILocales) == 0 && client.DefaultLocale != "" {
		request.UILocales = []string{client.DefaultLocale}
	}
	return nil
}

// checkResources takes over what the access token is to be for (RFC 8707 §2.1).
func checkResources(_ *Provider, client *storage.Client, values url.Values, request *storage.AuthRequest) *oauthError {
	all := values[paramResource]
	if len(all) > maxResources {
		return newError(oidc.InvalidTarget, "there are too many resources")
	}
	for _, resource := range all {
		switch {
		case resource == "" || slices.Contains(request.Resources, resource):
		case !isResource(resource):
			return newError(oidc.InvalidTarget, "resource must be an absolute URI without a fragment").with(resource)
		case !slices.Contains(client.Resources, resource):
			return newError(oidc.InvalidTarget, "resource is not one that the client may ask for").with(resource)
		default:
			request.Resources = append(request.Resources, resource)
		}
	}
	return nil
}

// isResource reports whether text has the form of a resource indicator.
func isResource(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.IsAbs() && len(text) <= maxURI && isText(text) && !strings.Contains(text, "#")
}

// prompts reports whether the request asks for that prompt.
func prompts(request *storage.AuthRequest, value string) bool {
	return slices.Contains(request.Prompt, value)
}
