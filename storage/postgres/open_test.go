package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"brygga/storage"
	"brygga/storage/postgres/pgtest"
	"brygga/storage/storagetest"
)

// do runs statements in the database.
func do(t *testing.T, dsn string, statements ...string) {
	t.Helper()
	ctx := context.Background() // of a clean-up, too
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// changed returns the connection string with another user and password, host or database, where they are not empty.
func changed(t *testing.T, dsn, user, password, host, database string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		u.User = url.UserPassword(user, password)
	}
	if host != "" {
		u.Host = host
	}
	if database != "" {
		u.Path = "/" + database
	}
	return u.String()
}

// TestRefusedDatabases: what cannot be used is refused by name, nothing of it is changed, and no message shows the password.
func TestRefusedDatabases(t *testing.T) {
	const password = "hunter2secret"
	dsn, sealer := pgtest.Database(t), storagetest.NewSealer()
	role := fmt.Sprintf("poor%d", time.Now().UnixNano())
	do(t, dsn, "CREATE ROLE "+role+" LOGIN PASSWORD '"+password+"'", "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
	t.Cleanup(func() {
		do(t, dsn, "DROP OWNED BY "+role, "DROP ROLE "+role)
	})
	newer, other := pgtest.Database(t), pgtest.Database(t)
	for _, made := range []string{newer, other} {
		s, err := Open(t.Context(), made, sealer, Options{})
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
	do(t, newer, "UPDATE brygga_schema SET version = 1000")
	taken := pgtest.Database(t)
	do(t, taken, "CREATE TABLE clients (somebody text)")
	for _, test := range []struct {
		name, dsn string
		sealer    storage.Sealer
		want      error
		says      string
	}{
		{"no connection string", "://" + password, sealer, ErrDSN, ""},
		{"a word without a value", "host " + password, sealer, ErrDSN, ""},
		{"nobody listens", changed(t, dsn, "somebody", password, "127.0.0.1:1", ""), sealer, ErrConnection, "refused"},
		{"no such host", changed(t, dsn, "somebody", password, "nowhere.invalid", ""), sealer, ErrConnection, "nowhere.invalid"},
		{"a wrong password", changed(t, dsn, role, "not"+password, "", ""), sealer, ErrConnection, "28P01"},
		{"no such database", changed(t, dsn, role, password, "", "nodatabase"), sealer, ErrConnection, "3D000"},
		{"no right to make tables", changed(t, dsn, role, password, "", ""), sealer, ErrSchema, "may not"},
		{"a schema from the future", newer, sealer, ErrSchema, "version 1000"},
		{"tables of somebody else", taken, sealer, ErrSchema, "of its own"},
		{"another master key", other, storagetest.NewSealer(), storage.ErrWrongKey, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := Open(t.Context(), test.dsn, test.sealer, Options{})
			if err == nil {
				s.Close()
			}
			if !errors.Is(err, test.want) || !strings.Contains(fmt.Sprint(err), test.says) {
				t.Errorf("got %v, want %v with %q", err, test.want, test.says)
			}
			if strings.Contains(fmt.Sprint(err), password) {
				t.Errorf("the password is shown: %v", err)
			}
		})
	}
}

// TestLeastPrivilege: once the tables are there, a role that may only read and write their rows runs everything. These are the rights that
// docs/operations.md names.
func TestLeastPrivilege(t *testing.T) {
	dsn, sealer := pgtest.Database(t), storagetest.NewSealer()
	s, err := Open(t.Context(), dsn, sealer, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	role := fmt.Sprintf("least%d", time.Now().UnixNano())
	do(t, dsn, "CREATE ROLE "+role+" LOGIN PASSWORD 'least'", "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
		"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "+role, "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO "+role)
	t.Cleanup(func() { do(t, dsn, "DROP OWNED BY "+role, "DROP ROLE "+role) })
	if s, err = Open(t.Context(), changed(t, dsn, role, "least", "", ""), sealer, Options{}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = errors.Join(s.Ping(t.Context()), s.CreateClient(t.Context(), storage.Client{ID: "app"}),
		s.CreateLogin(t.Context(), storage.Login{Request: new(storage.AuthRequest), ID: "l1", State: storage.LoginOpen, Expires: moment.Add(time.Hour)}))
	_, swept := s.Sweep(t.Context(), moment.Add(2*time.Hour), 10)
	if err := errors.Join(err, swept); err != nil {
		t.Error(err)
	}
}

// TestStartsAtOnce: processes that are started at the same moment on an empty database all come up.
func TestStartsAtOnce(t *testing.T) {
	dsn, sealer := pgtest.Database(t), storagetest.NewSealer()
	var starting sync.WaitGroup
	for range 5 {
		starting.Go(func() {
			s, err := Open(t.Context(), dsn, sealer, Options{MaxConnections: 2})
			if err != nil {
				t.Error(err)
				return
			}
			s.Close()
		})
	}
	starting.Wait()
}

// TestBadDays: a store whose connections are killed, whose database takes no writes for a while or has no connection free says so while it
// lasts, and goes on by itself.
func TestBadDays(t *testing.T) {
	dsn := pgtest.Database(t)
	s, err := Open(t.Context(), dsn, storagetest.NewSealer(), Options{MaxConnections: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := t.Context()
	database := "current_database()"
	kill := "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = " + database + " AND pid <> pg_backend_pid()"
	n := 0
	step := func() error {
		n++
		return s.CreateLogin(ctx, storage.Login{Request: new(storage.AuthRequest), ID: fmt.Sprint("l", n), State: storage.LoginOpen, Expires: moment.Add(time.Hour)})
	}
	for range 3 {
		do(t, dsn, kill)
		if err := step(); err != nil {
			t.Errorf("after connections were killed: %v", err)
		}
	}
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	do(t, dsn, "ALTER DATABASE "+name+" SET default_transaction_read_only = on", kill)
	if err := s.Ping(ctx); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("a database that takes no writes is well: %v", err)
	}
	if err := step(); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("a step in a database that takes no writes: %v", err)
	}
	if s.Failures() == 0 {
		t.Error("no failure is counted")
	}
	do(t, changedParameter(t, dsn, "default_transaction_read_only", "off"), "ALTER DATABASE "+name+" RESET default_transaction_read_only", kill)
	if err := errors.Join(s.Ping(ctx), step()); err != nil {
		t.Errorf("after the database takes writes again: %v", err)
	}
	var busy sync.WaitGroup
	for range 40 { // on two connections
		busy.Go(func() {
			if _, err := s.Clients(ctx, "", 10); err != nil {
				t.Errorf("while all connections are busy: %v", err)
			}
		})
	}
	busy.Wait()
}

func changedParameter(t *testing.T, dsn, name, value string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set(name, value)
	u.RawQuery = query.Encode()
	return u.String()
}
