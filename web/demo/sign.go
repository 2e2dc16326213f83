package demo

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"
)

// The names of the Signature Extension for OpenID Connect and of the Swedish claims.
const (
	scopeSign          = "https://id.oidc.se/scope/sign"
	paramSignRequest   = "https://id.oidc.se/param/signRequest"
	claimUserSignature = "https://id.oidc.se/claim/userSignature"
)

// maxSigned is how long a text may be here: it travels in an address and waits in a cookie.
const maxSigned = 1000

// sign sends the person to the provider with a text to sign. The app signs what it asks for with its own key, so that nobody between here and there can
// change it.
func (a *app) sign(w http.ResponseWriter, r *http.Request) {
	text := strings.TrimSpace(strings.ReplaceAll(r.PostFormValue("text"), "\r\n", "\n"))
	if text == "" || len(text) > maxSigned || !utf8.ValidString(text) {
		a.fail(w, r, http.StatusBadRequest, "error.text", nil)
		return
	}
	_, client, err := a.connect(r.Context())
	if err != nil {
		a.fail(w, r, http.StatusBadGateway, "error.reach", err)
		return
	}
	p := pending{State: random(), Nonce: random(), Verifier: oauth2.GenerateVerifier(), Began: a.Now(), Text: text}
	wanted, err := a.signRequest(p)
	if err != nil {
		a.fail(w, r, http.StatusInternalServerError, "error.verify", err)
		return
	}
	p.keep(w, a.secureCookies())
	client.Scopes = append(client.Scopes, scopeSign)
	http.Redirect(w, r, client.AuthCodeURL(p.State, oidc.Nonce(p.Nonce), oauth2.S256ChallengeOption(p.Verifier), oauth2.SetAuthURLParam("ui_locales", languageOf(r)),
		oauth2.SetAuthURLParam("prompt", "login consent"), oauth2.SetAuthURLParam(paramSignRequest, wanted),
		oauth2.SetAuthURLParam("claims", askForEvidence)), http.StatusSeeOther)
}

// signRequest returns the JWT that says what is to be signed: the text that the app of an eID shows, and data of the app's own that is signed along.
func (a *app) signRequest(asked pending) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: a.SigningKey}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", fmt.Errorf("make a signer: %w", err)
	}
	now := a.Now()
	claims, err := json.Marshal(map[string]any{
		"iss": a.ClientID, "aud": a.Issuer, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
		"tbs_data":     base64.StdEncoding.EncodeToString(asked.data()),
		"sign_message": map[string]string{"message": base64.StdEncoding.EncodeToString([]byte(asked.Text)), "mime_type": "text/plain"},
	})
	if err != nil {
		return "", fmt.Errorf("write the request: %w", err)
	}
	jws, err := signer.Sign(claims)
	if err != nil {
		return "", fmt.Errorf("sign the request: %w", err)
	}
	return jws.CompactSerialize()
}

// signedText returns the text that stands in a signature of BankID. It is what the app showed.
func signedText(document []byte) (string, error) {
	var signed struct {
		Text string `xml:"Object>bankIdSignedData>usrVisibleData"`
	}
	if err := xml.Unmarshal(document, &signed); err != nil {
		return "", fmt.Errorf("read the signature: %w", err)
	}
	text, err := base64.StdEncoding.DecodeString(signed.Text)
	if err != nil {
		return "", errors.New("the text in the signature is not base64")
	}
	return string(text), nil
}

// keepSigned keeps what was signed, by whom, and the signature, and leads to the page of it. The person is not logged in by it.
func (a *app) keepSigned(w http.ResponseWriter, r *http.Request, s session, p pending) {
	signature, _ := s.Claims[claimUserSignature].(string)
	evidence, _ := s.Claims[claimEvidence].(string)
	proven, err := readSigned(signature, evidence, p)
	if err != nil {
		a.fail(w, r, http.StatusBadGateway, "error.verify", err)
		return
	}
	http.Redirect(w, r, a.signatures.keep(w, signed{Claims: s.Claims, Text: p.Text, Signature: signature, Proof: proven, Since: a.Now()}, a.secureCookies()), http.StatusSeeOther)
}

// showSigned shows a signature to the browser in which it was made, as often as that asks.
func (a *app) showSigned(w http.ResponseWriter, r *http.Request) {
	s, ok := a.signatures.of(r)
	if !ok {
		a.render(w, r, http.StatusNotFound, page{Title: "error.gone", Text: "error.gone.t", Tone: "calm"})
		return
	}
	a.render(w, r, http.StatusOK, page{
		Title: "signed.title", View: "signed", SignedText: s.Text, Proof: s.Proof, Signature: s.Signature, Signer: fmt.Sprint(s.Claims["name"]), JSON: indent(s.Claims),
	})
}

// readSigned returns what proves that the text was signed which the app asked for: in an XML document, which is BankID's, or in a PKCS#7.
func readSigned(signature, evidence string, asked pending) (*proof, error) {
	document, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		return nil, errors.New("the signature is not base64")
	}
	if !bytes.HasPrefix(bytes.TrimSpace(document), []byte("<")) {
		return provePKCS7(document, evidence, asked.Text, asked.data())
	}
	text, err := signedText(document)
	if err == nil && text != asked.Text {
		err = errors.New("another text was signed than was asked for")
	}
	if err != nil {
		return nil, err
	}
	return prove(document, evidence)
}

// signs reports whether the app can ask for signatures.
func (a *app) signs() bool { return a.SigningKey != nil }
