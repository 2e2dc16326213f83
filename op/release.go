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
type claimSet uint64

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
	claimRisk
	claimMRTD
	claimIssueDate
	claimOrgName
	claimOrgNumber
	claimOrgUnit
	claimOrgAffiliation
	claimHSAID
	claimEmployeeNumber
	claimPrincipalName
	claimTitle
	claimDeviceName
	claimDeviceVersion
)

// Claims that come together.
const (
	ourClaims      = claimPersonalNumber | claimOurGivenName | claimOurSurname | claimName
	profileClaims  = claimName | claimGivenName | claimFamilyName | claimBirthdate
	nameClaims     = profileClaims | claimOurGivenName | claimOurSurname
	swedishNumbers = claimIdentityNumber | claimCoordinationNumber
	allNumbers     = swedishNumbers | claimPersonalNumber
	emailClaims    = claimEmail | claimEmailVerified
	// orgClaims are what the registry has of people at work, and workKeys by what they are known there, for which it has no names.
	orgClaims      = claimOrgName | claimOrgNumber | claimOrgAffiliation
	workKeys       = claimHSAID | claimEmployeeNumber | claimPrincipalName
	workClaims     = orgClaims | claimOrgUnit | workKeys | claimTitle
	operatorClaims = claimUsername | emailClaims | claimGroups
	detailClaims   = claimRisk | claimMRTD | claimIssueDate
	// loginClaims tell of the login and do not say who the person is.
	loginClaims = claimDeviceIP | claimDeviceName | claimDeviceVersion | claimAuthnProvider | claimAuthTime | claimACR | claimAMR | claimTransactionID
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
	{"urn:brygga:claim:risk", claimRisk},
	{nameMRTD, claimMRTD},
	{"urn:brygga:claim:issueDate", claimIssueDate},
	{"https://id.oidc.se/claim/orgName", claimOrgName},
	{"https://id.oidc.se/claim/orgNumber", claimOrgNumber},
	{"https://id.oidc.se/claim/orgUnit", claimOrgUnit},
	{"https://id.oidc.se/claim/orgAffiliation", claimOrgAffiliation},
	{"urn:brygga:claim:hsaId", claimHSAID},
	{"urn:brygga:claim:employeeNumber", claimEmployeeNumber},
	{"urn:brygga:claim:userPrincipalName", claimPrincipalName},
	{"urn:brygga:claim:title", claimTitle},
	{"urn:brygga:claim:deviceName", claimDeviceName},
	{"urn:brygga:claim:deviceVersion", claimDeviceVersion},
}

// nameMRTD is the claim that a passport or identity card was read.
const nameMRTD = "urn:brygga:claim:mrtd"

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
func (p *Provider) claimsSupported() []string {
	all := append([]string{"iss", "sub", "aud", "exp", "iat", "nonce", "azp", "sid", "at_hash"}, (^claimSet(0)).names()...)
	if p.o.SignatureOf != nil {
		all = append(all, "https://id.oidc.se/claim/userSignature")
	}
	return all
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
		idToken = givenClaims(client) | detailsFor(client)
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
		case scopeNaturalPersonOrgID:
			idToken |= claimOrgAffiliation
			userinfo |= claimName | orgClaims | workKeys | claimTitle
			if !swedish {
				idToken |= claimName | orgClaims | workKeys | claimTitle
			}
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
// taken away is gone at once. Names go with a scope that brings them or with the number. What the certificate of a single person names is for
// [mayHaveCertificate] to say.
func entitled(client *storage.Client) claimSet {
	allowed := loginClaims | givenClaims(client) | detailsFor(client)
	number, names, work := client.MayHaveNumber(), client.MayHaveName(), client.MayHaveWork()
	if number {
		allowed |= allNumbers
	}
	if names {
		allowed |= nameClaims
	}
	if work {
		allowed |= workClaims | claimName
	}
	if number || work {
		allowed |= claimAuthnEvidence // which has the certificate's serial number
	}
	if number || names || work {
		allowed |= validClaims
	}
	if names && (number || work) {
		allowed |= claimUserCertificate
	}
	return allowed
}

// mayHaveCertificate reports whether the client has a right to all that a person's certificate names beside the name: the personal number, and what the
// person is at work.
func mayHaveCertificate(client *storage.Client, i *storage.Identity) bool {
	atWork := len(i.Keys) > 0 || i.Work != nil || !i.Email.IsZero()
	return (client.MayHaveNumber() || i.PersonalNumber.IsZero()) && (client.MayHaveWork() || !atWork)
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
	Risk               string `json:"urn:brygga:claim:risk,omitempty"`
	MRTD               bool   `json:"urn:brygga:claim:mrtd,omitempty"`
	IssueDate          string `json:"urn:brygga:claim:issueDate,omitempty"`
	DeviceName         string `json:"urn:brygga:claim:deviceName,omitempty"`
	DeviceVersion      string `json:"urn:brygga:claim:deviceVersion,omitempty"`
	*workplace
	givenByOperator
}

// claimsOf returns the claims of the set for the person of a grant.
func (p *Provider) claimsOf(client *storage.Client, grant *storage.Grant, set claimSet) personClaims {
	if set&(claimUserCertificate|claimAuthnEvidence) != 0 && !mayHaveCertificate(client, &grant.Identity) {
		set &^= claimUserCertificate | claimAuthnEvidence
	}
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
	if set&claimDeviceName != 0 {
		c.DeviceName = i.DeviceName
	}
	if set&claimDeviceVersion != 0 {
		c.DeviceVersion = i.DeviceVersion
	}
	if set&workClaims != 0 && (i.Work != nil || len(i.Keys) > 0) {
		c.workplace = workplaceOf(i, set)
	}
	if set&claimAuthnProvider != 0 && i.Method != "" {
		c.AuthnProvider = p.provider(p.methodOf(i))
	}
	c.addDetails(i, set)
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
