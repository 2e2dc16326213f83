package postgres

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"brygga/storage"
	"brygga/storage/postgres/pgtest"
	"brygga/storage/storagetest"
)

// TestRemedies: for each refusal of a server or a pooler, and for each way in which a connection fails, there is one thing that helps, which the
// error of opening a store brings along, and that of a step says itself.
func TestRemedies(t *testing.T) {
	server := func(code, message string) error {
		return &pgconn.PgError{Severity: "FATAL", Code: code, Message: message}
	}
	s := &Store{}
	rows, connections := map[string]bool{}, map[string]bool{}
	for _, test := range []struct {
		err  error
		says string
	}{
		{server("08P01", "unsupported startup parameter: statement_timeout"), "ignore_startup_parameters"},
		{server("08P01", "no such database: brygga"), "[databases]"},
		{server("08P01", "no more connections allowed (max_client_conn)"), "max_client_conn"},
		{server("08P01", "query_wait_timeout"), "default_pool_size"},
		{server("26000", `prepared statement "stmtcache_1" does not exist`), "max_prepared_statements"},
		{server("42P05", `prepared statement "stmtcache_1" already exists`), "cache_describe"},
		{server("28P01", `password authentication failed for user "brygga"`), "password in postgres.dsn"},
		{server("28000", `role "brygga" is not permitted to log in`), "ALTER ROLE … LOGIN"},
		{server("28000", `no pg_hba.conf entry for host "192.0.2.1"`), "pg_hba.conf"},
		{server("3D000", `database "brygga" does not exist`), "CREATE DATABASE"},
		{server("3F000", "no schema has been selected to create in"), "search_path"},
		{server("42501", "permission denied for table logins"), "docs/operations.md"},
		{server("42P01", `relation "logins" does not exist`), "search_path"},
		{server("42704", `unrecognized configuration parameter "fast"`), "postgres.dsn"},
		{server("22023", `invalid value for parameter "timezone"`), "correct the value"},
		{server("25006", "cannot execute INSERT in a read-only transaction"), "target_session_attrs"},
		{server("53300", "sorry, too many clients already"), "max_connections"},
		{server("53100", "could not extend file: No space left on device"), "room"},
		{server("53200", "out of memory"), "work_mem"},
		{server("55000", `database "brygga" is not currently accepting connections`), "ALLOW_CONNECTIONS"},
		{server("55P03", "canceling statement due to lock timeout"), "pg_locks"},
		{server("57014", "canceling statement due to statement timeout"), "pg_stat_activity"},
		{server("57P03", "the database system is starting up"), "wait"},
		{server("58030", "could not read block"), "disk"},
		{server("XX001", "invalid page in block 7"), "backup"},
		{server("XX002", "index is corrupted"), "backup"},
		{fmt.Errorf("tls: %w", x509.UnknownAuthorityError{}), "root_ca_file"},
		{x509.HostnameError{Certificate: new(x509.Certificate), Host: "db.example"}, "name that stands in"},
		{x509.CertificateInvalidError{Cert: new(x509.Certificate), Reason: x509.Expired}, "renew"},
		{errors.New("server refused TLS connection"), "postgresql.conf"},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, "listen_addresses"},
		{&net.DNSError{Err: "no such host", Name: "nowhere.invalid", IsNotFound: true}, "name servers"},
		{&net.OpError{Op: "dial", Err: syscall.ENETUNREACH}, "routes"},
		{&net.OpError{Op: "dial", Err: fs.ErrNotExist}, "unix_socket_directories"},
		{&net.OpError{Op: "dial", Err: fs.ErrPermission}, "unix_socket_permissions"},
		{errors.New("read only connection"), "primary"},
		{context.DeadlineExceeded, "firewall"},
		{io.ErrUnexpectedEOF, "hangs up"},
	} {
		remedy := remedyOf(test.err)
		if !strings.Contains(remedy, test.says) {
			t.Errorf("%v: %q helps, want %q", test.err, remedy, test.says)
		}
		if opening := connectionError(test.err); Remedy(opening) != remedy || !errors.Is(opening, ErrConnection) {
			t.Errorf("%v: opening brings %q, and is %v", test.err, Remedy(opening), opening)
		}
		if _, ok := test.err.(*pgconn.PgError); ok {
			rows[remedy] = true
			if step := s.fault(t.Context(), test.err); !strings.Contains(step.Error(), test.says) || !errors.Is(step, storage.ErrUnavailable) {
				t.Errorf("%v: a step fails with %v", test.err, step)
			}
		} else {
			connections[remedy] = true
		}
	}
	for _, row := range serverRemedies {
		if !rows[row.remedy] {
			t.Errorf("no test of %s %s", row.code, row.text)
		}
	}
	for _, row := range connectionRemedies {
		if !connections[row.remedy] {
			t.Errorf("no test of %s", row.remedy)
		}
	}
	if other := s.fault(t.Context(), server("P0001", "something of a trigger")); Remedy(other) != "" || !strings.Contains(other.Error(), "P0001") {
		t.Errorf("what nobody knows helps with: %v", other)
	}
}

