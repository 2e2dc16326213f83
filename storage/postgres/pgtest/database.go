package pgtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Variable is the environment variable that may name a server to use in place of one that is started: the connection string of a database
// whose role may create others.
const Variable = "BRYGGA_TEST_POSTGRES"

// shared is the server of this process that tests share.
var shared = sync.OnceValues(func() (*Server, error) { return Start(Options{}) })

// at returns the connection string of a database on the server that tests share.
func at(database string) (string, error) {
	if outside := os.Getenv(Variable); outside != "" {
		return named(outside, database)
	}
	server, err := shared()
	if err != nil {
		return "", err
	}
	return server.DSN(database), nil
}

// named returns the connection string with the name of another database in it, or as it is for an empty name.
func named(dsn, database string) (string, error) {
	if database == "" {
		return dsn, nil
	}
	if !strings.Contains(dsn, "://") {
		return dsn + " dbname=" + database, nil // of several the last one holds
	}
	address, err := url.Parse(dsn)
	if err != nil {
		return "", fmt.Errorf("pgtest: %s is no connection string", Variable)
	}
	address.Path = "/" + database
	return address.String(), nil
}

// Database returns the connection string of a new database, which is empty and removed at the end of the test. All tests of a process have
// theirs on one server.
func Database(t testing.TB) string {
	t.Helper()
	return create(t, "")
}

// Copy returns the connection string of a new database, removed at the end of the test, that holds what prepare puts into one. Prepare runs
// once for each name and process, so the first call with a name decides, and leaves no connection behind.
func Copy(t testing.TB, name string, prepare func(dsn string) error) string {
	t.Helper()
	if os.Getenv(Variable) != "" { // where templates would stay, and which may be of another make
		dsn := Database(t)
		if err := prepare(dsn); err != nil {
			t.Fatal(err)
		}
		return dsn
	}
	made, _ := templates.LoadOrStore(name, sync.OnceValues(func() (string, error) { return template(prepare) }))
	from, err := made.(func() (string, error))()
	if err != nil {
		t.Fatal(err)
	}
	return create(t, " TEMPLATE "+from)
}

// templates are functions that return the name of the database to copy, by the name that the test gives it.
var templates sync.Map

func template(prepare func(dsn string) error) (string, error) {
	name := newName()
	if err := execute("CREATE DATABASE " + name); err != nil {
		return "", err
	}
	dsn, err := at(name)
	if err != nil {
		return "", err
	}
	return name, prepare(dsn)
}

func newName() string { return "test_" + strings.ToLower(rand.Text()) }

func create(t testing.TB, how string) string {
	t.Helper()
	name := newName()
	if err := execute("CREATE DATABASE " + name + how); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := execute("DROP DATABASE IF EXISTS "+name+" WITH (FORCE)", "DROP DATABASE IF EXISTS "+name); err != nil {
			t.Log(err) // a test may have stopped the server
		}
	})
	dsn, err := at(name)
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

// execute runs the first of the statements that the server takes: some makes know less than PostgreSQL.
func execute(statements ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	database := "postgres"
	if os.Getenv(Variable) != "" {
		database = "" // that which is named
	}
	dsn, err := at(database)
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	defer conn.Close(ctx)
	for _, statement := range statements {
		if _, err = conn.Exec(ctx, statement); err == nil {
			return nil
		}
	}
	return fmt.Errorf("pgtest: %w", err)
}

// Schema returns the connection string of a new schema in the database of dsn, a URL: what makes its tables where it is sent to has them there, and
// sees no others. That is far quicker than a database, and goes with it.
func Schema(t testing.TB, dsn string) string {
	t.Helper()
	name := newName()
	conn, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(context.Background(), "CREATE SCHEMA "+name); err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	query.Set("search_path", name)
	address.RawQuery = query.Encode()
	return address.String()
}
