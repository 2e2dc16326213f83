package op

import (
	"encoding/json"
	"net/url"

	"brygga/secret"
	"brygga/storage"
)

// numberClaims are the claims with the personal number: ours, and that of the Swedish OpenID Connect profile.
var numberClaims = [...]string{"personalNumber", "https://id.oidc.se/claim/personalIdentityNumber"}

// wantedClaim is how a claim is asked for; null asks for any value (OIDC Core §5.5.1).
type wantedClaim struct {
	Value  any   `json:"value"`
	Values []any `json:"values"`
}

// one returns the only value that is wanted, "" when any will do, and false when there are several or it is no text.
func (c *wantedClaim) one() (string, bool) {
	if c == nil || c.Value == nil && len(c.Values) == 0 {
		return "", true
	}
	value := c.Value
	switch {
	case value == nil && len(c.Values) == 1:
		value = c.Values[0]
	case len(c.Values) > 0:
		return "", false
	}
	text, ok := value.(string)
	return text, ok && text != ""
}

// checkPerson takes over who alone may log in: the person whose number the claims parameter wants, or login_hint is. What else
// the parameter asks for is voluntary and left out (OIDC Core §5.5). A subject cannot be demanded, so such a request is refused:
// its answer could name somebody else (§5.5.1). A login_hint that is no number is only a hint, and ignored.
func checkPerson(_ *storage.Client, values url.Values, request *storage.AuthRequest) *requestError {
	number := ""
	if hint := values.Get("login_hint"); isPersonalNumber(hint) {
		number = hint
	}
	var claims struct {
		IDToken  map[string]*wantedClaim `json:"id_token"`
		UserInfo map[string]*wantedClaim `json:"userinfo"`
	}
	if text := values.Get("claims"); text != "" && json.Unmarshal([]byte(text), &claims) != nil {
		return invalid("claims is not the JSON that it should be")
	}
	for _, wanted := range []map[string]*wantedClaim{claims.IDToken, claims.UserInfo} {
		if subject, ok := wanted["sub"].one(); !ok || subject != "" {
			return invalid("claims must not ask for a value of sub")
		}
		for _, name := range numberClaims {
			value, ok := wanted[name].one()
			switch {
			case !ok || value != "" && !isPersonalNumber(value):
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
