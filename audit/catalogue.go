package audit

// Type is the ID of an event in the catalogue. IDs are stable: other systems filter on them.
type Type string

// The catalogue. WEB_100001 to WEB_100004 are the IDs that earlier Swedish login products gave the same events of BankID. They gave those behind
// to other eIDs, four to each, so WEB_100005 to WEB_100099 are for those alone.
const (
	LoginStarted   Type = "WEB_100001"
	LoginCompleted Type = "WEB_100002"
	LoginFailed    Type = "WEB_100003"
	// LoginEnded: cancelled by somebody, or expired.
	LoginEnded Type = "WEB_100004"
	// The same of logins with Net iD Access; see [Type.Common].
	NetIDStarted   Type = "WEB_100009"
	NetIDCompleted Type = "WEB_100010"
	NetIDFailed    Type = "WEB_100011"
	NetIDEnded     Type = "WEB_100012"
	// SessionUsed: a client was answered out of the browser's session, without a login.
	SessionUsed Type = "WEB_100105"
	// SessionEnded: somebody logged out. LogoutDelivered: a client was told so; LogoutFailed: it refused, is gone, or could not
	// be reached for too long.
	SessionEnded    Type = "WEB_100106"
	LogoutDelivered Type = "WEB_100107"
	LogoutFailed    Type = "WEB_100108"
	// TextRefused: BankID did not take the text that a client or the policy wanted to be shown, and the order was made with another.
	TextRefused Type = "WEB_100109"
	// OrderTold: a client's webhook took the message that an order of its programs has ended; OrderUntold: it wants none, is gone, or could not be reached
	// for too long.
	OrderTold   Type = "WEB_100110"
	OrderUntold Type = "WEB_100111"

	// ReturnRefused: somebody came back from the BankID app with a wrong return nonce; the order was ended.
	ReturnRefused Type = "SEC_200001"
	// BindingRefused: a login was opened by a browser that had not started it.
	BindingRefused Type = "SEC_200002"
	// CodeReused: an authorization code was presented twice; its grant was revoked.
	CodeReused Type = "SEC_200003"
	// ResultRefused: a completed order was not believed, such as another person's.
	ResultRefused Type = "SEC_200004"
	// ResultUnverified: the signature or OCSP answer of a result did not prove what it should; the message names the check.
	ResultUnverified Type = "SEC_200005"
	// ResultDoubtful: a result was accepted although something spoke against it that the policy only wants to know of.
	ResultDoubtful Type = "SEC_200006"
	// ReturnWaived: a login on the same device was answered without the return from the app, as the policy is balanced.
	ReturnWaived Type = "SEC_200007"
	// TokenReused: a refresh token was presented after it had been used; its grant was revoked.
	TokenReused Type = "SEC_200008"
	// ClientRefused: somebody failed to authenticate as a client; the message says why. Not every try is recorded.
	ClientRefused Type = "SEC_200009"

	ClientAdded         Type = "ADM_300001"
	ClientChanged       Type = "ADM_300002"
	ClientSecretRotated Type = "ADM_300003"
	ClientRemoved       Type = "ADM_300004"

	// ConfigurationRead: a running server took over what changed in its configuration.
	ConfigurationRead Type = "ADM_300005"
	// IssuerChanged: the server was started with another issuer than before.
	IssuerChanged Type = "ADM_300006"
	// BackupMade: somebody has a copy of the store. StoreRestored: the store is a copy from earlier; whatever was granted has ended.
	BackupMade    Type = "ADM_300007"
	StoreRestored Type = "ADM_300008"
	// StoreMoved: the store was moved here from a file or a database, with all that was granted.
	StoreMoved Type = "ADM_300009"
	// AdministrationRefused: somebody asked for an operation that it has no right to.
	AdministrationRefused Type = "ADM_300010"
	// APIKeyCreated, APIKeyRotated, APIKeyRemoved: a program may use the API, has another secret, or may no more. APIKeyRefused: somebody came
	// with a key that has another secret, has ended, or is not for that address.
	APIKeyCreated Type = "ADM_300011"
	APIKeyRotated Type = "ADM_300012"
	APIKeyRemoved Type = "ADM_300013"
	APIKeyRefused Type = "ADM_300014"
	// SinkForgotten: how far a sink has come that is no more is forgotten.
	SinkForgotten Type = "ADM_300015"
	// LogLevelChanged: a server logs more or less than its configuration says, or as it says again.
	LogLevelChanged Type = "ADM_300016"
	// PersonSought: an operator looked for the logins of a person by a personal number.
	PersonSought Type = "ADM_300020"
	// BannerChanged: the message on the login page is another, or gone.
	BannerChanged Type = "ADM_300021"
	// AlarmsChanged: what is an alarm, or who gets it, is another. AlarmTested: somebody had a test sent.
	AlarmsChanged Type = "ADM_300022"
	AlarmTested   Type = "ADM_300023"

	// EvidenceExported: a record of evidence was handed out. EvidenceErased: what was in one is gone.
	EvidenceExported Type = "ADM_300024"
	EvidenceErased   Type = "ADM_300025"

	// ServiceRegistered: an eID's service was told by what name and picture its app is to show us.
	ServiceRegistered Type = "ADM_300026"

	KeyCreated   Type = "KEY_400001"
	KeyActivated Type = "KEY_400002"
	KeyRetired   Type = "KEY_400003"
	KeyRemoved   Type = "KEY_400004"
	// MasterKeyReplaced: all records are sealed with another master key than before.
	MasterKeyReplaced Type = "KEY_400005"

	// OperatorInvited: somebody was made an operator, who has a link and no password yet.
	OperatorInvited Type = "OPR_500001"
	// OperatorActivated: the link of an invitation was used.
	OperatorActivated Type = "OPR_500002"
	// OperatorChanged: an owner or a command has changed roles, state or personal number.
	OperatorChanged Type = "OPR_500003"
	// OperatorRemoved: an account is gone.
	OperatorRemoved Type = "OPR_500004"
	// OperatorLinkGiven: a link was made that sets a password or an address.
	OperatorLinkGiven Type = "OPR_500005"
	// OperatorLoggedIn: an operator has logged in.
	OperatorLoggedIn Type = "OPR_500006"
	// OperatorRefused: somebody has not proven to be an operator.
	OperatorRefused Type = "OPR_500007"
	// OperatorLocked: an account has to wait after too many attempts.
	OperatorLocked Type = "OPR_500008"
	// OperatorSteppedUp: an operator has proven anew who it is.
	OperatorSteppedUp Type = "OPR_500009"
	// OperatorLoggedOut: sessions of an operator were ended, by itself or by an owner.
	OperatorLoggedOut Type = "OPR_500010"
	// OperatorPasswordChanged: an operator has another password.
	OperatorPasswordChanged Type = "OPR_500011"
	// OperatorEmailConfirmed: the address of an operator is confirmed, or another.
	OperatorEmailConfirmed Type = "OPR_500012"
	// OperatorCredentialAdded: an operator has another second factor or passkey.
	OperatorCredentialAdded Type = "OPR_500013"
	// OperatorCredentialRemoved: a second factor or passkey is gone.
	OperatorCredentialRemoved Type = "OPR_500014"
	// MailGivenUp: a message could not be handed over for days, or was refused.
	MailGivenUp Type = "OPR_500015"
	// OperatorUnlocked: an account has to wait no longer, as an owner said so.
	OperatorUnlocked Type = "OPR_500016"

	// AlarmRaised: something deserves a look at once. AlarmOver: it does no more.
	AlarmRaised Type = "ALM_600001"
	AlarmOver   Type = "ALM_600002"
)

