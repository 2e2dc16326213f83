package api

import (
	"net/http"
	"slices"

	"brygga/admin"
)

const base = "/api/v1"

// endpoint is a route with what the document says of it.
type endpoint struct {
	method, path string
	operation    admin.Name
	summary      string
	query        []string // see parameters
	// bound says that If-Match may be sent; see demanding for where it must.
	bound bool
	// body and answer are names of schemas, empty for none.
	body, answer string
	status       int
	handle       func(*call) (*answer, error)
}

func (e *endpoint) takes(name string) bool { return slices.Contains(e.query, name) }

// The parameters of queries.
const (
	dryRun   = "dry_run"
	prune    = "prune"
	search   = "search"
	disabled = "disabled"
	group    = "admin_group"
	profile  = "profile"
	sorted   = "sort"
	limited  = "limit"
	cursor   = "cursor"
	fromTime = "from"
	toTime   = "to"

	clientID  = "client_id"
	outcome   = "outcome"
	cause     = "cause"
	device    = "device"
	ofEID     = "eid"
	browser   = "browser"
	network   = "network"
	person    = "person"
	subject   = "sub"
	language  = "language"
	hours     = "hours"
	ofMonth   = "month"
	format    = "format"
	kind      = "kind"
	byActor   = "actor"
	byObject  = "object"
	backwards = "backwards"

	transaction = "txn"
	orderKind   = "order_kind"
	byReference = "reference"
)

