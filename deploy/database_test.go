package deploy_test

import (
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"brygga/keys"
	"brygga/storage/postgres"
	"brygga/storage/postgres/pgtest"
)

// TestDatabaseRole: the role that compose makes, and docs/operations.md writes out, is all that the program needs to make its tables and use
// them. It may do nothing to the rest of the server, and others nothing to its database.
func TestDatabaseRole(t *testing.T) {
	server, err := pgtest.Start(pgtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	const password = `it's "hard" to \quote $HOME`
	role := makeRole(t, server.DSN("postgres"), password)
	masterKey, err := keys.ParseMasterKey(keys.NewMasterKey().Reveal())
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := keys.NewSealer(masterKey)
	if err != nil {
		t.Fatal(err)
	}
	store, err := postgres.Open(t.Context(), role, sealer, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	secret, err := store.SecretOrCreate(t.Context(), "deploy", []byte("kept"))
	if err != nil || string(secret) != "kept" {
		t.Errorf("the store does not keep: %q, %v", secret, err)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
	for _, statement := range []string{"CREATE DATABASE another", "CREATE ROLE another", "COPY (SELECT 1) TO PROGRAM 'true'", "SELECT pg_read_file('/etc/passwd')"} {
		refused(t, role, statement)
	}
	execute(t, server.DSN("postgres"), "CREATE ROLE other LOGIN PASSWORD 'other'")
	other, err := url.Parse(role)
	if err != nil {
		t.Fatal(err)
	}
	other.User = url.UserPassword("other", "other")
	refused(t, other.String(), "SELECT 1")
}

// TestDocumentedRole: docs/operations.md has the statements that are tried above.
func TestDocumentedRole(t *testing.T) {
	page, script := read(t, "../docs/operations.md"), read(t, "compose/database.sh")
	_, statements, _ := strings.Cut(script, "<<'SQL'\n")
	statements, _, _ = strings.Cut(statements, "SQL\n")
	if want := strings.Replace(statements, ":'password'", "'…'", 1); !strings.Contains(page, want) {
		t.Errorf("docs/operations.md does not have\n%s", want)
	}
}

// makeRole runs what compose runs when the database is made, and returns the connection string of the role.
func makeRole(t *testing.T, administrator, password string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	write(t, file, password+"\n")
	as, err := pgx.ParseConfig(administrator)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "compose/database.sh")
	cmd.Env = append(os.Environ(), "BRYGGA_PASSWORD_FILE="+file, "PGHOST=127.0.0.1", "PGPORT="+strconv.Itoa(int(as.Port)), "PGPASSWORD="+as.Password)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("database.sh: %v\n%s", err, out)
	}
	role := url.URL{Scheme: "postgres", User: url.UserPassword("brygga", password), Host: "127.0.0.1:" + strconv.Itoa(int(as.Port)), Path: "/brygga"}
	return role.String()
}

// refused fails the test unless the database refuses the statement, or the connection, for want of a right.
func refused(t *testing.T, dsn, statement string) {
	t.Helper()
	var refusal *pgconn.PgError
	if err := try(t, dsn, statement); !errors.As(err, &refusal) || refusal.Code != "42501" { // insufficient_privilege
		t.Errorf("%s: %v", statement, err)
	}
}

func execute(t *testing.T, dsn, statement string) {
	t.Helper()
	if err := try(t, dsn, statement); err != nil {
		t.Fatal(err)
	}
}

func try(t *testing.T, dsn, statement string) error {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		return err
	}
	defer connection.Close(t.Context())
	_, err = connection.Exec(t.Context(), statement)
	return err
}
