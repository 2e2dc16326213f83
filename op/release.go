package op

import (
	"encoding/base64"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"brygga/personnummer"
	"brygga/secret"
	"brygga/storage"
)

// claimSet is a set of claims that a client may or may not get, a bit for each.
type claimSet uint32

const (
	claimPersonalNumber claimSet = 1 << iota
	claimOurGivenName
	claimOurSurname
	claimName
	claimGivenName
	claimFamilyName
	claimBirthdate
	claimIdentityNumber
	claimCoordinationNumber
	claimUserCertificate
	claimValidFrom
	claimValidTo
	claimDeviceIP
	claimAuthnProvider
	claimAuthnEvidence
	claimAuthTime
	claimACR
	claimAMR
	claimTransactionID
	claimUsername
	claimEmail
	claimEmailVerified
	claimGroups
)

// Claims that come together.
const (
	ourClaims      = claimPersonalNumber | claimOurGivenName | claimOurSurname | claimName
	profileClaims  = claimName | claimGivenName | claimFamilyName | claimBirthdate
	nameClaims     = profileClaims | claimOurGivenName | claimOurSurname
	swedishNumbers = claimIdentityNumber | claimCoordinationNumber
	allNumbers     = swedishNumbers | claimPersonalNumber
	emailClaims    = claimEmail | claimEmailVerified
	operatorClaims = claimUsername | emailClaims | claimGroups
	// loginClaims tell of the login and do not say who the person is.
	loginClaims = claimDeviceIP | claimAuthnProvider | claimAuthTime | claimACR | claimAMR | claimTransactionID
	// validClaims tell how long the person's certificate is valid, to the second: two clients that compared them would know whom they
	// have in common.
	validClaims = claimValidFrom | claimValidTo
	// evidenceClaims are made from what the eID service gives as proof of a login, which is kept for those alone who ask for one.
	evidenceClaims = claimUserCertificate | claimAuthnEvidence | validClaims
)

// releasable are all claims of a person and a login. auth_time, acr, amr and txn always stand in the ID token; at userinfo they are
// given to who asks for them. The struct tags of personClaims and userClaims are these names.
var releasable = [...]struct {
	name string
	bit  claimSet
}{
	{"personalNumber", claimPersonalNumber},
	{"givenName", claimOurGivenName},
	{"surname", claimOurSurname},
	{"name", claimName},
	{"given_name", claimGivenName},
	{"family_name", claimFamilyName},
	{"birthdate", claimBirthdate},
	{"https://id.oidc.se/claim/personalIdentityNumber", claimIdentityNumber},
	{"https://id.oidc.se/claim/coordinationNumber", claimCoordinationNumber},
	{"https://id.oidc.se/claim/userCertificate", claimUserCertificate},
	{"https://id.oidc.se/claim/credentialValidFrom", claimValidFrom},
	{"https://id.oidc.se/claim/credentialValidTo", claimValidTo},
	{"https://id.oidc.se/claim/deviceIp", claimDeviceIP},
	{"https://id.oidc.se/claim/authnProvider", claimAuthnProvider},
	{"https://id.oidc.se/claim/authnEvidence", claimAuthnEvidence},
	{"auth_time", claimAuthTime},
	{"acr", claimACR},
	{"amr", claimAMR},
	{"txn", claimTransactionID},
	{storage.ClaimPreferredUsername, claimUsername},
	{storage.ClaimEmail, claimEmail},
	{"email_verified", claimEmailVerified},
	{"groups", claimGroups},
}

// names returns the names of the claims in the set, in the order of the table.
func (set claimSet) names() (names []string) {
	for _, claim := range releasable {
		if set&claim.bit != 0 {
			names = append(names, claim.name)
		}
	}
	return names
}

// claimsSupported returns the names of all claims there are, for discovery.
func claimsSupported() []string {
	return append([]string{"iss", "sub", "aud", "exp", "iat", "nonce", "azp", "sid", "at_hash"}, (^claimSet(0)).names()...)
}

// claimsNamed returns those of the claims that exist; the others are for nobody (OIDC Core §5.5).
func claimsNamed(names []string) (set claimSet) {
	for _, claim := range releasable {
		if slices.Contains(names, claim.name) {
			set |= claim.bit
		}
	}
	return set
}

// claimsFor returns what the client gets for the scopes of a token, in the ID token and at userinfo. A claim that was asked for
// by name goes where it was asked for; a scope's go where the scope says, for a Swedish client to userinfo unless it does
// (Swedish OpenID Connect Profile; Claims and Scopes Specification). What both bring goes to both.
func claimsFor(client *storage.Client, grant *storage.Grant, scopes []string) (idToken, userinfo claimSet) {
	swedish := client.Swedish()
	if !swedish {
		idToken = givenClaims(client)
		if client.PersonalNumber {
			idToken |= ourClaims
		}
		userinfo = idToken
	}
	for _, scope := range scopes {
		switch scope {
		case oidc.ScopeProfile:
			userinfo |= profileClaims | claimUsername
			if !swedish {
				idToken |= profileClaims
			}
		case scopeNaturalPersonInfo:
			userinfo |= profileClaims
		case scopeNaturalPersonNumber:
			idToken |= swedishNumbers
			userinfo |= swedishNumbers
		case storage.ScopeEmail:
			userinfo |= emailClaims
		}
	}
	idToken |= claimsNamed(grant.Claims.IDToken)
	userinfo |= claimsNamed(grant.Claims.UserInfo)
	allowed := entitled(client)
	return idToken & allowed, userinfo & allowed
}

