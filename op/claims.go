package op

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"

	"brygga/personnummer"
	"brygga/secret"
	"brygga/storage"
)

// numberClaims are the claims with the personal number: ours, and those of the Swedish OpenID Connect profile.
var numberClaims = claimSet(allNumbers).names()

// Limits on the claims parameter.
const (
	maxClaims    = 100 // in each of its two parts
	maxClaimName = 256
)

// errClaims answers a claims parameter that does not have its form.
var errClaims = invalid("claims is not the JSON that it should be")

// wantedClaim is how a claim is asked for; null asks for any value (OIDC Core §5.5.1).
type wantedClaim struct {
	Essential bool  `json:"essential"`
	Value     any   `json:"value"`
	Values    []any `json:"values"`
}

// texts returns the values that are wanted, none when any will do, and false when one is no text.
func (c *wantedClaim) texts() (texts []string, ok bool) {
	if c == nil {
		return nil, true
	}
	all := c.Values
	if c.Value != nil {
		all = append([]any{c.Value}, all...)
	}
	for _, value := range all {
		text, ok := value.(string)
		if !ok || text == "" || !isText(text) {
			return nil, false
		}
		texts = append(texts, text)
	}
	return texts, true
}

// one returns the only value that is wanted, "" when any will do, and false when there are several or it is no text.
func (c *wantedClaim) one() (string, bool) {
	texts, ok := c.texts()
	switch {
	case !ok || len(texts) > 1:
		return "", false
	case len(texts) == 0:
		return "", true
	}
	return texts[0], true
}

// wantedClaims is the claims parameter (OIDC Core §5.5). Members that are not understood are ignored.
type wantedClaims struct {
	IDToken  map[string]*wantedClaim `json:"id_token"`
	UserInfo map[string]*wantedClaim `json:"userinfo"`
}

// parseClaims reads a claims parameter; an empty text asks for nothing.
func parseClaims(text string) (claims wantedClaims, ok bool) {
	if text == "" {
		return claims, true
	}
	if !strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") || json.Unmarshal([]byte(text), &claims) != nil {
		return wantedClaims{}, false
	}
	for _, part := range [...]map[string]*wantedClaim{claims.IDToken, claims.UserInfo} {
		if len(part) > maxClaims {
			return wantedClaims{}, false
		}
		for name := range part {
			if name == "" || len(name) > maxClaimName || !isText(name) {
				return wantedClaims{}, false
			}
		}
	}
	return claims, true
}

// names returns the names of the claims that are asked for, in order.
func names(part map[string]*wantedClaim) []string {
	if len(part) == 0 {
		return nil
	}
	return slices.Sorted(maps.Keys(part))
}

// checkClaims takes over what the claims parameter, acr_values and the hints ask for: claims to release, who alone may log in,
// and at which level. Asking for the value of any other claim binds nobody (OIDC Core §5.5.1).
func checkClaims(p *Provider, client *storage.Client, values url.Values, request *storage.AuthRequest) *oauthError {
	claims, ok := parseClaims(values.Get("claims"))
	if !ok {
		return errClaims
	}
	request.Claims = storage.ClaimsRequest{IDToken: names(claims.IDToken), UserInfo: names(claims.UserInfo)}
	request.Evidence = (claimsNamed(request.Claims.IDToken)|claimsNamed(request.Claims.UserInfo))&evidenceClaims != 0
	if refusal := requireNumber(client, claims, values.Get("login_hint"), request); refusal != nil {
		return refusal
	}
	request.LoginHint = namedBy(client, values.Get("login_hint"), request)
	if refusal := p.requireSubject(client, claims, values.Get("id_token_hint"), request); refusal != nil {
		return refusal
	}
	if refusal := p.chooseACR(client, claims, values.Get("acr_values"), request); refusal != nil {
		return refusal
	}
	return p.demandDocument(client, claims, request)
}

