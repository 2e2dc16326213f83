package admin_test

import (
	"context"
	"crypto/rand"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/account"
	"brygga/admin"
	"brygga/audit"
	"brygga/audit/tree"
	"brygga/clients"
	"brygga/keys"
	"brygga/logins"
	"brygga/notice"
	"brygga/secret"
	"brygga/storage"
	"brygga/storage/bolt"
	"brygga/storage/storagetest"
)

type harness struct {
	options admin.Options
	*admin.Service
	store storage.Store
	now   time.Time
	// tree is the tree over the audit log, and noTree why there is none.
	tree   *tree.Tree
	noTree error
	// tokens returns the client of an access token.
	tokens      func(context.Context, secret.String) (*storage.Client, []string, error)
	registering error // what a service answers a registration
}

func newHarness(t testing.TB) *harness {
	t.Helper()
	return newHarnessOver(t, func(store storage.Store) storage.Store { return store })
}

// newHarnessOver is newHarness with another store over the stored one.
func newHarnessOver(t testing.TB, over func(storage.Store) storage.Store) *harness {
	t.Helper()
	stored, err := bolt.Open(filepath.Join(t.TempDir(), "brygga.db"), storagetest.NewSealer(), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stored.Close() })
	store := over(stored)
	h := &harness{store: store, noTree: errNoTree, now: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)}
	now := func() time.Time { return h.now }
	log, err := audit.New(audit.Options{Store: store, PseudonymKey: make([]byte, 32), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	key := make([]byte, 32)
	rand.Read(key)
	accounts, err := account.New(account.Options{Store: store, Audit: log, Key: key, Mail: true, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	var ring *keys.Ring
	h.options = admin.Options{
		Store: store, Audit: log, Accounts: accounts, Now: now,
		ReadPerson: func(text secret.String) (storage.PersonKey, bool) {
			return storage.PersonKey{Name: storage.KeyHSAID, Value: text}, text.Reveal() == "SE1-KIM"
		},
		Keys: func(ctx context.Context) (_ *keys.Ring, err error) {
			if ring == nil {
				if ring, err = keys.New(ctx, keys.Options{Store: store}); err == nil {
					t.Cleanup(func() { ring.Close() })
				}
			}
			return ring, err
		},
		Client: func(ctx context.Context, token secret.String) (*storage.Client, []string, error) {
			if h.tokens == nil {
				return nil, nil, storage.ErrNotFound
			}
			return h.tokens(ctx, token)
		},
		Tree: func(context.Context) (*tree.Tree, error) { return h.tree, h.noTree },
		Registrars: map[string]admin.Registrar{"netid": {Certificates: []string{"journal"}, Register: func(_ context.Context, r admin.Registration) (admin.Registered, error) {
			return admin.Registered{Service: "NiAS", Name: r.Name}, h.registering
		}}},
	}
	if h.Service, err = admin.New(h.options); err != nil {
		t.Fatal(err)
	}
	return h
}

var errNoTree = errors.New("no tree here")

func web(group string) func(*storage.Client) error {
	return func(c *storage.Client) error {
		c.RedirectURIs, c.AdminGroup = []string{"https://app.example.se/cb"}, group
		return nil
	}
}

var root = admin.Command("root")

func (h *harness) put(t *testing.T, id, group string) *clients.Registered {
	t.Helper()
	put, err := h.PutClient(t.Context(), root, id, admin.Demand{}, web(group))
	if err != nil {
		t.Fatal(err)
	}
	return put
}

// operator is an active one with the role, for all clients or for those of the groups.
func operator(role storage.Role, fresh bool, groups ...string) admin.Actor {
	o := &storage.Operator{ID: string(role), Roles: []storage.Role{role}, State: storage.OperatorActive, AllClients: len(groups) == 0, Groups: groups}
	return admin.Operator(&account.Session{Operator: o}, fresh, account.From{})
}

// calls is each operation, asked for by an actor.
var calls = map[admin.Name]func(context.Context, *harness, admin.Actor) error{
	admin.ListClients: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, _, err := h.Clients(ctx, a, admin.ClientFilter{}, "", 10)
		return err
	},
	admin.ShowClient: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.Client(ctx, a, "app")
		return err
	},
	admin.CheckClient: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, _, err := h.CheckClient(ctx, a, "app")
		return err
	},
	admin.TryClient: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.TryClient(ctx, a, "app")
		return err
	},
	admin.ClientHistory: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, _, err := h.ClientHistory(ctx, a, "app", time.Time{}, 10)
		return err
	},
	admin.PutClient: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.PutClient(ctx, a, "app", admin.Demand{DryRun: true}, web("schools"))
		return err
	},
	admin.UpdateClient: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.UpdateClient(ctx, a, "app", admin.Demand{DryRun: true}, web("schools"))
		return err
	},
	admin.SwitchClient: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.SwitchClient(ctx, a, "app", admin.Demand{DryRun: true}, true, "moves")
		return err
	},
	admin.RotateSecret: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.RotateSecret(ctx, a, "app", admin.Demand{DryRun: true}, 0)
		return err
	},
	admin.EndSecret: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.EndSecret(ctx, a, "app", admin.Demand{DryRun: true}, h.now)
		return ignore(err, clients.ErrLastSecret)
	},
	admin.RemoveClient: func(ctx context.Context, h *harness, a admin.Actor) error {
		return h.RemoveClient(ctx, a, "app", admin.Demand{DryRun: true})
	},
	admin.ApplyClients: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.ApplyClients(ctx, a, []clients.Change{{ID: "app", Set: web("schools")}}, true, true)
		return err
	},
	admin.ListKeys: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.Keys(ctx, a)
		return err
	},
	admin.RotateKeys: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.RotateKeys(ctx, a, false)
		if _, soon := errors.AsType[*keys.TooSoonError](err); soon {
			return nil
		}
		return err
	},
	admin.ListAudit: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.AuditEvents(ctx, a, time.Time{}, h.now, 10)
		return err
	},
	admin.ShowLog: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.ShowLog(ctx, a)
		return ignore(err, errNoTree)
	},
	admin.ProveEvents: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.Prove(ctx, a, "7QX42MKD", time.Time{}, h.now)
		return ignore(err, storage.ErrNotFound)
	},
	admin.ForgetSink: func(ctx context.Context, h *harness, a admin.Actor) error {
		return ignore(h.ForgetSink(ctx, a, "archive"), storage.ErrNotFound)
	},
	admin.ShowLogin: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.LoginEvents(ctx, a, "7QX42MKD", time.Time{}, h.now)
		return ignore(err, storage.ErrNotFound)
	},
	admin.SearchLogins: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.SearchLogins(ctx, a, logins.Query{})
		return err
	},
	admin.FindPerson: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.FindPerson(ctx, a, secret.New(someone))
		return err
	},
	admin.ListEvidence: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.Evidence(ctx, a, admin.EvidenceFilter{})
		return err
	},
	admin.ExportEvidence: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.ExportEvidence(ctx, a, "nothing")
		return ignore(err, storage.ErrNotFound)
	},
	admin.EraseEvidence: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.EraseEvidence(ctx, a, "nothing", "because")
		return ignore(err, storage.ErrNotFound)
	},
	admin.ShowExpiries: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.Expiries(ctx, a)
		return err
	},
	admin.ShowSettings: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.Settings(ctx, a)
		return err
	},
	admin.ShowBanner: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.Banner(ctx, a)
		return err
	},
	admin.SetBanner: func(ctx context.Context, h *harness, a admin.Actor) error {
		return h.SetBanner(ctx, a, notice.Banner{Texts: map[string]string{"sv": "Hej"}})
	},
	admin.ShowAlarms: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.Alarms(ctx, a)
		return err
	},
	admin.ChangeAlarms: func(ctx context.Context, h *harness, a admin.Actor) error {
		return h.ChangeAlarms(ctx, a, notice.Rules{})
	},
	admin.RegisterService: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.Register(ctx, a, "netid", admin.Registration{Name: "Region Prov"})
		return err
	},
	admin.TestAlarms: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.TestAlarms(ctx, a)
		return err
	},
	admin.ShowLogLevel: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.LogLevel(ctx, a)
		return ignore(err, admin.ErrNoServer)
	},
	admin.SetLogLevel: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.SetLogLevel(ctx, a, "debug", 0)
		return ignore(err, admin.ErrNoServer)
	},
	admin.ShowFigures: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.Figures(ctx, a, 24)
		return err
	},
	admin.ShowStatistics: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.Statistics(ctx, a, h.now)
		return err
	},
	admin.ListOperators: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.Operators(ctx, a)
		return err
	},
	admin.Invite: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.Invite(ctx, a, account.Invitation{UserName: secret.New("")})
		if _, bad := errors.AsType[account.Problems](err); bad {
			return nil
		}
		return err
	},
	admin.ChangeRights: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.ChangeOperator(ctx, a, "nobody", account.Change{})
		return ignore(err, storage.ErrNotFound)
	},
	admin.RemoveAccount: func(ctx context.Context, h *harness, a admin.Actor) error {
		return outsideAdmin(ignore(h.RemoveOperator(ctx, a, "nobody"), storage.ErrNotFound))
	},
	admin.ShowOperator: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.Operator(ctx, a, "nobody")
		return ignore(err, storage.ErrNotFound)
	},
	admin.GiveLink: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.GiveLink(ctx, a, "nobody")
		return ignore(err, storage.ErrNotFound)
	},
	admin.EndSessions: func(ctx context.Context, h *harness, a admin.Actor) error {
		return outsideAdmin(ignore(h.EndSessions(ctx, a, "nobody", ""), storage.ErrNotFound))
	},
	admin.Unlock: func(ctx context.Context, h *harness, a admin.Actor) error {
		return ignore(h.Unlock(ctx, a, "nobody"), storage.ErrNotFound)
	},
	admin.ListAPIKeys: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.APIKeys(ctx, a)
		return err
	},
	admin.CreateAPIKey: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, _, err := h.CreateAPIKey(ctx, a, admin.NewAPIKey{})
		if _, bad := errors.AsType[clients.Problems](err); bad {
			return nil
		}
		return err
	},
	admin.RotateAPIKey: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, _, err := h.RotateAPIKey(ctx, a, "nothing", 0)
		return ignore(err, storage.ErrNotFound)
	},
	admin.RemoveAPIKey: func(ctx context.Context, h *harness, a admin.Actor) error {
		return ignore(h.RemoveAPIKey(ctx, a, "nothing"), storage.ErrNotFound)
	},
	admin.ShowHealth: func(ctx context.Context, h *harness, a admin.Actor) error {
		_, err := h.Health(ctx, a)
		return err
	},
}

