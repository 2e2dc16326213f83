package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"brygga/admin"
	"brygga/audit"
	"brygga/audit/tree"
	"brygga/cmd/brygga/config"
	"brygga/keys"
	"brygga/mail"
	"brygga/notice"
	"brygga/secret"
	"brygga/storage"
	"brygga/storage/postgres/pgtest"
)

// handClock is a clock that goes when it is told to.
type handClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *handClock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// letters keeps the mail that it is given.
type letters struct {
	mu  sync.Mutex
	all []*mail.Message
}

func (l *letters) Send(_ context.Context, m *mail.Message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, m)
	return nil
}

// watched is a server that looks for alarms when it is told to.
type watched struct {
	*server
	t       *testing.T
	clock   *handClock
	letters letters
	options serverOptions
}

func newWatched(t *testing.T, change func(*serverOptions)) *watched {
	t.Helper()
	o := newOptions(t)
	w := &watched{t: t, clock: &handClock{now: time.Now().Truncate(time.Second)}}
	o.now, o.sender, o.config.AdminListen = w.clock.read, &w.letters, "localhost:1"
	if change != nil {
		change(&o)
	}
	w.options = o
	w.start()
	t.Cleanup(func() { w.server.close() })
	w.rules(notice.Rules{})
	return w
}

func (w *watched) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// start starts the server, or does so again on the same store.
func (w *watched) start() {
	w.t.Helper()
	if w.server != nil {
		w.ok(w.server.close())
	}
	s, err := newServer(w.t.Context(), w.options)
	w.ok(err)
	w.server = s
	_, err = s.newManagement(w.t.Context())
	w.ok(err)
}

// rules has kim get all alarms by these rules, beside those of a disk that has room.
func (w *watched) rules(r notice.Rules) {
	w.t.Helper()
	if r.Recipients = []notice.Recipient{{Email: "kim@example.se", Language: "en"}}; r.FreeMiB == 0 {
		r.FreeMiB = 1
	}
	w.ok(w.alarms.SetRules(w.t.Context(), r, func(_, _ [][2]string) []storage.AuditEvent { return nil }))
}

// look looks for alarms after so long, and again and again within that time as a running server does.
func (w *watched) look(after time.Duration) {
	w.t.Helper()
	for ; after > alarmEvery; after -= alarmEvery {
		w.clock.add(alarmEvery)
		w.lookForAlarms(w.t.Context())
	}
	w.clock.add(after)
	w.lookForAlarms(w.t.Context())
}

// told returns what kim got since the last time, by subject, and checks that the audit log tells of as much.
func (w *watched) told() (subjects []string) {
	w.t.Helper()
	ctx, stop := context.WithCancel(w.t.Context())
	var sending sync.WaitGroup
	sending.Go(func() { w.mail.Run(ctx) })
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if n, err := w.store.PendingMail(ctx); err != nil || time.Now().After(deadline) {
			w.t.Fatalf("%d messages wait, %v", n, err)
		} else if n == 0 {
			break
		}
	}
	stop()
	sending.Wait()
	for _, letter := range w.letters.all {
		if letter.To != "kim@example.se" {
			w.t.Errorf("%s got %q", letter.To, letter.Subject)
		}
		subjects = append(subjects, strings.TrimSuffix(letter.Subject, " (Brygga)"))
	}
	w.letters.all = nil
	return subjects
}

// want checks what kim got since the last time.
func (w *watched) want(when string, subjects ...string) {
	w.t.Helper()
	if got := w.told(); !slices.Equal(got, subjects) {
		w.t.Errorf("%s: %q, want %q", when, got, subjects)
	}
}

// events returns the alarms that the audit log tells of, as their number and object.
func (w *watched) events() (all []string) {
	w.t.Helper()
	events, err := w.store.AuditEvents(w.t.Context(), time.Time{}, w.now().Add(time.Hour), 10_000)
	w.ok(err)
	for _, e := range events {
		if strings.HasPrefix(e.Type, "ALM_") {
			all = append(all, e.Type+" "+e.Fields["OBJECT"])
		}
	}
	return all
}

// absent is a store that fails in what it is named for while it is away.
type absent struct {
	storage.Store
	away bool
}

var errAway = errors.New("away")

func (a *absent) SigningKeys(ctx context.Context) ([]storage.SigningKey, uint64, error) {
	if a.away {
		return nil, 0, errAway
	}
	return a.Store.SigningKeys(ctx)
}

func (a *absent) AuditTree(ctx context.Context) (storage.AuditTree, error) {
	if a.away {
		return storage.AuditTree{}, errAway
	}
	return a.Store.AuditTree(ctx)
}

