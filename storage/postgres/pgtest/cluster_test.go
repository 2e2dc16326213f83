//go:build cluster

package pgtest_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"brygga/storage/postgres/pgtest"
)

// A cluster whose primary dies has another within its time to live, and what was acknowledged is there.
func TestClusterFailsOver(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	c, err := pgtest.StartCluster(ctx, 3)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(c.Logs())
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	pool, err := pgxpool.New(ctx, c.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(ctx, `CREATE TABLE writes (n bigint PRIMARY KEY)`); err != nil {
		t.Fatal(err)
	}

	var next, acknowledged atomic.Int64
	ledger := new(sync.Map)
	writing, stop := context.WithCancel(ctx)
	writers := new(sync.WaitGroup)
	for range 4 {
		writers.Go(func() {
			for writing.Err() == nil {
				n := next.Add(1)
				if _, err := pool.Exec(writing, `INSERT INTO writes VALUES ($1)`, n); err == nil {
					ledger.Store(n, true)
					acknowledged.Add(1)
				}
			}
		})
	}
	primary, err := c.Settled(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := primary.Kill(); err != nil {
		t.Fatal(err)
	}
	died, before := time.Now(), acknowledged.Load()
	for acknowledged.Load() <= before+4 && ctx.Err() == nil { // four may have been on their way
		time.Sleep(10 * time.Millisecond)
	}
	t.Logf("writes again %.1f s after the primary had been killed", time.Since(died).Seconds())
	if err := primary.Start(); err != nil {
		t.Fatal(err)
	}
	after, err := c.Settled(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if after == primary {
		t.Errorf("%s is the primary again", after.Name)
	}
	stop()
	writers.Wait()

	rows, err := pool.Query(ctx, `SELECT n FROM writes`)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range stored {
		ledger.Delete(n)
	}
	ledger.Range(func(n, _ any) bool {
		t.Errorf("write %d was acknowledged and is lost", n)
		return true
	})
	t.Logf("%d writes acknowledged, %d stored", acknowledged.Load(), len(stored))
}
