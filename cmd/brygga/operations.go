package main

import (
	"context"
	"io"
	"time"

	"brygga/account"
	"brygga/admin"
	"brygga/audit/tree"
	"brygga/clients"
	"brygga/evidence"
	"brygga/keys"
	"brygga/logins"
	"brygga/notice"
	"brygga/secret"
	"brygga/storage"
	"brygga/web/api"
)

// operations are what commands do: on an installation, or over the API of a server that is asked. Which of the two it is no command knows, and all
// rules are behind them.
type operations interface {
	Clients(ctx context.Context, f admin.ClientFilter, after string, limit int) (found []*storage.Client, more bool, err error)
	Client(ctx context.Context, id string) (*storage.Client, error)
	CheckClient(ctx context.Context, id string) (*storage.Client, []clients.Rule, error)
	PutClient(ctx context.Context, id string, d admin.Demand, change func(*storage.Client) error) (*clients.Registered, error)
	UpdateClient(ctx context.Context, id string, d admin.Demand, change func(*storage.Client) error) (*clients.Registered, error)
	SwitchClient(ctx context.Context, id string, d admin.Demand, disabled bool, reason string) (*clients.Registered, error)
	RotateWebhook(ctx context.Context, id string, d admin.Demand, keep time.Duration) (*clients.Registered, error)
	RotateSecret(ctx context.Context, id string, d admin.Demand, keep time.Duration) (*clients.Registered, error)
	RemoveClient(ctx context.Context, id string, d admin.Demand) error
	ApplyClients(ctx context.Context, changes []clients.Change, prune, dryRun bool) ([]*clients.Registered, error)
	Keys(ctx context.Context) ([]keys.Info, error)
	RotateKeys(ctx context.Context, now bool) ([]keys.Info, error)
	ShowLog(ctx context.Context) (*admin.Log, error)
	Operators(ctx context.Context) ([]admin.OperatorView, error)
	Operator(ctx context.Context, idOrName string) (admin.OperatorView, error)
	OperatorSessions(ctx context.Context, id string) ([]admin.SessionView, error)
	Invite(ctx context.Context, i account.Invitation) (admin.OperatorView, error)
	InviteAgain(ctx context.Context, id string) error
	EditOperator(ctx context.Context, id string, c admin.OperatorChange) (admin.OperatorView, error)
	EndSessions(ctx context.Context, id, session string) error
	Unlock(ctx context.Context, id string) error
	RemoveOperator(ctx context.Context, id string) error
	APIKeys(ctx context.Context) ([]*storage.APIKey, error)
	CreateAPIKey(ctx context.Context, n admin.NewAPIKey) (*storage.APIKey, secret.String, error)
	RotateAPIKey(ctx context.Context, id string, keep time.Duration) (*storage.APIKey, secret.String, error)
	RemoveAPIKey(ctx context.Context, id string) error
	SearchAudit(ctx context.Context, q logins.EventQuery) (logins.FoundEvents, error)
	LoginEvents(ctx context.Context, reference storage.Reference, from, to time.Time) ([]storage.AuditEvent, error)
	Prove(ctx context.Context, reference storage.Reference, from, to time.Time) (*tree.Proof, error)
	ExportLog(ctx context.Context, w io.Writer, since time.Time) (tree.Exported, error)
	CheckLog(ctx context.Context) (tree.Result, error)
	Sinks(ctx context.Context) ([]admin.Sink, error)
	ForgetSink(ctx context.Context, name string) error
	SearchLogins(ctx context.Context, q logins.Query) (logins.Found, error)
	FindPerson(ctx context.Context, number secret.String) (string, error)
	Stories(ctx context.Context, reference storage.Reference, language string) ([]*logins.Story, error)
	Statistics(ctx context.Context, month time.Time) (*admin.Statistics, error)
	Banner(ctx context.Context) (notice.Banner, error)
	SetBanner(ctx context.Context, b notice.Banner) error
	Evidence(ctx context.Context, f admin.EvidenceFilter) (admin.FoundEvidence, error)
	ExportEvidence(ctx context.Context, id string) (*evidence.File, error)
	EraseEvidence(ctx context.Context, id, reason string) (admin.EvidenceView, error)
	Register(ctx context.Context, eid string, r admin.Registration) (admin.Registered, error)
	LogLevel(ctx context.Context) (admin.LogLevel, error)
	SetLogLevel(ctx context.Context, level string, last time.Duration) (admin.LogLevel, error)
}