func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}

// outsideAdmin forgets refusals of the step itself, which looks at a session that no store has here: only those of this package count.
func outsideAdmin(err error) error {
	if _, ours := errors.AsType[*admin.RefusedError](err); !ours {
		return nil
	}
	return err
}

// matrix is who may do what, written down a second time: o owner, a admin, h help desk, u auditor; s an admin who is for some groups alone.
// A capital letter demands that the operator has proven anew who it is.
var matrix = map[admin.Name]string{
	admin.ListClients: "oahus", admin.ShowClient: "oahus", admin.CheckClient: "oahus", admin.ClientHistory: "oaus", admin.TryClient: "oas", admin.PutClient: "oas", admin.UpdateClient: "oas",
	admin.SwitchClient: "oas", admin.RotateSecret: "OAS", admin.EndSecret: "OAS", admin.RemoveClient: "OAS", admin.ApplyClients: "OAS",
	admin.ListKeys: "oaus", admin.RotateKeys: "OA", admin.ListAudit: "ou", admin.ShowLog: "ou", admin.ProveEvents: "ou", admin.ForgetSink: "O", admin.ShowLogin: "oahs",
	admin.SearchLogins: "oahs", admin.FindPerson: "oahs", admin.ShowFigures: "oahus", admin.ShowBanner: "oahus", admin.ShowSettings: "oau", admin.SetBanner: "oa", admin.ShowAlarms: "oau", admin.ChangeAlarms: "oa", admin.TestAlarms: "oa", admin.RegisterService: "OA",
	admin.ShowLogLevel: "oau", admin.SetLogLevel: "oa", admin.ShowExpiries: "oaus", admin.ShowStatistics: "oaus",
	admin.ListEvidence: "oaus", admin.ExportEvidence: "OAS", admin.EraseEvidence: "O",
	admin.ListOperators: "ou", admin.ShowOperator: "ou", admin.Invite: "O", admin.GiveLink: "O",
	admin.EndSessions: "O", admin.Unlock: "O", admin.ChangeRights: "O", admin.RemoveAccount: "O", admin.ShowHealth: "oahus",
	admin.ListAPIKeys: "o", admin.CreateAPIKey: "O", admin.RotateAPIKey: "O", admin.RemoveAPIKey: "O",
}

