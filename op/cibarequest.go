package op

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"brygga/secret"
	"brygga/storage"
)

// The parameters of a backchannel authentication request (OpenID CIBA Core §7.1) that have a name here. paramCallInitiator is an extension:
// who has made the call, for BankID shows that to the person.
const (
	paramLoginHint      = "login_hint"
	paramLoginHintToken = "login_hint_token"
	paramIDTokenHint    = "id_token_hint"
	paramBindingMessage = "binding_message"
	paramExpiry         = "requested_expiry"
	paramCallInitiator  = "call_initiator"

	paramNotificationToken = "client_notification_token"
)

// backchannelLimits are the parameters of a backchannel authentication request with the most bytes that each may have. Others are ignored.
var backchannelLimits = [...]struct {
	name string
	max  int
}{
	{"scope", 1024}, {"acr_values", 1024}, {"claims", 16 << 10}, {"ui_locales", maxWish}, {paramLoginHint, maxWish},
	{paramLoginHintToken, maxAssertion}, {paramIDTokenHint, 16 << 10}, {paramBindingMessage, 4096}, {"user_code", 1024}, {paramExpiry, 32},
	{paramCallInitiator, 16}, {paramNotificationToken, maxNotificationToken},
}

// readBackchannel returns the parameters that count: those of the form, or those of a signed request, beside which there may be none
// (OpenID CIBA Core §7.1.1).
func (p *Provider) readBackchannel(ctx context.Context, client *storage.Client, form url.Values) (url.Values, *oauthError) {
	object := form.Get("request")
	switch {
	case form.Get("request_uri") != "":
		return nil, invalid("request_uri is not supported here")
	case object == "" && client.RequireRequestObject:
		return nil, invalid("this client must sign its requests")
	case object == "":
		return form, nil
	}
	for _, known := range backchannelLimits {
		if form.Has(known.name) {
			return nil, invalid(known.name + " must stand in the signed request, and not beside it")
		}
	}
	if form.Has(paramResource) {
		return nil, invalid("resource must stand in the signed request, and not beside it")
	}
	return p.openBackchannel(ctx, client, object)
}

// errBackchannelObject answers a signed request that does not open.
var errBackchannelObject = invalid("request is not a JWT that the client has signed, with one of its keys and in its registered algorithm")

// openBackchannel verifies a signed request, spends it, and returns what stands in it.
func (p *Provider) openBackchannel(ctx context.Context, client *storage.Client, text string) (url.Values, *oauthError) {
	payload, header, err := p.verifyFromClient(ctx, client, text, client.RequestObjectAlg)
	typ, _ := header.ExtraHeaders[jose.HeaderType].(string)
	object := requestObject{signed: true}
	if err != nil || isOtherType(typ, typRequestObject) || json.Unmarshal(payload, &object.members) != nil || object.members == nil {
		return nil, errBackchannelObject
	}
	if refusal := p.checkOwnWord(client, "request", object, "iss", "aud", "exp", "iat", "nbf", "jti"); refusal != nil {
		return nil, refusal
	}
	if refusal := p.spendObject(ctx, client, object); refusal != nil {
		return nil, refusal
	}
	values := url.Values{}
	for _, known := range backchannelLimits {
		value, ok := object.backchannelText(known.name)
		switch {
		case !ok:
			return nil, invalid(known.name + " in the signed request has the wrong type")
		case value != "":
			values.Set(known.name, value)
		}
	}
	resources, ok := object.texts(paramResource)
	if !ok {
		return nil, invalid("resource in the signed request has the wrong type")
	}
	values[paramResource] = resources
	return values, nil
}

// isOtherType reports whether a JWT has a typ that says that it was made for something else.
func isOtherType(typ, own string) bool {
	typ = strings.TrimPrefix(strings.ToLower(typ), "application/")
	return typ != "" && typ != "jwt" && typ != own
}

// backchannelText is text for a request in which requested_expiry may be a number (OpenID CIBA Core §7.1.1).
func (o requestObject) backchannelText(name string) (string, bool) {
	if raw := o.members[name]; name == paramExpiry && len(raw) > 0 && raw[0] != '"' {
		seconds, given, ok := member[int64](o, name)
		if !given {
			return "", ok
		}
		return strconv.FormatInt(seconds, 10), ok
	}
	return o.text(name)
}

// checkOwnWord wants the signed object of that name to be the client's, meant for us and of now, and to have those members.
func (p *Provider) checkOwnWord(client *storage.Client, name string, object requestObject, members ...string) *oauthError {
	for _, wanted := range members {
		if _, given, _ := member[json.RawMessage](object, wanted); !given {
			return invalid(name + " has no " + wanted)
		}
	}
	issuer, _ := object.text("iss")
	audience, _, _ := member[jwt.Audience](object, "aud")
	ends, badEnd := object.time("exp")
	switch now := p.now(); {
	case issuer != client.ID:
		return invalid(name + ": iss must be the client_id")
	case !audience.Contains(p.o.Issuer) && !audience.Contains(p.o.Issuer+pathBackchannel):
		return invalid(name + ": aud must be the issuer or the endpoint")
	case badEnd != nil || checkTimes(object, now) != nil:
		return invalid(name + " has expired, is not valid yet, or its times are none")
	case ends.After(now.Add(maxAssertionLife + clockSkew)):
		return invalid(name + ": exp is too far ahead")
	}
	return nil
}

