package bankid

// Check names one check of a result, as an audit event can carry it.
type Check string

// The checks, in the order in which they are made. The first that fails is reported.
const (
	CheckStructure       Check = "structure"        // the signature document has not exactly the published form
	CheckAlgorithm       Check = "algorithm"        // another algorithm than SHA-256 and RSA with SHA-256, in the signature or the OCSP response
	CheckDigest          Check = "digest"           // the signed data or the certificates were changed after signing
	CheckCertificate     Check = "certificate"      // an included certificate cannot be used
	CheckSignature       Check = "signature"        // the person's key did not make the signature
	CheckOCSPStructure   Check = "ocsp_structure"   // the OCSP response has not the published form
	CheckChain           Check = "chain"            // the certificate did not chain to our root at the time of signing
	CheckOCSPResponder   Check = "ocsp_responder"   // the responder is not one that the person's issuer appointed
	CheckOCSPSignature   Check = "ocsp_signature"   // the responder did not sign the response
	CheckOCSPCertificate Check = "ocsp_certificate" // the response is about another certificate
	CheckOCSPStatus      Check = "ocsp_status"      // the certificate is revoked or unknown
	CheckNonce           Check = "nonce"            // the response was made for another signature
	CheckTime            Check = "time"             // signed, or asked about, at another time than that of the order
	CheckFunction        Check = "function"         // an identification where a signature was asked for, or the reverse
	CheckKeyUsage        Check = "key_usage"        // the certificate is not for this purpose
	CheckPolicy          Check = "policy"           // another kind of BankID than was allowed
	CheckRelyingParty    Check = "relying_party"    // signed for somebody else
	CheckVisibleData     Check = "visible_data"     // not the text, or the format, that was to be shown
	CheckNonVisibleData  Check = "non_visible_data" // not the data that binds the order to our request
	CheckPerson          Check = "person"           // the certificate has another personal number than the result
	CheckName            Check = "name"             // the certificate has another name than the result
)

// Checks returns every check.
func Checks() []Check {
	return []Check{
		CheckStructure, CheckAlgorithm, CheckDigest, CheckCertificate, CheckSignature, CheckOCSPStructure, CheckChain,
		CheckOCSPResponder, CheckOCSPSignature, CheckOCSPCertificate, CheckOCSPStatus, CheckNonce, CheckTime, CheckFunction,
		CheckKeyUsage, CheckPolicy, CheckRelyingParty, CheckVisibleData, CheckNonVisibleData, CheckPerson, CheckName,
	}
}

// VerificationError says that a result is not proven and which check failed. It holds nothing of the result.
type VerificationError struct {
	Check  Check
	Reason string // for operators; may change
	// Excepted says that VerifierOptions.Except names the check and that no other failed, so that the result may be believed.
	Excepted bool
}

// Error says which check failed and why.
func (e *VerificationError) Error() string {
	if e.Excepted {
		return "bankid: result fails excepted check " + string(e.Check) + ": " + e.Reason
	}
	return "bankid: result refused by check " + string(e.Check) + ": " + e.Reason
}

func refused(check Check, reason string) error {
	return &VerificationError{Check: check, Reason: reason}
}
