package op

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"brygga/storage"
)

const (
	// objectSkew is how far a client's clock may be from ours.
	objectSkew = 30 * time.Second
	// objectLife is how old a request object may be that says when it was made, whatever else it says, and how far ahead one may end
	// that does not.
	objectLife = time.Hour
	// typRequestObject is the typ of a request object that is meant as RFC 9101 has it: nothing beside it counts (§6.3).
	typRequestObject = "oauth-authz-req+jwt"
)

// badObject is the refusal of a request object.
func badObject(description string) *oauthError {
	return newError("invalid_request_object", description)
}

// errObject answers an object that does not open: of what keeps it shut, strangers learn nothing.
var errObject = badObject("the request object is not one that the client's keys or ours open, in the form the client is registered for")

// requestObject is a request object that has been opened (RFC 9101 §4).
type requestObject struct {
	members map[string]json.RawMessage
	typ     string
	signed  bool
}

// readObject returns the parameters of a request that has a request object: those inside, over those that were sent beside it; and
// whether the object was signed. What was sent beside it does not count when alone is set, when the object's type says so, or when
// the client must send signed requests.
func (p *Provider) readObject(ctx context.Context, client *storage.Client, sent url.Values, text string, alone bool) (values url.Values, signed bool, refusal *oauthError) {
	object, refusal := p.openObject(ctx, client, text)
	if refusal != nil {
		return nil, false, refusal
	}
	if refusal := p.checkObject(client, sent, object); refusal != nil {
		return nil, false, refusal
	}
	values = url.Values{}
	if !alone && !client.RequireRequestObject && object.typ != typRequestObject {
		for name, all := range sent {
			values[name] = all
		}
		values.Del("request")
	}
	for _, known := range authorizeLimits {
		value, ok := object.text(known.name)
		switch {
		case !ok:
			return nil, false, badObject(known.name + " in the request object has the wrong type")
		case value != "":
			values.Set(known.name, value)
		}
	}
	resources, ok := object.texts(paramResource)
	switch {
	case !ok:
		return nil, false, badObject("resource in the request object has the wrong type")
	case len(resources) > 0:
		values[paramResource] = resources
	}
	return values, object.signed, nil
}

// openObject decrypts and verifies a request object. One that nobody has signed is taken of clients that may send it.
func (p *Provider) openObject(ctx context.Context, client *storage.Client, text string) (requestObject, *oauthError) {
	if isEncrypted(text) {
		inner, err := p.o.Keys.Decrypt(text)
		if err != nil {
			return requestObject{}, errObject
		}
		text = string(inner)
	}
	payload, typ, signed := unsignedObject(text)
	if signed {
		var header jose.Header
		var err error
		if payload, header, err = p.verifyFromClient(ctx, client, text, client.RequestObjectAlg); err != nil {
			return requestObject{}, errObject
		}
		typ, _ = header.ExtraHeaders[jose.HeaderType].(string)
	} else if !client.UnsignedRequestObjects || client.RequireRequestObject || client.RequestObjectAlg != "" {
		return requestObject{}, badObject("this client must sign its request objects")
	}
	typ = strings.TrimPrefix(strings.ToLower(typ), "application/")
	if typ != "" && typ != "jwt" && typ != typRequestObject {
		return requestObject{}, badObject("the type of the request object must be " + typRequestObject + " or JWT")
	}
	object := requestObject{typ: typ, signed: signed}
	if json.Unmarshal(payload, &object.members) != nil || object.members == nil {
		return requestObject{}, errObject
	}
	return object, nil
}

