package op

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"

	"brygga/personnummer"
	"brygga/secret"
	"brygga/storage"
)

// typHintToken is the typ of a login_hint_token. One that is a plain JWT is taken too.
const typHintToken = "login-hint+jwt"

// errUnknownUser answers a hint that names nobody (OpenID CIBA Core §13). It is said of what no number can be, never of a number that BankID
// does not know.
func errUnknownUser(why string) *oauthError { return newError("unknown_user_id", why) }

// personNamed returns the number of the person whom the one hint names that a request must have (OpenID CIBA Core §7.1).
func (p *Provider) personNamed(ctx context.Context, client *storage.Client, values url.Values, now time.Time) (secret.String, *oauthError) {
	hints := given(values, paramLoginHint, paramLoginHintToken, paramIDTokenHint)
	if len(hints) != 1 {
		return secret.String{}, invalid("one of login_hint, login_hint_token and id_token_hint must be given, and one alone")
	}
	text := values.Get(hints[0])
	switch hints[0] {
	case paramIDTokenHint:
		return p.personOfToken(client, text)
	case paramLoginHintToken:
		var refusal *oauthError
		if text, refusal = p.openHintToken(ctx, client, text); refusal != nil {
			return secret.String{}, refusal
		}
	}
	number, _ := personnummer.Read(text, now)
	if number == "" {
		return secret.String{}, errUnknownUser("the hint is no personal number and no coordination number")
	}
	return secret.New(number), nil
}

// personOfToken returns the number in an ID token that we made for the client. One without it, as of a client that did not ask for it, does not do: its sub
// is a keyed hash, which leads to nobody's number (docs/decisions/0002-subjects.md).
func (p *Provider) personOfToken(client *storage.Client, hint string) (secret.String, *oauthError) {
	claims, ok := p.readHint(hint)
	if !ok || !claims.Audience.Contains(client.ID) {
		return secret.String{}, invalid("id_token_hint is not an ID token that this provider made for the client")
	}
	number := cmp.Or(claims.PersonalNumber, claims.IdentityNumber, claims.CoordinationNumber)
	if number == "" {
		return secret.String{}, errUnknownUser("the ID token has no personal number, and its sub does not lead to one: send login_hint or login_hint_token")
	}
	return secret.New(number), nil
}

// openHintToken verifies a login_hint_token and returns the number in it: a JWT that the client has signed, with its client_id as iss, this
// provider as aud, exp, and the number as personalNumber.
func (p *Provider) openHintToken(ctx context.Context, client *storage.Client, text string) (string, *oauthError) {
	payload, header, err := p.verifyFromClient(ctx, client, text, client.RequestObjectAlg)
	typ, _ := header.ExtraHeaders[jose.HeaderType].(string)
	object := requestObject{signed: true}
	if err != nil || isOtherType(typ, typHintToken) || json.Unmarshal(payload, &object.members) != nil || object.members == nil {
		return "", invalid("login_hint_token is not a JWT that the client has signed, with one of its keys and in its registered algorithm")
	}
	if ends, refusal := object.time("exp"); refusal == nil && !ends.IsZero() && !p.now().Before(ends.Add(objectSkew)) {
		return "", newError("expired_login_hint_token", "login_hint_token has expired")
	}
	if refusal := p.checkOwnWord(client, "login_hint_token", object, "iss", "aud", "exp"); refusal != nil {
		return "", refusal
	}
	number, ok := object.text("personalNumber")
	if !ok || number == "" {
		return "", invalid("login_hint_token has no personalNumber")
	}
	return number, nil
}