// entitled returns the claims that the client has a right to, however it asks: as it is registered now, so that a right that is
// taken away is gone at once. Names go with a scope that brings them or with the number. The person's certificate names both.
func entitled(client *storage.Client) claimSet {
	allowed := loginClaims | givenClaims(client)
	number, names := client.MayHaveNumber(), client.MayHaveName()
	if number {
		allowed |= allNumbers | claimAuthnEvidence // which has the certificate's serial number
	}
	if names {
		allowed |= nameClaims
	}
	if number || names {
		allowed |= validClaims
	}
	if number && names {
		allowed |= claimUserCertificate
	}
	return allowed
}

// personClaims are the claims of an identity. The struct is flat and has no map, because it is made for every login.
type personClaims struct {
	PersonalNumber     string `json:"personalNumber,omitempty"`
	OurGivenName       string `json:"givenName,omitempty"`
	OurSurname         string `json:"surname,omitempty"`
	Name               string `json:"name,omitempty"`
	GivenName          string `json:"given_name,omitempty"`
	FamilyName         string `json:"family_name,omitempty"`
	Birthdate          string `json:"birthdate,omitempty"`
	IdentityNumber     string `json:"https://id.oidc.se/claim/personalIdentityNumber,omitempty"`
	CoordinationNumber string `json:"https://id.oidc.se/claim/coordinationNumber,omitempty"`
	UserCertificate    string `json:"https://id.oidc.se/claim/userCertificate,omitempty"`
	ValidFrom          int64  `json:"https://id.oidc.se/claim/credentialValidFrom,omitempty"`
	ValidTo            int64  `json:"https://id.oidc.se/claim/credentialValidTo,omitempty"`
	DeviceIP           string `json:"https://id.oidc.se/claim/deviceIp,omitempty"`
	AuthnProvider      string `json:"https://id.oidc.se/claim/authnProvider,omitempty"`
	AuthnEvidence      string `json:"https://id.oidc.se/claim/authnEvidence,omitempty"`
	givenByOperator
}

// claimsOf returns the claims of the set for the person of a grant.
func (p *Provider) claimsOf(client *storage.Client, grant *storage.Grant, set claimSet) personClaims {
	c := p.personOf(&grant.Identity, set)
	c.givenByOperator = givenTo(client, grant, set)
	return c
}

// personOf returns those claims of the set that the identity has. A missing one is no error (OIDC Core §5.5.1).
func (p *Provider) personOf(i *storage.Identity, set claimSet) (c personClaims) {
	text := func(bit claimSet, to *string, value secret.String) {
		if set&bit != 0 {
			*to = value.Reveal()
		}
	}
	text(claimPersonalNumber, &c.PersonalNumber, i.PersonalNumber)
	text(claimOurGivenName, &c.OurGivenName, i.GivenName)
	text(claimOurSurname, &c.OurSurname, i.Surname)
	text(claimName, &c.Name, i.Name)
	text(claimGivenName, &c.GivenName, i.GivenName)
	text(claimFamilyName, &c.FamilyName, i.Surname)
	if set&claimBirthdate != 0 {
		if born, ok := personnummer.Born(i.PersonalNumber); ok {
			c.Birthdate = born.String()
		}
	}
	// There are never both: the one is the other's absence (Claims and Scopes Specification).
	if personnummer.IsCoordination(i.PersonalNumber) {
		text(claimCoordinationNumber, &c.CoordinationNumber, i.PersonalNumber)
	} else {
		text(claimIdentityNumber, &c.IdentityNumber, i.PersonalNumber)
	}
	if set&claimDeviceIP != 0 {
		c.DeviceIP = i.DeviceIP
	}
	if set&claimAuthnProvider != 0 && i.Method != "" {
		c.AuthnProvider = p.o.Issuer + "/authn/" + i.Method
	}
	if i.Evidence != nil {
		c.addEvidence(i.Evidence, set)
	}
	return c
}

func (c *personClaims) addEvidence(e *storage.Evidence, set claimSet) {
	if set&claimUserCertificate != 0 {
		c.UserCertificate = base64.StdEncoding.EncodeToString(e.Certificate)
	}
	if set&claimAuthnEvidence != 0 {
		c.AuthnEvidence = base64.StdEncoding.EncodeToString(e.OCSP)
	}
	if set&claimValidFrom != 0 {
		c.ValidFrom = seconds(e.ValidFrom)
	}
	if set&claimValidTo != 0 {
		c.ValidTo = seconds(e.ValidTo)
	}
}

// seconds returns a time as claims have it, 0 for none.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
