package netid

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"flag"
	"os"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"brygga/secret"
)

var update = flag.Bool("update", false, "make the result in testdata anew")

const goldenFile = "testdata/result.json"

// golden is a result that was made once: what proves something today must do so for years.
type golden struct {
	Issuer, Signature, OCSPResponse []byte
	At                              time.Time
}

func readGolden(t testing.TB) golden {
	t.Helper()
	if *update {
		writeGolden(t)
	}
	text, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func writeGolden(t testing.TB) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	issuer := newAuthority(t, "Prov CA")
	c := issuer.issue(t, nil, key)
	g := golden{Issuer: issuer.cert.Raw, At: testNow}
	answer := issuer.ocspOf(t, c.cert, nil, func(o *ocsp.Response) { o.NextUpdate = testNow.AddDate(0, 0, 1) })
	for into, text := range map[*[]byte]secret.String{&g.Signature: c.pkcs7Over(t, []byte(testNonce), nil), &g.OCSPResponse: answer} {
		if *into, err = base64.StdEncoding.DecodeString(text.Reveal()); err != nil {
			t.Fatal(err)
		}
	}
	text, err := json.MarshalIndent(g, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(goldenFile, append(text, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (g golden) verifier(t testing.TB) *Verifier {
	t.Helper()
	v, err := NewVerifier(VerifierOptions{Issuers: []Issuer{{"prov", parse(t, g.Issuer)}}})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (g golden) verify(v *Verifier, signature, response []byte) (Proof, error) {
	r := &Result{Signature: inBase64(signature), OCSPResponse: inBase64(response), User: User{PersonalNumber: secret.New(testNumber)}}
	return v.Verify(r, Expected{NonVisible: testNonce, StartedAt: g.At, EndedAt: g.At.Add(time.Minute)})
}

// TestVerifyForYears takes a result long after it was made: only its own times count.
func TestVerifyForYears(t *testing.T) {
	g := readGolden(t)
	proof, err := g.verify(g.verifier(t), g.Signature, g.OCSPResponse)
	if err != nil || proof.Person.ID.Reveal() != testNumber || proof.OCSPAt.IsZero() || proof.SignedAt.IsZero() {
		t.Errorf("the proof is %v, %v", proof, err)
	}
}

// TestEveryByteCounts changes each byte of a result: none may be changed so that it proves something else.
func TestEveryByteCounts(t *testing.T) {
	g := readGolden(t)
	v := g.verifier(t)
	for name, bytes := range map[string][]byte{"signature": g.Signature, "OCSP response": g.OCSPResponse} {
		for i := range bytes {
			bytes[i] ^= 1
			proof, err := g.verify(v, g.Signature, g.OCSPResponse)
			if bytes[i] ^= 1; err == nil && proof.Person.ID.Reveal() != testNumber {
				t.Errorf("byte %d of the %s makes another proof", i, name)
			}
		}
	}
}

func FuzzVerify(f *testing.F) {
	g := readGolden(f)
	v := g.verifier(f)
	f.Add(g.Signature, g.OCSPResponse)
	f.Add([]byte("\x30\x80\x00\x00"), g.OCSPResponse)
	f.Fuzz(func(t *testing.T, signature, response []byte) {
		proof, err := g.verify(v, signature, response)
		if err == nil && (proof.Person.ID.Reveal() != testNumber || proof.Issuer != "prov") {
			t.Error("a proof of something else")
		}
	})
}
