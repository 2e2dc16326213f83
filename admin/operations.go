package admin

import (
	"slices"

	"brygga/storage"
)

// Name names an operation.
type Name string

// The operations.
const (
	ListClients   Name = "clients.list"
	ShowClient    Name = "clients.show"
	CheckClient   Name = "clients.check"
	ClientHistory Name = "clients.history"
	TryClient     Name = "clients.try"
	PutClient     Name = "clients.put"
	UpdateClient  Name = "clients.update"
	SwitchClient  Name = "clients.switch"
	RotateSecret  Name = "clients.rotate_secret"
	EndSecret     Name = "clients.end_secret"
	RemoveClient  Name = "clients.remove"
	ApplyClients  Name = "clients.apply"
	ListKeys      Name = "keys.list"
	RotateKeys    Name = "keys.rotate"
	ListAudit     Name = "audit.list"
	ShowLog       Name = "audit.checkpoint"
	ProveEvents   Name = "audit.prove"
	ShowLogin     Name = "logins.show"
	ListOperators Name = "operators.list"
	ShowOperator  Name = "operators.show"
	Invite        Name = "operators.invite"
	GiveLink      Name = "operators.link"
	ChangeRights  Name = "operators.change"
	RemoveAccount Name = "operators.remove"
	EndSessions   Name = "operators.end_sessions"
	Unlock        Name = "operators.unlock"
	ListAPIKeys   Name = "apikeys.list"
	CreateAPIKey  Name = "apikeys.create"
	RotateAPIKey  Name = "apikeys.rotate"
	RemoveAPIKey  Name = "apikeys.remove"
	ShowHealth    Name = "health.show"
)

// The scopes that a key for the API can have.
const (
	ScopeClientsRead    = "clients:read"
	ScopeClientsWrite   = "clients:write"
	ScopeKeysRead       = "keys:read"
	ScopeKeysWrite      = "keys:write"
	ScopeAuditRead      = "audit:read"
	ScopeLoginsRead     = "logins:read"
	ScopeOperatorsRead  = "operators:read"
	ScopeOperatorsWrite = "operators:write"
	ScopeAPIKeysRead    = "apikeys:read"
	ScopeAPIKeysWrite   = "apikeys:write"
	ScopeHealthRead     = "health:read"
)

// Operation says who may do something.
type Operation struct {
	Name Name
	// Scope is what a key for the API must have; empty for what no program may.
	Scope string
	// Roles are those of operators who may.
	Roles []storage.Role
	// StepUp demands that the operator has proven lately who it is.
	StepUp bool
	// Whole says that it concerns the whole installation: who is for some groups of clients may not.
	Whole bool
}

const (
	owner    = storage.RoleOwner
	admin    = storage.RoleAdmin
	helpdesk = storage.RoleHelpdesk
	auditor  = storage.RoleAuditor
)

