//go:build scale

package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"brygga/bankid/bankidsim"
	"brygga/storage/postgres/pgtest"
)

// scaleLogins names the environment variable for how many logins are measured.
const scaleLogins = "BRYGGA_TEST_SCALE_LOGINS"

// spending is what has been spent since the servers began.
type spending struct {
	at                                               time.Time
	brygga, database                                 time.Duration
	statements, transactions, flushes, images, wal   float64
	inserted, updated, hot, deleted, size, statement float64            // statement: milliseconds in statements
	tables                                           map[string]float64 // their size, with indexes
	calls                                            map[string]float64 // of each statement, by its text
}

// scale is a few brygga on one durable database.
type scale struct {
	t        *testing.T
	server   *pgtest.Server
	nodes    []*node
	conn     *pgx.Conn
	issuer   string
	phone    string
	sim      *bankidsim.Simulator
	callback string
	people   int
}

// spent looks at all counters. The database's are a second late at most.
func (s *scale) spent() (x spending) {
	s.t.Helper()
	time.Sleep(3 * time.Second)
	var err error
	x.at = time.Now()
	for _, n := range s.nodes {
		used, err := pgtest.CPU(strconv.Itoa(n.process.Process.Pid))
		if err != nil {
			s.t.Fatal(err)
		}
		x.brygga += used
	}
	if x.database, err = s.server.CPU(); err != nil {
		s.t.Fatal(err)
	}
	if err := s.conn.QueryRow(s.t.Context(), `
		SELECT (SELECT sum(calls) FROM pg_stat_statements)::float8, (SELECT sum(total_exec_time) FROM pg_stat_statements)::float8,
			(SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database())::float8,
			wal_sync::float8, wal_fpi::float8, wal_bytes::float8,
			(SELECT sum(n_tup_ins) FROM pg_stat_user_tables)::float8, (SELECT sum(n_tup_upd) FROM pg_stat_user_tables)::float8,
			(SELECT sum(n_tup_hot_upd) FROM pg_stat_user_tables)::float8, (SELECT sum(n_tup_del) FROM pg_stat_user_tables)::float8,
			pg_database_size(current_database())::float8
		FROM pg_stat_wal`).Scan(&x.statements, &x.statement, &x.transactions, &x.flushes, &x.images, &x.wal, &x.inserted, &x.updated, &x.hot, &x.deleted, &x.size); err != nil {
		s.t.Fatal(err)
	}
	x.tables = s.numbers(`SELECT relname, pg_total_relation_size(relid)::float8 FROM pg_stat_user_tables`)
	x.calls = s.numbers(`SELECT left(regexp_replace(query, '\s+', ' ', 'g'), 100), sum(calls)::float8 FROM pg_stat_statements GROUP BY 1`)
	return x
}

// numbers returns the rows of a query: a name and a number each.
func (s *scale) numbers(query string) map[string]float64 {
	s.t.Helper()
	rows, err := s.conn.Query(s.t.Context(), query)
	if err != nil {
		s.t.Fatal(err)
	}
	all := map[string]float64{}
	var name string
	var number float64
	if _, err := pgx.ForEachRow(rows, []any{&name, &number}, func() error {
		all[name] = number
		return nil
	}); err != nil {
		s.t.Fatal(err)
	}
	return all
}

// logIn lets so many people in, a few at the same time, each as far as the app's tokens.
func (s *scale) logIn(ctx context.Context, people int) {
	var all sync.WaitGroup
	gate := make(chan struct{}, 40)
	for range people {
		s.people++
		person := addPerson(s.t, s.sim, s.people)
		all.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			v := newTraveller(s.t, s.issuer, s.callback, s.phone, person)
			code, err := v.logIn(ctx)
			if err != nil {
				s.t.Error(err)
				return
			}
			if _, status := v.exchange(ctx, code); status != 200 {
				s.t.Errorf("exchange: %d", status)
			}
		})
	}
	all.Wait()
}

// TestScale measures what a login costs brygga and a durable PostgreSQL, without what both spend at rest, with one node and with three, and what
// that comes to at 250 and 1 500 logins a second. It asserts nothing but that everybody gets in.
func TestScale(t *testing.T) {
	people := 300
	if text := os.Getenv(scaleLogins); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		people = n
	}
	for _, nodes := range []int{1, 3} {
		t.Run(fmt.Sprint(nodes), func(t *testing.T) {
			s := newScale(t, nodes)
			s.logIn(t.Context(), 40) // so that connections and statements are there
			begin := s.spent()
			time.Sleep(20 * time.Second)
			rest := s.spent()
			s.logIn(t.Context(), people)
			s.report(begin, rest, s.spent(), float64(people))
		})
	}
}

