package op

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"brygga/storage"
)

// The two members of a signRequest.
const (
	memberData    = "tbs_data"
	memberMessage = "sign_message"
)

func b64(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// wanted are the members of a signRequest, with changes.
func wanted(changes map[string]any) map[string]any {
	all := map[string]any{memberData: b64("contract 17"), memberMessage: map[string]any{"message": b64("Jag köper en cykel.")}}
	return changed(all, changes)
}

func changed(all, changes map[string]any) map[string]any {
	maps.Copy(all, changes)
	maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
	return all
}

// jwtOf returns a signRequest in a JWT of its own, by a client.
func jwtOf(t testing.TB, key crypto.Signer, client string, changes map[string]any) string {
	return signed(t, key, "", changed(wanted(map[string]any{"iss": client, "aud": issuer, "iat": time.Now().Unix()}), changes))
}

// signHarness has a client that may ask for signatures, one that may not, and the key of both.
func signHarness(t *testing.T) (*harness, crypto.Signer) {
	h := newHarness(t, nil)
	may := func(c *storage.Client) {
		c.Scopes = append(c.Scopes, storage.ScopeSign, storage.ScopeSignApproval, storage.ScopeOfflineAccess)
	}
	h.add("signs", withKeys(may))
	h.add("loose", withKeys(func(c *storage.Client) { may(c); c.UnsignedRequestObjects = true }))
	h.add("spa", withKeys(func(c *storage.Client) { may(c); c.AuthMethod, c.Secrets = storage.AuthMethodNone, nil }))
	h.add("jar", withKeys(nil))
	key, _ := objectKeys()
	return h, key
}

const (
	signScopes     = "openid " + storage.ScopeSign
	approvalScopes = "openid " + storage.ScopeSignApproval
	signPrompts    = "login consent"
)

// TestSignRequestIsTheClients: what is to be signed is the client's own signed word, by both transports, and nobody else's (Signature Extension §3.1).
func TestSignRequestIsTheClients(t *testing.T) {
	h, key := signHarness(t)
	_, stranger := objectKeys()
	inside := func(client string, changes map[string]any) map[string]any {
		return members(client, changed(map[string]any{"scope": signScopes, "prompt": signPrompts, paramSignRequest: wanted(nil)}, changes))
	}
	outside := func(client, text string) url.Values {
		return params(client, callback, "scope", signScopes, "prompt", signPrompts, paramSignRequest, text)
	}
	plain := `{"tbs_data":"` + b64("contract 17") + `","sign_message":{"message":"` + b64("Jag köper en cykel.") + `"}}`
	old := map[string]any{"iat": nil}
	for name, tc := range map[string]struct {
		values url.Values
		error  string // "" when it is taken
	}{
		"a JWT of its own":                           {outside("signs", jwtOf(t, key, "signs", nil)), ""},
		"a JWT with an end":                          {outside("signs", jwtOf(t, key, "signs", map[string]any{"iat": nil, "exp": time.Now().Add(time.Minute).Unix()})), ""},
		"a JWT for the authorization endpoint":       {outside("signs", jwtOf(t, key, "signs", map[string]any{"aud": issuer + pathAuthorize})), ""},
		"an encrypted JWT":                           {outside("signs", h.sealed("RSA", jwtOf(t, key, "signs", nil))), ""},
		"in a signed object":                         {beside("signs", signed(t, key, "", inside("signs", nil))), ""},
		"in a signed object, typed":                  {beside("signs", signed(t, key, typRequestObject, inside("signs", nil))), ""},
		"a JWT beside a signed object":               {beside("signs", signed(t, key, "", inside("signs", map[string]any{paramSignRequest: nil})), paramSignRequest, jwtOf(t, key, "signs", nil)), ""},
		"a JWT in an object that nobody signed":      {beside("loose", unsigned(t, `{"alg":"none"}`, inside("loose", map[string]any{paramSignRequest: jwtOf(t, key, "loose", nil)}))), ""},
		"pushed":                                     {h.pushed("signs", outside("signs", jwtOf(t, key, "signs", nil))), ""},
		"pushed without a time":                      {h.pushed("signs", outside("signs", jwtOf(t, key, "signs", old))), ""},
		"pushed in a signed object":                  {h.pushed("signs", url.Values{"client_id": {"signs"}, "request": {signed(t, key, "", inside("signs", nil))}}), ""},
		"nothing":                                    {outside("signs", ""), "invalid_request"},
		"two":                                        {twice(outside("signs", jwtOf(t, key, "signs", nil)), jwtOf(t, key, "signs", nil)), "invalid_request"},
		"one and bare JSON":                          {twice(outside("signs", jwtOf(t, key, "signs", nil)), plain), "invalid_request"},
		"nothing and bare JSON":                      {twice(outside("signs", jwtOf(t, key, "signs", nil)), plain, ""), "invalid_request"},
		"unsigned JSON":                              {outside("signs", plain), "invalid_request"},
		"unsigned JSON behind a space":               {outside("signs", " "+plain), "invalid_request"},
		"alg none":                                   {outside("signs", unsigned(t, `{"alg":"none"}`, wanted(map[string]any{"iss": "signs", "aud": issuer}))), "invalid_request"},
		"by a stranger":                              {outside("signs", jwtOf(t, stranger, "signs", nil)), "invalid_request"},
		"of another client":                          {outside("signs", jwtOf(t, key, "loose", nil)), "invalid_request"},
		"for another provider":                       {outside("signs", jwtOf(t, key, "signs", map[string]any{"aud": "https://other.example.se"})), "invalid_request"},
		"for nobody":                                 {outside("signs", jwtOf(t, key, "signs", map[string]any{"aud": nil})), "invalid_request"},
		"of nobody":                                  {outside("signs", jwtOf(t, key, "signs", map[string]any{"iss": nil})), "invalid_request"},
		"without a time, through the browser":        {outside("signs", jwtOf(t, key, "signs", old)), "invalid_request"},
		"expired":                                    {outside("signs", jwtOf(t, key, "signs", map[string]any{"exp": time.Now().Add(-time.Hour).Unix()})), "invalid_request"},
		"made long ago":                              {outside("signs", jwtOf(t, key, "signs", map[string]any{"iat": time.Now().Add(-2 * time.Hour).Unix()})), "invalid_request"},
		"not valid yet":                              {outside("signs", jwtOf(t, key, "signs", map[string]any{"nbf": time.Now().Add(time.Hour).Unix()})), "invalid_request"},
		"a request object as a JWT":                  {outside("signs", signed(t, key, typRequestObject, wanted(map[string]any{"iss": "signs", "aud": issuer, "iat": time.Now().Unix()}))), "invalid_request"},
		"a JWT for something else":                   {outside("signs", signed(t, key, "at+jwt", wanted(map[string]any{"iss": "signs", "aud": issuer, "iat": time.Now().Unix()}))), "invalid_request"},
		"changed after signing":                      {outside("signs", jwtOf(t, key, "signs", nil)+"A"), "invalid_request"},
		"JSON in an object that nobody signed":       {beside("loose", unsigned(t, `{"alg":"none"}`, inside("loose", nil))), "invalid_request"},
		"unsigned JSON beside a signed object":       {beside("signs", signed(t, key, "", inside("signs", map[string]any{paramSignRequest: nil})), paramSignRequest, plain), "invalid_request"},
		"unsigned JSON over that of a signed object": {beside("signs", signed(t, key, "", inside("signs", nil)), paramSignRequest, plain), "invalid_request"},
		"in an encrypted object that nobody signed":  {beside("loose", h.sealed("RSA", string(must(json.Marshal(inside("loose", nil)))))), "invalid_request"},
		"a text in a signed object":                  {beside("signs", signed(t, key, "", inside("signs", map[string]any{paramSignRequest: "x"}))), "invalid_request"},
		"a list in a signed object":                  {beside("signs", signed(t, key, "", inside("signs", map[string]any{paramSignRequest: []string{"x"}}))), "invalid_request_object"},
		"a client's authentication in the place of the text": {outside("signs", signed(t, key, "", map[string]any{"iss": "signs", "sub": "signs", "aud": issuer, "iat": time.Now().Unix(), "jti": "1"})), "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			w := h.get("/authorize", tc.values)
			if tc.error == "" {
				got := h.signRequestOf(w.Header().Get("Location"))
				if got == nil || got.Message.In("sv") != "Jag köper en cykel." || string(got.Data) != "contract 17" || got.Approval {
					t.Fatalf("got %+v of %d %s", got, w.Code, w.Header().Get("Location"))
				}
				return
			}
			at, err := url.Parse(w.Header().Get("Location"))
			if err != nil || at.Query().Get("error") != tc.error {
				t.Errorf("got %d %s, want %s", w.Code, at, tc.error)
			}
		})
	}
	for name, form := range map[string]url.Values{
		"a public client's, without a time": params("spa", callback, "scope", signScopes, "prompt", signPrompts, paramSignRequest, jwtOf(t, key, "spa", old)),
		"unsigned JSON":                     params("signs", callback, "scope", signScopes, "prompt", signPrompts, paramSignRequest, plain),
	} {
		if w := h.pushes(form.Get("client_id"), form); w.Code != http.StatusBadRequest && w.Code != http.StatusUnauthorized {
			t.Errorf("pushed %s: %d %s", name, w.Code, w.Body)
		}
	}
}

