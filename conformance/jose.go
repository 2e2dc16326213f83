package conformance

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	_ "crypto/sha256" // hashes of at_hash
	_ "crypto/sha512"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

// assertionType is the client_assertion_type of RFC 7523 §2.2.
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

var (
	signatureAlgs = []jose.SignatureAlgorithm{
		jose.ES256, jose.ES384, jose.ES512, jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.EdDSA,
	}
	keyAlgs     = []jose.KeyAlgorithm{jose.RSA_OAEP, jose.RSA_OAEP_256, jose.ECDH_ES, jose.ECDH_ES_A128KW, jose.ECDH_ES_A256KW}
	contentAlgs = []jose.ContentEncryption{jose.A128GCM, jose.A256GCM, jose.A128CBC_HS256, jose.A256CBC_HS512}
)

// keySet is the provider's published keys.
type keySet struct {
	runner *Runner
	mu     sync.Mutex
	keys   []jose.JSONWebKey
}

// find returns the published key of an ID for a use. It reads the set again when it does not know the ID.
func (s *keySet) find(c *Case, id, use string) (jose.JSONWebKey, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	match := func(k jose.JSONWebKey) bool { return k.KeyID == id && (k.Use == use || k.Use == "") }
	if i := slices.IndexFunc(s.keys, match); i >= 0 {
		return s.keys[i], true
	}
	s.keys = c.fetchKeys()
	i := slices.IndexFunc(s.keys, match)
	if i < 0 {
		return jose.JSONWebKey{}, false
	}
	return s.keys[i], true
}

// fetchKeys reads the provider's key set.
func (c *Case) fetchKeys() []jose.JSONWebKey {
	a := c.Get(c.Endpoint("jwks_uri"))
	var set jose.JSONWebKeySet
	c.Want(a.Status == http.StatusOK && json.Unmarshal(a.Body, &set) == nil, "jwks_uri answered %s, no key set", a)
	return set.Keys
}

// encryptionKey returns a published key to encrypt to the provider.
func (c *Case) encryptionKey(alg jose.KeyAlgorithm) jose.JSONWebKey {
	for _, key := range c.fetchKeys() {
		_, isRSA := key.Key.(*rsa.PublicKey)
		named := key.Algorithm == "" || key.Algorithm == string(alg)
		if key.Use == "enc" && named && isRSA == strings.HasPrefix(string(alg), "RSA") {
			return key
		}
	}
	c.Fail("jwks_uri has no key with use enc for %s", alg)
	return jose.JSONWebKey{}
}

// Verify checks the signature of a JWT against the provider's keys and returns its header and claims.
func (c *Case) Verify(raw string) (head, claims map[string]any) {
	head = c.peek(raw, 0)
	signed, err := jose.ParseSignedCompact(raw, signatureAlgs)
	if err != nil {
		c.Fail("not a signed JWT with an algorithm of today: %v", err)
	}
	kid, _ := head["kid"].(string)
	c.Want(kid != "", "the JWT has no kid, and the key set may have several keys")
	key, ok := c.keys.find(c, kid, "sig")
	c.Want(ok, "jwks_uri has no signing key with the kid of the JWT")
	c.Want(key.Algorithm == "" || key.Algorithm == head["alg"], "the JWT's alg %v is not that of its key, %s", head["alg"], key.Algorithm)
	payload, err := signed.Verify(key.Key)
	if err != nil {
		c.Fail("the signature does not verify")
	}
	if json.Unmarshal(payload, &claims) != nil {
		c.Fail("the payload is no JSON object")
	}
	return head, claims
}

// peek returns a part of a compact JWT unverified.
func (c *Case) peek(raw string, part int) (members map[string]any) {
	members, err := peek(raw, part)
	if err != nil {
		c.Fail("not a JWT: %v", err)
	}
	return members
}

func peek(raw string, part int) (members map[string]any, err error) {
	parts := strings.Split(raw, ".")
	if len(parts) < 3 {
		return nil, errors.New("it has no three parts")
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[part])
	if err != nil {
		return nil, err
	}
	return members, json.Unmarshal(text, &members)
}

