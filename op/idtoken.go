package op

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"brygga/storage"
)

// idClaims are the claims of an ID token (OIDC Core §2, OpenID Connect Front-Channel Logout §3 for sid, RFC 8417 §2.2 for
// txn). The struct is flat and has no map, because it is made for every login.
type idClaims struct {
	Issuer        string   `json:"iss"`
	Subject       string   `json:"sub"`
	Audience      string   `json:"aud"`
	Expires       int64    `json:"exp"`
	IssuedAt      int64    `json:"iat"`
	AuthTime      int64    `json:"auth_time"`
	Nonce         string   `json:"nonce,omitempty"`
	ACR           string   `json:"acr,omitempty"`
	AMR           []string `json:"amr,omitempty"`
	Authorized    string   `json:"azp"`
	SessionID     string   `json:"sid"`
	TransactionID string   `json:"txn"`
	AccessHash    string   `json:"at_hash"`
	personClaims
}

// personClaims are the claims that say who the person is. The first two groups are ours and OIDC Core's (§5.1).
type personClaims struct {
	PersonalNumber string `json:"personalNumber,omitempty"`
	OurGivenName   string `json:"givenName,omitempty"`
	OurSurname     string `json:"surname,omitempty"`
	Name           string `json:"name,omitempty"`
	GivenName      string `json:"given_name,omitempty"`
	FamilyName     string `json:"family_name,omitempty"`
	Birthdate      string `json:"birthdate,omitempty"`
}

// personOf returns the claims of a person that the client may have: the number and the names if it is allowed to, and what
// scope profile brings if it was granted. They are the same in the ID token and at userinfo.
func personOf(client *storage.Client, grant *storage.Grant) personClaims {
	var c personClaims
	i := &grant.Identity
	if client.PersonalNumber {
		c.PersonalNumber, c.OurGivenName, c.OurSurname = i.PersonalNumber.Reveal(), i.GivenName.Reveal(), i.Surname.Reveal()
		c.Name = i.Name.Reveal()
	}
	if hasScope(grant.Scopes, oidc.ScopeProfile) {
		c.Name, c.GivenName, c.FamilyName = i.Name.Reveal(), i.GivenName.Reveal(), i.Surname.Reveal()
		c.Birthdate = birthdate(i.PersonalNumber)
	}
	return c
}

// idToken returns the signed ID token of a grant.
func (p *Provider) idToken(ctx context.Context, client *storage.Client, grant *storage.Grant, accessToken string, now time.Time) (string, error) {
	claims, err := json.Marshal(&idClaims{
		Issuer: p.o.Issuer, Subject: grant.Subject, Audience: client.ID, Expires: now.Add(p.o.IDTokenLife).Unix(), IssuedAt: now.Unix(),
		AuthTime: grant.AuthTime.Unix(), Nonce: grant.Nonce, ACR: grant.ACR, AMR: grant.AMR, Authorized: client.ID,
		SessionID: grant.SessionID, TransactionID: grant.TransactionID, AccessHash: accessHash(accessToken),
		personClaims: personOf(client, grant),
	})
	if err != nil {
		return "", fmt.Errorf("encode claims: %w", err)
	}
	return p.o.Keys.Sign(ctx, client.IDTokenAlg, "JWT", claims)
}

// accessHash returns the at_hash of a token for ES256 and RS256: the first half of its SHA-256 (OIDC Core §3.1.3.6).
func accessHash(accessToken string) string {
	sum := sha256.Sum256([]byte(accessToken))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

func hasScope(scopes []string, scope string) bool { return slices.Contains(scopes, scope) }
