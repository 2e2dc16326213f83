package op

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"brygga/storage"
)

// paramSignRequest is what is to be signed (Signature Extension for OpenID Connect 1.1 §3.1).
const paramSignRequest = "https://id.oidc.se/param/signRequest"

// Limits on a signature (BankID API: sign): characters of base64 of the text that is shown, and of the data that is not.
const (
	maxSignText = 40_000
	maxSignData = 200_000
	// maxSignRequest bounds the whole of it, with the text in some languages.
	maxSignRequest = 480 << 10
)

// signMessageRules are those of a text that is to be signed.
var signMessageRules = messageRules{"sign_message", maxSignText, false}

// wantsSignature reports whether the request asks for a signature, or for an approval, which is one that nobody is handed.
func wantsSignature(request *storage.AuthRequest) (sign, approval bool) {
	return slices.Contains(request.Scopes, storage.ScopeSign), slices.Contains(request.Scopes, storage.ScopeSignApproval)
}

// withSignRequest puts what is to be signed in the place of the parameter, once it is known to be the client's own word: a member of a request object that
// the client has signed, or the claims of a JWT that it has (Signature Extension §3.1). What was sent beside the request object as a bare JSON object must
// have been refused before; see bareSignRequest.
func (p *Provider) withSignRequest(ctx context.Context, client *storage.Client, values url.Values, signed, pushed bool) (url.Values, *oauthError) {
	text, _ := single(values, paramSignRequest) // several stay as they are, to be refused like those of any other parameter
	switch {
	case text == "" || isObject(text) && signed:
		return values, nil
	case isObject(text):
		return nil, errSignRequest
	}
	payload, refusal := p.openSignRequest(ctx, client, text, pushed && !client.Public())
	if refusal != nil {
		return nil, refusal
	}
	values = maps.Clone(values)
	values.Set(paramSignRequest, string(payload))
	return values, nil
}

// bareSignRequest reports whether what was sent has a JSON object that nobody has signed where what is to be signed belongs.
func bareSignRequest(sent url.Values) bool { return isObject(sent.Get(paramSignRequest)) }

func isObject(text string) bool { return strings.HasPrefix(text, "{") }

// errSignRequest answers a parameter that is not the client's signed word: of what is wrong with it, strangers learn nothing.
var errSignRequest = invalid("signRequest is not a JWT that the client has signed, with its client_id as iss and this provider as aud")

// openSignRequest decrypts and verifies the JWT of a signRequest, and returns its claims. Sent through a browser it must say when it was made or ends, as
// whoever has seen the address could otherwise have it signed for ever.
func (p *Provider) openSignRequest(ctx context.Context, client *storage.Client, text string, pushed bool) ([]byte, *oauthError) {
	if isEncrypted(text) {
		inner, err := p.o.Keys.Decrypt(text)
		if err != nil {
			return nil, errSignRequest
		}
		text = string(inner)
	}
	payload, header, err := p.verifyFromClient(ctx, client, text, client.RequestObjectAlg)
	if err != nil {
		return nil, errSignRequest
	}
	if typ, _ := header.ExtraHeaders[jose.HeaderType].(string); typ != "" && typ != "JWT" && typ != "jwt" {
		return nil, errSignRequest // one that was made for something else
	}
	object := requestObject{signed: true}
	if json.Unmarshal(payload, &object.members) != nil || object.members == nil || p.checkParties(client, object) != nil {
		return nil, errSignRequest
	}
	if refusal := checkSignTimes(object, p, pushed); refusal != nil {
		return nil, refusal
	}
	return payload, nil
}

func checkSignTimes(object requestObject, p *Provider, pushed bool) *oauthError {
	if _, ends := object.members["exp"]; !ends && pushed {
		if _, made := object.members["iat"]; !made {
			object.signed = false // what need not be signed need not end either; see checkTimes
		}
	}
	if refusal := checkTimes(object, p.now()); refusal != nil {
		return invalid("signRequest has expired, is not valid yet, or has neither exp nor iat")
	}
	return nil
}

// checkSign takes over what is to be signed, and holds the rules of the Signature Extension for OpenID Connect (§3.2, §4).
func checkSign(p *Provider, _ *storage.Client, values url.Values, request *storage.AuthRequest) *oauthError {
	sign, approval := wantsSignature(request)
	text := values.Get(paramSignRequest)
	switch {
	case p.o.SignatureOf == nil: // nothing announces it, so the parameter is one that nobody has defined
		return nil
	case !sign && !approval && text == "":
		return nil
	case !sign && !approval:
		return invalid("signRequest needs the scope " + storage.ScopeSign + " or " + storage.ScopeSignApproval)
	case text == "":
		return invalid("signRequest is missing: the scope asks for a signature")
	case !prompts(request, oidc.PromptLogin) || !prompts(request, "consent"):
		return invalid("prompt must have both login and consent for a signature")
	}
	wanted, refusal := parseSignRequest(text)
	switch {
	case refusal != nil:
		return refusal
	case sign && len(wanted.Data) == 0:
		return invalid("tbs_data is missing: the scope asks for data to be signed")
	case !sign && len(wanted.Data) > 0:
		return invalid("tbs_data must not stand in an approval")
	}
	wanted.Approval = !sign
	request.Sign = wanted
	request.Scopes = slices.DeleteFunc(request.Scopes, func(scope string) bool { return scope == oidc.ScopeOfflineAccess })
	return nil
}

// parseSignRequest reads what is to be signed. What cannot be shown or is too long is refused: nothing is cut or changed.
func parseSignRequest(text string) (*storage.SignRequest, *oauthError) {
	var members struct {
		Data    *string         `json:"tbs_data"`
		Message json.RawMessage `json:"sign_message"`
	}
	if json.Unmarshal([]byte(text), &members) != nil {
		return nil, invalid("signRequest is not a JSON object of the right form")
	}
	if len(members.Message) == 0 {
		return nil, invalid("sign_message is missing")
	}
	message, refusal := signMessageRules.parse(members.Message)
	switch {
	case refusal != nil:
		return nil, refusal
	case message == nil:
		return nil, invalid("mime_type of sign_message is none that can be shown: text/plain or text/markdown in UTF-8")
	}
	wanted := &storage.SignRequest{Message: *message}
	if members.Data == nil {
		return wanted, nil
	}
	data, err := base64.StdEncoding.Strict().DecodeString(*members.Data)
	switch {
	case err != nil || base64.StdEncoding.EncodeToString(data) != *members.Data:
		return nil, invalid("tbs_data is not base64")
	case len(data) == 0:
		return nil, invalid("tbs_data is empty")
	case len(*members.Data) > maxSignData:
		return nil, invalid("tbs_data is longer than BankID takes: its base64 may have " + strconv.Itoa(maxSignData) + " characters")
	}
	wanted.Data = data
	return wanted, nil
}