// unsignedObject returns the payload and the typ of a JWT with alg none, or of the bare claims in a JWE. It returns true for
// all else: that must be signed.
func unsignedObject(text string) (payload []byte, typ string, signed bool) {
	if strings.HasPrefix(text, "{") {
		return []byte(text), "", false
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 || parts[2] != "" {
		return nil, "", true
	}
	head, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil {
		return nil, "", true
	}
	var header struct {
		Algorithm string `json:"alg"`
		Type      string `json:"typ"`
	}
	if json.Unmarshal(head, &header) != nil || header.Algorithm != "none" {
		return nil, "", true
	}
	if payload, err = base64.RawURLEncoding.DecodeString(parts[1]); err != nil {
		return nil, "", true
	}
	return payload, header.Type, false
}

// checkObject looks at what a request object says of itself, and that it contradicts nothing beside it (RFC 9101 §6.3, §10.8).
func (p *Provider) checkObject(client *storage.Client, sent url.Values, object requestObject) *oauthError {
	for _, name := range [...]string{"request", "request_uri"} {
		if _, ok := object.members[name]; ok {
			return badObject(name + " must not stand in a request object")
		}
	}
	for _, known := range authorizeLimits {
		if _, once := single(sent, known.name); !once {
			return invalid(known.name + " is given more than once")
		}
	}
	if id, ok := object.text("client_id"); !ok || id != "" && id != client.ID {
		return badObject("client_id in the request object is not the client's")
	}
	inside, _ := object.text("response_type")
	if outside := sent.Get("response_type"); inside != "" && outside != "" && inside != outside {
		return badObject("response_type in the request object is not the one beside it")
	}
	if refusal := p.checkParties(client, object); refusal != nil {
		return refusal
	}
	return checkTimes(object, p.now())
}

// checkParties wants a signed object to be the client's, and meant for us: another provider may hold one that is not.
func (p *Provider) checkParties(client *storage.Client, object requestObject) *oauthError {
	issuer, ok := object.text("iss")
	if !ok || issuer != client.ID && (object.signed || issuer != "") {
		return badObject("iss in the request object must be the client_id")
	}
	audience, given, ok := member[jwt.Audience](object, "aud")
	if !ok || (given || object.signed) && !audience.Contains(p.o.Issuer) && !audience.Contains(p.o.Issuer+pathAuthorize) {
		return badObject("aud in the request object must be the issuer or the authorization endpoint")
	}
	return nil
}

// checkTimes refuses an object that has expired, is not valid yet, was made too long ago, or may be used for too long. A signed one
// says when it was made or ends, so that an address that somebody has seen is not good for ever. Its jti is not spent: a browser may
// send the same address again, reloading or going back, and state, nonce and PKCE tie the answer to the client's own browser.
func checkTimes(object requestObject, now time.Time) *oauthError {
	ends, refusal := object.time("exp")
	if refusal != nil {
		return refusal
	}
	begins, refusal := object.time("nbf")
	if refusal != nil {
		return refusal
	}
	made, refusal := object.time("iat")
	if refusal != nil {
		return refusal
	}
	switch {
	case object.signed && ends.IsZero() && made.IsZero():
		return badObject("the request object must have exp or iat")
	case !ends.IsZero() && !now.Before(ends.Add(objectSkew)), !made.IsZero() && now.Sub(made) > objectLife:
		return badObject("the request object has expired")
	case begins.After(now.Add(objectSkew)), made.After(now.Add(objectSkew)):
		return badObject("the request object is not valid yet")
	case made.IsZero() && ends.After(now.Add(objectLife+objectSkew)):
		return badObject("exp in the request object is too far ahead for one without iat")
	}
	return nil
}

// time returns a member that is a NumericDate (RFC 7519 §2), the zero time when it is absent.
func (o requestObject) time(name string) (time.Time, *oauthError) {
	seconds, given, ok := member[float64](o, name)
	switch {
	case !ok || seconds < 0 || seconds > 1<<40:
		return time.Time{}, badObject(name + " in the request object is no time")
	case !given:
		return time.Time{}, nil
	}
	return time.Unix(int64(seconds), 0), nil
}

// member returns a member of the object, whether it is there, and false when it has another type. A null counts as absent.
func member[T any](o requestObject, name string) (value T, given, ok bool) {
	raw := o.members[name]
	if len(raw) == 0 || string(raw) == "null" {
		return value, false, true
	}
	if json.Unmarshal(raw, &value) != nil {
		return value, true, false
	}
	return value, true, true
}

// text returns a member as the parameter of that name has it, "" when it is absent, and false when it has another type: claims,
// userMessage and signRequest are objects here, and max_age is a number (OIDC Core §6.1).
func (o requestObject) text(name string) (string, bool) {
	raw := o.members[name]
	if len(raw) > 0 && raw[0] == '{' && (name == "claims" || name == "registration" || name == paramUserMessage || name == paramSignRequest) {
		return string(raw), true
	}
	if name == "max_age" && len(raw) > 0 && raw[0] != '"' {
		number, given, ok := member[int64](o, name)
		if !given {
			return "", ok
		}
		return strconv.FormatInt(number, 10), ok
	}
	text, _, ok := member[string](o, name)
	return text, ok
}

// texts returns a member that may be one text or a list of them, and false when it is neither.
func (o requestObject) texts(name string) ([]string, bool) {
	if text, given, ok := member[string](o, name); ok && given {
		return []string{text}, true
	}
	all, _, ok := member[[]string](o, name)
	return all, ok
}
