package account

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"brygga/secret"
	"brygga/storage"
)

// authenticator is one in software, with one passkey. It answers whatever is asked.
type authenticator struct {
	*testing.T
	id      []byte
	key     *ecdsa.PrivateKey
	handle  []byte
	counter uint32
	// What it says: that it has verified its holder, where it was asked, and for whom.
	verified       bool
	origin, domain string
}

func newAuthenticator(t *testing.T) *authenticator {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 16)
	rand.Read(id)
	return &authenticator{T: t, id: id, key: key, verified: true, origin: "https://login.example.se", domain: "login.example.se"}
}

// CBOR, as far as an authenticator needs it (RFC 8949 §3).
func cborHead(major byte, n int) []byte {
	if n < 24 {
		return []byte{major<<5 | byte(n)}
	}
	return binary.BigEndian.AppendUint16([]byte{major<<5 | 25}, uint16(n))
}

func cborBytes(b []byte) []byte { return append(cborHead(2, len(b)), b...) }
func cborText(s string) []byte  { return append(cborHead(3, len(s)), s...) }

// data returns the authenticator data, with the public key when it is new.
func (a *authenticator) data(fresh bool) []byte {
	domain := sha256.Sum256([]byte(a.domain))
	flags := byte(1)
	if a.verified {
		flags |= 4
	}
	if fresh {
		flags |= 64
	}
	data := binary.BigEndian.AppendUint32(append(domain[:], flags), a.counter)
	if !fresh {
		return data
	}
	point, err := a.key.PublicKey.Bytes()
	if err != nil {
		a.Fatal(err)
	}
	data = append(data, make([]byte, 16)...) // AAGUID
	data = append(binary.BigEndian.AppendUint16(data, uint16(len(a.id))), a.id...)
	data = append(data, 0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21) // COSE: EC2, ES256, P-256
	data = append(data, cborBytes(point[1:33])...)
	return append(append(data, 0x22), cborBytes(point[33:])...)
}

func (a *authenticator) client(kind string, options json.RawMessage) []byte {
	var asked struct {
		Challenge string `json:"challenge"`
		User      struct {
			ID string `json:"id"`
		} `json:"user"`
	}
	if err := json.Unmarshal(options, &asked); err != nil {
		a.Fatal(err)
	}
	if asked.User.ID != "" {
		handle, err := base64.RawURLEncoding.DecodeString(asked.User.ID)
		if err != nil {
			a.Fatal(err)
		}
		a.handle = handle
	}
	text, err := json.Marshal(map[string]any{"type": kind, "challenge": asked.Challenge, "origin": a.origin, "crossOrigin": false})
	if err != nil {
		a.Fatal(err)
	}
	return text
}

func (a *authenticator) answer(response map[string][]byte) []byte {
	encoded := map[string]string{}
	for name, value := range response {
		encoded[name] = base64.RawURLEncoding.EncodeToString(value)
	}
	id := base64.RawURLEncoding.EncodeToString(a.id)
	text, err := json.Marshal(map[string]any{"id": id, "rawId": id, "type": "public-key", "response": encoded, "clientExtensionResults": map[string]any{}})
	if err != nil {
		a.Fatal(err)
	}
	return text
}

// enrol answers BeginPasskey.
func (a *authenticator) enrol(options json.RawMessage) []byte {
	object := append([]byte{0xa3}, cborText("fmt")...)
	object = append(append(object, cborText("none")...), cborText("attStmt")...)
	object = append(append(object, 0xa0), cborText("authData")...)
	return a.answer(map[string][]byte{"clientDataJSON": a.client("webauthn.create", options), "attestationObject": append(object, cborBytes(a.data(true))...)})
}

