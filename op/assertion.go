package op

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"brygga/storage"
)

// Bounds of client assertions.
const (
	maxAssertion = 16 << 10 // bytes
	maxJTI       = 256      // bytes
	// maxAssertionLife bounds how far ahead an assertion may expire. Until then its jti must be remembered, and whoever steals
	// one that was never sent can use it.
	maxAssertionLife = time.Hour
	// clockSkew is how far a client's clock may be ahead of ours.
	clockSkew = time.Minute
	// twinTime is how long after its iat an assertion without jti may come again.
	twinTime = 2 * time.Second
)

// assertion is a client assertion (RFC 7523 §3) that was taken apart. Nothing in it is proven.
type assertion struct {
	jws    *jose.JSONWebSignature
	claims jwt.Claims
	signed string // what the signature is over
}

// readAssertion takes a client assertion apart and returns the client that it names. The library's own type for audiences
// panics on a list that holds something else than texts; jwt.Audience returns an error.
func readAssertion(text, kind string) (a assertion, clientID string, err error) {
	if kind != oidc.ClientAssertionTypeJWTAssertion {
		return a, "", mistake("client_assertion_type is missing or another than " + oidc.ClientAssertionTypeJWTAssertion)
	}
	if len(text) > maxAssertion {
		return a, "", mistake("client_assertion: too long")
	}
	if a.jws, err = parseSigned(text, ""); err != nil {
		return a, "", mistake("client_assertion: not a JWS in one of the algorithms of the metadata")
	}
	if json.Unmarshal(a.jws.UnsafePayloadWithoutVerification(), &a.claims) != nil {
		return a, "", mistake("client_assertion: claims cannot be read")
	}
	if a.claims.Issuer == "" || a.claims.Issuer != a.claims.Subject {
		return a, "", mistake("client_assertion: iss and sub are not one client_id")
	}
	a.signed = text[:strings.LastIndexByte(text, '.')]
	return a, a.claims.Subject, nil
}

// proveAssertion proves that the client made an assertion that checkAssertion has passed, and spends it (OIDC Core §9, RFC 7523 §3). It is
// spent last: only the holder of the key can use up one.
func (p *Provider) proveAssertion(ctx context.Context, client *storage.Client, a assertion) error {
	if client.AuthAlg != "" && a.jws.Signatures[0].Protected.Algorithm != client.AuthAlg {
		return failure("assertion: another algorithm than the registered one")
	}
	switch _, err := p.verifySigned(ctx, client, a.jws); {
	case errors.Is(err, errNoKeys):
		return failure("assertion: the client has no keys, or they cannot be had")
	case err != nil:
		return failure("assertion: no key of the client made the signature")
	}
	forgotten, err := p.o.Store.ForgottenBefore(ctx)
	if err != nil {
		return fmt.Errorf("read when the store was restored: %w", err)
	}
	if mayBeForgotten(&a.claims, forgotten) {
		return failure("assertion: made before the store was restored, or without iat soon after")
	}
	now := p.now()
	switch err := p.o.Store.UseOnce(ctx, a.use(client.ID), a.claims.Expiry.Time().UTC(), now); {
	case errors.Is(err, storage.ErrExists) && a.mayHaveTwin(now):
		return nil
	case errors.Is(err, storage.ErrExists):
		return failure("assertion: used before")
	case err != nil:
		return fmt.Errorf("use assertion: %w", err)
	}
	return nil
}

// use returns what is remembered of an assertion that was used: its jti, or what was signed. The signature must not count: who sees one
// of ECDSA can make another of it.
func (a *assertion) use(clientID string) [sha256.Size]byte {
	if a.claims.ID != "" {
		return sha256.Sum256([]byte("client assertion\x00" + clientID + "\x00" + a.claims.ID))
	}
	return sha256.Sum256([]byte("client assertion without jti\x00" + clientID + "\x00" + a.signed))
}

// mayHaveTwin reports whether the client may have made the same assertion once more: without a jti, two of the same second are one.
func (a *assertion) mayHaveTwin(now time.Time) bool {
	return a.claims.ID == "" && a.claims.IssuedAt != nil && now.Before(a.claims.IssuedAt.Time().Add(twinTime))
}

// mayBeForgotten reports whether the assertion may have been used at a time of which the store knows nothing: before it was restored. It
// cannot when it was made afterwards, or expires later than one that was made before could.
func mayBeForgotten(c *jwt.Claims, restored time.Time) bool {
	if restored.IsZero() || c.Expiry.Time().After(restored.Add(maxAssertionLife+clockSkew)) {
		return false
	}
	return c.IssuedAt == nil || !c.IssuedAt.Time().After(restored.Add(clockSkew))
}

// checkAssertion checks the claims beside iss and sub. The audience may be the issuer, the token endpoint (OIDC Core §9) or the
// endpoint that was called (RFC 9126 §2). OIDC Core §9 demands a jti, RFC 7523 §3 does not, and the libraries that know only that leave
// it out: see docs/decisions/0030-assertions-without-jti.md.
func (p *Provider) checkAssertion(c *jwt.Claims, endpoint string, now time.Time) error {
	forUs := slices.ContainsFunc(c.Audience, func(aud string) bool {
		return aud == p.o.Issuer || aud == p.o.Issuer+pathToken || aud == p.o.Issuer+endpoint
	})
	switch {
	case !forUs:
		return mistake("client_assertion: aud is neither the issuer nor the URL of the endpoint")
	case c.Expiry == nil:
		return mistake("client_assertion: no exp")
	case !c.Expiry.Time().After(now):
		return mistake("client_assertion: exp has passed")
	case c.Expiry.Time().After(now.Add(maxAssertionLife + clockSkew)):
		return mistake("client_assertion: exp is too far ahead")
	case c.NotBefore != nil && c.NotBefore.Time().After(now.Add(clockSkew)):
		return mistake("client_assertion: nbf is not reached")
	case c.IssuedAt != nil && c.IssuedAt.Time().After(now.Add(clockSkew)):
		return mistake("client_assertion: iat is not reached")
	case len(c.ID) > maxJTI:
		return mistake("client_assertion: jti is too long")
	}
	return nil
}
