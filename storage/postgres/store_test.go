package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"brygga/storage"
	"brygga/storage/postgres"
	"brygga/storage/postgres/pgtest"
	"brygga/storage/storagetest"
)

func TestConformance(t *testing.T) {
	database := pgtest.Database(t)
	storagetest.Run(t, func(t *testing.T, sealer storage.Sealer) storagetest.Instance {
		dsn := pgtest.Schema(t, database)
		store, err := postgres.Open(t.Context(), dsn, sealer, postgres.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		return storagetest.Instance{
			Store: store,
			Reopen: func(sealer storage.Sealer) (storage.Store, error) {
				store.Close() // is closed already after a failed Reopen
				reopened, err := postgres.Open(context.Background(), dsn, sealer, postgres.Options{})
				if err != nil {
					return nil, err
				}
				store = reopened
				return store, nil
			},
			Restored: func(now time.Time) (storage.Store, error) { return store, store.StartAnew(context.Background(), now) },
			Raw:      func() []byte { return raw(t, dsn) },
		}
	})
}

// raw returns all that the tables hold.
func raw(t *testing.T, dsn string) (all []byte) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		text, err := conn.Query(ctx, `SELECT convert_to(t::text, 'UTF8') FROM `+table+` t`)
		if err != nil {
			t.Fatal(err)
		}
		found, err := pgx.CollectRows(text, pgx.RowTo[[]byte])
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range found {
			all = append(all, row...)
		}
	}
	return all
}