// logins has so many people complete their logins and so many fail.
func (w *watched) happen(completed, failed int) {
	for i := range completed + failed {
		event := audit.Event{Type: audit.LoginCompleted, Identifier: storage.NewID(), ClientID: "portal"}
		if i >= completed {
			event.Type, event.Message = audit.LoginFailed, "certificateErr"
		}
		w.audit.Record(w.t.Context(), event)
	}
	w.clock.add(10 * time.Second) // they settle
	w.signAudit(w.t.Context())
}

// TestAlarms: each condition raises one alarm however long it lasts, and is told of once more when it is over.
func TestAlarms(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pair := func(left time.Duration) (certFile, keyFile string) {
		certFile, keyFile = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
		writePair(t, certFile, keyFile, left)
		return certFile, keyFile
	}
	for _, tt := range []struct {
		name  string
		after func(o *serverOptions)
		// begin lets the condition begin and end lets it end. The one before does what shows that all is well.
		before, begin, end func(w *watched)
		subject, event     string
	}{
		{
			name: "BankID is down", subject: "BankID does not answer", event: "bankid BankID",
			before: func(w *watched) { w.health.call("auth", 200, "", time.Millisecond) },
			begin: func(w *watched) {
				for range 3 {
					if _, err := w.apis[""].Collect(t.Context(), secret.New("an order")); err == nil {
						t.Error("BankID answered")
					}
					w.clock.add(outageTime / 2)
				}
			},
			end: func(w *watched) { w.health.call("auth", 200, "", time.Millisecond) },
		},
		{
			name: "Net iD Access is down", subject: "Net iD does not answer", event: "netid Net iD Access",
			after:  func(o *serverOptions) { withCardParts(t, o) },
			before: func(w *watched) { w.cards.health.call("Collect", 200, "", time.Millisecond) },
			begin: func(w *watched) {
				for range 3 {
					if _, err := w.cards.apis[""].Collect(t.Context(), secret.New("an-order")); err == nil {
						t.Error("Net iD Access answered")
					}
					w.clock.add(outageTime / 2)
				}
				if err := w.ready(t.Context()); err != nil {
					t.Errorf("BankID could not be used any longer: %v", err)
				}
			},
			end: func(w *watched) { w.cards.health.call("Authenticate", 500, "UNKNOWN_USER", time.Millisecond) },
		},
		{
			name: "the listener's certificate ends", subject: "a certificate ends soon", event: "certificates listener_certificate ",
			after: func(o *serverOptions) {
				var err error
				if o.listener, err = newCertificateFiles(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"), o.log); err != nil {
					t.Fatal(err)
				}
			},
			begin: func(w *watched) { w.clock.add(36 * 24 * time.Hour) },
			end: func(w *watched) {
				pair(400 * 24 * time.Hour)
				if !w.listener.readFrom(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")) {
					t.Error("the new certificate was not read")
				}
			},
		},
		{
			name: "BankID's certificate ends", subject: "a certificate ends soon", event: "certificates bankid_certificate default",
			begin: func(w *watched) {
				w.clock.add(w.apis[""].CertificateInfo().NotAfter.Sub(w.now()) - 29*24*time.Hour)
			},
			end: func(w *watched) { w.rules(notice.Rules{Days: 10}) },
		},
		{
			name: "a client's secret ends", subject: "a secret ends soon", event: "secrets client_secret portal",
			before: func(w *watched) { w.client("portal", w.now().Add(31*24*time.Hour)) },
			begin:  func(w *watched) { w.clock.add(2 * 24 * time.Hour) },
			end:    func(w *watched) { w.client("portal", time.Time{}) },
		},
		{
			name: "an API key ends", subject: "a secret ends soon", event: "secrets api_key terraform",
			begin: func(w *watched) {
				ends := w.now().Add(20 * 24 * time.Hour)
				w.ok(w.store.PutAPIKey(t.Context(), storage.APIKey{ID: "key1", Name: "terraform", Scopes: []string{admin.ScopeNoticesRead}, Created: w.now(), Creator: "kim", Expires: ends}))
			},
			end: func(w *watched) { w.ok(w.store.RemoveAPIKey(t.Context(), "key1")) },
		},
		{
			name: "the disk is full", subject: "the disk is nearly full", event: "disk ",
			begin: func(w *watched) { w.rules(notice.Rules{FreeMiB: 1 << 30}) },
			end:   func(w *watched) { w.rules(notice.Rules{}) },
		},
		{
			name: "more logins fail than usually", subject: "more logins fail than usually", event: "failures ",
			before: func(w *watched) { w.happen(200, 10); w.clock.add(5 * time.Hour) },
			begin:  func(w *watched) { w.happen(10, 11) },
			end:    func(w *watched) { w.happen(100, 0) },
		},
		{
			name: "keys cannot be looked after", subject: "the keys that sign tokens cannot be looked after", event: "keys maintenance",
			before: func(w *watched) {
				var err error
				away := &absent{Store: w.store}
				w.ring, err = keys.New(t.Context(), keys.Options{Store: away, Now: w.now})
				w.ok(err)
				w.maintain(t.Context())
				away.away = true
			},
			begin: func(w *watched) { w.maintain(t.Context()); w.clock.add(lasting) },
			end: func(w *watched) {
				var err error
				w.ring, err = keys.New(t.Context(), keys.Options{Store: w.store, Now: w.now})
				w.ok(err)
				w.maintain(t.Context())
			},
		},
		{
			name: "the log cannot be signed", subject: "audit events cannot be signed or handed over", event: "audit signing",
			before: func(w *watched) { w.signAudit(t.Context()) },
			begin: func(w *watched) {
				w.tree.Tree = w.otherTree(&absent{Store: w.store, away: true})
				w.signAudit(t.Context())
				w.clock.add(lasting)
			},
			end: func(w *watched) { w.tree.Tree = w.otherTree(w.store); w.signAudit(t.Context()) },
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pair(60 * 24 * time.Hour)
			w := newWatched(t, tt.after)
			if tt.before != nil {
				tt.before(w)
			}
			w.look(time.Minute)
			w.want("before")
			tt.begin(w)
			w.look(20 * time.Minute)
			w.want("while it lasts", "Alarm from Brygga: "+tt.subject)
			kind, _, _ := strings.Cut(tt.event, " ")
			standing := value(t, w.server, "brygga_alarms", "kind="+kind)
			tt.end(w)
			w.look(4 * time.Minute)
			w.want("shortly after")
			w.look(10 * time.Minute)
			w.want("afterwards", "Over: "+tt.subject)
			if after := value(t, w.server, "brygga_alarms", "kind="+kind); standing != 1 || after != 0 {
				t.Errorf("the metric says %v, and %v afterwards", standing, after)
			}
			events := w.events()
			if len(events) != 2 || !strings.HasPrefix(events[0], string(audit.AlarmRaised)+" "+tt.event) || !strings.HasPrefix(events[1], string(audit.AlarmOver)+" "+tt.event) {
				t.Errorf("the audit log tells of %q", events)
			}
		})
	}
}

