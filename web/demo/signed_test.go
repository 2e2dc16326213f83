package demo

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/digitorus/pkcs7"
	"golang.org/x/crypto/ocsp"
)

// TestProofByCard: a PKCS#7 proves the text and the data that the app has asked for, and nothing else.
func TestProofByCard(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	issuer := issue(t, key, "Region", nil)
	person, other := issue(t, key, "Åsa", issuer), issue(t, key, "Bo", issuer)
	const text = "Jag säljer min cykel."
	hash := base64.StdEncoding.EncodeToString(make([]byte, 32))
	along := hash + "." + base64.StdEncoding.EncodeToString([]byte("demo x")) + "."
	signed := func(content string) []byte {
		return signByCard(t, key, person, content, pkcs7.OIDDigestAlgorithmSHA256)
	}
	good := answer(t, key, issuer, person, ocsp.Good)
	p, err := provePKCS7(signed(text+along), good, text, []byte("demo x"))
	if err != nil || p.Name != "Åsa" || p.Issuer != "Region" || p.GoodAt.IsZero() || !p.ValidTo.Equal(person.NotAfter) {
		t.Fatalf("%+v, %v", p, err)
	}
	forged := signed(text + along)
	forged[strings.Index(string(forged), "cykel")] = 'C'
	for name, tt := range map[string]struct {
		document []byte
		response string
	}{
		"another text":              {signed("Jag säljer min båt." + along), good},
		"a longer text":             {signed(text + " Och båten." + along), good},
		"another's data":            {signed(text + hash + "." + base64.StdEncoding.EncodeToString([]byte("demo y")) + "."), good},
		"the text alone":            {signed(text), good},
		"a hash that is none":       {signed(text + strings.Repeat("*", len(hash)) + along[len(hash):]), good},
		"a changed text":            {forged, good},
		"a digest that is too weak": {signByCard(t, key, person, text+along, pkcs7.OIDDigestAlgorithmSHA1), good},
		"no signature":              {[]byte("no signature"), good},
		"nothing":                   {nil, good},
		"a card that is revoked":    {signed(text + along), answer(t, key, issuer, person, ocsp.Revoked)},
		"another's OCSP response":   {signed(text + along), answer(t, key, issuer, other, ocsp.Good)},
	} {
		if p, err := provePKCS7(tt.document, tt.response, text, []byte("demo x")); err == nil {
			t.Errorf("%s proves %+v", name, p)
		}
	}
}

func signByCard(t *testing.T, key crypto.PrivateKey, person *x509.Certificate, content string, digest asn1.ObjectIdentifier) []byte {
	t.Helper()
	data, err := pkcs7.NewSignedData([]byte(content))
	if err != nil {
		t.Fatal(err)
	}
	data.SetDigestAlgorithm(digest)
	if err := data.AddSigner(person, key, pkcs7.SignerInfoConfig{}); err != nil {
		t.Fatal(err)
	}
	der, err := data.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// TestSignedIsShownAgain: the page of a signature can be loaded anew, and in the other language, by the browser in which it was made and by no other, for as
// long as a session lasts.
func TestSignedIsShownAgain(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	handler, err := New(Options{Issuer: "https://id.example", ClientID: "app", BaseURL: "http://app.example", SigningKey: key, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	kept := signatures{now: func() time.Time { return now }}
	made := httptest.NewRecorder()
	path := kept.keep(made, signed{Text: "Jag säljer min cykel.", Signature: "c2ln", Since: now}, false)
	cookie := made.Result().Cookies()[0]
	if cookie.Path != path || !cookie.HttpOnly || strings.Contains(path, cookie.Value) {
		t.Errorf("the cookie is %+v of %s", cookie, path)
	}
	of := func(path, value string) bool {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.AddCookie(&http.Cookie{Name: signedCookie, Value: value})
		s, ok := kept.of(r)
		return ok && s.Signature == "c2ln"
	}
	for range 2 {
		if !of(path, cookie.Value) {
			t.Error("it is not shown twice")
		}
	}
	if of(path, "another") || of(signedPath+"another", cookie.Value) || of(path, "") {
		t.Error("another browser is shown it")
	}
	if now = now.Add(sessionLife + time.Second); of(path, cookie.Value) {
		t.Error("it is shown for ever")
	}
	for address, want := range map[string]string{path + "?lang=sv": path, "/callback?lang=sv": "/", "//evil.example/?lang=sv": "/"} {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "http://app.example"+address, nil))
		if got := answer.Header().Get("Location"); got != want {
			t.Errorf("%s leads to %q, want %q", address, got, want)
		}
	}
	gone := httptest.NewRecorder()
	handler.ServeHTTP(gone, httptest.NewRequest(http.MethodGet, path, nil))
	if gone.Code != http.StatusNotFound || !strings.Contains(gone.Body.String(), "no longer here") {
		t.Errorf("a signature that is gone: %d, %s", gone.Code, gone.Body)
	}
}
