package pgtest_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"brygga/storage/postgres/pgtest"
)

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func exec1(t *testing.T, dsn, statement string) {
	t.Helper()
	conn := connect(t, dsn)
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func words(t *testing.T, dsn, query string) []string {
	t.Helper()
	rows, err := connect(t, dsn).Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func start(t *testing.T, o pgtest.Options) *pgtest.Server {
	t.Helper()
	server, err := pgtest.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

func TestDatabasesAreApart(t *testing.T) {
	first, second := pgtest.Database(t), pgtest.Database(t)
	exec1(t, first, `CREATE TABLE words (word text)`)
	exec1(t, second, `CREATE TABLE words (word text)`)
	exec1(t, first, `INSERT INTO words VALUES ('ett')`)
	if found := words(t, second, `SELECT word FROM words`); len(found) != 0 {
		t.Errorf("another test's rows are seen: %q", found)
	}
}

func TestDatabasesGoWithTheirTest(t *testing.T) {
	var dsn string
	t.Run("inner", func(t *testing.T) { dsn = pgtest.Database(t) })
	if conn, err := pgx.Connect(t.Context(), dsn); err == nil {
		conn.Close(t.Context())
		t.Error("the database of a test that has ended is still there")
	}
}

func TestCopiesArePreparedOnce(t *testing.T) {
	prepared := 0
	prepare := func(dsn string) error {
		prepared++
		exec1(t, dsn, `CREATE TABLE words AS SELECT 'ett' AS word`)
		return nil
	}
	name := rand.Text() // so that the test may run again
	first, second := pgtest.Copy(t, name, prepare), pgtest.Copy(t, name, prepare)
	exec1(t, first, `INSERT INTO words VALUES ('två')`)
	if found := words(t, second, `SELECT word FROM words`); !slices.Equal(found, []string{"ett"}) {
		t.Errorf("a copy holds %q, not what was prepared", found)
	}
	if prepared != 1 && os.Getenv(pgtest.Variable) == "" {
		t.Errorf("prepared %d times", prepared)
	}
}

func TestServer(t *testing.T) {
	dsn := start(t, pgtest.Options{}).DSN("postgres")
	// An order of bytes is had only where it is asked for, so that a statement that forgets to is found out.
	t.Run("order is Swedish", func(t *testing.T) {
		const values = `SELECT w FROM (VALUES ('B'), ('a'), ('ö'), ('ä'), ('å')) AS v (w) ORDER BY w`
		if found := words(t, dsn, values); !slices.Equal(found, []string{"a", "B", "å", "ä", "ö"}) {
			t.Errorf("got %q", found)
		}
		if found := words(t, dsn, values+` COLLATE "C"`); !slices.Equal(found, []string{"B", "a", "ä", "å", "ö"}) {
			t.Errorf("by bytes, got %q", found)
		}
	})
	t.Run("passwords are asked for", func(t *testing.T) {
		address, err := url.Parse(dsn)
		if err != nil {
			t.Fatal(err)
		}
		address.User = url.UserPassword("postgres", "wrong")
		if conn, err := pgx.Connect(t.Context(), address.String()); err == nil {
			conn.Close(t.Context())
			t.Error("a wrong password is taken")
		}
	})
}

func TestServerComesBackWithItsData(t *testing.T) {
	server := start(t, pgtest.Options{Durable: true, Settings: map[string]string{"max_connections": "17"}})
	dsn := server.DSN("postgres")
	exec1(t, dsn, `CREATE TABLE words AS SELECT 'ett' AS word`)
	for name, end := range map[string]func() error{"stopped": server.Stop, "killed": server.Kill} {
		t.Run(name, func(t *testing.T) {
			conn := connect(t, dsn)
			if err := end(); err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Exec(t.Context(), `SELECT pg_sleep(60)`); err == nil {
				t.Error("a session outlived the server")
			}
			if err := server.Restart(); err != nil {
				t.Fatal(err)
			}
			if found := words(t, server.SocketDSN("postgres"), `SELECT word FROM words`); !slices.Equal(found, []string{"ett"}) {
				t.Errorf("found %q", found)
			}
		})
	}
	if found := words(t, dsn, `SELECT setting FROM pg_settings WHERE name IN ('fsync', 'max_connections') ORDER BY name`); !slices.Equal(found, []string{"on", "17"}) {
		t.Errorf("settings are %q", found)
	}
}

const childVariable = "BRYGGA_TEST_PGTEST_CHILD"

// TestChild is the process of TestServerEndsWithItsProcess. By itself it shows that a server starts.
func TestChild(t *testing.T) {
	server := start(t, pgtest.Options{})
	if os.Getenv(childVariable) != "" {
		fmt.Println("server:", server.DSN("postgres"), words(t, server.DSN("postgres"), `SELECT setting FROM pg_settings WHERE name = 'data_directory'`)[0])
		select {}
	}
}

func TestServerEndsWithItsProcess(t *testing.T) {
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$", "-test.timeout=2m")
	child.Env = append(os.Environ(), childVariable+"=1")
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var dsn, data string
	for lines := bufio.NewScanner(output); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "server: "); ok {
			dsn, data, _ = strings.Cut(text, " ")
			break
		}
	}
	conn := connect(t, dsn)
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	child.Wait()
	if _, err := conn.Exec(t.Context(), `SELECT pg_sleep(60)`); err == nil {
		t.Error("the server outlived the process that started it by a minute")
	}
	for range 600 {
		if _, err := os.Stat(data); os.IsNotExist(err) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("%s is still there", data)
}

// TestSchema: what is made in one schema is not seen in another of the same database.
func TestSchema(t *testing.T) {
	database := pgtest.Database(t)
	first, second := pgtest.Schema(t, database), pgtest.Schema(t, database)
	exec1(t, first, "CREATE TABLE things (id int)")
	exec1(t, second, "CREATE TABLE things (id int)")
	exec1(t, first, "INSERT INTO things VALUES (1)")
	if n := words(t, second, "SELECT count(*)::text FROM things"); n[0] != "0" {
		t.Errorf("the second schema has %s of the first one's rows", n)
	}
}
