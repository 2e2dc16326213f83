package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"sync"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// zitadel returns the example provider, which signs by RS256, or by ES256 in its place.
func zitadel(issuer string, a app, es256 bool) (http.Handler, error) {
	client := storage.WebClient(a.id, a.secret, a.redirectURI)
	storage.RegisterClients(client)
	memory := &quickCodes{Storage: storage.NewStorage(storage.NewUserStore(issuer)), requests: map[string]string{}, codes: map[string]string{}}
	if !es256 {
		return exampleop.SetupServer(issuer, memory, nil, false), nil
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return exampleop.SetupServer(issuer, &p256Key{memory, private}, nil, false), nil
}

// quickCodes finds the code of a request at once. The example looks through all codes that there are, which is no cost of a provider.
type quickCodes struct {
	*storage.Storage
	lock            sync.Mutex
	requests, codes map[string]string // by code, by request
}

// SaveAuthCode implements op.Storage.
func (m *quickCodes) SaveAuthCode(_ context.Context, id, code string) error {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.requests[code], m.codes[id] = id, code
	return nil
}

// AuthRequestByCode implements op.Storage.
func (m *quickCodes) AuthRequestByCode(ctx context.Context, code string) (op.AuthRequest, error) {
	m.lock.Lock()
	id := m.requests[code]
	m.lock.Unlock()
	return m.AuthRequestByID(ctx, id)
}

// DeleteAuthRequest implements op.Storage.
func (m *quickCodes) DeleteAuthRequest(ctx context.Context, id string) error {
	m.lock.Lock()
	delete(m.requests, m.codes[id])
	delete(m.codes, id)
	m.lock.Unlock()
	return m.Storage.DeleteAuthRequest(ctx, id)
}

// p256Key has a P-256 key in place of the example's RSA key.
type p256Key struct {
	*quickCodes
	private *ecdsa.PrivateKey
}

// SigningKey implements op.Storage.
func (m *p256Key) SigningKey(context.Context) (op.SigningKey, error) {
	return ellipticKey{m.private}, nil
}

// SignatureAlgorithms implements op.Storage.
func (m *p256Key) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.ES256}, nil
}

// KeySet implements op.Storage.
func (m *p256Key) KeySet(context.Context) ([]op.Key, error) {
	return []op.Key{publicKey{ellipticKey{m.private}}}, nil
}

// ellipticKey is a signing key, publicKey what is published of it.
type ellipticKey struct{ private *ecdsa.PrivateKey }

func (ellipticKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.ES256 }
func (k ellipticKey) Key() any                                  { return k.private }
func (ellipticKey) ID() string                                  { return "p256" }

type publicKey struct{ ellipticKey }

func (publicKey) Algorithm() jose.SignatureAlgorithm { return jose.ES256 }
func (publicKey) Use() string                        { return "sig" }
func (k publicKey) Key() any                         { return &k.private.PublicKey }
