package netid

import "strings"

// Check names one check of a result, as an audit event can carry it.
type Check string

// The checks, in the order in which they are made. The first that fails is reported.
const (
	CheckStructure       Check = "structure"        // the signature, or the certificate, cannot be read
	CheckSigner          Check = "signer"           // signed by nobody, by several, or with another certificate than the service names
	CheckAlgorithm       Check = "algorithm"        // another algorithm than SHA-256 to SHA-512 with RSA or ECDSA, or a key that is too short
	CheckContent         Check = "content"          // it is not what we sent that was signed: the result of another order, for one
	CheckSignature       Check = "signature"        // the certificate's key did not make the signature
	CheckIssuer          Check = "issuer"           // no configured issuer issued the certificate
	CheckTime            Check = "time"             // signed at another time than that of the order
	CheckValidity        Check = "validity"         // the certificate had expired, or was not valid yet
	CheckPurpose         Check = "purpose"          // the certificate is not one that people sign with
	CheckOCSPMissing     Check = "ocsp_missing"     // there is no OCSP response
	CheckOCSPStructure   Check = "ocsp_structure"   // the OCSP response cannot be read, or is no answer
	CheckOCSPCertificate Check = "ocsp_certificate" // it is about another certificate
	CheckOCSPSignature   Check = "ocsp_signature"   // nobody signed it whom the issuer appointed
	CheckOCSPStatus      Check = "ocsp_status"      // the certificate is revoked or unknown
	CheckOCSPTime        Check = "ocsp_time"        // it is too old for the order, or from after it
	CheckIdentifier      Check = "identifier"       // the certificate has no identifier where it should have one
	CheckUserInfo        Check = "user_info"        // the service names another person than the certificate, or nobody
	CheckRequestedUser   Check = "requested_user"   // another person signed than was asked for
)

// Checks returns every check.
func Checks() []Check {
	return []Check{
		CheckStructure, CheckSigner, CheckAlgorithm, CheckContent, CheckSignature, CheckIssuer, CheckTime, CheckValidity, CheckPurpose,
		CheckOCSPMissing, CheckOCSPStructure, CheckOCSPCertificate, CheckOCSPSignature, CheckOCSPStatus, CheckOCSPTime, CheckIdentifier,
		CheckUserInfo, CheckRequestedUser,
	}
}

// OfOCSP reports whether the check is one of the OCSP response.
func (c Check) OfOCSP() bool { return strings.HasPrefix(string(c), "ocsp_") }

// VerificationError says that a result is not proven and which check failed. It holds nothing of the result.
type VerificationError struct {
	Check  Check
	Reason string // for operators; may change
}

// Error says which check failed and why.
func (e *VerificationError) Error() string {
	return "netid: result refused by check " + string(e.Check) + ": " + e.Reason
}

func refused(check Check, reason string) error { return &VerificationError{check, reason} }
