// Package bankidsim plays Swedish BankID: the Relying Party API v6.0 over mutual TLS, and a virtual phone that people and
// scripts use in place of the BankID app. "brygga simulator", "brygga dev" and tests run it.
//
// The package owns its reading of BankID's rules: it has wire types of its own and imports nothing of ours, so that a
// mistake in package bankid is not mirrored here. It keeps everything in memory, under certificates made at start, and
// must never be taken for the real thing: whoever reaches the phone can be anyone.
//
// # The life of an order
//
//	auth, sign                          phone/auth, phone/sign
//	    |                                    |  (an open order of that person: 400 alreadyInProgress, and it ends too)
//	    v                                    v
//	pending/outstandingTransaction ----------------------- 30 s ------> failed/startFailed
//	    |            |
//	    | scan       | open (launch link)    open (phone order)
//	    |            v                           v
//	    |        [started]                   userCallConfirm ---------> failed/userDeclinedCall
//	    v            v                           |
//	[userMrtd] -> userSign  <--------------------+
//	    |            |
//	    |            +-- sign ---> complete
//	    |            +-- cancel -> failed/userCancel
//	    |            +-- wrong code three times -> failed/certificateErr
//	    +------------+-- 3 min -> failed/expiredTransaction
//	                 +-- same person picks up another order -> failed/cancelled
//
//	complete, failed --- first collect ---> spent --- any call ---> 400 invalidParameters
//	pending ------------ cancel by RP  ---> spent
//
// Expiry is computed from the clock when an order is looked at; no timer runs. A result that nobody collects is kept for
// 3 minutes (complete), 5 minutes (failed) or 3 minutes 10 seconds (never picked up), counted from the end of the order.
//
// # What it leaves out
//
// Payments are checked and shown, and their result is that of an identification: what BankID signs of the transaction is not
// published. A phone order without a personal number, which newer clients allow, is open to whoever opens it. Personal numbers in
// requests are checked for shape only, as whether BankID checks the digit is not known. Of the characters that
// simpleMarkdownV1 forbids only emoji and control characters are refused, as BankID's list is not public in full.
package bankidsim
