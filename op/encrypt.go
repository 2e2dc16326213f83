package op

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"brygga/storage"
	"github.com/go-jose/go-jose/v4"
)

// errEncryptionKey means that a client which wants its tokens encrypted has no key that fits.
var errEncryptionKey = errors.New("op: the client has no key for its encryption algorithm")

// encryptTo returns a JWT encrypted to the client: a nested JWT (RFC 7519 §5.2). It returns errEncryptionKey when the client has
// no key for the algorithm.
func (p *Provider) encryptTo(ctx context.Context, client *storage.Client, e storage.Encryption, payload string) (string, error) {
	return p.encrypt(ctx, client, e, []byte(payload), "JWT")
}

// encrypt returns the payload as a JWE in compact form, with cty unless that is empty.
func (p *Provider) encrypt(ctx context.Context, client *storage.Client, e storage.Encryption, payload []byte, cty jose.ContentType) (string, error) {
	key, err := p.keyToEncrypt(ctx, client, e.Alg)
	if err != nil {
		return "", err
	}
	options := &jose.EncrypterOptions{}
	if cty != "" {
		options = options.WithContentType(cty)
	}
	enc := jose.ContentEncryption(cmp.Or(e.Enc, string(jose.A128CBC_HS256))) // OIDC Registration §2
	recipient := jose.Recipient{Algorithm: jose.KeyAlgorithm(e.Alg), Key: key.Key, KeyID: key.KeyID}
	encrypter, err := jose.NewEncrypter(enc, recipient, options)
	if err != nil {
		return "", fmt.Errorf("encrypt to client: %w", err)
	}
	jwe, err := encrypter.Encrypt(payload)
	if err != nil {
		return "", fmt.Errorf("encrypt to client: %w", err)
	}
	return jwe.CompactSerialize()
}

// keyToEncrypt returns the key of the client to encrypt to it with, or errEncryptionKey.
func (p *Provider) keyToEncrypt(ctx context.Context, client *storage.Client, alg string) (jose.JSONWebKey, error) {
	keys, err := p.clientKeys(ctx, client, "")
	if err != nil {
		return jose.JSONWebKey{}, err
	}
	key, ok := encryptionKey(keys, alg)
	if !ok {
		return jose.JSONWebKey{}, errEncryptionKey
	}
	return key, nil
}

// checkEncryption refuses a client whose ID tokens could not be encrypted, before it has spent a code or a token on them.
func (p *Provider) checkEncryption(ctx context.Context, client *storage.Client) *oauthError {
	if client.IDTokenEncryption.Alg == "" {
		return nil
	}
	if _, err := p.keyToEncrypt(ctx, client, client.IDTokenEncryption.Alg); err != nil {
		p.log.WarnContext(ctx, "a client's ID tokens cannot be encrypted", "client_id", client.ID, "err", err)
		return invalid("the client's keys have none that its ID token can be encrypted to")
	}
	return nil
}