// requireNumber notes whose personal number the claims parameter wants, or login_hint is, in any spelling: nobody else may log in. A
// login_hint that looks like a number and is none is refused, as its sender means one person alone; any other is only a hint, and
// ignored. So is each that a client of the Swedish profile sends, which must name a person in claims instead (Swedish OpenID Connect
// Profile 1.0).
//
// A client that may not have the number must not learn either whether it is the one that it names: its login_hint is ignored, and
// where it demands a value, which it could not see fulfilled, the request is refused whatever the value is.
func requireNumber(client *storage.Client, claims wantedClaims, hint string, request *storage.AuthRequest) *oauthError {
	entitled := entitled(client)&allNumbers != 0
	number := ""
	if entitled && !client.Swedish() {
		var looks bool
		if number, looks = personnummer.Read(hint, request.Received); looks && number == "" {
			return invalid("login_hint looks like a personal number and is none")
		}
	}
	for _, part := range [...]map[string]*wantedClaim{claims.IDToken, claims.UserInfo} {
		for _, name := range numberClaims {
			asked, ok := part[name].one()
			value, _ := personnummer.Read(asked, request.Received)
			switch {
			case !entitled && (!ok || asked != ""):
				return invalid("claims must not ask for a value of a claim that the client has no right to")
			case !ok || asked != "" && value == "":
				return invalid("claims must ask for one personal number in twelve digits")
			case value != "" && number != "" && value != number:
				return invalid("claims and login_hint ask for different persons")
			case value != "":
				number = value
			}
		}
	}
	request.RequiredPersonalNumber = secret.New(number)
	return nil
}

// maxNamed bounds a login_hint that is kept, in bytes.
const maxNamed = 200

// namedBy returns the login_hint of a client that may have people named, for the field in which that is done: it binds nobody, so that nothing is to be
// learned from it. One that requires its person takes the place of the field, and clients of the Swedish profile send none.
func namedBy(client *storage.Client, hint string, request *storage.AuthRequest) secret.String {
	if !client.TypedIdentifiers || client.Swedish() || !request.RequiredPersonalNumber.IsZero() || len(hint) > maxNamed {
		return secret.String{}
	}
	return secret.New(hint)
}

// requireSubject notes which subject the claims parameter or id_token_hint names: no other is answered with (OIDC Core
// §3.1.2.1, §5.5.1).
func (p *Provider) requireSubject(client *storage.Client, claims wantedClaims, hint string, request *storage.AuthRequest) *oauthError {
	if hint != "" {
		subject, ok := p.hintedSubject(client, hint)
		if !ok {
			return invalid("id_token_hint is not an ID token that this provider made for the client")
		}
		request.RequiredSubject = subject
	}
	for _, part := range [...]map[string]*wantedClaim{claims.IDToken, claims.UserInfo} {
		subject, ok := part["sub"].one()
		switch {
		case !ok:
			return invalid("claims must ask for one value of sub at most")
		case subject != "" && request.RequiredSubject != "" && subject != request.RequiredSubject:
			return invalid("claims and id_token_hint ask for different subjects")
		case subject != "":
			request.RequiredSubject = subject
		}
	}
	return nil
}

// chooseACR settles the acr of the answer. What the claims parameter asks for comes before acr_values, and the client's default
// counts when there is neither. A value that must be had and cannot be is an error; all else is voluntary (OIDC Core §5.5.1.1,
// OpenID Connect Core Unmet Authentication Requirements §2).
func (p *Provider) chooseACR(client *storage.Client, claims wantedClaims, acrValues string, request *storage.AuthRequest) *oauthError {
	wanted := claims.IDToken["acr"]
	asked, ok := wanted.texts()
	if !ok {
		return errClaims
	}
	essential := len(asked) > 0 && wanted.Essential
	if len(asked) == 0 {
		asked = strings.Fields(acrValues)
	}
	if len(asked) == 0 {
		asked = client.DefaultACRValues
	}
	request.ACRValues, request.ACR, request.ACREssential = asked, p.o.ACRValues[0], essential
	for _, acr := range asked {
		if step, ok := p.canHave(client, acr); ok {
			request.ACR, request.StepUp = acr, step
			return nil
		}
	}
	if essential {
		return newError("unmet_authentication_requirements", "none of the essential acr values can be had here").with(strings.Join(asked, " "))
	}
	return nil
}