var _, _ operations = (*api.Remote)(nil), local{}

// local are the operations on an installation, for whoever gives the command.
type local struct {
	s     *admin.Service
	actor admin.Actor
}

func (l local) Clients(ctx context.Context, f admin.ClientFilter, after string, limit int) ([]*storage.Client, bool, error) {
	return l.s.Clients(ctx, l.actor, f, after, limit)
}

func (l local) Client(ctx context.Context, id string) (*storage.Client, error) {
	return l.s.Client(ctx, l.actor, id)
}

func (l local) CheckClient(ctx context.Context, id string) (*storage.Client, []clients.Rule, error) {
	return l.s.CheckClient(ctx, l.actor, id)
}

func (l local) PutClient(ctx context.Context, id string, d admin.Demand, change func(*storage.Client) error) (*clients.Registered, error) {
	return l.s.PutClient(ctx, l.actor, id, d, change)
}

func (l local) UpdateClient(ctx context.Context, id string, d admin.Demand, change func(*storage.Client) error) (*clients.Registered, error) {
	return l.s.UpdateClient(ctx, l.actor, id, d, change)
}

func (l local) SwitchClient(ctx context.Context, id string, d admin.Demand, disabled bool, reason string) (*clients.Registered, error) {
	return l.s.SwitchClient(ctx, l.actor, id, d, disabled, reason)
}

func (l local) RotateWebhook(ctx context.Context, id string, d admin.Demand, keep time.Duration) (*clients.Registered, error) {
	return l.s.RotateWebhook(ctx, l.actor, id, d, keep)
}

func (l local) RotateSecret(ctx context.Context, id string, d admin.Demand, keep time.Duration) (*clients.Registered, error) {
	return l.s.RotateSecret(ctx, l.actor, id, d, keep)
}

func (l local) RemoveClient(ctx context.Context, id string, d admin.Demand) error {
	return l.s.RemoveClient(ctx, l.actor, id, d)
}

func (l local) ApplyClients(ctx context.Context, changes []clients.Change, prune, dryRun bool) ([]*clients.Registered, error) {
	return l.s.ApplyClients(ctx, l.actor, changes, prune, dryRun)
}

func (l local) Keys(ctx context.Context) ([]keys.Info, error) { return l.s.Keys(ctx, l.actor) }

func (l local) RotateKeys(ctx context.Context, now bool) ([]keys.Info, error) {
	return l.s.RotateKeys(ctx, l.actor, now)
}

func (l local) ShowLog(ctx context.Context) (*admin.Log, error) { return l.s.ShowLog(ctx, l.actor) }

func (l local) Operators(ctx context.Context) ([]admin.OperatorView, error) {
	all, err := l.s.Operators(ctx, l.actor)
	views := make([]admin.OperatorView, len(all))
	for i, o := range all {
		views[i] = admin.ViewOperator(o)
	}
	return views, err
}

// viewed returns what is shown of an operator.
func viewed(o *storage.Operator, err error) (admin.OperatorView, error) {
	if err != nil {
		return admin.OperatorView{}, err
	}
	return admin.ViewOperator(o), nil
}

func (l local) Operator(ctx context.Context, idOrName string) (admin.OperatorView, error) {
	return viewed(l.s.Operator(ctx, l.actor, idOrName))
}

func (l local) OperatorSessions(ctx context.Context, id string) ([]admin.SessionView, error) {
	return l.s.OperatorSessions(ctx, l.actor, id)
}

func (l local) Invite(ctx context.Context, i account.Invitation) (admin.OperatorView, error) {
	return viewed(l.s.Invite(ctx, l.actor, i))
}

func (l local) InviteAgain(ctx context.Context, id string) error {
	return l.s.InviteAgain(ctx, l.actor, id)
}

func (l local) EditOperator(ctx context.Context, id string, c admin.OperatorChange) (admin.OperatorView, error) {
	return viewed(l.s.EditOperator(ctx, l.actor, id, c))
}

