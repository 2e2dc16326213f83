package storage

import (
	"fmt"
	"time"
)

// RefreshToken is what is stored of a refresh token: the hash of 256 random bits and its place in the family, which is its
// grant. Each is used once and gives the next.
type RefreshToken struct {
	Hash    [32]byte `json:"hash"`
	GrantID string   `json:"grant_id"`
	// Generation counts from 1 within the family.
	Generation int `json:"generation"`
	// Expires is when it stops working if it is not used. The family ends with its grant.
	Expires time.Time `json:"expires"`
	// Spent is when it was used. A spent token is kept as long as its grant, so that a replay is known as one.
	Spent time.Time `json:"spent,omitzero"`
}

// First returns the token as it begins the family of the grant. It is a rule, not a step: backends call it inside RedeemCode.
func (t RefreshToken) First(grant *Grant) RefreshToken {
	t.GrantID, t.Generation, t.Spent = grant.ID, 1, time.Time{}
	if t.Expires.After(grant.Expires) {
		t.Expires = grant.Expires
	}
	return t
}

// Rotation is what a client presents to use a refresh token, and the tokens that it shall get.
type Rotation struct {
	Hash     [32]byte
	ClientID string
	// Next is the refresh token that follows, Token the access token; both are bound to the grant, whatever they say.
	Next  RefreshToken
	Token AccessToken
	Now   time.Time
}

// Rotate returns the token as it is once spent and the one that follows it. It is a rule, not a step: backends call it inside
// RotateRefreshToken and return its errors. A client that is not the grant's learns nothing but ErrNotFound, spent or not.
func (t RefreshToken) Rotate(grant *Grant, r Rotation) (spent, next RefreshToken, err error) {
	if grant.ClientID != r.ClientID {
		return t, RefreshToken{}, ErrNotFound
	}
	if !t.Spent.IsZero() {
		return t, RefreshToken{}, &TokenReusedError{GrantID: t.GrantID}
	}
	if !r.Now.Before(t.Expires) {
		return t, RefreshToken{}, ErrNotFound
	}
	next = r.Next.First(grant)
	next.Generation = t.Generation + 1
	t.Spent = r.Now
	return t, next, nil
}

// TokenReusedError says that a refresh token was presented again after it had been used. The caller revokes the grant it
// names, which is the whole family (RFC 9700 §4.14.2).
type TokenReusedError struct{ GrantID string }

// Error describes the reuse without naming the token.
func (e *TokenReusedError) Error() string {
	return fmt.Sprintf("storage: refresh token of grant %s was used before", e.GrantID)
}
