// Package netidsim plays Net iD Access Server: its SOAP web service over mutual TLS with its WSDL, and a virtual card app that people and scripts
// use in place of the real one. "brygga simulator --netid", "brygga dev --netid" and tests run it.
//
// The package owns its reading of the service: it has wire types of its own and imports nothing of ours, so that a mistake in package netid is
// not mirrored here. It keeps everything in memory, under certificates made at start, and must never be taken for the real thing: whoever reaches
// the app can be anyone.
//
// # The life of an order
//
//	Authenticate, Sign
//	    |            (an order of the same person: ends as CANCELLED, or the new one is ALREADY_IN_PROGRESS or USER_BLOCKED, by Settings.Busy)
//	    v
//	OUTSTANDING_TRANSACTION -- open --> USER_SIGN -- sign ----> COMPLETE, handed out once
//	    |                                   +------- cancel --> USER_CANCEL
//	    +-- 3 min --------------------------+-- 3 min --------> EXPIRED_TRANSACTION
//
//	COMPLETE, an end --- first collect ---> spent --- collect ---> ALREADY_COLLECTED
//
// An order for a person is opened by whoever the app is told to be, with that person's card. One without a person, for an app on the same device,
// is opened with its autostart token alone, which is its reference. Expiry is computed when an order is looked at; no timer runs.
//
// # What it leaves out
//
// The HTTP form of the calls, whose shape is not known, and the protocol between app and server, which is not public. A script of statuses takes the
// place of both for tests of what comes over the wire. An order that nobody collects is forgotten ten minutes after it began.
package netidsim
