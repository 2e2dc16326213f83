//go:build scale

package postgres

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"brygga/storage"
	"brygga/storage/postgres/pgtest"
	"brygga/storage/storagetest"
)

// dayLogins names the environment variable for how many people log in within each hour of the day.
const dayLogins = "BRYGGA_TEST_DAY_LOGINS"

const (
	// dayHours is how long people log in. Half a day after the first refresh tokens have gone, all tables have found their size.
	dayHours, dayFull = 36, 30
	// dayTick is how far the day goes on at a time, and how often is swept: a node does it every ten seconds.
	dayTick = 30 * time.Second
	// dayNap is how often autovacuum looks at the tables (autovacuum_naptime).
	dayNap = time.Minute
)

// day is a database that lives a day in minutes.
type day struct {
	*testing.T
	store   *Store
	conn    *pgx.Conn
	now     time.Time
	vacuums map[string]int
	// due are the steps of people who are there, by the tick that they come at.
	due map[int64][]func() error
}

// TestDay lets people log in for a day and a half, of a clock that the test moves, with what expires swept as a node does, and vacuum where
// autovacuum would start it. It prints what lies in each table and index hour by hour. Once as many rows expire as come, no table and no index grows any more.
func TestDay(t *testing.T) {
	d := newDay(t)
	perHour := 1000
	if text := os.Getenv(dayLogins); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		perHour = n
	}
	ticks, people := int(time.Hour/dayTick), 0
	var hours []map[string]rowsOf
	for tick := range dayHours * ticks {
		for ; people*ticks < (tick+1)*perHour; people++ {
			d.arrive(people)
		}
		d.tick()
		if (tick+1)%ticks == 0 {
			hours = append(hours, d.measure())
		}
	}
	d.report(hours)
	for table, last := range hours[dayHours-1] {
		if before := hours[dayFull-1][table]; table != "audit_events" && last.size > before.size+before.size/10+1<<17 {
			t.Errorf("%s grew from %d to %d bytes in the last hours", table, before.size, last.size)
		}
	}
}

