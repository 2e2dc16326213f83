package logins_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"brygga/audit"
	"brygga/audit/tree"
	"brygga/logins"
	"brygga/storage"
	"brygga/storage/bolt"
	"brygga/storage/postgres"
	"brygga/storage/postgres/pgtest"
	"brygga/storage/storagetest"
)

// How large the log of the benchmark is, and in which store. A year of logins is spread over the events.
var (
	scaleEvents   = flag.Int("events", 20_000, "audit events that the benchmark stores")
	scaleDatabase = flag.Bool("postgres", false, "run the benchmark on PostgreSQL")
)

const (
	scaleBatch   = 2048
	scaleClients = 100
)

// scaled is a log of events that follow from their places, two for each login.
type scaled struct {
	n     int
	begin time.Time
	step  time.Duration
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
	at := s.begin.Add(time.Duration(2*login) * s.step).Truncate(time.Microsecond)
	record := storage.Login{ID: hex.EncodeToString(hash[:11]), Created: at}
	fields := map[string]string{
		"IDENTIFIER": record.ID, "CLIENT_ID": fmt.Sprintf("client-%d", hash[12]%scaleClients), "DEVICE": []string{"this", "other"}[hash[13]%2], "BROWSER": "Chrome, Windows",
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

// Follow is that of a tree.
func (s *scaled) Follow(_ context.Context, from int64, limit int) (found tree.Leaves, err error) {
	found.Next, found.Size = min(from+int64(limit), int64(s.n)), int64(s.n)
	for i := from; i < found.Next; i++ {
		found.Events = append(found.Events, tree.Leaf{Index: i, Event: s.event(int(i))})
	}
	return found, nil
}

func scaledStore(b *testing.B) (store storage.Store, path string) {
	if *scaleDatabase {
		server, err := pgtest.Start(pgtest.Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { server.Stop() })
		db, err := postgres.Open(b.Context(), server.DSN("postgres"), storagetest.NewSealer(), postgres.Options{})
		if err != nil {
			b.Fatal(err)
		}
		return db, ""
	}
	path = filepath.Join(b.TempDir(), "brygga.db")
	file, err := bolt.Open(path, storagetest.NewSealer(), bolt.Options{})
	if err != nil {
		b.Fatal(err)
	}
	return file, path
}

// BenchmarkScale measures what is asked of a book of -events events: go test ./logins -bench Scale -run '^$' -events 10000000 -timeout 2h.
func BenchmarkScale(b *testing.B) {
	store, path := scaledStore(b)
	b.Cleanup(func() { store.Close() })
	now := time.Now().UTC().Truncate(time.Microsecond)
	log := newScaled(*scaleEvents, now)
	began := time.Now()
	for i := 0; i < log.n; i += scaleBatch {
		var events []storage.AuditEvent
		for j := i; j < min(i+scaleBatch, log.n); j++ {
			events = append(events, log.event(j))
		}
		if err := store.AppendAudit(b.Context(), events...); err != nil {
			b.Fatal(err)
		}
	}
	before := size(path)
	b.Logf("%d events stored in %s, %d MiB", log.n, time.Since(began).Round(time.Second), before>>20)
	book, err := logins.New(logins.Options{Store: store, Log: log, Now: func() time.Time { return now }})
	if err != nil {
		b.Fatal(err)
	}
	began = time.Now()
	for more := true; more; {
		more, err = book.Advance(b.Context())
		if errors.Is(err, storage.ErrUnavailable) { // on a machine that has much else to do; a server tries again, too
			more, err = true, nil
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	took := time.Since(began)
	b.Logf("read into the book in %s, %.1f µs for each event, %d MiB more", took.Round(time.Second), float64(took.Microseconds())/float64(log.n), (size(path)-before)>>20)

	some := log.event(log.n / 2 / 2 * 2)
	last := log.event(log.n/2/2*2 + 1)
	for name, ask := range map[string]func() error{
		"Reference": func() error { _, err := book.Search(b.Context(), logins.Query{Reference: some.Reference}); return err },
		"Story":     func() error { _, err := book.Stories(b.Context(), some.Reference, "sv", nil); return err },
		"Person": func() error {
			_, err := book.Search(b.Context(), logins.Query{Person: last.Fields["SOURCE_USER_NAME"]})
			return err
		},
		"Subject": func() error {
			_, err := book.Search(b.Context(), logins.Query{Subject: last.Fields["SUB"]})
			return err
		},
		"Network": func() error {
			_, err := book.Search(b.Context(), logins.Query{Network: netip.MustParsePrefix(some.Fields["SOURCE_ADDRESS"] + "/32")})
			return err
		},
		"TenMinutes": func() error {
			_, err := book.Search(b.Context(), logins.Query{From: some.Time.Add(-10 * time.Minute), To: some.Time.Add(10 * time.Minute)})
			return err
		},
		"ClientAndCause": func() error {
			_, err := book.Search(b.Context(), logins.Query{ClientID: "client-7", Cause: "certificateErr", Outcome: logins.Failed})
			return err
		},
		"Overview": func() error {
			_, err := book.Hours(b.Context(), "", 8*24)
			if err == nil {
				_, err = book.Day(b.Context(), now, 20)
			}
			return err
		},
		"Month": func() error { _, err := book.Month(b.Context(), now, 1000); return err },
		"AuditRare": func() error {
			_, err := book.AuditEvents(b.Context(), logins.EventQuery{Kind: "ADM_", Backwards: true})
			return err
		},
		"AuditLatest": func() error { _, err := book.AuditEvents(b.Context(), logins.EventQuery{Backwards: true}); return err },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := ask(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
