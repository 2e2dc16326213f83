package op

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"brygga/storage"
)

// objectKeys returns the key that the clients of these tests sign with, and a stranger's.
var objectKeys = sync.OnceValues(func() (client, stranger *ecdsa.PrivateKey) {
	client, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	if stranger, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		panic(err)
	}
	return client, stranger
})

// withKeys lets a client sign with objectKeys.
func withKeys(change func(*storage.Client)) func(*storage.Client) {
	return func(c *storage.Client) {
		key, _ := objectKeys()
		c.JWKS, _ = json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "c1", Algorithm: "ES256", Use: "sig"}}})
		if change != nil {
			change(c)
		}
	}
}

// signed returns a JWS of the members with the typ.
func signed(t testing.TB, key crypto.Signer, typ string, members map[string]any) string {
	t.Helper()
	options := (&jose.SignerOptions{}).WithHeader("kid", "c1")
	if typ != "" {
		options = options.WithType(jose.ContentType(typ))
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := signer.Sign(text)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// unsigned returns a JWT with alg none.
func unsigned(t testing.TB, header string, members map[string]any) string {
	t.Helper()
	text, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString(text) + "."
}

// sealed encrypts text to the provider's published key of that type.
func (h *harness) sealed(kty, text string) string {
	h.t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(h.do(httptest.NewRequest(http.MethodGet, issuer+"/jwks.json", nil)).Body.Bytes(), &set); err != nil {
		h.t.Fatal(err)
	}
	for _, key := range set.Keys {
		_, elliptic := key.Key.(*ecdsa.PublicKey)
		if key.Use != "enc" || elliptic != (kty == "EC") {
			continue
		}
		algorithm := jose.RSA_OAEP_256
		if elliptic {
			algorithm = jose.ECDH_ES
		}
		encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: algorithm, Key: key.Key, KeyID: key.KeyID}, nil)
		if err != nil {
			h.t.Fatal(err)
		}
		jwe, err := encrypter.Encrypt([]byte(text))
		if err != nil {
			h.t.Fatal(err)
		}
		sealed, err := jwe.CompactSerialize()
		if err != nil {
			h.t.Fatal(err)
		}
		return sealed
	}
	h.t.Fatalf("no published %s key to encrypt to", kty)
	return ""
}

// members returns the members of a request object that is in order, with those of changes put over it; nil removes one.
func members(client string, changes map[string]any) map[string]any {
	all := map[string]any{
		"iss": client, "aud": issuer, "client_id": client, "response_type": "code", "redirect_uri": callback, "scope": "openid profile",
		"state": "inside", "nonce": "n-inside", "code_challenge": challenge43, "code_challenge_method": "S256",
		"iat": time.Now().Unix(),
	}
	maps.Copy(all, changes)
	maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
	return all
}

// beside returns what stands beside a request object.
func beside(client, object string, pairs ...string) url.Values {
	return with(url.Values{
		"client_id": {client}, "request": {object}, "response_type": {"code"}, "scope": {"openid"}, "redirect_uri": {callback}, "state": {"outside"},
	}, pairs...)
}