func newScale(t *testing.T, nodes int) *scale {
	t.Helper()
	server, err := pgtest.Start(pgtest.Options{Durable: true, Settings: map[string]string{"shared_preload_libraries": "pg_stat_statements", "shared_buffers": "256MB"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	dsn := server.DSN("postgres")
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	if _, err := conn.Exec(t.Context(), `CREATE EXTENSION pg_stat_statements`); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	sim, api, phone := serveSim(t, filepath.Join(dir, "sim"))
	s := &scale{t: t, server: server, conn: conn, sim: sim, phone: phone, callback: "http://localhost:9/callback"}
	c := newCluster(t, nodes, dsn, dir, api, s.callback, asProcess(t))
	s.issuer, s.nodes = strings.Replace(c.proxy.URL, "127.0.0.1", "localhost", 1), c.nodes
	return s
}

// report writes what one login costs, and what many a second would.
func (s *scale) report(begin, rest, end spending, people float64) {
	idle, busy := rest.at.Sub(begin.at).Seconds(), end.at.Sub(rest.at).Seconds()
	per := func(of func(spending) float64) float64 {
		return (of(end) - of(rest) - (of(rest)-of(begin))/idle*busy) / people
	}
	brygga := per(func(x spending) float64 { return x.brygga.Seconds() * 1000 })
	database := per(func(x spending) float64 { return x.database.Seconds() * 1000 })
	statements := per(func(x spending) float64 { return x.statements })
	inside := per(func(x spending) float64 { return x.statement })
	flushes := per(func(x spending) float64 { return x.flushes })
	wal := per(func(x spending) float64 { return x.wal })
	size := per(func(x spending) float64 { return x.size })
	text := new(strings.Builder)
	line := func(name, format string, value float64) { fmt.Fprintf(text, "%-44s "+format+"\n", name, value) }
	fmt.Fprintf(text, "%.0f logins in %.0f s\n", people, busy)
	line("CPU of brygga, ms per login", "%.2f", brygga)
	line("CPU of PostgreSQL, ms per login", "%.2f", database)
	line("statements per login", "%.1f", statements)
	line("time inside statements, ms per login", "%.2f", inside)
	line("transactions per login", "%.1f", per(func(x spending) float64 { return x.transactions }))
	line("flushes of the WAL per login", "%.1f", flushes)
	line("WAL, bytes per login", "%.0f", wal)
	line("of that whole pages after a checkpoint, pages", "%.2f", per(func(x spending) float64 { return x.images }))
	line("rows inserted per login", "%.1f", per(func(x spending) float64 { return x.inserted }))
	line("rows updated per login", "%.1f", per(func(x spending) float64 { return x.updated }))
	line("of these without a touch of indexes (HOT)", "%.1f", per(func(x spending) float64 { return x.hot }))
	line("growth of the database, bytes per login", "%.0f", size)
	for _, name := range slices.Sorted(maps.Keys(end.tables)) {
		if grown := (end.tables[name] - rest.tables[name]) / people; grown >= 1 {
			line("  "+name, "%.0f", grown)
		}
	}
	for _, query := range slices.Sorted(maps.Keys(end.calls)) {
		if calls := per(func(x spending) float64 { return x.calls[query] }); calls >= 0.05 {
			line("  "+query, "%.2f", calls)
		}
	}
	line("statements per second at rest", "%.1f", (rest.statements-begin.statements)/idle)
	line("WAL, bytes per second at rest", "%.0f", (rest.wal-begin.wal)/idle)
	line("CPU of PostgreSQL at rest, ms per second", "%.1f", (rest.database-begin.database).Seconds()*1000/idle)
	for _, rate := range []float64{250, 1500} {
		fmt.Fprintf(text, "\nat %.0f logins/s\n", rate)
		line("cores of brygga", "%.2f", rate*brygga/1000)
		line("cores of PostgreSQL", "%.2f", rate*database/1000)
		line("statements/s", "%.0f", rate*statements)
		line("connections that work at the same time", "%.1f", rate*inside/1000)
		line("flushes/s, without what commits share", "%.0f", rate*flushes)
		line("WAL, MB/s", "%.2f", rate*wal/1e6)
		line("growth before sweeping, GB per hour", "%.1f", rate*size*3600/1e9)
	}
	s.t.Log("\n" + text.String())
}