// spendObject sees to it that a signed request begins one login alone: whoever has seen it could otherwise call the person again with it.
func (p *Provider) spendObject(ctx context.Context, client *storage.Client, object requestObject) *oauthError {
	id, ok := object.text("jti")
	if !ok || id == "" || len(id) > maxJTI {
		return invalid("jti of the signed request is empty, too long or no text")
	}
	ends, _ := object.time("exp")
	key := secret.New("backchannel request\x00" + client.ID + "\x00" + id).Hash()
	err := p.o.Store.UseOnce(ctx, key, ends.Add(objectSkew).UTC(), p.now())
	switch {
	case errors.Is(err, storage.ErrExists):
		return invalid("the signed request was used before")
	case err != nil:
		return p.fault(ctx, "use signed request", err)
	}
	return nil
}

// checkBackchannel returns the request that the parameters are, and how long its person has.
func (p *Provider) checkBackchannel(ctx context.Context, client *storage.Client, values url.Values) (request storage.AuthRequest, life time.Duration, refusal *oauthError) {
	request = storage.AuthRequest{ClientID: client.ID, Received: p.now()}
	if refusal = checkBackchannelForm(values); refusal != nil {
		return request, 0, refusal
	}
	if life, refusal = cibaLifeOf(values.Get(paramExpiry)); refusal != nil {
		return request, 0, refusal
	}
	initiator := cmp.Or(values.Get(paramCallInitiator), storage.CallByParty)
	if initiator != storage.CallByUser && initiator != storage.CallByParty {
		return request, 0, invalid("call_initiator must be user or RP").with(initiator)
	}
	request.Program, request.Call = &storage.Program{Owner: ownerCIBA, Expires: request.Received.Add(life)}, &storage.Call{Initiator: initiator}
	number, refusal := p.personNamed(ctx, client, values, request.Received)
	if refusal != nil {
		return request, 0, refusal
	}
	return request, life, p.checkWanted(client, values, number, &request)
}

// checkBackchannelForm holds every parameter to its limit.
func checkBackchannelForm(values url.Values) *oauthError {
	for _, known := range backchannelLimits {
		value := values.Get(known.name)
		switch {
		case known.name == paramBindingMessage: // which has a code of its own
		case len(value) > known.max:
			return invalid(known.name + " is too long")
		case !isText(value) && known.name != "claims":
			return invalid(known.name + " has characters that are not allowed")
		}
	}
	if values.Get("user_code") != "" { // to ignore it would be to let somebody in without it
		return invalid("user_code is not supported")
	}
	return nil
}

// checkWanted takes over what the person is asked for, and who it is.
func (p *Provider) checkWanted(client *storage.Client, values url.Values, number secret.String, request *storage.AuthRequest) *oauthError {
	wanted := url.Values{
		"scope": values["scope"], "claims": values["claims"], "acr_values": values["acr_values"], "ui_locales": values["ui_locales"], paramResource: values[paramResource],
	}
	for _, check := range [...]func(*Provider, *storage.Client, url.Values, *storage.AuthRequest) *oauthError{
		checkScope, checkRest, checkResources, checkClaims,
	} {
		if refusal := check(p, client, wanted, request); refusal != nil {
			return refusal
		}
	}
	if sign, approval := wantsSignature(request); sign || approval {
		return newError("invalid_scope", "signatures are not asked for here")
	}
	if named := request.RequiredPersonalNumber; !named.IsZero() && !named.Equal(number) {
		return invalid("claims and the hint ask for different persons")
	}
	request.RequiredPersonalNumber, request.MaxAge = number, nil
	return p.checkBinding(client, values.Get(paramBindingMessage), request)
}

// errBindingMessage answers a binding_message that is none that can be shown (OpenID CIBA Core §13).
func errBindingMessage(why string) *oauthError { return newError("invalid_binding_message", why) }

// checkBinding takes over what the app shows, so that the person can tell that it belongs to the call (OpenID CIBA Core §7.1).
func (p *Provider) checkBinding(client *storage.Client, text string, request *storage.AuthRequest) *oauthError {
	if text == "" {
		return nil
	}
	if _, refusal := bindingRules.text(base64.StdEncoding.EncodeToString([]byte(text)), formatPlain); refusal != nil {
		return errBindingMessage(refusal.description)
	}
	message := &storage.UserMessage{Text: map[string]string{"": text}, Format: formatPlain}
	if p.o.MessageFits == nil || !p.o.MessageFits(client, message) {
		return errBindingMessage("binding_message does not fit below the text that says who asks: it is too long, has markup that the text must not get, or repeats it")
	}
	request.UserMessage = message
	return nil
}

// bindingRules are those of a binding_message, which stands where a userMessage does.
var bindingRules = messageRules{"binding_message", userMessageRules.max, true}

// given returns the names of those parameters that are there.
func given(values url.Values, names ...string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return values.Get(name) == "" })
}