// What a request object must say of itself, and who must have made it (RFC 9101 §4, §6; OIDC Core §6.1).
func TestRequestObjectIsProven(t *testing.T) {
	h := newHarness(t, nil)
	h.add("jar", withKeys(nil))
	h.add("other", withKeys(nil))
	key, stranger := objectKeys()
	at := func(after time.Duration) int64 { return h.now().Add(after).Unix() }
	good := func(changes map[string]any) string { return signed(t, key, "", members("jar", changes)) }
	tampered := strings.Split(good(nil), ".")
	tampered[1] = strings.Split(good(map[string]any{"state": "changed"}), ".")[1]
	for _, tc := range []struct{ name, object, want string }{
		{"in order", good(nil), "login"},
		{"by its type", signed(t, key, "oauth-authz-req+jwt", members("jar", nil)), "login"},
		{"by its whole type", signed(t, key, "application/oauth-authz-req+jwt", members("jar", nil)), "login"},
		{"a plain JWT", signed(t, key, "JWT", members("jar", nil)), "login"},
		{"for the endpoint", good(map[string]any{"aud": issuer + "/authorize"}), "login"},
		{"for several", good(map[string]any{"aud": []string{"https://x.example", issuer}}), "login"},
		{"fresh", good(map[string]any{"exp": at(time.Minute), "nbf": at(0), "iat": at(0)}), "login"},
		{"a clock that is fast", good(map[string]any{"nbf": at(20 * time.Second), "iat": at(20 * time.Second)}), "login"},
		{"a clock that is slow", good(map[string]any{"exp": at(-20 * time.Second)}), "login"},
		{"exp on the edge", good(map[string]any{"exp": at(-29 * time.Second)}), "login"},
		{"exp on the edge, alone", good(map[string]any{"exp": at(-29 * time.Second), "iat": nil}), "login"},
		{"exp far ahead, made now", good(map[string]any{"exp": at(100 * time.Hour)}), "login"},
		{"exp an hour ahead, alone", good(map[string]any{"exp": at(time.Hour + 30*time.Second), "iat": nil}), "login"},
		{"nbf on the edge", good(map[string]any{"nbf": at(30 * time.Second)}), "login"},
		{"iat on the edge", good(map[string]any{"iat": at(30 * time.Second)}), "login"},
		{"an hour old", good(map[string]any{"iat": at(-time.Hour)}), "login"},
		{"made in 1970 and ended", good(map[string]any{"iat": nil, "exp": 0}), ""},
		{"neither exp nor iat", good(map[string]any{"iat": nil, "nbf": at(0)}), ""},
		{"exp and iat are null", good(map[string]any{"iat": json.RawMessage("null"), "exp": json.RawMessage("null")}), ""},
		{"ended this moment", good(map[string]any{"exp": at(-30 * time.Second)}), ""},
		{"ended this moment, alone", good(map[string]any{"exp": at(-30 * time.Second), "iat": nil}), ""},
		{"nbf a second beyond", good(map[string]any{"nbf": at(31 * time.Second)}), ""},
		{"iat a second beyond", good(map[string]any{"iat": at(31 * time.Second)}), ""},
		{"an hour and a second old", good(map[string]any{"iat": at(-time.Hour - time.Second)}), ""},
		{"exp too far ahead, alone", good(map[string]any{"exp": at(time.Hour + 31*time.Second), "iat": nil}), ""},
		{"iat is text", good(map[string]any{"iat": "now"}), ""},
		{"without client_id", good(map[string]any{"client_id": nil}), "login"},
		{"a fraction of a second", good(map[string]any{"exp": float64(at(time.Minute)) + 0.5}), "login"},

		{"a stranger's", signed(t, stranger, "", members("jar", nil)), ""},
		{"tampered with", strings.Join(tampered, "."), ""},
		{"a type of other tokens", signed(t, key, "at+jwt", members("jar", nil)), ""},
		{"no issuer", good(map[string]any{"iss": nil}), ""},
		{"another's issuer", good(map[string]any{"iss": "other"}), ""},
		{"no audience", good(map[string]any{"aud": nil}), ""},
		{"another provider's", good(map[string]any{"aud": "https://other.example"}), ""},
		{"the audience longer", good(map[string]any{"aud": issuer + "/"}), ""},
		{"a hostile audience", good(map[string]any{"aud": []any{1, issuer}}), ""},
		{"an audience of objects", good(map[string]any{"aud": map[string]any{issuer: 1}}), ""},
		{"another client_id", good(map[string]any{"client_id": "other"}), ""},
		{"client_id of another type", good(map[string]any{"client_id": 1}), ""},
		{"another response_type", good(map[string]any{"response_type": "id_token"}), ""},
		{"expired", good(map[string]any{"exp": at(-31 * time.Second)}), ""},
		{"not valid yet", good(map[string]any{"nbf": at(40 * time.Second)}), ""},
		{"made in the future", good(map[string]any{"iat": at(40 * time.Second)}), ""},
		{"made long ago", good(map[string]any{"iat": at(-2 * time.Hour), "exp": at(time.Hour)}), ""},
		{"exp is text", good(map[string]any{"exp": "soon"}), ""},
		{"exp out of reach", good(map[string]any{"exp": 1e300}), ""},
		{"exp before all time", good(map[string]any{"exp": -1e300}), ""},
		{"nbf out of reach", good(map[string]any{"nbf": 1e300}), ""},
		{"nbf before all time", good(map[string]any{"nbf": -1}), ""},
		{"a request in the request", good(map[string]any{"request": "x"}), ""},
		{"a real request_uri in the request", good(map[string]any{"request_uri": "https://x.example"}), ""},
		{"state of another type", good(map[string]any{"state": []string{"a"}}), ""},
		{"resource of another type", good(map[string]any{"resource": 1}), ""},
		{"max_age of another type", good(map[string]any{"max_age": 1.5}), ""},
		{"not signed", unsigned(t, `{"alg":"none"}`, members("jar", nil)), ""},
		{"not signed, with a signature", unsigned(t, `{"alg":"none"}`, members("jar", nil)) + "eA", ""},
		{"signed by the audience", signed(t, key, "", map[string]any{}), ""},
		{"no token", "x", ""},
		{"no JSON", "e30.e30.x", ""},
		{"three dots", "e30.e30.e30.e30", ""},
	} {
		want := tc.want
		if want == "" {
			want = "invalid_request_object"
		}
		if got, _ := h.browser().outcome(beside("jar", tc.object)); got != want {
			t.Errorf("%s: %s, want %s", tc.name, got, want)
		}
	}
	if got, _ := h.browser().outcome(beside("other", good(nil))); got != "invalid_request_object" {
		t.Errorf("sent by another client: %s", got)
	}
}