// commons are the events that say of another eID what the first four of the catalogue say of BankID.
var commons = map[Type]Type{NetIDStarted: LoginStarted, NetIDCompleted: LoginCompleted, NetIDFailed: LoginFailed, NetIDEnded: LoginEnded}

// Common returns the event that says the same of BankID, for those to whom it is one which eID somebody used; any other event is its own.
func (t Type) Common() Type {
	if common, ok := commons[t]; ok {
		return common
	}
	return t
}

// OtherEID returns the name of the eID, other than BankID, whose logins have the event; empty for all other events.
func (t Type) OtherEID() string {
	if t.Common() != t {
		return "netid"
	}
	return ""
}

// Known reports whether the event is in the catalogue.
func (t Type) Known() bool { return t.entry().Type != "" }

// Text returns what the event is called, in English, or the ID itself when it is not in the catalogue.
func (t Type) Text() string {
	if text := t.entry().Text; text != "" {
		return text
	}
	return string(t)
}

// Severity returns how much the event deserves a look, from 0 to 10 as CEF counts, 1 when it is not in the catalogue.
func (t Type) Severity() int { return max(1, t.entry().Severity) }

// Types returns all events, in the order of their numbers.
func Types() []Type {
	types := make([]Type, len(catalogue))
	for i := range catalogue {
		types[i] = catalogue[i].Type
	}
	return types
}
