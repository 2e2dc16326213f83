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
	// Spent is when it was used, of one that its use spends. A spent token is kept as long as its grant, so that a replay is known as one.
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
	// Keep lets the presented token go on, until Next expires, instead of Next.
	Keep bool
	// Grace is how long after its use a token may be presented again, as long as the one that followed is unused; 0 for not at all.
	Grace time.Duration
	Now   time.Time
}

// Rotated is the outcome of a Rotation.
type Rotated struct {
	Grant *Grant
	// Used is when the token was used first: Now, or earlier when it was presented again within the grace. Then the token that
	// followed at that time stands, and Next does not.
	Used time.Time
}

// Rotate returns the token as it is once used, and the one that follows it, nil when it goes on itself. It is a rule, not a step: backends
// call it inside RotateRefreshToken and return its errors. A client that is not the grant's learns nothing but ErrNotFound, spent
// or not. For a spent token see Repeat.
func (t RefreshToken) Rotate(grant *Grant, r Rotation) (used RefreshToken, next *RefreshToken, err error) {
	if grant.ClientID != r.ClientID {
		return t, nil, ErrNotFound
	}
	if !t.Spent.IsZero() {
		return t, nil, &TokenReusedError{GrantID: t.GrantID}
	}
	if !r.Now.Before(t.Expires) {
		return t, nil, ErrNotFound
	}
	first := r.Next.First(grant)
	if r.Keep {
		t.Expires = first.Expires
		return t, nil, nil
	}
	first.Generation = t.Generation + 1
	t.Spent = r.Now
	return t, &first, nil
}

// Repeat returns nil when the spent token may be presented again: within the grace of the rotation, while next, which followed it, is
// neither used nor expired. Otherwise it returns what Rotate does. It is a rule, not a step, as that is.
func (t RefreshToken) Repeat(grant *Grant, next RefreshToken, r Rotation) error {
	switch {
	case grant.ClientID != r.ClientID:
		return ErrNotFound
	case r.Grace <= 0 || !next.Spent.IsZero() || !r.Now.Before(next.Expires) || !r.Now.Before(t.Spent.Add(r.Grace)):
		return &TokenReusedError{GrantID: t.GrantID}
	}
	return nil
}

// TokenReusedError says that a refresh token was presented again after it had been used. The caller revokes the grant it
// names, which is the whole family (RFC 9700 §4.14.2).
type TokenReusedError struct{ GrantID string }

// Error describes the reuse without naming the token.
func (e *TokenReusedError) Error() string {
	return fmt.Sprintf("storage: refresh token of grant %s was used before", e.GrantID)
}
