package logins_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"brygga/audit"
	"brygga/audit/tree"
	"brygga/logins"
	"brygga/secret"
	"brygga/storage"
)

// How large the log of the benchmark is, and in which store. A year of logins is spread over the events.
var (
	scaleEvents   = flag.Int("events", 20_000, "audit events that the benchmark stores")
	scaleDatabase = flag.Bool("postgres", false, "run the benchmark on PostgreSQL")
	scaleAt       = flag.String("at", "", "the store file, or the connection string of the database; it is kept, and used as it is when it was filled before")
	scaleCold     = flag.Bool("cold", false, "let the system forget the store's files before each question, which is then asked once; Linux alone")
)

const scaleClients = 100

// scaled is a log of events that follow from their places, two for each login.
type scaled struct {
	n     int
	begin time.Time
	gap   time.Duration
}

func newScaled(n int, end time.Time) *scaled {
	const year = 365 * 24 * time.Hour
	return &scaled{n, end.Add(-year), year / time.Duration(n+1)}
}

var scaleCauses = []string{"userCancel", "expiredTransaction", "startFailed", "certificateErr", "unavailable"}

// event returns the event at the place.
func (s *scaled) event(i int) storage.AuditEvent {
	login := i / 2
	hash := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(login)))
	at := s.begin.Add(time.Duration(2*login) * s.gap).Truncate(time.Microsecond)
	record := storage.Login{ID: hex.EncodeToString(hash[:11]), Created: at}
	fields := map[string]string{
		"IDENTIFIER": record.ID, "CLIENT_ID": fmt.Sprintf("client-%d", clientOf(hash[12])), "DEVICE": []string{"this", "other"}[hash[13]%2], "BROWSER": "Chrome, Windows",
		"SOURCE_ADDRESS": fmt.Sprintf("10.%d.%d.%d", hash[14]%100, hash[15], hash[16]), "SECONDS": "1.0", "TXN": hex.EncodeToString(hash[:16]),
	}
	e := storage.AuditEvent{ID: fmt.Sprintf("%016x", i), Time: at.Add(time.Second), Type: string(audit.LoginStarted), Reference: record.Reference(), Fields: fields}
	if i%2 == 1 {
		e.Time, fields["SECONDS"], fields["COURSE"] = at.Add(14*time.Second), "14.0", "other@1 outstandingTransaction@3 userSign@8"
		if hash[17]%10 == 0 {
			e.Type, fields["MESSAGE"] = string(audit.LoginFailed), scaleCauses[int(hash[18])%len(scaleCauses)]
		} else {
			person := int(binary.BigEndian.Uint32(hash[20:])) % (s.n/20 + 1)
			e.Type, fields["SOURCE_USER_NAME"], fields["SUB"] = string(audit.LoginCompleted), fmt.Sprintf("person-%d", person), fmt.Sprintf("sub-%d", person)
		}
	}
	e.Expires = e.Time.Add(400 * 24 * time.Hour)
	return e
}

// clientOf returns which client a login is of. Some have a fiftieth of all logins, and most a two hundred and fiftieth.
func clientOf(b byte) int { return int(b) % scaleClients }

// Follow is that of a tree.
func (s *scaled) Follow(_ context.Context, from int64, limit int) (found tree.Leaves, err error) {
	found.Next, found.Size = min(from+int64(limit), int64(s.n)), int64(s.n)
	for i := from; i < found.Next; i++ {
		found.Events = append(found.Events, tree.Leaf{Index: i, Event: s.event(int(i))})
	}
	return found, nil
}

// BenchmarkScale measures what is asked of a log of -events events, of the book and of the tree over it:
// go test ./logins -bench Scale -run '^$' -events 10000000 -timeout 2h. Its figures are the median and the longest time of a question.
func BenchmarkScale(b *testing.B) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	a := &asker{place: newPlace(b, *scaleDatabase, *scaleAt), log: newScaled(*scaleEvents, now), now: now}
	a.fill(b)
	for _, q := range a.questions(b) {
		b.Run(q.name, func(sub *testing.B) {
			if *scaleCold && !q.changes {
				a.open(b, a.place.chill(b)) // for all that follow
				a.measure(sub, "cold-µs", q.ask)
				return
			}
			a.measure(sub, "µs", q.ask)
		})
	}
}

// measure reports the median and the longest time of a question.
func (a *asker) measure(b *testing.B, unit string, ask func(context.Context) error) {
	var took []time.Duration
	computed := cpu(b)
	for b.Loop() {
		began := time.Now()
		if err := ask(b.Context()); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64((cpu(b)-computed).Microseconds())/float64(len(took)), "cpu-µs")
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-"+unit)
	b.ReportMetric(float64(took[len(took)-1].Microseconds()), "max-"+unit)
}

