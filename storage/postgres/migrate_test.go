package postgres

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"brygga/storage/postgres/pgtest"
	"brygga/storage/storagetest"
)

// TestSchemaGrows: a database of any earlier version becomes like a new one, whoever of several processes that start at once does it.
func TestSchemaGrows(t *testing.T) {
	steps, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	sealer := storagetest.NewSealer()
	var fresh []string
	for version := range len(steps) {
		dsn := pgtest.Database(t)
		if version > 0 {
			do(t, dsn, append(steps[:version:version], "CREATE TABLE brygga_schema (one boolean PRIMARY KEY DEFAULT true CHECK (one), version integer NOT NULL)",
				fmt.Sprintf("INSERT INTO brygga_schema (version) VALUES (%d)", version))...)
		}
		var starting sync.WaitGroup
		for range 3 {
			starting.Go(func() {
				s, err := Open(t.Context(), dsn, sealer, Options{MaxConnections: 2})
				if err != nil {
					t.Errorf("from version %d: %v", version, err)
					return
				}
				s.Close()
			})
		}
		starting.Wait()
		if got := schemaOf(t, dsn); version == 0 {
			fresh = got
		} else if diff := cmp.Diff(fresh, got); diff != "" {
			t.Errorf("from version %d (-new +grown):\n%s", version, diff)
		}
	}
}

// schemaOf returns all columns, indexes and sequences, and the version.
func schemaOf(t *testing.T, dsn string) []string {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `
		SELECT 'version ' || version FROM brygga_schema
		UNION ALL SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default, collation_name) FROM information_schema.columns WHERE table_schema = 'public'
		UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
		UNION ALL SELECT 'sequence ' || sequencename FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 50 {
		t.Errorf("the schema has %d parts", len(all))
	}
	return all
}
