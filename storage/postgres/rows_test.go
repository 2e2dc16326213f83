//go:build scale

package postgres

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"brygga/storage"
	"brygga/storage/postgres/pgtest"
	"brygga/storage/storagetest"
)

// manyRows names the environment variable for how many rows the large database has of each kind.
const manyRows = "BRYGGA_TEST_ROWS"

// visits is how many of the people whose rows are stored do something afterwards, and how often each step is measured.
const visits = 1000

// stored is a database with rows of as many people as it is told, spread over some minutes.
type stored struct {
	*testing.T
	server *pgtest.Server
	store  *Store
	conn   *pgx.Conn
	now    time.Time
	people []*visit
}

// copies are the statements by which more rows like one are stored, with names of their own that begin with the same time.
var copies = []struct {
	statement string
	key       func(v *visit) any
}{
	{`INSERT INTO clients SELECT id || '-' || i, nextval('client_generations'), revision, written, body FROM clients, generate_series(1, $2) i WHERE id = $1`, func(v *visit) any { return v.client }},
	{`INSERT INTO logins SELECT left(id, 8) || left(md5(random()::text), 22), revision, expires, collector, body FROM logins, generate_series(1, $2) WHERE id = $1`, func(v *visit) any { return v.login }},
	{`INSERT INTO login_requests SELECT left(id, 8) || left(md5(random()::text), 22), expires, body FROM login_requests, generate_series(1, $2) WHERE id = $1`, func(v *visit) any { return v.login }},
	{`INSERT INTO grants SELECT left(id, 8) || left(md5(random()::text), 22), client_id, generation, left(sid, 8) || left(md5(random()::text), 22), left(session, 8) || left(md5(random()::text), 22),
		is_offline, expires, kept, revoked, body FROM grants, generate_series(1, $2) WHERE id = $1`, func(v *visit) any { return v.grant }},
	{`INSERT INTO codes SELECT substr(hash, 1, 6) || substr(sha256(random()::text::bytea), 7), grant_id, client_id, redirect_uri, challenge, resources, expires, spent, kept
		FROM codes, generate_series(1, $2) WHERE hash = $1`, func(v *visit) any { return hashBytes(v.code) }},
	{`INSERT INTO access_tokens SELECT substr(hash, 1, 6) || substr(sha256(random()::text::bytea), 7), grant_id, issued, expires, scopes, resources
		FROM access_tokens, generate_series(1, $2) WHERE hash = $1`, func(v *visit) any { return hashBytes(v.token) }},
	{`INSERT INTO refresh_tokens SELECT substr(hash, 1, 6) || substr(sha256(random()::text::bytea), 7), grant_id, generation, expires, spent, next, kept
		FROM refresh_tokens, generate_series(1, $2) WHERE hash = $1`, func(v *visit) any { return hashBytes(v.refresh) }},
	{`INSERT INTO sessions SELECT left(id, 8) || left(md5(random()::text), 22), substr(cookie, 1, 6) || substr(sha256(random()::text::bytea), 7), revision, ends, expires, body
		FROM sessions, generate_series(1, $2) WHERE id = $1`, func(v *visit) any { return v.session.ID }},
	{`INSERT INTO audit_events SELECT time + i * interval '1 microsecond', left(md5(random()::text), 30), reference || i, expires, body
		FROM audit_events, generate_series(1, $2) i WHERE time = $1 AND body->>'type' = 'WEB_100002'`, func(v *visit) any { return v.session.AuthTime }},
}

func hashBytes(token string) []byte {
	hash := hashOf(token)
	return hash[:]
}

// TestRows compares what the steps of people cost when a thousand people's rows are stored and when a million's are: in brygga, in PostgreSQL, in
// pages and in write-ahead log. No step is to look at many more pages among many rows; an index is a level or two higher.
func TestRows(t *testing.T) {
	many := 1_000_000
	if text := os.Getenv(manyRows); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		many = n
	}
	few, much := measureRows(t, visits), measureRows(t, many)
	text := new(strings.Builder)
	fmt.Fprintf(text, "\n%-26s %24s %24s %24s %24s\n", "a step, among "+strconv.Itoa(visits)+" | "+strconv.Itoa(many), "µs of brygga", "µs of PostgreSQL", "pages (read from disk)", "bytes of WAL")
	for i, a := range few {
		b := much[i]
		fmt.Fprintf(text, "%-26s %12.0f %11.0f %12.0f %11.0f %12.1f %5.1f (%3.1f) %12.0f %11.0f\n", a.name, a.brygga, b.brygga, a.database, b.database, a.pages, b.pages, b.read, a.wal, b.wal)
		if b.pages > 2*a.pages+10 {
			t.Errorf("%s looks at %.1f pages among many rows, and at %.1f among few", a.name, b.pages, a.pages)
		}
	}
	t.Log(text.String())
}

// cost is what one step costs: microseconds of CPU, pages that were looked at, of which some were read from disk, and bytes of WAL.
type cost struct {
	name                               string
	brygga, database, pages, read, wal float64
}