// cpu returns how long this process has computed, which tells what a question costs on a machine that has other work. A database's own work is not in it.
func cpu(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// asker asks a store, as the console and the commands do.
type asker struct {
	place *place
	log   *scaled
	now   time.Time
	store fillable
	book  *logins.Book
	tree  *tree.Tree
	more  int       // events that were appended
	swept time.Time // until when all that expires was removed
}

// scaleNow is where a store that is kept has the time of its benchmark: the name of a secret.
const scaleNow = "time of the benchmark"

// fill fills the store, unless it was kept from before.
func (a *asker) fill(b *testing.B) {
	b.Helper()
	store, began := a.place.open(b), time.Now()
	if events, err := store.AuditEvents(b.Context(), time.Time{}, a.now, 1); err != nil {
		b.Fatal(err)
	} else if len(events) == 0 {
		if err := a.log.fill(b.Context(), store, a.now); err != nil {
			b.Fatal(err)
		}
		b.Logf("%d events and their book stored in %s, %d MiB", a.log.n, time.Since(began).Round(time.Second), a.place.bytes(b)>>20)
	}
	kept, err := store.SecretOrCreate(b.Context(), scaleNow, []byte(a.now.Format(time.RFC3339Nano)))
	if err == nil {
		a.now, err = time.Parse(time.RFC3339Nano, string(kept))
	}
	if err != nil {
		b.Fatal(err)
	}
	a.log = newScaled(a.log.n, a.now)
	a.open(b, store)
	began = time.Now()
	for added := 1; added > 0; {
		if added, err = a.tree.Grow(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	a.place.settle(b)
	b.Logf("leaves made in %s, %d MiB", time.Since(began).Round(time.Second), a.place.bytes(b)>>20)
}

// open asks that store from now on, of which nothing is in memory.
func (a *asker) open(b *testing.B, store fillable) {
	b.Helper()
	proposed, err := tree.NewKey("scale")
	if err != nil {
		b.Fatal(err)
	}
	kept, err := store.SecretOrCreate(b.Context(), "key of the tree", []byte(proposed.Reveal()))
	if err != nil {
		b.Fatal(err)
	}
	key, err := tree.ReadKey(secret.New(string(kept)))
	if err != nil {
		b.Fatal(err)
	}
	now := func() time.Time { return a.now.Add(time.Minute) }
	if a.tree, err = tree.New(tree.Options{Store: store, Key: key, Now: now}); err != nil {
		b.Fatal(err)
	}
	if a.book, err = logins.New(logins.Options{Store: store, Log: a.log, Now: now}); err != nil {
		b.Fatal(err)
	}
	a.store = store
}

// question is what is asked.
type question struct {
	name    string
	changes bool
	ask     func(ctx context.Context) error
}

// questions returns what is asked: of logins, events, counts and the tree. What changes the store comes last.
func (a *asker) questions(b *testing.B) (all []question) {
	b.Helper()
	begun, ended := a.log.event(a.log.n/4*2), a.log.event(a.log.n/4*2+1)
	for i := a.log.n/4*2 + 1; ended.Type != string(audit.LoginCompleted); i += 2 {
		begun, ended = a.log.event(i-1), a.log.event(i)
	}
	day, year := begun.Time.Add(-24*time.Hour), a.now.Add(-365*24*time.Hour)
	cause := "certificateErr"
	for name, q := range map[string]logins.Query{
		"Reference": {Reference: begun.Reference}, "Person": {Person: ended.Fields["SOURCE_USER_NAME"]}, "Subject": {Subject: ended.Fields["SUB"]},
		"Address": {Network: netip.MustParsePrefix(begun.Fields["SOURCE_ADDRESS"] + "/32")}, "Network": {Network: netip.MustParsePrefix(begun.Fields["SOURCE_ADDRESS"] + "/24").Masked()},
		"NetworkWide": {Network: netip.MustParsePrefix("10.7.0.0/16")},
		"Time":        {From: begun.Time.Add(-10 * time.Minute), To: begun.Time.Add(10 * time.Minute)}, "Latest": {},
		"ClientLarge": {ClientID: "client-7"}, "ClientSmall": {ClientID: "client-77"}, "ClientGone": {ClientID: "client-gone"},
		"ClientFailed": {ClientID: "client-77", Outcome: logins.Failed}, "ClientDevice": {ClientID: "client-77", Device: "this"},
		"ClientBrowserNone": {ClientID: "client-7", Browser: "Firefox, Linux"}, "BrowserNone": {Browser: "Firefox, Linux"},
		"ClientCauseDay": {ClientID: "client-7", Cause: cause, From: day, To: begun.Time}, "ClientCauseYear": {ClientID: "client-77", Cause: cause, From: year},
		"ClientCauseNone": {ClientID: "client-7", Cause: "userDeclinedCall", From: year}, "Cause": {Cause: cause}, "CauseDay": {Cause: cause, From: day, To: begun.Time},
		"CauseOfFew": {Cause: cause, Visible: func(l *logins.Login) bool { return l.ClientID == "client-77" }},
		"Failed":     {Outcome: logins.Failed}, "Started": {Outcome: logins.Started}, "Ended": {Outcome: logins.Ended},
	} {
		all = append(all, question{"Find/" + name, false, func(ctx context.Context) error { _, err := a.book.Search(ctx, q); return err }})
		first, err := a.book.Search(b.Context(), q)
		if err != nil {
			b.Fatal(err)
		}
		if next := q; first.Next != "" {
			next.Before = first.Next
			all = append(all, question{"Find/" + name + "Next", false, func(ctx context.Context) error { _, err := a.book.Search(ctx, next); return err }})
		}
		b.Logf("%s: %d logins on the first page, more %t", name, len(first.Logins), first.Next != "")
	}
	for name, q := range map[string]logins.EventQuery{
		"Latest": {Backwards: true}, "First": {}, "Rare": {Kind: "ADM_", Backwards: true}, "Actor": {Actor: "root", Backwards: true}, "Object": {Object: "key", Backwards: true},
		"Completed": {Kind: string(audit.LoginCompleted), Backwards: true}, "Client": {ClientID: "client-77", Backwards: true}, "ClientGone": {ClientID: "client-gone", Backwards: true},
		"Person": {Person: ended.Fields["SOURCE_USER_NAME"], Backwards: true}, "Day": {From: day, To: begun.Time}, "DayClient": {From: day, To: begun.Time, ClientID: "client-77"},
	} {
		all = append(all, question{"Events/" + name, false, func(ctx context.Context) error { _, err := a.book.AuditEvents(ctx, q); return err }})
	}
	slices.SortFunc(all, func(x, y question) int { return strings.Compare(x.name, y.name) })
	return append(all, []question{
		{"Story", false, func(ctx context.Context) error { _, err := a.book.Stories(ctx, begun.Reference, "sv", nil); return err }},
		{"Overview", false, func(ctx context.Context) error { return a.overview(ctx, "") }},
		{"OverviewOfClients", false, func(ctx context.Context) error {
			for i := range scaleClients {
				if err := a.overview(ctx, fmt.Sprintf("client-%d", i)); err != nil {
					return err
				}
			}
			return nil
		}},
		{"Month", false, func(ctx context.Context) error { _, err := a.book.Month(ctx, a.now, 1000); return err }},
		{"Year", false, func(ctx context.Context) error {
			for month := range 12 {
				if _, err := a.book.Month(ctx, a.now.AddDate(0, -month, 0), 1000); err != nil {
					return err
				}
			}
			return nil
		}},
		{"ClientUse", false, func(ctx context.Context) error { _, _, err := a.book.Last(ctx, "client-7", 400); return err }},
		{"Tree/Checkpoint", false, func(ctx context.Context) error { _, _, err := a.tree.Checkpoint(ctx); return err }},
		{"Tree/Prove", false, func(ctx context.Context) error {
			_, err := a.tree.Prove(ctx, []storage.AuditEvent{begun, ended})
			return err
		}},
		{"Tree/Export", false, func(ctx context.Context) error { return a.export(ctx, begun.Time) }},
		{"Append", true, a.append},
		{"Tree/Grow", true, func(ctx context.Context) error {
			if err := a.append(ctx); err != nil {
				return err
			}
			_, err := a.tree.Grow(ctx)
			return err
		}},
		{"SweepOfDay", true, a.sweep},
	}...)
}

// overview reads what the console's overview shows: a day, the same day a week before, and the clients of today.
func (a *asker) overview(ctx context.Context, client string) error {
	_, err := a.book.Hours(ctx, client, a.now, 24)
	if err == nil {
		_, err = a.book.Hours(ctx, client, a.now.AddDate(0, 0, -7), 24)
	}
	if err == nil && client == "" {
		_, err = a.book.Day(ctx, a.now, 10_000)
	}
	if err == nil && client == "" {
		_, err = a.book.Behind(ctx, a.store)
	}
	return err
}

// errPage ends an export behind its first page.
var errPage = errors.New("a page is enough")

type onePage int

func (p *onePage) Write(text []byte) (int, error) {
	if *p -= onePage(len(text)); *p < 0 {
		return 0, errPage
	}
	return len(text), nil
}

// export reads the first 64 KiB and more of an export.
func (a *asker) export(ctx context.Context, since time.Time) error {
	page := onePage(1)
	if _, err := a.tree.Export(ctx, &page, since); !errors.Is(err, errPage) {
		return fmt.Errorf("the export has ended: %w", err)
	}
	return nil
}

// append stores the two events of one more login.
func (a *asker) append(ctx context.Context) error {
	for range 2 {
		e := a.log.event(a.log.n + a.more)
		e.ID, e.Time = fmt.Sprintf("more-%012d", a.more), a.now.Add(time.Duration(a.more)*time.Microsecond)
		if a.more++; a.store.AppendAudit(ctx, e) != nil {
			return errors.New("an event was not stored")
		}
	}
	return nil
}

// sweep removes what expires within the next day.
func (a *asker) sweep(ctx context.Context) error {
	a.swept = cmp.Or(a.swept, a.log.event(0).Expires).Add(24 * time.Hour)
	for {
		n, err := a.store.Sweep(ctx, a.swept, 500)
		if err != nil || n < 500 {
			return err
		}
	}
}
