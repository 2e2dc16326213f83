package bankid

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
)

// Environment is one of BankID's two worlds: in Test anybody gets a BankID and may be anyone.
type Environment string

// The environments.
const (
	Production Environment = "production"
	Test       Environment = "test"
)

// SignatureRoots returns the roots that people's signatures chain to, the member banks', as far as this program knows them: by the SHA-256 of
// the certificate in hex. BankID may have new ones.
func SignatureRoots() map[string]Environment {
	return map[string]Environment{
		"ca32588e385b961d58e26010c6f8c839f7ca071e497de6b7841640a61506fd31": Production, // BankID Root CA v1, until 2034-12-31
		"c6faeaf8ccadcfd0738dc99140ca788c1a19a93f843c5a9ec1369872d50e45f2": Test,       // Test BankID Root CA v1 Test, until 2034-12-31
	}
}

// SignatureRootOf returns the environment whose signatures chain to root, and "" when this program does not know it as BankID's: it may be a
// new one of theirs, a simulator's, or anybody's.
func SignatureRootOf(root *x509.Certificate) Environment {
	sum := sha256.Sum256(root.Raw)
	return SignatureRoots()[hex.EncodeToString(sum[:])]
}

// RootOf returns the root of the verifier that the chain in a result ends in, or nil for none. It proves nothing: Verify does, which has found it already for
// authorities that it knows.
func (v *Verifier) RootOf(data *CompletionData) *x509.Certificate {
	doc, err := parseSignature([]byte(data.Signature.Reveal()))
	if err != nil {
		return nil
	}
	if ca, known := v.issuers.get(doc.authorities); known {
		return ca.root
	}
	bank, err := parseCertificate(doc.bank)
	if err != nil {
		return nil
	}
	for _, root := range v.anchors {
		if bank.CheckSignatureFrom(root) == nil {
			return root
		}
	}
	return nil
}

// Policies are the kinds of BankID that the environment has.
func (e Environment) Policies() []string {
	if e == Production {
		return ProductionPolicies()
	}
	return TestPolicies()
}