var endpoints = []endpoint{
	{"GET", "/clients", admin.ListClients, "List clients", []string{search, disabled, group, profile, sorted, limited, cursor}, false, "", "ClientPage", 200, listClients},
	{"GET", "/clients/{id}", admin.ShowClient, "Show a client", nil, false, "", "Client", 200, showClient},
	{"PUT", "/clients/{id}", admin.PutClient, "Make a client what is sent, whether there is one or not", []string{dryRun}, true, "Client", "ClientChange", 200, putClient},
	{"PATCH", "/clients/{id}", admin.UpdateClient, "Change the members that are sent, each as a whole; null takes one away", []string{dryRun}, true, "Client", "ClientChange", 200, patchClient},
	{"DELETE", "/clients/{id}", admin.RemoveClient, "Remove a client and revoke what it was granted", []string{dryRun}, true, "", "", 204, deleteClient},
	{"GET", "/clients/{id}/check", admin.CheckClient, "Hold a client against the rules of its profile", nil, false, "", "Check", 200, checkClient},
	{"GET", "/clients/{id}/history", admin.ClientHistory, "Show who has changed a client, and what, the last change first", []string{limited, cursor}, false, "", "ClientHistory", 200, clientHistory},
	{"GET", "/clients/{id}/holdings", admin.SwitchClient, "Count what would end if a client were disabled or removed: at most 100 000 of each", nil, false, "", "Holdings", 200, clientHoldings},
	{"POST", "/clients/{id}/disable", admin.SwitchClient, "Let a client do nothing, which ends what it was granted", []string{dryRun}, true, "Reason", "ClientChange", 200, switchClient(true)},
	{"POST", "/clients/{id}/enable", admin.SwitchClient, "Let a disabled client go on", []string{dryRun}, true, "", "ClientChange", 200, switchClient(false)},
	{"GET", "/clients/{id}/secrets", admin.ShowClient, "Show who made the secrets of a client, when they end, and when each was used last, the newest first", nil, false, "", "ClientSecrets", 200, listSecrets},
	{"POST", "/clients/{id}/secrets", admin.RotateSecret, "Make a new secret; those of before go on for as long as keep says", []string{dryRun}, true, "Keep", "ClientChange", 201, rotating((*admin.Service).RotateSecret)},
	{"POST", "/clients/{id}/webhook-secrets", admin.RotateSecret, "Make a new secret of the webhook; what is sent is signed with the one before too for as long as keep says", []string{dryRun}, true, "Keep", "ClientChange", 201, rotating((*admin.Service).RotateWebhook)},
	{"DELETE", "/clients/{id}/secrets/{created}", admin.EndSecret, "End the secret that was made at that time", []string{dryRun}, true, "", "ClientChange", 200, endSecret},
	{"POST", "/apply", admin.ApplyClients, "Make many clients what is sent: all of them or none", []string{dryRun, prune}, false, "Configuration", "Applied", 200, apply},
	{"GET", "/keys", admin.ListKeys, "List signing and encryption keys, oldest first", nil, false, "", "Keys", 200, listKeys},
	{"POST", "/keys/rotate", admin.RotateKeys, "Use other keys from now on; with now, replace all at once", nil, false, "Rotation", "Keys", 200, rotateKeys},
	{"POST", "/eids/{id}/register", admin.RegisterService, "Tell an eID's service by what name and picture, a PNG of at most 16 kB, its app is to show who asks", nil, false, "Registration", "Registered", 200, register},
	{"GET", "/settings", admin.ShowSettings, "Show the configuration in force and where each value comes from, without secrets", nil, false, "", "Settings", 200, showSettings},
	{"GET", "/banner", admin.ShowBanner, "Show the message on the login page as it is set", nil, false, "", "Banner", 200, showBanner},
	{"PUT", "/banner", admin.SetBanner, "Put a message on the login page", nil, false, "Banner", "", 204, putBanner},
	{"DELETE", "/banner", admin.SetBanner, "Take the message away", nil, false, "", "", 204, deleteBanner},
	{"GET", "/alarms", admin.ShowAlarms, "Show what is an alarm, who gets it, and which stand", nil, false, "", "Alarms", 200, showAlarms},
	{"PUT", "/alarms", admin.ChangeAlarms, "Say what is an alarm, and who gets it", nil, false, "AlarmRules", "", 204, putAlarms},
	{"POST", "/alarms/test", admin.TestAlarms, "Send a test to all who get alarms", nil, false, "", "AlarmsSent", 200, testAlarms},
	{"GET", "/expiries", admin.ShowExpiries, "List certificates, secrets and API keys that end, the first to end first", nil, false, "", "Expiries", 200, listExpiries},
	{"GET", "/audit/events", admin.ListAudit, "List audit events in the order of their time", []string{fromTime, toTime, kind, byActor, clientID, byObject, person, backwards, limited, cursor}, false, "", "EventPage", 200, listEvents},
	{"GET", "/audit/export", admin.ListAudit, "Export audit events as JSON lines, CSV or CEF", []string{fromTime, toTime, kind, byActor, clientID, byObject, person, format}, false, "", "Export", 200, exportEvents},
	{"GET", "/audit/log", admin.ListAudit, "Export the signed log, so that it can be verified elsewhere", []string{fromTime}, false, "", export, 200, exportLog},
	{"GET", "/audit/check", admin.ShowLog, "Hold the events that are stored against what was signed", nil, false, "", "LogCheck", 200, checkLog},
	{"GET", "/audit/sinks", admin.ShowLog, "List where events are handed over to, and how many wait for each", nil, false, "", "Sinks", 200, listSinks},
	{"DELETE", "/audit/sinks/{name}", admin.ForgetSink, "Forget how far a sink has come that the configuration has no more", nil, false, "", "", 204, forgetSink},
	{"GET", "/audit/checkpoint", admin.ShowLog, "Show the signed checkpoint of the audit log", nil, false, "", "Checkpoint", 200, showLog},
	{"GET", "/logins", admin.SearchLogins, "Find logins, the last begun first", []string{fromTime, toTime, clientID, outcome, cause, device, orderKind, ofEID, browser, network, person, subject, limited, cursor}, false, "", "LoginPage", 200, searchLogins},
	{"POST", "/find-person", admin.FindPerson, "Turn a personal number into the pseudonym that logins and events are found by; the audit log tells who did", nil, false, "PersonalNumber", "Person", 200, findPerson},
	{"GET", "/logins/{reference}/story", admin.ShowLogin, "Tell the story of a login in words", []string{language}, false, "", "Stories", 200, tellStory},
	{"GET", "/figures", admin.ShowFigures, "Show what is going on, hour by hour", []string{hours}, false, "", "Figures", 200, showFigures},
	{"GET", "/statistics", admin.ShowStatistics, "Count the logins of a month, in Swedish time, by client", []string{ofMonth, format}, false, "", "Statistics", 200, showStatistics},
	{"GET", "/logins/{reference}", admin.ShowLogin, "Show what the audit log has of a login", []string{fromTime, toTime}, false, "", "Events", 200, showLogin},
	{"GET", "/logins/{reference}/proof", admin.ProveEvents, "Prove that the audit log has these events", []string{fromTime, toTime}, false, "", "Proof", 200, prove},
	{"GET", "/evidence", admin.ListEvidence, "List what proves signatures, payments and logins, the newest first; it names nobody", []string{fromTime, toTime, clientID, transaction, orderKind, byReference, limited, cursor}, false, "", "EvidencePage", 200, listEvidence},
	{"GET", "/evidence/{id}", admin.ListEvidence, "Show what is known of a record of evidence, such as who erased it", nil, false, "", "Evidence", 200, showEvidence},
	{"GET", "/evidence/{id}/file", admin.ExportEvidence, "Export a record as a file that \"brygga evidence verify\" verifies anywhere; the audit log tells who did", nil, false, "", export, 200, exportEvidence},
	{"POST", "/evidence/{id}/erase", admin.EraseEvidence, "Take out of a record what is in it, for ever; its hash, and who did it when and why, are left", nil, false, "Reason", "Evidence", 200, eraseEvidence},
	{"GET", "/operators", admin.ListOperators, "List operators", nil, false, "", "Operators", 200, listOperators},
	{"POST", "/operators", admin.Invite, "Invite an operator, by mail; a program invites no owner", nil, false, "NewOperator", "Operator", 201, invite},
	{"GET", "/operators/{id}", admin.ShowOperator, "Show an operator, by its ID, user name or e-mail address", nil, false, "", "Operator", 200, showOperator},
	{"PATCH", "/operators/{id}", admin.ChangeRights, "Change the members that are sent, but of an owner", nil, true, "OperatorPatch", "Operator", 200, patchOperator},
	{"DELETE", "/operators/{id}", admin.RemoveAccount, "Remove an operator who is no owner", nil, false, "", "", 204, deleteOperator},
	{"POST", "/operators/{id}/invite", admin.Invite, "Send another link to somebody who is invited", nil, false, "", "", 204, inviteAgain},
	{"POST", "/operators/{id}/unlock", admin.Unlock, "Let an operator try again to log in, however often that has failed", nil, false, "", "", 204, unlock},
	{"GET", "/operators/{id}/sessions", admin.ShowOperator, "List where an operator is logged in", nil, false, "", "Sessions", 200, listSessions},
	{"DELETE", "/operators/{id}/sessions", admin.EndSessions, "Log an operator out everywhere", nil, false, "", "", 204, endSessions},
	{"DELETE", "/operators/{id}/sessions/{session}", admin.EndSessions, "Log an operator out in one place", nil, false, "", "", 204, endSessions},
	{"GET", "/api-keys", admin.ListAPIKeys, "List keys for this API", nil, false, "", "APIKeys", 200, listAPIKeys},
	{"POST", "/api-keys", admin.CreateAPIKey, "Make a key for this API, which is shown once", nil, false, "NewAPIKey", "APIKeyMade", 201, createAPIKey},
	{"POST", "/api-keys/{id}/rotate", admin.RotateAPIKey, "Give a key a new secret, which is shown once", nil, false, "Keep", "APIKeyMade", 200, rotateAPIKey},
	{"DELETE", "/api-keys/{id}", admin.RemoveAPIKey, "Remove a key", nil, false, "", "", 204, deleteAPIKey},
	{"GET", "/log", admin.ShowLogLevel, "Show how much the server that answers writes to its own log", nil, false, "", "LogLevel", 200, showLogLevel},
	{"PUT", "/log", admin.SetLogLevel, "Have the server that answers, and no other, log more or less; without a level, as its configuration says", nil, false, "NewLogLevel", "LogLevel", 200, putLogLevel},
	{"GET", "/health", admin.ShowHealth, "Show the installation's health", nil, false, "", "Health", 200, showHealth},
}

func (c *call) id() string { return c.request.PathValue("id") }

// made answers with something new.
func made(body any) (*answer, error) { return &answer{status: http.StatusCreated, body: body}, nil }

func ok(body any) (*answer, error) { return &answer{body: body}, nil }