// What is inside counts more than what is beside it, and alone where the client or the object's type says so (OIDC Core §6.1,
// RFC 9101 §6.3).
func TestRequestObjectCounts(t *testing.T) {
	h := newHarness(t, nil)
	h.add("jar", withKeys(func(c *storage.Client) { c.Resources = []string{"https://api.example/a", "https://api.example/b"} }))
	h.add("must", withKeys(func(c *storage.Client) { c.RequireRequestObject = true }))
	key, _ := objectKeys()
	inside := map[string]any{
		"max_age": 300, "claims": map[string]any{"userinfo": map[string]any{"name": nil}}, "resource": []string{"https://api.example/a", "https://api.example/b"},
		paramUserMessage: map[string]any{"message": "SGVq"},
	}
	object := signed(t, key, "", members("jar", inside))
	request := h.begin(beside("jar", object, "login_hint", number, "max_age", "1")).Request
	if request.State != "inside" || request.Nonce != "n-inside" || request.MaxAge == nil || *request.MaxAge != 300 || len(request.Claims.UserInfo) != 1 ||
		len(request.Resources) != 2 || request.UserMessage.In("sv") != "Hej" || request.RequiredPersonalNumber.Reveal() != number || len(request.Scopes) != 2 {
		t.Errorf("%+v", request)
	}
	text := signed(t, key, "", members("jar", map[string]any{"max_age": "300", "claims": `{"userinfo":{"name":null}}`, "resource": "https://api.example/b"}))
	if request := h.begin(beside("jar", text)).Request; *request.MaxAge != 300 || len(request.Claims.UserInfo) != 1 || request.Resources[0] != "https://api.example/b" {
		t.Errorf("%+v", request)
	}
	moved := signed(t, key, "", members("jar", map[string]any{"redirect_uri": callback + "?tenant=a%2Fb+c"}))
	if request := h.begin(beside("jar", moved, "redirect_uri", "https://evil.example/")).Request; request.RedirectURI != callback+"?tenant=a%2Fb+c" {
		t.Errorf("%+v", request)
	}

	typed := signed(t, key, "oauth-authz-req+jwt", members("jar", nil))
	if request := h.begin(beside("jar", typed, "login_hint", number)).Request; !request.RequiredPersonalNumber.IsZero() {
		t.Error("what stands beside an object of RFC 9101 counts")
	}
	must := signed(t, key, "", members("must", nil))
	if request := h.begin(beside("must", must, "login_hint", number)).Request; !request.RequiredPersonalNumber.IsZero() {
		t.Error("what stands beside an object that must be there counts")
	}
	partial := signed(t, key, "", members("must", map[string]any{"scope": nil}))
	if got, _ := h.browser().outcome(beside("must", partial)); got != "invalid_scope" {
		t.Errorf("a scope from outside: %s", got)
	}
	if got, _ := h.browser().outcome(params("must", callback)); got != "invalid_request" {
		t.Errorf("no request object: %s", got)
	}
	if got, _ := h.browser().outcome(beside("jar", object, "state", "")); got != "login" {
		t.Errorf("without state beside: %s", got)
	}
	twice := beside("jar", object)
	twice["nonce"] = []string{"a", "b"}
	if got, _ := h.browser().outcome(twice); got != "invalid_request" {
		t.Errorf("a parameter beside it given twice: %s", got)
	}
	if got, _ := h.browser().outcome(with(beside("jar", object), "client_id", "")); got != "page invalid_request" {
		t.Errorf("client_id inside alone: %s", got)
	}
	if got, _ := h.browser().outcome(beside("jar", "x", "redirect_uri", "https://evil.example/")); got != "page invalid_request_object" {
		t.Errorf("a bad object and a strange redirect URI: %s", got)
	}
	_, answer := redirected(t, h.get("/authorize", beside("jar", "x")))
	if answer.Get("state") != "outside" || answer.Get("iss") != issuer {
		t.Errorf("%v", answer)
	}
	if post := h.do(formRequest("/authorize", beside("jar", object))); !strings.HasPrefix(post.Header().Get("Location"), "/login/") {
		t.Errorf("POST: %d %s", post.Code, post.Body)
	}
}

