// Package bankid speaks the Swedish BankID Relying Party API v6: calls over mutual TLS, the rules of an order, QR codes,
// launch links and personal numbers.
//
// It owns what BankID says: requests and their limits, errors, hint codes, results. It must not know OIDC, storage, HTTP
// handlers or any text that people read. It decides nothing about retries: a call is sent once, because an /auth or /sign
// whose answer was lost may have created an order. Only the setting up of a connection is tried again.
//
// # The life of an order
//
//	Auth, Sign, PhoneAuth, PhoneSign, Payment
//	      │
//	      ▼
//	   Pending ──collect: pending, any hintCode──▶ Pending      known or not, the order goes on
//	      │
//	      ├──collect: complete──▶ Complete, with CompletionData
//	      ├──collect: failed────▶ Failed, with the hintCode that says why
//	      └──Cancel─────────────▶ gone: a later collect answers ErrOrderGone
//
// Pending orders pass, in no promised sequence and with steps that a poller may miss, through outstandingTransaction (the
// only state in which a QR code may be shown), started, userSign and others. An order that nobody picks up in about 30
// seconds fails with startFailed; there is no renewal, only a new order. BankID hands out a final result once, so write it
// down before acting on it, and collect every two seconds, never more often than once a second.
//
// # Left out
//
// The call other/payment is not covered: no page of BankID's describes it. Collect does not verify signatures: that is a
// Verifier's work, which needs the member banks' root and knows what was asked for. Without one, a result rests on BankID,
// which verified it before it answered, and on the connection, whose server certificate chains to the pinned root. A Verifier
// does not ask any server whether an authority was revoked, and does not compare the device in the signature with the one in
// the result, as BankID does not promise that they are the same.
package bankid
