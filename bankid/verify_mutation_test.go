package bankid

import (
	"bytes"
	"encoding/base64"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"brygga/secret"
)

// The mutation test takes other evidence, which may be genuine, and more mutations of it:
//
//	go test ./bankid -run TestVerifyMutations -mutations 10000 -signature FILE -ocsp FILE -root FILE
var (
	mutationCount     = flag.Int("mutations", 1500, "how many mutations of a result are verified")
	mutationSignature = flag.String("signature", "", "`file` with a signature in base64")
	mutationOCSP      = flag.String("ocsp", "", "`file` with an OCSP response in base64")
	mutationRoot      = flag.String("root", "", "`file` with the root in PEM")
)

// evidenceToMutate returns a result that verifies, with what to expect of it.
func evidenceToMutate(t *testing.T) (*Verifier, *CompletionData, Expected) {
	t.Helper()
	if *mutationSignature == "" {
		s := newSimulated(t)
		data, want, err := s.complete(t, simulatedOrder{kind: KindAuth, person: simulatedPerson, text: "Logga in på Exempel", hidden: []byte("request")})
		if err != nil {
			t.Fatal(err)
		}
		return s.verifier, data, want
	}
	v := must(NewVerifier(VerifierOptions{RootsPEM: must(os.ReadFile(*mutationRoot)), CertificatePolicies: append(ProductionPolicies(), TestPolicies()...)}))
	data := &CompletionData{
		Signature:    secret.New(string(bytes.TrimSpace(must(os.ReadFile(*mutationSignature))))),
		OCSPResponse: secret.New(string(bytes.TrimSpace(must(os.ReadFile(*mutationOCSP))))),
	}
	said := must(data.Signed())
	data.User = said.User
	return v, data, Expected{
		Kind: said.Kind, UserVisibleData: said.UserVisibleData, UserVisibleDataFormat: said.UserVisibleDataFormat, UserNonVisibleData: said.UserNonVisibleData,
		RelyingParty: said.RelyingParty, StartedAt: said.At.Add(-20 * time.Second), EndedAt: said.At.Add(2 * time.Second),
	}
}

// mutate returns b with a random change, of which it says the kind.
func mutate(r *rand.Rand, b []byte) ([]byte, string) {
	b = bytes.Clone(b)
	at, span := r.IntN(len(b)), 1+r.IntN(64)
	end := min(at+span, len(b))
	switch r.IntN(7) {
	case 0:
		b[at] ^= 1 << r.IntN(8)
		return b, "bit"
	case 1:
		b[at] = byte(r.Uint32())
		return b, "byte"
	case 2:
		return append(b[:at], b[end:]...), "cut"
	case 3:
		return append(b[:end:end], append(bytes.Clone(b[at:end]), b[end:]...)...), "doubled"
	case 4:
		insert := make([]byte, span)
		for i := range insert {
			insert[i] = b[r.IntN(len(b))]
		}
		return append(b[:at:at], append(insert, b[at:]...)...), "inserted"
	case 5:
		to := r.IntN(len(b))
		copy(b[to:], bytes.Clone(b[at:end]))
		return b, "copied"
	}
	return b[:at], "ended"
}

// TestVerifyMutations changes the evidence of a good result at random, as bytes and as text. Nothing of it may be accepted.
func TestVerifyMutations(t *testing.T) {
	v, data, want := evidenceToMutate(t)
	if _, err := v.Verify(data, want); err != nil {
		t.Fatalf("the result is not good before: %v", err)
	}
	r := rand.New(rand.NewPCG(2026, 11))
	refused := map[string]int{}
	for n := 0; n < *mutationCount; {
		spoilt := *data
		field, in := &spoilt.Signature, "signature"
		if r.IntN(2) == 0 {
			field, in = &spoilt.OCSPResponse, "OCSP response"
		}
		before := field.Reveal()
		plain, err := base64.StdEncoding.DecodeString(before)
		if err != nil {
			t.Fatal(err)
		}
		kind := ""
		if r.IntN(2) == 0 {
			plain, kind = mutate(r, plain)
			*field = secret.New(base64.StdEncoding.EncodeToString(plain))
		} else {
			plain, kind = mutate(r, []byte(before))
			*field = secret.New(string(plain))
		}
		if field.Reveal() == before {
			continue
		}
		n++
		if _, err := v.Verify(&spoilt, want); err == nil {
			t.Errorf("mutation %d, %s of the %s, was accepted", n, kind, in)
		} else {
			refused[fmt.Sprintf("%T", err)]++
		}
	}
	if refused["*bankid.VerificationError"] != *mutationCount {
		t.Errorf("of %d mutations, these were refused: %v", *mutationCount, refused)
	}
}
