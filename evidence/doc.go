// Package evidence keeps what proves a login or a signature so that it can be verified by itself, years later, on a machine that
// has never seen the server.
//
// It owns the record of one result (what was asked of the eID service, what came back, and for which client), the file that carries
// it out of the house, and what can be proven from that file alone. It must not know who asks for evidence, where records lie, or
// how long: that is storage's and its callers' business. It does no I/O.
//
// # The file
//
// A file is two lines of JSON. The second is the record, byte for byte what its SHA-256 is taken over; the audit log has that hash in
// the event of the login's or signature's completion (EVIDENCE_SHA256). The first says what has come to the record since: the proof
// that the event is in the log, and a time stamp (RFC 3161) of the record's hash. Neither can be made for another record.
//
// # What rests on what
//
// Who signed what, for whom and when rests on the signature and the OCSP response, which chain to the root of the eID service, and on
// nothing of ours. Which client and which transaction it was rests on the audit log, and so on its key, which whoever verifies must
// have written down elsewhere.
package evidence
