package audit

import (
	"slices"
	"strings"
)

// Entry is what the catalogue says of an event.
type Entry struct {
	Type Type
	// Text is what the event is called, in lines for people.
	Text string
	// Severity is how much it deserves a look, from 0 to 10 as CEF counts.
	Severity int
	// Fields are the names of the fields that it may have, with spaces between them. CHANGED stands for BEFORE.name, AFTER.name and PREVIOUS as well.
	Fields string
	// When says when it happens and what its fields mean, and Do what helps, empty where there is nothing to do. Both are Markdown.
	When, Do string
}

// Has reports whether the event may have the field, by its name in the store.
func (e Entry) Has(field string) bool {
	if field == fieldPrevious || strings.HasPrefix(field, fieldBefore) || strings.HasPrefix(field, fieldAfter) {
		field = fieldChanged
	}
	return slices.Contains(strings.Fields(e.Fields), field)
}

// The fields of events that have the same.
const (
	ofLogin      = "IDENTIFIER SOURCE_ADDRESS CUSTOMER_IDENTIFIER MESSAGE CLIENT_ID KIND DEVICE BROWSER COURSE SECONDS SOURCE_USER_NAME ACTOR"
	ofPerson     = ofLogin + " SUB TXN EVIDENCE_SHA256"
	ofGrant      = "SOURCE_ADDRESS CUSTOMER_IDENTIFIER CLIENT_ID OBJECT"
	ofClient     = "CUSTOMER_IDENTIFIER CLIENT_ID ACTOR CHANGED"
	ofKey        = "SOURCE_ADDRESS ACTOR OBJECT CHANGED"
	ofSigningKey = "MESSAGE ACTOR OBJECT"
	ofOperator   = "SOURCE_ADDRESS MESSAGE ACTOR OBJECT"
	ofRights     = ofOperator + " CHANGED"
	ofEvidence   = "SOURCE_ADDRESS CUSTOMER_IDENTIFIER MESSAGE CLIENT_ID TXN KIND EVIDENCE_SHA256 ACTOR OBJECT"
)