// twice returns the values with one signRequest more, the first one being another if that is given.
func twice(values url.Values, more string, first ...string) url.Values {
	values[paramSignRequest] = append(append(first, values[paramSignRequest][len(first):]...), more)
	return values
}

// signRequestOf returns what the login at that address has to sign.
func (h *harness) signRequestOf(location string) *storage.SignRequest {
	id, ok := strings.CutPrefix(location, "/login/")
	if !ok {
		return nil
	}
	login, err := h.store.Login(h.t.Context(), id, h.now())
	if err != nil {
		h.t.Fatal(err)
	}
	return login.Request.Sign
}

// TestSignRules are the rules of the Signature Extension, each with its answer (§3.2, §4).
func TestSignRules(t *testing.T) {
	h, key := signHarness(t)
	message := func(text string, more ...string) map[string]any {
		m := map[string]any{"message": b64(text)}
		for i := 0; i+1 < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return map[string]any{memberMessage: m}
	}
	both := "openid " + storage.ScopeSign + " " + storage.ScopeSignApproval
	for name, tc := range map[string]struct {
		client, scope, prompt string
		changes               map[string]any // of the signRequest; nil for the whole, empty of none
		error                 string
	}{
		"a signature":                    {"signs", signScopes, signPrompts, nil, ""},
		"prompts in another order":       {"signs", signScopes, "consent login", nil, ""},
		"both scopes":                    {"signs", both, signPrompts, nil, ""},
		"an approval":                    {"signs", approvalScopes, signPrompts, map[string]any{memberData: nil}, ""},
		"in Markdown":                    {"signs", signScopes, signPrompts, message("# Köp\n\n*en* cykel\n\n---\n+ röd", "mime_type", "text/markdown"), ""},
		"the longest text":               {"signs", signScopes, signPrompts, message(strings.Repeat("a", 30_000)), ""},
		"the longest data":               {"signs", signScopes, signPrompts, map[string]any{memberData: b64(strings.Repeat("a", 150_000))}, ""},
		"a client that may not":          {"jar", signScopes, signPrompts, nil, "unauthorized_client"},
		"a client that may not approve":  {"jar", approvalScopes, signPrompts, map[string]any{memberData: nil}, "unauthorized_client"},
		"neither scope":                  {"signs", "openid", signPrompts, nil, "invalid_request"},
		"no prompt":                      {"signs", signScopes, "", nil, "invalid_request"},
		"prompt login alone":             {"signs", signScopes, "login", nil, "invalid_request"},
		"prompt consent alone":           {"signs", signScopes, "consent", nil, "invalid_request"},
		"prompt none":                    {"signs", signScopes, "none", nil, "invalid_request"},
		"no data":                        {"signs", signScopes, signPrompts, map[string]any{memberData: nil}, "invalid_request"},
		"empty data":                     {"signs", signScopes, signPrompts, map[string]any{memberData: ""}, "invalid_request"},
		"no data with both scopes":       {"signs", both, signPrompts, map[string]any{memberData: nil}, "invalid_request"},
		"data in an approval":            {"signs", approvalScopes, signPrompts, nil, "invalid_request"},
		"data that is no base64":         {"signs", signScopes, signPrompts, map[string]any{memberData: "a_b="}, "invalid_request"},
		"data with a line's end":         {"signs", signScopes, signPrompts, map[string]any{memberData: b64("contract 17") + "\n"}, "invalid_request"},
		"data that is a number":          {"signs", signScopes, signPrompts, map[string]any{memberData: 17}, "invalid_request"},
		"data too long":                  {"signs", signScopes, signPrompts, map[string]any{memberData: b64(strings.Repeat("a", 150_001))}, "invalid_request"},
		"no message":                     {"signs", signScopes, signPrompts, map[string]any{memberMessage: nil}, "invalid_request"},
		"a message that is a text":       {"signs", signScopes, signPrompts, map[string]any{memberMessage: b64("Hej")}, "invalid_request"},
		"an empty message":               {"signs", signScopes, signPrompts, message(" \n"), "invalid_request"},
		"a type that cannot be shown":    {"signs", signScopes, signPrompts, message("Hej", "mime_type", "text/html"), "invalid_request"},
		"a charset that cannot be shown": {"signs", signScopes, signPrompts, message("Hej", "mime_type", "text/plain; charset=latin1"), "invalid_request"},
		"a text too long":                {"signs", signScopes, signPrompts, message(strings.Repeat("a", 30_001)), "invalid_request"},
		"one language too long":          {"signs", signScopes, signPrompts, message("Hej", "message#en", b64(strings.Repeat("a", 30_001))), "invalid_request"},
		"a link":                         {"signs", signScopes, signPrompts, message("[Hej](https://example.se)", "mime_type", "text/markdown"), "invalid_request"},
		"a character that is not shown":  {"signs", signScopes, signPrompts, message("1\u202e00 kr"), "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			values := params(tc.client, callback, "scope", tc.scope, "prompt", tc.prompt, paramSignRequest, jwtOf(t, key, tc.client, tc.changes))
			w := h.do(formRequest("/authorize", values))
			if tc.error == "" {
				if got := h.signRequestOf(w.Header().Get("Location")); got == nil || got.Approval != (tc.scope == approvalScopes) {
					t.Errorf("got %+v of %d %s %s", got, w.Code, w.Header().Get("Location"), w.Body)
				}
				return
			}
			at, err := url.Parse(w.Header().Get("Location"))
			if err != nil || at.Query().Get("error") != tc.error || at.Query().Get("state") != "st å&te" {
				t.Errorf("got %d %s, want %s", w.Code, at, tc.error)
			}
			if text := at.Query().Get("error_description"); strings.Contains(text, "cykel") || text == "" {
				t.Errorf("the client is told %q", text)
			}
		})
	}
}

// A signature brings no session and no refresh token, whatever else is asked for.
func TestSignIsNoSession(t *testing.T) {
	h, key := signHarness(t)
	values := params("signs", callback, "scope", signScopes+" offline_access", "prompt", signPrompts, paramSignRequest, jwtOf(t, key, "signs", nil))
	if got := h.begin(values).Request.Scopes; strings.Join(got, " ") != signScopes {
		t.Errorf("scopes: %q", got)
	}
}
