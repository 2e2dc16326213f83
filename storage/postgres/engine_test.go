package postgres

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"brygga/storage/postgres/pgtest"
)

// tables returns the columns and indexes that the steps make, each step taken as often as times says.
func tables(t *testing.T, of engine, times int) []string {
	t.Helper()
	steps, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for range times {
		for i, step := range steps {
			if _, err := conn.Exec(t.Context(), of.adapt(step)); err != nil {
				t.Fatalf("step %d: %v", i+1, err)
			}
		}
	}
	rows, err := conn.Query(t.Context(), `
		SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || COALESCE(column_default, '') FROM information_schema.columns WHERE table_schema = 'public'
		UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
		UNION ALL SELECT sequence_name FROM information_schema.sequences WHERE sequence_schema = 'public'
		UNION ALL SELECT 'client_changes: ' || count(*) FROM client_changes`)
	if err != nil {
		t.Fatal(err)
	}
	made, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(made)
	return made
}

// Where making tables may stop half-way, it can be begun anew, and makes the same.
func TestSchemaOfOtherEngines(t *testing.T) {
	want := tables(t, postgreSQL, 1)
	for name, of := range map[string]engine{"CockroachDB": cockroachDB, "YugabyteDB": yugabyteDB} {
		t.Run(name, func(t *testing.T) {
			if got := tables(t, of, 2); !slices.Equal(got, want) {
				t.Errorf("got %q\nwant %q", got, want)
			}
		})
	}
}

// CockroachDB takes no column of the collation "C", and PostgreSQL needs them.
func TestSchemaCollates(t *testing.T) {
	steps, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(steps, "")
	for of, want := range map[engine]bool{postgreSQL: true, yugabyteDB: true, cockroachDB: false} {
		if got := strings.Contains(of.adapt(all), "COLLATE"); got != want {
			t.Errorf("engine %d: a collation is asked for: %v", of, got)
		}
	}
}

func TestCheckServer(t *testing.T) {
	for name, c := range map[string]struct {
		of      engine
		version int
		want    error
	}{
		"PostgreSQL 13":                      {postgreSQL, 130022, ErrVersion},
		"PostgreSQL 14":                      {postgreSQL, 140000, nil},
		"CockroachDB, as 13":                 {cockroachDB, 130000, nil},
		"YugabyteDB made from PostgreSQL 11": {yugabyteDB, 110002, ErrVersion},
		"YugabyteDB made from PostgreSQL 15": {yugabyteDB, 150012, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := checkServer(c.of, c.version); !errors.Is(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// No argument of a function is given by its name: CockroachDB does not take that.
func TestNoArgumentsByName(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	byName := regexp.MustCompile(`\w+ => [$@']`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if found := byName.Find(text); found != nil {
			t.Errorf("%s: %s", file, found)
		}
	}
}