func TestMatrix(t *testing.T) {
	h := newHarness(t)
	h.put(t, "app", "schools")
	people := map[string]func(fresh bool) admin.Actor{
		"o": func(fresh bool) admin.Actor { return operator(storage.RoleOwner, fresh, "nothing") },
		"a": func(fresh bool) admin.Actor { return operator(storage.RoleAdmin, fresh) },
		"h": func(fresh bool) admin.Actor { return operator(storage.RoleHelpdesk, fresh) },
		"u": func(fresh bool) admin.Actor { return operator(storage.RoleAuditor, fresh, "nothing") },
		"s": func(fresh bool) admin.Actor { return operator(storage.RoleAdmin, fresh, "schools") },
	}
	for _, o := range admin.Operations() {
		call, expected := calls[o.Name], matrix[o.Name]
		if call == nil || expected == "" {
			t.Errorf("%s stands in no matrix", o.Name)
			continue
		}
		for letter, person := range people {
			for _, fresh := range []bool{false, true} {
				want := error(nil)
				switch {
				case strings.Contains(expected, strings.ToUpper(letter)) && !fresh:
					want = storage.ErrStepUp
				case !strings.Contains(strings.ToLower(expected), letter):
					want = storage.ErrForbidden
				}
				check(t, h, o.Name, letter, call(t.Context(), h, person(fresh)), want)
			}
		}
		check(t, h, o.Name, "a command", call(t.Context(), h, root), nil)
		check(t, h, o.Name, "nobody", call(t.Context(), h, admin.Actor{}), storage.ErrForbidden)
		for _, scope := range admin.Scopes() {
			want := storage.ErrForbidden
			if scope == o.Scope {
				want = nil
			}
			check(t, h, o.Name, "a key for "+scope, call(t.Context(), h, admin.Key("k", []string{scope}, nil, account.From{})), want)
		}
	}
}

