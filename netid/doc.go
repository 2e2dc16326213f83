// Package netid speaks to Net iD Access Server (NIAS), by which Swedish organisations log people in with cards and mobile keys of certificate
// authorities of their own: its SOAP web service, the links that start its app, and the check of what it hands out.
//
// It knows no OIDC, no storage and no handler. What is public of the service is its WSDL, in two versions, and what its clients do; what
// they leave open is a setting here (Layout, Revocation, UserInfoField, Options.ServiceOptions, Options.UnknownEnds) and not a guess.
//
// # The life of an order
//
//	Authenticate, Sign -> OUTSTANDING_TRANSACTION -> [STARTED] -> USER_SIGN -> COMPLETE, handed out once
//	                              |                      |            |
//	                              +----------------------+------------+--> an end, such as USER_CANCEL or EXPIRED_TRANSACTION
//
// There is no cancel: whoever gives an order up forgets it, and it ends by itself after some three minutes, or when another one for the same
// person takes its place.
//
// # What a result proves
//
// That the service says COMPLETE proves nothing. [Verifier.Verify] checks without I/O that somebody with a certificate of a configured issuer
// signed the very data that we sent, that the certificate was valid and not revoked, and that it is that of the person whom the service names
// and who was asked for. It takes what it tells of the person from the certificate alone.
package netid