func measureRows(t *testing.T, rows int) (costs []cost) {
	s := newStored(t, rows)
	defer s.server.Close()
	defer s.store.Close()
	defer s.conn.Close(context.Background())
	ctx, fresh := t.Context(), make([]*visit, visits)
	for i := range fresh {
		fresh[i] = &visit{store: s.store, client: s.people[i].client, offline: true, signsIn: true}
	}
	order := rand.New(rand.NewPCG(1, 2)).Perm(visits)
	old := func(i int) *visit { return s.people[order[i]] }
	for _, step := range []struct {
		name string
		do   func(i int) error
	}{
		{"login", func(i int) error {
			for _, do := range []func(context.Context, time.Time) error{fresh[i].begin, fresh[i].finish} {
				if err := do(ctx, s.now); err != nil {
					return err
				}
			}
			return nil
		}},
		{"exchange", func(i int) error { return fresh[i].redeem(ctx, s.now) }},
		{"refresh, recent", func(i int) error { return fresh[i].rotate(ctx, s.now) }},
		{"refresh, of any age", func(i int) error { return old(i).rotate(ctx, s.now) }},
		{"single sign-on, recent", func(i int) error { return fresh[i].again(ctx, s.now) }},
		{"single sign-on, of any age", func(i int) error { return old(i).again(ctx, s.now) }},
		{"access token, of any age", func(i int) error { _, _, err := s.store.AccessToken(ctx, hashOf(old(i).token), s.now); return err }},
		{"session, of any age", func(i int) error { _, err := s.store.Session(ctx, old(i).session.CookieHash, s.now); return err }},
		{"client, of any age", func(i int) error {
			s.store.clients.Clear()
			_, err := s.store.Client(ctx, old(i).client)
			return err
		}},
	} {
		costs = append(costs, s.measure(step.name, step.do))
	}
	return costs
}

func newStored(t *testing.T, rows int) *stored {
	t.Helper()
	server, err := pgtest.Start(pgtest.Options{Settings: map[string]string{
		"autovacuum": "off", "shared_buffers": "512MB", "max_wal_size": "2GB", "checkpoint_timeout": "1h", "wal_level": "minimal", "max_wal_senders": "0",
		"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track_utility": "off",
	}})
	if err != nil {
		t.Fatal(err)
	}
	s := &stored{T: t, server: server, now: time.Now().UTC().Truncate(time.Microsecond)}
	if s.conn, err = pgx.Connect(t.Context(), server.DSN("postgres")); err != nil {
		t.Fatal(err)
	}
	s.run(`CREATE EXTENSION pg_stat_statements`)
	if s.store, err = Open(t.Context(), server.DSN("postgres"), storagetest.NewSealer(), Options{MaxConnections: 8, StatementTimeout: time.Minute}); err != nil {
		t.Fatal(err)
	}
	s.people = make([]*visit, visits)
	s.each(func(i int) error { return s.fill(i, rows/visits-1) })
	s.run(`VACUUM (ANALYZE)`)
	s.run(`CHECKPOINT`)
	return s
}

func (s *stored) run(statement string, arguments ...any) {
	s.Helper()
	if _, err := s.conn.Exec(s.Context(), statement, arguments...); err != nil {
		s.Fatal(err)
	}
}

// each does it for all people, a few at the same time.
func (s *stored) each(do func(i int) error) {
	s.Helper()
	var all sync.WaitGroup
	var next atomic.Int64
	for range 8 {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < visits; i = int(next.Add(1)) - 1 {
				if err := do(i); err != nil {
					s.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if s.Failed() {
		s.FailNow()
	}
}

// fill stores the rows of one person, and so many others like them. They come one after the other, within five minutes.
func (s *stored) fill(i, others int) error {
	ctx, at := s.Context(), s.now.Add(time.Duration(i-visits)*300*time.Second/visits)
	v := &visit{store: s.store, client: "app-" + strconv.Itoa(i), offline: true, signsIn: true}
	if err := s.store.CreateClient(ctx, storage.Client{ID: v.client, Name: "The app of the municipality", RedirectURIs: []string{"https://app.example/callback"}, Scopes: []string{"profile"}}); err != nil {
		return err
	}
	for _, do := range []func(context.Context, time.Time) error{v.begin, v.finish, v.redeem} {
		if err := do(ctx, at); err != nil {
			return err
		}
	}
	s.people[i] = v
	for _, more := range copies {
		if others > 0 {
			if _, err := s.store.pool.Exec(ctx, more.statement, more.key(v), others); err != nil {
				return err
			}
		}
	}
	return nil
}

// measure does a step often, and returns what one costs.
func (s *stored) measure(name string, do func(i int) error) cost {
	s.Helper()
	s.run(`SELECT pg_stat_statements_reset()`)
	own, server := ownCPU(s.T), s.databaseCPU()
	s.each(do)
	c := cost{name: name, brygga: float64((ownCPU(s.T) - own).Microseconds()) / visits, database: float64((s.databaseCPU() - server).Microseconds()) / visits}
	var hit, read, wal int64
	if err := s.conn.QueryRow(s.Context(), `SELECT sum(shared_blks_hit)::bigint, sum(shared_blks_read)::bigint, sum(wal_bytes)::bigint FROM pg_stat_statements`).Scan(&hit, &read, &wal); err != nil {
		s.Fatal(err)
	}
	c.pages, c.read, c.wal = float64(hit+read)/visits, float64(read)/visits, float64(wal)/visits
	return c
}

func (s *stored) databaseCPU() time.Duration {
	s.Helper()
	used, err := s.server.CPU()
	if err != nil {
		s.Fatal(err)
	}
	return used
}

// ownCPU returns how long this process has computed.
func ownCPU(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
