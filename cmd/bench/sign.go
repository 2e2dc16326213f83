package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// scopeSign and paramSign are those of the Signature Extension for OpenID Connect.
const (
	scopeSign = "https://id.oidc.se/scope/sign"
	paramSign = "https://id.oidc.se/param/signRequest"
)

// signText is what people sign: as long as a short agreement.
var signText = base64.StdEncoding.EncodeToString([]byte("Jag har läst villkoren och godkänner dem.\n\nBelopp: 12 500 kr\nTill: Åsa Öberg, 1234 56 789 01\nDatum: 2026-11-27"))

// signer is the app that has texts signed: brygga as it sees it, and its key.
type signer struct {
	provider
	key jose.JSONWebKey
}

func newSigner(app *provider) (*signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	s := &signer{*app, jose.JSONWebKey{Key: key, KeyID: "bench", Algorithm: "ES256", Use: "sig"}}
	s.id = "bench-signer"
	return s, nil
}

// jwks returns the public key as the configuration has it.
func (s *signer) jwks() (string, error) {
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{s.key.Public()}})
	return string(text), err
}

// authorization returns where a browser is sent to sign.
func (s *signer) authorization() (string, error) {
	made, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: s.key}, nil)
	if err != nil {
		return "", err
	}
	now := time.Now().Unix()
	claims, err := json.Marshal(map[string]any{
		"iss": s.id, "aud": s.issuerOf(), "iat": now, "exp": now + 300, "tbs_data": signText, "sign_message": map[string]string{"message": signText},
	})
	if err != nil {
		return "", err
	}
	jws, err := made.Sign(claims)
	if err != nil {
		return "", err
	}
	text, err := jws.CompactSerialize()
	return s.provider.authorization("openid "+scopeSign) + "&" + url.Values{"prompt": {"login consent"}, paramSign: {text}}.Encode(), err
}

// issuerOf returns the issuer, of which the bench knows the addresses.
func (s *signer) issuerOf() string {
	at, _ := url.Parse(s.metadata.Authorization)
	return at.Scheme + "://" + at.Host
}

// roundOfSignatures measures signatures beside the logins of the same round.
func (b *bench) roundOfSignatures(ctx context.Context, s *server, constant float64, t *table) error {
	codes, frames := make([]string, b.logins), atomic.Int64{}
	before, err := b.count(ctx, s, 0)
	if err != nil {
		return err
	}
	asked, err := s.using(func() error {
		return b.inTime(func(i int, person string) (err error) {
			where, err := b.signer.authorization()
			if err == nil {
				codes[i], err = b.visit(ctx).through(where, person, &frames)
			}
			return err
		})
	})
	if err != nil {
		return fmt.Errorf("signature: %w (server: %s)", err, s.stderr)
	}
	redeemed, err := s.using(func() error { return each(b.logins, workers[0], redeem(ctx, &b.signer.provider, codes)) })
	if err != nil {
		return fmt.Errorf("exchange for a signature: %w (server: %s)", err, s.stderr)
	}
	after, err := b.count(ctx, s, frames.Load())
	if err != nil {
		return err
	}
	taken := after.since(before).each(float64(b.logins))
	fmt.Printf("  a signature takes %.0f allocations of %.0f bytes in all, and writes %.0f bytes to the disk\n", taken.allocations, taken.allocated, taken.disk)
	t.add(rowSignature, constantBytes, constant)
	t.add(rowSignature, bryggaES256, (asked+redeemed)/float64(b.logins)*1e6)
	return nil
}