func newDay(t *testing.T) *day {
	t.Helper()
	server, err := pgtest.Start(pgtest.Options{Settings: map[string]string{"autovacuum": "off", "shared_buffers": "1GB", "max_wal_size": "4GB"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	d := &day{T: t, now: time.Now().UTC().Truncate(time.Minute).Add(-dayHours * time.Hour), vacuums: map[string]int{}, due: map[int64][]func() error{}}
	if d.store, err = Open(t.Context(), server.DSN("postgres"), storagetest.NewSealer(), Options{MaxConnections: 8}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.store.Close() })
	if d.conn, err = pgx.Connect(t.Context(), server.DSN("postgres")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.conn.Close(t.Context()) })
	if err := d.store.CreateClient(t.Context(), storage.Client{ID: "app"}); err != nil {
		t.Fatal(err)
	}
	return d
}

// at has do done after that time.
func (d *day) at(after time.Duration, do func(now time.Time) error) {
	at := d.now.Add(after)
	number := at.Unix() / int64(dayTick.Seconds())
	d.due[number] = append(d.due[number], func() error { return do(at) })
}

// arrive lets a person begin a login. Of ten people one gives up; three sign in for an hour, and visit a second app of the group; three
// use an app that refreshes its tokens four times.
func (d *day) arrive(n int) {
	v := &visit{store: d.store, client: "app", offline: n%10 < 3, signsIn: n%10 >= 3 && n%10 < 6}
	ctx := d.Context()
	d.at(0, func(now time.Time) error { return v.begin(ctx, now) })
	d.at(dayTick, func(now time.Time) error { return v.hint(ctx, "started", now) })
	d.at(2*dayTick, func(now time.Time) error { return v.hint(ctx, "userSign", now) })
	if n%10 == 9 {
		d.at(3*time.Minute, func(now time.Time) error {
			_, err := d.store.FailOrder(ctx, v.login, v.order, storage.Failure{Reason: "expiredTransaction"}, now, tells("WEB_100004", now))
			return err
		})
		return
	}
	d.at(3*dayTick, func(now time.Time) error {
		if err := v.finish(ctx, now); err != nil {
			return err
		}
		return v.redeem(ctx, now)
	})
	if v.signsIn {
		d.at(10*time.Minute, func(now time.Time) error {
			if err := v.again(ctx, now); err != nil {
				return err
			}
			return v.redeem(ctx, now)
		})
	}
	for refresh := range 4 {
		if v.offline {
			d.at(time.Duration(refresh+1)*accessTokenLife, func(now time.Time) error { return v.rotate(ctx, now) })
		}
	}
}

// tick does what is due, what a node does from time to time, and what autovacuum would.
func (d *day) tick() {
	d.Helper()
	number := d.now.Unix() / int64(dayTick.Seconds())
	var all sync.WaitGroup
	for share := range slices.Chunk(d.due[number], max(1, (len(d.due[number])+7)/8)) {
		all.Go(func() {
			for _, do := range share {
				if err := do(); err != nil {
					d.Error(err)
				}
			}
		})
	}
	all.Wait()
	delete(d.due, number)
	if d.Failed() {
		d.FailNow()
	}
	d.store.saveLate(d.Context()) // as a node does that is not alone
	d.now = d.now.Add(dayTick)
	for {
		removed, err := d.store.Sweep(d.Context(), d.now, 500)
		if err != nil {
			d.Fatal(err)
		}
		if removed < 500 {
			break
		}
	}
	if d.now.Unix()%int64(dayNap.Seconds()) == 0 {
		d.vacuum()
	}
}

// autovacuum are the tables that autovacuum would vacuum or analyze now ("The Autovacuum Daemon" in PostgreSQL's documentation), by the settings and
// what a table has of its own.
const autovacuum = `
	SELECT s.relname, dead OR inserted, analyzed FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid CROSS JOIN LATERAL (
		SELECT COALESCE((SELECT option_value FROM pg_options_to_table(c.reloptions) WHERE option_name = 'autovacuum_vacuum_scale_factor'), current_setting('autovacuum_vacuum_scale_factor'))::float8 AS dead_factor,
			COALESCE((SELECT option_value FROM pg_options_to_table(c.reloptions) WHERE option_name = 'autovacuum_vacuum_threshold'), current_setting('autovacuum_vacuum_threshold'))::float8 AS dead_base
	) o CROSS JOIN LATERAL (
		SELECT n_dead_tup > dead_base + dead_factor * GREATEST(reltuples, 0) AS dead,
			n_ins_since_vacuum > current_setting('autovacuum_vacuum_insert_threshold')::float8 + current_setting('autovacuum_vacuum_insert_scale_factor')::float8 * GREATEST(reltuples, 0) AS inserted,
			n_mod_since_analyze > current_setting('autovacuum_analyze_threshold')::float8 + current_setting('autovacuum_analyze_scale_factor')::float8 * GREATEST(reltuples, 0) AS analyzed
	) d WHERE dead OR inserted OR analyzed`

// told has every session tell what it has done, which it otherwise does a second later or more.
func (d *day) told() {
	d.Helper()
	for _, conn := range d.store.pool.AcquireAllIdle(d.Context()) {
		if _, err := conn.Exec(d.Context(), `SELECT pg_stat_force_next_flush()`); err != nil {
			d.Fatal(err)
		}
		conn.Release()
	}
}

func (d *day) vacuum() {
	d.Helper()
	d.told()
	rows, err := d.conn.Query(d.Context(), autovacuum)
	if err != nil {
		d.Fatal(err)
	}
	var name string
	var vacuum, analyze bool
	var commands []string
	if _, err := pgx.ForEachRow(rows, []any{&name, &vacuum, &analyze}, func() error {
		switch {
		case vacuum && analyze:
			commands = append(commands, "VACUUM (ANALYZE) "+name)
		case vacuum:
			commands = append(commands, "VACUUM "+name)
		default:
			commands = append(commands, "ANALYZE "+name)
		}
		if vacuum {
			d.vacuums[name]++
		}
		return nil
	}); err != nil {
		d.Fatal(err)
	}
	for _, command := range commands {
		if _, err := d.conn.Exec(d.Context(), command); err != nil {
			d.Fatal(err)
		}
	}
}

// rowsOf is what is known of a table.
type rowsOf struct{ live, dead, inserted, updated, hot, deleted, size, indexes int64 }

// measure looks at the tables.
func (d *day) measure() map[string]rowsOf {
	d.Helper()
	d.told()
	rows, err := d.conn.Query(d.Context(), `SELECT relname, n_live_tup, n_dead_tup, n_tup_ins, n_tup_upd, n_tup_hot_upd, n_tup_del, pg_total_relation_size(relid), pg_indexes_size(relid) FROM pg_stat_user_tables WHERE n_tup_ins > 100`)
	if err != nil {
		d.Fatal(err)
	}
	all := map[string]rowsOf{}
	var name string
	var r rowsOf
	if _, err := pgx.ForEachRow(rows, []any{&name, &r.live, &r.dead, &r.inserted, &r.updated, &r.hot, &r.deleted, &r.size, &r.indexes}, func() error {
		all[name] = r
		return nil
	}); err != nil {
		d.Fatal(err)
	}
	return all
}

// report writes what lay in each table hour by hour.
func (d *day) report(hours []map[string]rowsOf) {
	text := new(strings.Builder)
	for table, last := range hours[len(hours)-1] {
		fmt.Fprintf(text, "\n%s: %d vacuums; %d rows inserted, %d updated (%d %% without a touch of indexes), %d deleted\n%6s %8s %8s %10s %10s\n", table, d.vacuums[table],
			last.inserted, last.updated, last.hot*100/max(1, last.updated), last.deleted, "hour", "live", "dead", "kB", "indexes kB")
		for hour, of := range hours {
			r := of[table]
			fmt.Fprintf(text, "%6d %8d %8d %10d %10d\n", hour+1, r.live, r.dead, r.size/1000, r.indexes/1000)
		}
	}
	d.Log(text.String())
}