// prove answers PasskeyLogin and PasskeyStepUp.
func (a *authenticator) prove(options json.RawMessage) []byte {
	client := a.client("webauthn.get", options)
	sum := sha256.Sum256(client)
	data := a.data(false)
	signed := sha256.Sum256(append(slices.Clone(data), sum[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, a.key, signed[:])
	if err != nil {
		a.Fatal(err)
	}
	return a.answer(map[string][]byte{"clientDataJSON": client, "authenticatorData": data, "signature": signature, "userHandle": a.handle})
}

// enrolled adds the authenticator's passkey to the operator in the session.
func (f *fixture) enrolled(s *Session, a *authenticator) []secret.String {
	f.Helper()
	options, err := f.BeginPasskey(s)
	f.ok(err)
	codes, err := f.Accounts.AddPasskey(f.Context(), s, "Telefonen", a.enrol(options))
	f.ok(err)
	return codes
}

// byPasskey logs in by the authenticator.
func (f *fixture) byPasskey(a *authenticator) (*Session, error) {
	f.Helper()
	options, err := f.PasskeyLogin()
	f.ok(err)
	return f.LogInByPasskey(f.Context(), a.prove(options), home)
}

func TestPasskey(t *testing.T) {
	f := newFixture(t)
	o := f.operator("asa", "asa@example.se", storage.RoleOwner)
	s := f.logIn("asa", home)
	a := newAuthenticator(t)
	if codes := f.enrolled(s, a); len(codes) != recoveryCodes {
		t.Errorf("%d recovery codes came with the first passkey", len(codes))
	}
	if codes := f.enrolled(s, newAuthenticator(t)); codes != nil {
		t.Error("the second passkey has put other recovery codes in place")
	}
	in, err := f.byPasskey(a)
	f.ok(err)
	if in.Operator.ID != o.ID || in.Pending || in.SteppedBy != storage.MethodPasskey || !f.Fresh(in) {
		t.Errorf("the session is %+v", in)
	}
	half := f.logIn("asa", home)
	if !half.Pending {
		t.Error("a passkey is no second factor")
	}
	options, err := f.PasskeyStepUp(half)
	f.ok(err)
	whole, err := f.StepUpByPasskey(f.Context(), half.Token, a.prove(options), home)
	f.ok(err)
	if whole.Pending || whole.Token.Equal(half.Token) {
		t.Error("the session is still pending, or has the cookie of before")
	}
	f.ok(f.Accounts.RemovePasskey(f.Context(), whole, a.id))
	_, err = f.byPasskey(a)
	f.is(err, ErrRefused)
	f.events()
}

// TestPasskeyAnswersAreJudged: each thing that is wrong with an answer is enough.
func TestPasskeyAnswersAreJudged(t *testing.T) {
	f := newFixture(t)
	f.operator("asa", "asa@example.se", storage.RoleOwner)
	s := f.logIn("asa", home)
	good := newAuthenticator(t)
	good.counter = 7
	f.enrolled(s, good)
	if _, err := f.byPasskey(good); !errors.Is(err, ErrRefused) {
		t.Errorf("a counter that has not risen: %v", err)
	}
	good.counter++
	_, err := f.byPasskey(good)
	f.ok(err)
	for name, change := range map[string]func(*authenticator){
		"a copy":             func(a *authenticator) { a.counter = 3 },
		"not verified":       func(a *authenticator) { a.verified = false },
		"another site":       func(a *authenticator) { a.origin = "https://login.example.com" },
		"another domain":     func(a *authenticator) { a.domain = "example.se" },
		"another key":        func(a *authenticator) { a.key = newAuthenticator(t).key },
		"another credential": func(a *authenticator) { a.id = []byte("another") },
		"nobody":             func(a *authenticator) { a.handle = []byte("nobody") },
		"no handle":          func(a *authenticator) { a.handle = nil },
	} {
		bad := *good
		bad.counter = 100
		change(&bad)
		if _, err := f.byPasskey(&bad); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	synced := newAuthenticator(t) // which counts nothing
	f.enrolled(s, synced)
	options, err := f.PasskeyLogin()
	f.ok(err)
	answer := synced.prove(options)
	_, err = f.LogInByPasskey(f.Context(), answer, home)
	f.ok(err)
	_, err = f.LogInByPasskey(f.Context(), answer, home)
	f.is(err, ErrRefused) // twice
	options, err = f.PasskeyLogin()
	f.ok(err)
	good.counter = 102
	f.at = f.at.Add(challengeLife)
	_, err = f.LogInByPasskey(f.Context(), good.prove(options), home)
	f.is(err, ErrRefused) // too late
	for _, text := range []string{"", "{}", "null", `{"id":"x"}`} {
		_, err = f.LogInByPasskey(f.Context(), []byte(text), home)
		f.is(err, ErrRefused)
	}
	_, err = f.byPasskey(good)
	f.ok(err)
}

// TestChallengesAreForOnePurpose: what was asked for a login steps up no session and enrols nothing, nor what was asked in another session.
func TestChallengesAreForOnePurpose(t *testing.T) {
	f := newFixture(t)
	f.operator("asa", "asa@example.se", storage.RoleOwner)
	f.operator("bo", "bo@example.se", storage.RoleAdmin)
	asa, bo := f.logIn("asa", home), f.logIn("bo", home)
	a := newAuthenticator(t)
	enrol, err := f.BeginPasskey(asa)
	f.ok(err)
	_, err = f.Accounts.AddPasskey(f.Context(), bo, "x", a.enrol(enrol))
	f.is(err, ErrRefused)
	f.enrolled(asa, a)
	twin := newAuthenticator(t) // bo's, which calls its credential as asa's is called
	twin.id = a.id
	f.enrolled(bo, twin)
	login, err := f.PasskeyLogin()
	f.ok(err)
	_, err = f.StepUpByPasskey(f.Context(), asa.Token, a.prove(login), home)
	f.is(err, ErrRefused)
	stepUp, err := f.PasskeyStepUp(asa)
	f.ok(err)
	_, err = f.LogInByPasskey(f.Context(), a.prove(stepUp), home)
	f.is(err, ErrRefused)
	stepUp, err = f.PasskeyStepUp(bo)
	f.ok(err)
	_, err = f.StepUpByPasskey(f.Context(), bo.Token, a.prove(stepUp), home) // another's passkey
	f.is(err, ErrRefused)
	stepUp, err = f.PasskeyStepUp(asa)
	f.ok(err)
	_, err = f.StepUpByPasskey(f.Context(), asa.Token, twin.prove(stepUp), home)
	f.is(err, ErrRefused)
	enrol, err = f.BeginPasskey(asa)
	f.ok(err)
	unverified := newAuthenticator(t)
	unverified.verified = false
	_, err = f.Accounts.AddPasskey(f.Context(), asa, "x", unverified.enrol(enrol))
	f.is(err, ErrRefused)
	f.at = f.at.Add(storage.StepUpLife + time.Second)
	_, err = f.BeginPasskey(asa)
	f.is(err, storage.ErrStepUp)
}

func TestPasskeysNeedADomain(t *testing.T) {
	f := newFixture(t)
	for _, console := range []string{"http://127.0.0.1:9090/admin", "http://[::1]:9090/admin", ""} {
		f.console = console
		if _, err := f.PasskeyLogin(); !errors.Is(err, ErrNoPasskeys) {
			t.Errorf("%s: %v", console, err)
		}
	}
	f.console = "http://localhost:9090/admin"
	_, err := f.PasskeyLogin()
	f.ok(err)
}