// TestAlarmsHaveWords: mail says in the recipient's language what each kind of alarm is.
func TestAlarmsHaveWords(t *testing.T) {
	texts, err := mail.ReadTexts(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, language := range notice.Languages {
		for _, kind := range notice.Kinds() {
			for _, text := range []string{"alarm", "alarm-over"} {
				m, err := texts.Render(&storage.Mail{Kind: text, Language: language, Values: map[string]secret.String{"what": secret.New("alarm-" + string(kind))}}, "Brygga")
				if err != nil || strings.Contains(m.Subject, "alarm-") || strings.Contains(m.Text, "alarm-") {
					t.Errorf("%s of %s in %s: %+v, %v", text, kind, language, m, err)
				}
			}
		}
	}
}

// client registers a client whose secret ends at a time, or gives it another.
func (w *watched) client(id string, ends time.Time) {
	w.t.Helper()
	c := storage.Client{ID: id, Name: id, Secrets: []storage.ClientSecret{{Hash: secret.New("a secret").Hash(), Created: w.now(), Expires: ends}}, Created: w.now(), Revision: 1}
	if before, err := w.store.Client(w.t.Context(), id); err == nil {
		c.Revision = before.Revision
		w.ok(w.store.UpdateClient(w.t.Context(), c))
		return
	}
	w.ok(w.store.CreateClient(w.t.Context(), c))
}

// otherTree returns the tree of the server over another store.
func (w *watched) otherTree(store storage.Store) *tree.Tree {
	w.t.Helper()
	all, err := openTree(w.t.Context(), store, w.config.Issuer, tree.Options{Logger: w.log, Now: w.now})
	w.ok(err)
	return all
}

// TestAlarmOutlivesARestart: a server that is started anew in the middle neither ends an alarm that it cannot judge yet nor sends it again.
func TestAlarmOutlivesARestart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "missing")
	w := newWatched(t, func(o *serverOptions) {
		o.config.Audit.Sinks = []config.Sink{{Name: "archive", Kind: config.KindFile, FromStart: true, Path: filepath.Join(dir, "audit.jsonl"), MaxMiB: 1, Keep: 1}}
	})
	down := func() {
		for range 3 {
			w.health.call("collect", 0, "unavailable", time.Second)
			w.clock.add(outageTime / 2)
		}
	}
	w.happen(0, 1)
	deliver := func(failing bool) {
		t.Helper()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var delivering sync.WaitGroup
		delivering.Go(func() { w.sinks[0].Run(ctx) })
		for deadline := time.Now().Add(patience); w.sinks[0].FailingSince().IsZero() == failing || !failing && w.sinks[0].Behind() > 0; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("failing since %v, %d behind", w.sinks[0].FailingSince(), w.sinks[0].Behind())
			}
		}
		stop()
		delivering.Wait()
	}
	down()
	deliver(true)
	w.look(lasting)
	w.want("at first", "Alarm from Brygga: BankID does not answer", "Alarm from Brygga: audit events cannot be signed or handed over")
	w.start()
	deliver(true)
	w.look(time.Hour)
	w.want("when it has begun anew, and nobody logs in")
	down()
	w.look(time.Hour)
	w.want("when it has found both still failing")
	w.start()
	w.health.call("auth", 200, "", time.Second)
	w.ok(os.Mkdir(dir, 0o700))
	deliver(false)
	w.look(10 * time.Minute)
	got := w.told()
	if slices.Sort(got); !slices.Equal(got, []string{"Over: BankID does not answer", "Over: audit events cannot be signed or handed over"}) {
		t.Errorf("after all: %q", got)
	}
}

