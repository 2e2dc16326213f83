package op

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"brygga/keys"
	"brygga/storage"
)

// swedishIDTokenLife is the longest life of an ID token for a Swedish client (Swedish OpenID Connect Profile).
const swedishIDTokenLife = 5 * time.Minute

// typIDToken is the typ of an ID token, and of signed userinfo, which has no sid and so is no hint.
const typIDToken = "JWT"

// idClaims are the claims of an ID token (OIDC Core §2, OpenID Connect Front-Channel Logout §3 for sid, RFC 8417 §2.2 for
// txn).
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
	AuthReqID     string   `json:"urn:openid:params:jwt:claim:auth_req_id,omitempty"` // OpenID CIBA Core §10.3.1
	UserSignature string   `json:"https://id.oidc.se/claim/userSignature,omitempty"`
	personClaims
}

// idToken returns the ID token of an answer whose access token has that text: signed, and encrypted if the client wants that.
func (p *Provider) idToken(ctx context.Context, a *issue, accessToken string) (string, error) {
	client, grant := a.client, a.grant
	life := p.o.IDTokenLife
	if client.Swedish() {
		life = min(life, swedishIDTokenLife)
	}
	signature, err := p.signatureOf(ctx, grant)
	if err != nil {
		return "", err
	}
	set, _ := claimsFor(client, grant, a.scopes)
	claims, err := json.Marshal(&idClaims{
		Issuer: p.o.Issuer, Subject: grant.Subject, Audience: client.ID, Expires: a.now.Add(life).Unix(), IssuedAt: a.now.Unix(),
		AuthTime: grant.AuthTime.Unix(), Nonce: a.nonce, ACR: grant.ACR, AMR: grant.AMR, Authorized: client.ID,
		SessionID: grant.SessionID, TransactionID: grant.TransactionID, AccessHash: keys.HalfHash(client.IDTokenAlg, accessToken), AuthReqID: a.authReqID, UserSignature: signature,
		personClaims: p.claimsOf(client, grant, set),
	})
	if err != nil {
		return "", fmt.Errorf("encode claims: %w", err)
	}
	signed, err := p.o.Keys.Sign(ctx, client.IDTokenAlg, typIDToken, claims)
	if err != nil || client.IDTokenEncryption.Alg == "" {
		return signed, err
	}
	return p.encryptTo(ctx, client, client.IDTokenEncryption, signed)
}

// signatureOf returns the signature that a grant hands out, "" for one that hands out none. Without it there is no token (Signature Extension §4).
func (p *Provider) signatureOf(ctx context.Context, grant *storage.Grant) (string, error) {
	switch {
	case !hasScope(grant.Scopes, storage.ScopeSign):
		return "", nil
	case grant.EvidenceID == "" || p.o.SignatureOf == nil:
		return "", errors.New("the signature has no evidence")
	}
	signature, err := p.o.SignatureOf(ctx, grant.EvidenceID)
	if err == nil && signature == "" {
		err = errors.New("the evidence has no signature")
	}
	return signature, err
}