// An object may be encrypted to us, signed first (OIDC Core §6.1).
func TestRequestObjectEncrypted(t *testing.T) {
	h := newHarness(t, nil)
	h.add("jar", withKeys(nil))
	h.add("loose", withKeys(func(c *storage.Client) { c.UnsignedRequestObjects = true }))
	key, stranger := objectKeys()
	object := signed(t, key, "", members("jar", nil))
	bare, err := json.Marshal(members("loose", nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, client, object, want string }{
		{"by RSA", "jar", h.sealed("RSA", object), "login"},
		{"by an elliptic curve", "jar", h.sealed("EC", object), "login"},
		{"signed by a stranger", "jar", h.sealed("EC", signed(t, stranger, "", members("jar", nil))), "invalid_request_object"},
		{"not signed", "jar", h.sealed("EC", unsigned(t, `{"alg":"none"}`, members("jar", nil))), "invalid_request_object"},
		{"bare", "jar", h.sealed("EC", string(bare)), "invalid_request_object"},
		{"twice", "jar", h.sealed("EC", h.sealed("EC", object)), "invalid_request_object"},
		{"broken", "jar", h.sealed("EC", object) + "x", "invalid_request_object"},
		{"bare, where that will do", "loose", h.sealed("RSA", string(bare)), "login"},
		{"not signed, where that will do", "loose", h.sealed("EC", unsigned(t, `{"alg":"none"}`, members("loose", nil))), "login"},
	} {
		if got, _ := h.browser().outcome(beside(tc.client, tc.object)); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

// Which clients may send which objects.
func TestRequestObjectBySettings(t *testing.T) {
	h := newHarness(t, nil)
	for id, change := range map[string]func(*storage.Client){
		"loose":  func(c *storage.Client) { c.UnsignedRequestObjects = true },
		"strict": func(c *storage.Client) { c.UnsignedRequestObjects, c.RequireRequestObject = true, true },
		"es256":  func(c *storage.Client) { c.UnsignedRequestObjects, c.RequestObjectAlg = true, storage.ES256 },
		"es384":  func(c *storage.Client) { c.RequestObjectAlg = storage.ES384 },
	} {
		h.add(id, withKeys(change))
	}
	key, stranger := objectKeys()
	for _, tc := range []struct{ client, object, want string }{
		{"loose", unsigned(t, `{"alg":"none","typ":"JWT"}`, members("loose", nil)), "login"},
		{"loose", unsigned(t, `{"alg":"none"}`, members("loose", map[string]any{"iss": nil, "aud": nil})), "login"},
		{"loose", unsigned(t, `{"alg":"none"}`, members("loose", map[string]any{"iss": "other"})), "invalid_request_object"},
		{"loose", unsigned(t, `{"alg":"none"}`, members("loose", map[string]any{"aud": "https://x.example"})), "invalid_request_object"},
		{"loose", unsigned(t, `{"alg":"none"}`, members("loose", map[string]any{"exp": 1})), "invalid_request_object"},
		{"loose", unsigned(t, `{"alg":"none","typ":"at+jwt"}`, members("loose", nil)), "invalid_request_object"},
		{"loose", unsigned(t, `{"alg":"none"}`, members("loose", nil)) + "eA", "invalid_request_object"},
		{"loose", unsigned(t, `{"alg":"None"}`, members("loose", nil)), "invalid_request_object"},
		{"loose", signed(t, key, "", members("loose", nil)), "login"},
		{"loose", signed(t, stranger, "", members("loose", nil)), "invalid_request_object"},
		{"strict", unsigned(t, `{"alg":"none"}`, members("strict", nil)), "invalid_request_object"},
		{"strict", signed(t, key, "", members("strict", nil)), "login"},
		{"es256", unsigned(t, `{"alg":"none"}`, members("es256", nil)), "invalid_request_object"},
		{"es256", signed(t, key, "", members("es256", nil)), "login"},
		{"es384", signed(t, key, "", members("es384", nil)), "invalid_request_object"},
	} {
		if got, _ := h.browser().outcome(beside(tc.client, tc.object)); got != tc.want {
			t.Errorf("%s, %s: %s, want %s", tc.client, tc.object[:20], got, tc.want)
		}
	}
}

func base64URL(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func mustJSON(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return text
}