// OpenToken decrypts a JWT with the client's key if it is encrypted, and verifies it.
func (c *Case) OpenToken(client *Client, raw string) (head, claims map[string]any) {
	if strings.Count(raw, ".") == 4 {
		raw = c.decrypt(client, raw)
	}
	return c.Verify(raw)
}

func (c *Case) decrypt(client *Client, raw string) string {
	sealed, err := jose.ParseEncryptedCompact(raw, keyAlgs, contentAlgs)
	if err != nil {
		c.Fail("not an encrypted JWT: %v", err)
	}
	for _, key := range client.Keys {
		if key.Use != "enc" {
			continue
		}
		if inner, err := sealed.Decrypt(key.Key); err == nil {
			return string(inner)
		}
	}
	c.Fail("the JWT is not encrypted to a key of the client")
	return ""
}

// CheckIDToken verifies an ID token as OIDC Core §3.1.3.7 says.
func (c *Case) CheckIDToken(q *AuthRequest, raw, access string) (head, claims map[string]any) {
	head, claims = c.OpenToken(q.Client, raw)
	if q.IDTokenAlg != "" {
		c.Want(head["alg"] == q.IDTokenAlg, "the ID token is signed with %v, the client registered %s", head["alg"], q.IDTokenAlg)
	}
	c.Want(claims["iss"] == c.cfg.Issuer, "iss is %v, want the issuer", claims["iss"])
	audience := audienceOf(claims)
	c.Want(contains(audience, q.ID), "aud %v does not hold the client", audience)
	c.Want(len(audience) == 1 || claims["azp"] == q.ID, "several aud, and azp is not the client")
	c.Want(claims["azp"] == nil || claims["azp"] == q.ID, "azp is not the client")
	now := float64(time.Now().Unix())
	exp, iat := c.number(claims, "exp"), c.number(claims, "iat")
	c.Want(exp > now-5, "the ID token has expired")
	c.Want(iat < now+5 && iat > now-300, "iat is not now")
	sub, _ := claims["sub"].(string)
	c.Want(sub != "" && len(sub) <= 255, "sub is missing or longer than 255 characters")
	if nonce := q.Get("nonce"); nonce != "" {
		c.Want(claims["nonce"] == nonce, "nonce is not the one that was sent")
	} else {
		c.Want(claims["nonce"] == nil, "the ID token has a nonce that nobody sent")
	}
	if hash, ok := claims["at_hash"].(string); ok && access != "" {
		c.Want(hash == leftHash(head["alg"], access), "at_hash is not that of the access token")
	}
	return head, claims
}

// number returns a claim that must be a JSON number.
func (c *Case) number(claims map[string]any, name string) float64 {
	value, ok := claims[name].(float64)
	c.Want(ok, "%s is missing or no number", name)
	return value
}

func audienceOf(claims map[string]any) []string {
	switch aud := claims["aud"].(type) {
	case string:
		return []string{aud}
	case []any:
		return Metadata(claims).List("aud")
	}
	return nil
}

// leftHash is the hash of OIDC Core §3.1.3.6.
func leftHash(alg any, value string) string {
	hash := crypto.SHA256
	switch name := fmt.Sprint(alg); {
	case strings.HasSuffix(name, "384"):
		hash = crypto.SHA384
	case strings.HasSuffix(name, "512"), name == "EdDSA":
		hash = crypto.SHA512
	}
	sum := hash.New()
	sum.Write([]byte(value))
	return base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:hash.Size()/2])
}

// claimSet is what a client signs.
type claimSet map[string]any

// with returns the set with members added, or taken away where the value is nil.
func (s claimSet) with(pairs ...any) claimSet {
	changed := claimSet{}
	for name, value := range s {
		changed[name] = value
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == nil {
			delete(changed, pairs[i].(string))
		} else {
			changed[pairs[i].(string)] = pairs[i+1]
		}
	}
	return changed
}