// catalogue has an entry for each event, in the order of their numbers.
var catalogue = []Entry{
	{LoginStarted, "BankID login started", 1, ofLogin,
		"A person asked for an order; `kind` is `sign` where it is for a signature, and `payment` where it is for a payment. Renewals of it are not events. Of an order by telephone `source_user_name` says to whom it was sent, here and when it fails.", ""},
	{LoginCompleted, "BankID login completed", 1, ofPerson,
		"The result was accepted.", ""},
	{LoginFailed, "BankID login failed", 4, ofLogin,
		"It failed for the reason in `message`; [reasons](reasons.md) says what each means.", "Look the reason up. Many of one kind within minutes are BankID's trouble or a setting of ours."},
	{LoginEnded, "BankID login cancelled or expired", 1, ofLogin,
		"Somebody cancelled on the page, or nobody opened the app in time.", ""},
	{NetIDStarted, "Net iD Access login started", 1, ofLogin,
		"A person asked for an order.", ""},
	{NetIDCompleted, "Net iD Access login completed", 1, ofPerson,
		"The result was accepted.", ""},
	{NetIDFailed, "Net iD Access login failed", 4, ofLogin,
		"It failed for the reason in `message`, after which the code or text stands that the server gave; [reasons](reasons.md) says what each means.", "Look the reason up. Many of one kind within minutes are the server's trouble or a setting of ours."},
	{NetIDEnded, "Net iD Access login cancelled or expired", 1, ofLogin,
		"Somebody cancelled, on the page or in the app, or the order expired; `message` says which, and what the server said. `EXPIRED_TRANSACTION: UNKNOWN_USER` is an order for somebody whom the server does not know: the page shows it like any other.", "Many for people who are not known, from one address: somebody types identifiers."},
	{SessionUsed, "answered from a session, without a login", 1, "IDENTIFIER SOURCE_ADDRESS CUSTOMER_IDENTIFIER SOURCE_USER_NAME CLIENT_ID TXN OBJECT",
		"An app of the same session group got its answer out of the browser's session.", ""},
	{SessionEnded, "session ended by a logout", 1, "SOURCE_ADDRESS CUSTOMER_IDENTIFIER MESSAGE CLIENT_ID OBJECT",
		"Somebody logged out; `message` says what ended with the session.", ""},
	{LogoutDelivered, "client told of a logout", 1, "CUSTOMER_IDENTIFIER CLIENT_ID OBJECT",
		"The app's `backchannel_logout_uri` accepted the notice.", ""},
	{LogoutFailed, "client not told of a logout", 4, "CUSTOMER_IDENTIFIER MESSAGE CLIENT_ID OBJECT",
		"The app refused the notice, is gone, or could not be reached for too long.", "Tell whoever runs the app: people who have logged out may still be logged in there."},
	{TextRefused, "text not taken by the eID service and left out", 3, ofLogin,
		"The order was refused with the app's message, or with the text of the policy, and made without it; `message` is what the service said.", "Correct the text that the app or `bankid.policy` gives."},
	{OrderTold, "client told of the end of an order", 1, "CUSTOMER_IDENTIFIER CLIENT_ID OBJECT",
		"The app's `webhook_uri` took the message; `object` is the order's ID.", ""},
	{OrderUntold, "client not told of the end of an order", 4, "CUSTOMER_IDENTIFIER MESSAGE CLIENT_ID OBJECT",
		"The app's `webhook_uri` wants no more messages, is gone, leads to an address that must not be called, or could not be reached for too long; `message` says which.", "Tell whoever runs the app: it learns of the end only when it asks."},
	{ReturnRefused, "return from the app refused", 6, ofLogin,
		"Somebody came back from the app with a wrong nonce: perhaps with another person's order. The order was ended.", "One is a browser that was changed on the way. Many at one app may be an attempt to have people log others in: look at the addresses."},
	{BindingRefused, "login opened in another browser", 6, "IDENTIFIER SOURCE_ADDRESS MESSAGE CLIENT_ID",
		"A login was opened by a browser that had not started it: a link that was passed on. Not every try is put down.", "Look whether the app shows the address of the login, or sends it by mail."},
	{CodeReused, "authorization code presented twice", 8, ofGrant,
		"Its tokens were revoked.", "Look for a proxy that repeats requests; otherwise the code was stolen on its way: ask the app how."},
	{ResultRefused, "result of an order refused", 8, ofPerson,
		"A completed order was not believed, such as another person's than the required one.", "`message` says why. `foreignResult` must never happen: keep the log, and report it."},
	{ResultUnverified, "evidence of a result did not verify", 8, ofLogin,
		"The signature or OCSP answer did not prove the result; `message` names the check.", "See [BryggaResultsUnverified](operations.md#bryggaresultsunverified)."},
	{ResultDoubtful, "doubtful result of an order accepted", 6, ofLogin,
		"Something spoke against it that the policy only wants to know of.", "If your policy should refuse it, say so in `bankid.policy`."},
	{ReturnWaived, "return from the app not waited for", 6, ofLogin,
		"The policy is `balanced`, and the login was answered without the return.", "Nothing, as long as they are few: some phones do not come back."},
	{TokenReused, "refresh token presented twice", 8, ofGrant,
		"All tokens of its login were revoked.", "Look whether the app refreshes from two places at once; otherwise a token was stolen."},
	{ClientRefused, "client authentication failed", 6, "SOURCE_ADDRESS CUSTOMER_IDENTIFIER MESSAGE CLIENT_ID",
		"A wrong secret or assertion; `message` says which. Not every try is put down.", "After a rotation the app has the old secret still. From a strange address, somebody guesses."},
	{ClientAdded, "client added", 3, ofClient,
		"An app was registered, or came with a configuration that a running server read again, with the settings that `changed` names.", ""},
	{ClientChanged, "client changed", 3, ofClient,
		"`changed` names the settings.", "Look whether the change was ordered, above all of redirect URIs and keys."},
	{ClientSecretRotated, "client secret rotated", 3, ofClient,
		"It has a new secret; the old ones go on for as long as the command said.", ""},
	{ClientRemoved, "client removed", 3, ofClient,
		"The `before.` fields have the settings that it had.", ""},
	{ConfigurationRead, "configuration read again", 3, "ACTOR OBJECT",
		"A running server took over what changed in its configuration; `object` names the keys.", ""},
	{IssuerChanged, "issuer changed", 5, "ACTOR CHANGED",
		"The server was started with `--issuer-changed` and another issuer than before.", "All apps must know the new one."},
	{BackupMade, "store backed up", 3, "ACTOR MESSAGE",
		"`brygga backup` has written a copy. It is in the log of the server, and not in that copy.", "A copy that nobody ordered is a leak: its records are sealed, its times and counts are not."},
	{StoreRestored, "store restored", 5, "ACTOR",
		"`brygga restore` or `brygga store accept` has taken a copy, and ended logins, codes, tokens, sessions and secrets of API keys.", "See [what to look after](backup.md)."},
	{StoreMoved, "store moved", 3, "ACTOR MESSAGE",
		"`brygga migrate` has brought all records here from a file or a database; `message` says how many. It is in the log of the new store alone.", ""},
	{AdministrationRefused, "administration refused", 5, "SOURCE_ADDRESS MESSAGE ACTOR OBJECT",
		"`actor` asked for the operation that `object` names and has no right to it, or has to prove anew who it is.", "Often is an operator with too few rights, or a key that somebody tries out."},
	{APIKeyCreated, "API key created", 3, ofKey,
		"A program may use the management API; `object` is the key's ID, and `changed` names what it is for.", ""},
	{APIKeyRotated, "API key rotated", 3, ofKey,
		"It has another secret.", ""},
	{APIKeyRemoved, "API key removed", 3, ofKey,
		"It works no more.", ""},
	{APIKeyRefused, "API key refused", 6, "SOURCE_ADDRESS OBJECT",
		"Somebody came with a key that has another secret, has ended, or is not for that address.", "From a strange address the key has leaked in part: rotate it."},
	{SinkForgotten, "audit sink forgotten", 3, "ACTOR OBJECT",
		"`brygga audit sinks --forget` has removed how far the sink that `object` names had come.", ""},
	{LogLevelChanged, "level of the log changed", 3, "MESSAGE SOURCE_ADDRESS ACTOR OBJECT CHANGED",
		"A server logs more or less than its configuration says, or as it says again; `object` is the server if there are several, `message` for how long.", "Look whether it was ordered: `error` hides warnings, and `debug` fills disks."},
	{PersonSought, "logins of a person looked for", 4, "SOURCE_ADDRESS SOURCE_USER_NAME ACTOR",
		"`actor` typed a personal number to find a person's logins; `source_user_name` is its pseudonym. The number is written down nowhere.", "Ask for the reason when it comes without a case."},
	{BannerChanged, "banner changed", 3, ofKey,
		"The message on the login page is another, or was taken away; `changed` names its texts and times.", ""},
	{AlarmsChanged, "alarms changed", 3, ofKey,
		"What is an alarm, or who gets it by mail, is another.", "Look whether it was ordered: who gets no alarm sees no attack."},
	{AlarmTested, "alarm tested", 1, "SOURCE_ADDRESS ACTOR MESSAGE",
		"Somebody had a test sent to all who get alarms; `message` says to how many.", ""},
	{EvidenceExported, "evidence handed out", 4, ofEvidence,
		"`actor` was shown or given the record that proves a signature or login: `object` is its ID, `client_id` whose it is. An actor that begins with `client:` is the app itself.", "It names the person and what was signed. Ask for the reason when an operator comes without a case."},
	{EvidenceErased, "evidence erased", 6, ofEvidence,
		"`actor` took out of a record what was in it, for the reason in `message`. Its hash stays, in the record and here.", "Look whether it was ordered: nobody can prove that signature any more."},
	{ServiceRegistered, "registered at an eID's service", 4, ofOperator,
		"`actor` has told the service of the eID that `object` names, with the certificate of ours if not the default one, to show us in its app by the name in `message`.", "Look whether it was ordered: people trust the name that the app shows."},
	{KeyCreated, "signing key created", 3, ofSigningKey,
		"It can be fetched by apps and signs nothing yet.", ""},
	{KeyActivated, "signing key activated", 3, ofSigningKey,
		"It signs from now on.", ""},
	{KeyRetired, "signing key retired", 3, ofSigningKey,
		"It signs nothing any more, and can still be fetched.", ""},
	{KeyRemoved, "signing key removed", 3, ofSigningKey,
		"What it signed has expired.", ""},
	{MasterKeyReplaced, "master key replaced", 3, "ACTOR MESSAGE",
		"`brygga key reseal` has sealed all records with it.", "Keep the new one in two places, apart from backups."},
	{OperatorInvited, "operator invited", 3, ofRights,
		"An account was made; `message` says whether its link was printed (`bootstrap`) or sent (`invite`).", "Look whether it was ordered."},
	{OperatorActivated, "operator account activated", 1, "MESSAGE ACTOR OBJECT",
		"The link was used and a password set.", ""},
	{OperatorChanged, "operator changed", 3, ofRights,
		"`changed` names what: roles, state, the clients of an admin, or that a personal number is set.", "Look whether it was ordered, above all of roles."},
	{OperatorRemoved, "operator removed", 3, ofRights,
		"The account is gone, with its sessions.", ""},
	{OperatorLinkGiven, "link for an operator made", 3, ofOperator,
		"`message` says what for: `bootstrap`, `invite`, `reset`, `email-change`.", ""},
	{OperatorLoggedIn, "operator logged in", 1, ofOperator,
		"`message` says by what: `password`, `totp`, `recovery`, `passkey`, `bankid`.", ""},
	{OperatorRefused, "operator login refused", 4, "SOURCE_ADDRESS MESSAGE OBJECT",
		"Wrong, unknown or waiting: `object` is the account if there is one. What was typed is written down nowhere.", "Many of one address are somebody who guesses: keep `/admin/` off the internet."},
	{OperatorLocked, "operator account has to wait", 6, "SOURCE_ADDRESS OBJECT",
		"Too many attempts; the next is let through after a minute, later up to an hour. The operator is told.", "Ask the operator whether it was them."},
	{OperatorSteppedUp, "operator proved anew who it is", 1, ofOperator,
		"In a session, before something dangerous.", ""},
	{OperatorLoggedOut, "operator logged out", 1, "ACTOR OBJECT",
		"One or several sessions were ended.", ""},
	{OperatorPasswordChanged, "password of an operator changed", 3, ofOperator,
		"`message` says whether in a session or by a link (`reset`). Other sessions ended.", ""},
	{OperatorEmailConfirmed, "e-mail address of an operator confirmed", 1, "MESSAGE ACTOR OBJECT",
		"A link that was sent there came back.", ""},
	{OperatorCredentialAdded, "credential of an operator added", 3, ofOperator,
		"`message` says which: `totp`, `passkey`, `recovery`.", ""},
	{OperatorCredentialRemoved, "credential of an operator removed", 3, ofOperator,
		"`message` says which.", ""},
	{MailGivenUp, "mail given up", 4, "MESSAGE OBJECT",
		"`object` is the kind of mail, `message` the answer's code.", "Look whether the address is right and the mail server takes what comes from `mail.from`."},
	{OperatorUnlocked, "operator account has to wait no longer", 3, ofOperator,
		"An owner said so, after failed attempts.", ""},
	{AlarmRaised, "alarm raised", 7, "MESSAGE OBJECT",
		"`object` is the kind of alarm (`bankid`, `failures`, `certificates`, `secrets`, `disk`, `keys`, `audit`) and what it is about, `message` says more. It was sent to those who get it by mail; a sink with `events: [ALM_]` hands it on.", "Look at the console's overview."},
	{AlarmOver, "alarm over", 3, "MESSAGE OBJECT",
		"What raised it is no more.", ""},
}

// Catalogue returns the entries of all events, in the order of their numbers.
func Catalogue() []Entry { return slices.Clone(catalogue) }

// entry returns what the catalogue says of the event, the zero value for one that it has not.
func (t Type) entry() (found Entry) {
	for i := range catalogue {
		if catalogue[i].Type == t {
			return catalogue[i]
		}
	}
	return found
}