var operations = []Operation{
	{ListClients, ScopeClientsRead, []storage.Role{owner, admin, helpdesk, auditor}, false, false},
	{ShowClient, ScopeClientsRead, []storage.Role{owner, admin, helpdesk, auditor}, false, false},
	{CheckClient, ScopeClientsRead, []storage.Role{owner, admin, helpdesk, auditor}, false, false},
	{ClientHistory, ScopeClientsRead, []storage.Role{owner, admin, auditor}, false, false},
	{TryClient, ScopeClientsRead, []storage.Role{owner, admin}, false, false},
	{PutClient, ScopeClientsWrite, []storage.Role{owner, admin}, false, false},
	{UpdateClient, ScopeClientsWrite, []storage.Role{owner, admin}, false, false},
	{SwitchClient, ScopeClientsWrite, []storage.Role{owner, admin}, false, false},
	{RotateSecret, ScopeClientsWrite, []storage.Role{owner, admin}, true, false},
	{EndSecret, ScopeClientsWrite, []storage.Role{owner, admin}, true, false},
	{RemoveClient, ScopeClientsWrite, []storage.Role{owner, admin}, true, false},
	{ApplyClients, ScopeClientsWrite, []storage.Role{owner, admin}, true, false},
	{ListKeys, ScopeKeysRead, []storage.Role{owner, admin, auditor}, false, false},
	{RotateKeys, ScopeKeysWrite, []storage.Role{owner, admin}, true, true},
	{ListAudit, ScopeAuditRead, []storage.Role{owner, auditor}, false, true},
	{ShowLog, ScopeAuditRead, []storage.Role{owner, auditor}, false, true},
	{ProveEvents, ScopeAuditRead, []storage.Role{owner, auditor}, false, true},
	{ForgetSink, ScopeAuditWrite, []storage.Role{owner}, true, true},
	{ShowLogin, ScopeLoginsRead, []storage.Role{owner, admin, helpdesk}, false, false},
	{SearchLogins, ScopeLoginsRead, []storage.Role{owner, admin, helpdesk}, false, false},
	{FindPerson, ScopeLoginsPerson, []storage.Role{owner, admin, helpdesk}, false, false},
	{ListEvidence, ScopeEvidenceRead, []storage.Role{owner, admin, auditor}, false, false},
	{ExportEvidence, ScopeEvidenceExport, []storage.Role{owner, admin}, true, false},
	{EraseEvidence, ScopeEvidenceWrite, []storage.Role{owner}, true, false},
	{ShowFigures, ScopeStatisticsRead, []storage.Role{owner, admin, helpdesk, auditor}, false, false},
	{ShowSettings, ScopeHealthRead, []storage.Role{owner, admin, auditor}, false, true},
	{ShowBanner, ScopeNoticesRead, []storage.Role{owner, admin, helpdesk, auditor}, false, false},
	{SetBanner, ScopeNoticesWrite, []storage.Role{owner, admin}, false, true},
	{ShowAlarms, ScopeNoticesRead, []storage.Role{owner, admin, auditor}, false, true},
	{ChangeAlarms, ScopeNoticesWrite, []storage.Role{owner, admin}, false, true},
	{TestAlarms, ScopeNoticesWrite, []storage.Role{owner, admin}, false, true},
	{ShowExpiries, ScopeKeysRead, []storage.Role{owner, admin, auditor}, false, false},
	{ShowStatistics, ScopeStatisticsRead, []storage.Role{owner, admin, auditor}, false, false},
	{ListOperators, ScopeOperatorsRead, []storage.Role{owner, auditor}, false, true},
	{ShowOperator, ScopeOperatorsRead, []storage.Role{owner, auditor}, false, true},
	{Invite, ScopeOperatorsWrite, []storage.Role{owner}, true, true},
	{GiveLink, "", []storage.Role{owner}, true, true},
	{ChangeRights, ScopeOperatorsWrite, []storage.Role{owner}, true, true},
	{RemoveAccount, ScopeOperatorsWrite, []storage.Role{owner}, true, true},
	{EndSessions, ScopeOperatorsWrite, []storage.Role{owner}, true, true},
	{Unlock, ScopeOperatorsWrite, []storage.Role{owner}, true, true},
	{ListAPIKeys, ScopeAPIKeysRead, []storage.Role{owner}, false, true},
	{CreateAPIKey, ScopeAPIKeysWrite, []storage.Role{owner}, true, true},
	{RotateAPIKey, ScopeAPIKeysWrite, []storage.Role{owner}, true, true},
	{RemoveAPIKey, ScopeAPIKeysWrite, []storage.Role{owner}, true, true},
	{RegisterService, ScopeServicesWrite, []storage.Role{owner, admin}, true, true},
	{ShowLogLevel, ScopeHealthRead, []storage.Role{owner, admin, auditor}, false, true},
	{SetLogLevel, ScopeLogWrite, []storage.Role{owner, admin}, false, true},
	{ShowHealth, ScopeHealthRead, []storage.Role{owner, admin, helpdesk, auditor}, false, false},
}

// Operations returns all operations with who may do them.
func Operations() []Operation { return slices.Clone(operations) }

// OperationOf returns the operation of that name, the zero value for none.
func OperationOf(name Name) Operation {
	i := slices.IndexFunc(operations, func(o Operation) bool { return o.Name == name })
	if i < 0 {
		return Operation{}
	}
	return operations[i]
}

// Scopes returns the scopes that a key can have, in order.
func Scopes() (all []string) {
	for _, o := range operations {
		if o.Scope != "" && !slices.Contains(all, o.Scope) {
			all = append(all, o.Scope)
		}
	}
	slices.Sort(all)
	return all
}