// check holds the outcome against what is wanted, and a refusal against the audit log.
func check(t *testing.T, h *harness, name admin.Name, who string, got, want error) {
	t.Helper()
	refused, is := errors.AsType[*admin.RefusedError](got)
	switch {
	case want == nil && outsideAdmin(got) != nil, want != nil && (!is || !errors.Is(refused.Err, want)):
		t.Errorf("%s, asked for by %s: got %v, want %v", name, who, got, want)
	case want != nil && refused.Operation.Name != name:
		t.Errorf("%s was refused as %s", name, refused.Operation.Name)
	}
}

func TestPendingSessionMayNothing(t *testing.T) {
	h := newHarness(t)
	h.put(t, "app", "")
	for name, edit := range map[string]func(*account.Session){
		"a second factor is due": func(s *account.Session) { s.Pending = true },
		"disabled":               func(s *account.Session) { s.Operator.State = storage.OperatorDisabled },
	} {
		s := &account.Session{Operator: &storage.Operator{ID: "x", Roles: []storage.Role{storage.RoleOwner}, State: storage.OperatorActive}}
		edit(s)
		if _, err := h.Client(t.Context(), admin.Operator(s, true, account.From{}), "app"); !errors.Is(err, storage.ErrForbidden) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRefusalIsAudited(t *testing.T) {
	h := newHarness(t)
	h.RotateKeys(t.Context(), operator(storage.RoleHelpdesk, true), true)
	events, err := h.AuditEvents(t.Context(), root, h.now, h.now.Add(time.Second), 10)
	if err != nil || len(events) != 1 || events[0].Type != string(audit.AdministrationRefused) || events[0].Fields["OBJECT"] != string(admin.RotateKeys) || events[0].Fields["ACTOR"] != "helpdesk" {
		t.Errorf("events %v, %v", events, err)
	}
}

func TestChangesNameTheActor(t *testing.T) {
	h := newHarness(t)
	if _, err := h.PutClient(t.Context(), admin.Key("k1", []string{admin.ScopeClientsWrite}, nil, account.From{}), "app", admin.Demand{}, web("")); err != nil {
		t.Fatal(err)
	}
	events, err := h.AuditEvents(t.Context(), root, h.now, h.now.Add(time.Second), 10)
	if err != nil || len(events) != 1 || events[0].Fields["ACTOR"] != "key:k1" {
		t.Errorf("events %v, %v", events, err)
	}
}

// TestGroups: somebody who is for some groups neither sees nor changes any other client, and gets none in or out.
func TestGroups(t *testing.T) {
	h := newHarness(t)
	h.put(t, "mine", "schools")
	h.put(t, "other", "hospitals")
	h.put(t, "none", "")
	for name, a := range map[string]admin.Actor{
		"operator": operator(storage.RoleAdmin, true, "schools"),
		"key":      admin.Key("k", []string{admin.ScopeClientsRead, admin.ScopeClientsWrite}, []string{"schools"}, account.From{}),
	} {
		t.Run(name, func(t *testing.T) { groups(t, h, a) })
	}
}

func groups(t *testing.T, h *harness, a admin.Actor) {
	ctx := t.Context()
	page, more, err := h.Clients(ctx, a, admin.ClientFilter{}, "", 10)
	if err != nil || more || len(page) != 1 || page[0].ID != "mine" {
		t.Errorf("sees %v, %v", page, err)
	}
	for _, id := range []string{"other", "none", "unknown"} {
		_, shown := h.Client(ctx, a, id)
		_, _, checked := h.CheckClient(ctx, a, id)
		_, updated := h.UpdateClient(ctx, a, id, admin.Demand{}, web("schools"))
		_, switched := h.SwitchClient(ctx, a, id, admin.Demand{}, true, "")
		_, rotated := h.RotateSecret(ctx, a, id, admin.Demand{}, 0)
		_, ended := h.EndSecret(ctx, a, id, admin.Demand{}, h.now)
		_, applied := h.ApplyClients(ctx, a, []clients.Change{{ID: id}}, false, false)
		for i, err := range []error{shown, checked, updated, switched, rotated, ended, h.RemoveClient(ctx, a, id, admin.Demand{}), applied} {
			if !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("operation %d on %s: %v", i, id, err)
			}
		}
	}
	if _, err := h.PutClient(ctx, a, "other", admin.Demand{}, web("schools")); !errors.Is(err, storage.ErrForbidden) {
		t.Errorf("took a client over: %v", err)
	}
	for _, id := range []string{"mine", "new"} {
		if _, err := h.PutClient(ctx, a, id, admin.Demand{}, web("hospitals")); !isProblem(err, "admin_group") {
			t.Errorf("put %s out of reach: %v", id, err)
		}
	}
	if _, err := h.ApplyClients(ctx, a, []clients.Change{{ID: "other", Set: web("schools")}}, false, false); !errors.Is(err, storage.ErrForbidden) {
		t.Errorf("took a client over: %v", err)
	}
	done, err := h.ApplyClients(ctx, a, nil, true, true)
	if err != nil || len(done) != 1 || done[0].Client.ID != "mine" {
		t.Errorf("prune would remove %v, %v", done, err)
	}
}

func isProblem(err error, key string) bool {
	p, ok := errors.AsType[clients.Problem](err)
	return ok && p.Key == key
}

func TestDemand(t *testing.T) {
	h := newHarness(t)
	h.put(t, "app", "")
	ctx := t.Context()
	for name, err := range map[string]error{
		"put":    second(h.PutClient(ctx, root, "app", admin.Demand{Revision: 7}, web(""))),
		"update": second(h.UpdateClient(ctx, root, "app", admin.Demand{Revision: 7}, web("a"))),
		"rotate": second(h.RotateSecret(ctx, root, "app", admin.Demand{Revision: 7}, 0)),
		"remove": h.RemoveClient(ctx, root, "app", admin.Demand{Revision: 7}),
		"create": second(h.PutClient(ctx, root, "unknown", admin.Demand{Revision: 7}, web(""))),
	} {
		if !errors.Is(err, storage.ErrConflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.PutClient(ctx, root, "app", admin.Demand{New: true}, web("")); !errors.Is(err, storage.ErrExists) {
		t.Errorf("a client that is there: %v", err)
	}
}

func second(_ *clients.Registered, err error) error { return err }

func TestClientFilter(t *testing.T) {
	h := newHarness(t)
	for _, id := range []string{"alpha", "beta", "delta"} {
		h.put(t, id, "group "+id)
	}
	if _, err := h.SwitchClient(t.Context(), root, "beta", admin.Demand{}, true, "moves"); err != nil {
		t.Fatal(err)
	}
	h.now = h.now.Add(time.Hour)
	if _, err := h.UpdateClient(t.Context(), root, "alpha", admin.Demand{}, func(c *storage.Client) error { c.Name = "Zeta"; return nil }); err != nil {
		t.Fatal(err)
	}
	yes := true
	for _, test := range []struct {
		filter admin.ClientFilter
		want   []string
	}{
		{admin.ClientFilter{}, []string{"alpha", "beta", "delta"}}, {admin.ClientFilter{Disabled: &yes}, []string{"beta"}}, {admin.ClientFilter{Group: "group delta"}, []string{"delta"}},
		{admin.ClientFilter{Text: "APP.example"}, []string{"alpha", "beta", "delta"}}, {admin.ClientFilter{Text: "BETA"}, []string{"beta"}}, {admin.ClientFilter{Profile: "standard"}, []string{"alpha", "beta", "delta"}},
		{admin.ClientFilter{Profile: "swedish"}, nil},
		{admin.ClientFilter{Sort: admin.SortByName}, []string{"beta", "delta", "alpha"}}, {admin.ClientFilter{Sort: admin.SortByChange}, []string{"alpha", "beta", "delta"}},
	} {
		var got []string
		for after, more := "", true; more; {
			page, next, err := h.Clients(t.Context(), root, test.filter, after, 1)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range page {
				got, after = append(got, c.ID), test.filter.Cursor(c)
			}
			more = next
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%+v finds %v", test.filter, got)
		}
	}
}