// TestAlarmOfNodes: of several servers on one database that see the same, one tells, and so it is when another goes on alone.
func TestAlarmOfNodes(t *testing.T) {
	t.Parallel()
	dsn, master := pgtest.Database(t), keys.NewMasterKey()
	var nodes []*watched
	for range 3 {
		nodes = append(nodes, newWatched(t, func(o *serverOptions) {
			o.config.Postgres.DSN, o.config.MasterKey, o.now = secret.New(dsn), master, time.Now // the database's clock counts
		}))
	}
	nodes[0].client("portal", time.Now().Add(24*time.Hour))
	for range 3 {
		var looking sync.WaitGroup
		for _, w := range nodes {
			looking.Go(func() { w.lookForAlarms(t.Context()) })
		}
		looking.Wait()
	}
	nodes[2].want("of three", "Alarm from Brygga: a secret ends soon")
	for _, w := range nodes[:2] {
		w.lookForAlarms(t.Context())
	}
	nodes[1].want("later")
	if events := nodes[0].events(); len(events) != 1 {
		t.Errorf("the audit log tells of %q", events)
	}
}

// TestAlarmsTellOfNobody: neither a mail nor the webhook's message, which is tried again until it is taken, names a person.
func TestAlarmsTellOfNobody(t *testing.T) {
	t.Parallel()
	hook := newAlarmHook(t)
	w := newWatched(t, func(o *serverOptions) {
		o.config.Audit.Sinks = []config.Sink{{Name: "pager", Kind: config.KindWebhook, URL: hook.URL, Secret: secret.New("whsec_" + strings.Repeat("A", 40)), Events: []string{"ALM_"}}}
	})
	ctx, stop := context.WithCancel(t.Context())
	var delivering sync.WaitGroup
	delivering.Go(func() { w.sinks[0].Run(ctx) })
	t.Cleanup(func() { stop(); delivering.Wait() })
	for range 12 {
		w.audit.Record(t.Context(), audit.Event{
			Type: audit.LoginFailed, Identifier: storage.NewID(), ClientID: "portal", Message: "certificateErr", SourceAddress: "192.0.2.77",
			Subject: "pseudonym-of-kim",
		})
	}
	w.clock.add(10 * time.Second)
	w.signAudit(t.Context())
	w.look(alarmEvery)
	w.clock.add(10 * time.Second)
	w.signAudit(t.Context())
	bodies := hook.await(2) // refused once, taken then
	w.want("by mail", "Alarm from Brygga: more logins fail than usually")
	for _, text := range bodies {
		if !strings.Contains(text, string(audit.AlarmRaised)) {
			t.Errorf("the webhook got %s", text)
		}
		for _, who := range []string{"192.0.2.77", "pseudonym-of-kim", "kim@example.se"} {
			if strings.Contains(text, who) {
				t.Errorf("%s stands in %s", who, text)
			}
		}
	}
}