func (l local) EndSessions(ctx context.Context, id, session string) error {
	return l.s.EndSessions(ctx, l.actor, id, session)
}

func (l local) Unlock(ctx context.Context, id string) error { return l.s.Unlock(ctx, l.actor, id) }

func (l local) RemoveOperator(ctx context.Context, id string) error {
	return l.s.RemoveOperator(ctx, l.actor, id)
}

func (l local) APIKeys(ctx context.Context) ([]*storage.APIKey, error) {
	return l.s.APIKeys(ctx, l.actor)
}

func (l local) CreateAPIKey(ctx context.Context, n admin.NewAPIKey) (*storage.APIKey, secret.String, error) {
	return l.s.CreateAPIKey(ctx, l.actor, n)
}

func (l local) RotateAPIKey(ctx context.Context, id string, keep time.Duration) (*storage.APIKey, secret.String, error) {
	return l.s.RotateAPIKey(ctx, l.actor, id, keep)
}

func (l local) RemoveAPIKey(ctx context.Context, id string) error {
	return l.s.RemoveAPIKey(ctx, l.actor, id)
}

func (l local) Register(ctx context.Context, eid string, r admin.Registration) (admin.Registered, error) {
	return l.s.Register(ctx, l.actor, eid, r)
}

func (l local) LogLevel(ctx context.Context) (admin.LogLevel, error) {
	return l.s.LogLevel(ctx, l.actor)
}

func (l local) SetLogLevel(ctx context.Context, level string, last time.Duration) (admin.LogLevel, error) {
	return l.s.SetLogLevel(ctx, l.actor, level, last)
}

func (l local) SearchAudit(ctx context.Context, q logins.EventQuery) (logins.FoundEvents, error) {
	return l.s.SearchAudit(ctx, l.actor, q)
}

func (l local) LoginEvents(ctx context.Context, reference storage.Reference, from, to time.Time) ([]storage.AuditEvent, error) {
	return l.s.LoginEvents(ctx, l.actor, reference, from, to)
}

func (l local) Prove(ctx context.Context, reference storage.Reference, from, to time.Time) (*tree.Proof, error) {
	return l.s.Prove(ctx, l.actor, reference, from, to)
}

func (l local) ExportLog(ctx context.Context, w io.Writer, since time.Time) (tree.Exported, error) {
	return l.s.ExportLog(ctx, l.actor, w, since)
}

func (l local) CheckLog(ctx context.Context) (tree.Result, error) { return l.s.CheckLog(ctx, l.actor) }

func (l local) Sinks(ctx context.Context) ([]admin.Sink, error) { return l.s.Sinks(ctx, l.actor) }

func (l local) ForgetSink(ctx context.Context, name string) error {
	return l.s.ForgetSink(ctx, l.actor, name)
}

func (l local) SearchLogins(ctx context.Context, q logins.Query) (logins.Found, error) {
	return l.s.SearchLogins(ctx, l.actor, q)
}

func (l local) FindPerson(ctx context.Context, number secret.String) (string, error) {
	return l.s.FindPerson(ctx, l.actor, number)
}

func (l local) Stories(ctx context.Context, reference storage.Reference, language string) ([]*logins.Story, error) {
	return l.s.Stories(ctx, l.actor, reference, language)
}

func (l local) Statistics(ctx context.Context, month time.Time) (*admin.Statistics, error) {
	return l.s.Statistics(ctx, l.actor, month)
}

func (l local) Banner(ctx context.Context) (notice.Banner, error) { return l.s.Banner(ctx, l.actor) }

func (l local) SetBanner(ctx context.Context, b notice.Banner) error {
	return l.s.SetBanner(ctx, l.actor, b)
}

func (l local) Evidence(ctx context.Context, f admin.EvidenceFilter) (admin.FoundEvidence, error) {
	return l.s.Evidence(ctx, l.actor, f)
}

func (l local) ExportEvidence(ctx context.Context, id string) (*evidence.File, error) {
	return l.s.ExportEvidence(ctx, l.actor, id)
}

func (l local) EraseEvidence(ctx context.Context, id, reason string) (admin.EvidenceView, error) {
	return l.s.EraseEvidence(ctx, l.actor, id, reason)
}