// TestServersRefuse has a server refuse what an operator may have done wrong, and looks for what helps.
func TestServersRefuse(t *testing.T) {
	dsn := pgtest.Database(t)
	name := strings.TrimPrefix(mustParse(t, dsn).Path, "/")
	shut := pgtest.Database(t)
	shutName := strings.TrimPrefix(mustParse(t, shut).Path, "/")
	do(t, dsn, "CREATE ROLE "+name+"_idle NOLOGIN PASSWORD 'idle'", "CREATE ROLE "+name+"_few LOGIN PASSWORD 'few' CONNECTION LIMIT 0",
		"ALTER DATABASE "+shutName+" ALLOW_CONNECTIONS false")
	t.Cleanup(func() {
		do(t, dsn, "DROP ROLE "+name+"_idle", "DROP ROLE "+name+"_few", "ALTER DATABASE "+shutName+" ALLOW_CONNECTIONS true")
	})
	for what, test := range map[string]struct{ dsn, code, says string }{
		"a role without login":          {changed(t, dsn, name+"_idle", "idle", "", ""), "28000", "LOGIN"},
		"a role with no connection":     {changed(t, dsn, name+"_few", "few", "", ""), "53300", "CONNECTION LIMIT"},
		"a wrong password":              {changed(t, dsn, name+"_few", "wrong", "", ""), "28P01", "password"},
		"no such database":              {changed(t, dsn, "", "", "", "nodatabase"), "3D000", "CREATE DATABASE"},
		"a database that is shut":       {shut, "55000", "ALLOW_CONNECTIONS"},
		"a parameter that nobody knows": {changedParameter(t, dsn, "fast", "on"), "42704", "does not know"},
		"a parameter of a wrong value":  {changedParameter(t, dsn, "timezone", "Nowhere/Land"), "22023", "correct the value"},
		"a schema that is not there":    {changedParameter(t, dsn, "search_path", "nowhere"), "3F000", "search_path"},
	} {
		s, err := Open(t.Context(), test.dsn, storagetest.NewSealer(), Options{})
		if err == nil {
			s.Close()
		}
		if !errors.Is(err, ErrConnection) || !strings.Contains(fmt.Sprint(err), test.code) || !strings.Contains(Remedy(err), test.says) {
			t.Errorf("%s: got %v, with the remedy %q, want %s and %q", what, err, Remedy(err), test.code, test.says)
		}
	}
	s, err := Open(t.Context(), dsn, storagetest.NewSealer(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	do(t, dsn, "ALTER TABLE secrets RENAME TO moved")
	if _, err := s.SecretOrCreate(t.Context(), "subject", []byte("value")); !errors.Is(err, storage.ErrUnavailable) || !strings.Contains(fmt.Sprint(err), "42P01") || Remedy(err) == "" {
		t.Errorf("a table that is gone: %v", err)
	}
}

func mustParse(t *testing.T, dsn string) *url.URL {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