// Sign signs claims with a key of the client.
func (c *Case) Sign(client *Client, alg, kind string, claims claimSet) string {
	key, err := client.signingKey(alg)
	if err != nil {
		c.Fail("configuration: %v", err)
	}
	return c.signWith(key, alg, kind, claims)
}

func (c *Case) signWith(key jose.JSONWebKey, alg, kind string, claims claimSet) string {
	text, err := signWith(key, alg, kind, claims)
	if err != nil {
		c.Fail("sign: %v", err)
	}
	return text
}

func signWith(key jose.JSONWebKey, alg, kind string, claims any) (string, error) {
	options := (&jose.SignerOptions{}).WithHeader("kid", key.KeyID)
	if kind != "" {
		options.WithType(jose.ContentType(kind))
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: key.Key}, options)
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// unsecured returns a JWT of alg none (RFC 7519 §6).
func unsecured(claims claimSet) string {
	payload, _ := json.Marshal(claims) // strings, numbers and lists always marshal
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none"}`)) + "." + encode(payload) + "."
}

// confused returns a JWT whose HS256 key is the text of the client's public key, which strangers know (RFC 8725 §2.1).
func (c *Case) confused(client *Client, claims claimSet) string {
	key, err := client.signingKey("RS256")
	if err != nil {
		c.Fail("configuration: %v", err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public().Key)
	if err != nil {
		c.Fail("encode key: %v", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return c.signWith(jose.JSONWebKey{Key: text, KeyID: key.KeyID}, "HS256", "JWT", claims)
}

// Seal encrypts a text to the provider.
func (c *Case) Seal(alg jose.KeyAlgorithm, enc jose.ContentEncryption, text string) string {
	key := c.encryptionKey(alg)
	recipient := jose.Recipient{Algorithm: alg, Key: key.Key, KeyID: key.KeyID}
	encrypter, err := jose.NewEncrypter(enc, recipient, (&jose.EncrypterOptions{}).WithContentType("JWT"))
	if err != nil {
		c.Fail("encrypt: %v", err)
	}
	sealed, err := encrypter.Encrypt([]byte(text))
	if err != nil {
		c.Fail("encrypt: %v", err)
	}
	compact, err := sealed.CompactSerialize()
	if err != nil {
		c.Fail("encrypt: %v", err)
	}
	return compact
}

// Assertion returns the claims of a client assertion (RFC 7523 §3).
func (c *Case) Assertion(client *Client) claimSet {
	now := time.Now().Unix()
	return claimSet{"iss": client.ID, "sub": client.ID, "aud": c.cfg.Issuer, "jti": random(), "iat": now, "exp": now + 60}
}

// As posts a form as the client, authenticated by its method.
func (c *Case) As(client *Client, address string, form url.Values) *Answer {
	values := url.Values{}
	for name, list := range form {
		values[name] = list
	}
	switch client.AuthMethod {
	case "client_secret_basic":
		return c.PostForm(address, values, basicAuth(client.ID, client.Secret))
	case "client_secret_post":
		values.Set("client_id", client.ID)
		values.Set("client_secret", client.Secret)
	case "private_key_jwt":
		return c.AsAsserted(address, values, c.Sign(client, "ES256", "JWT", c.Assertion(client)))
	default:
		values.Set("client_id", client.ID)
	}
	return c.PostForm(address, values)
}

// AsAsserted posts a form with a client assertion.
func (c *Case) AsAsserted(address string, form url.Values, assertion string) *Answer {
	values := url.Values{"client_assertion_type": {assertionType}, "client_assertion": {assertion}}
	for name, list := range form {
		values[name] = list
	}
	return c.PostForm(address, values)
}

// strongEnough reports whether a public key has at least 2048 bits of RSA, or is of a curve that is approved.
func strongEnough(key any) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen() >= 2048
	case *ecdsa.PublicKey:
		return key.Curve.Params().BitSize >= 256
	}
	return true
}

// sameText compares in constant time, as what is compared may be a token.
func sameText(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
