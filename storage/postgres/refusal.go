package postgres

import (
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

// Remedy returns what an operator can do about an error of this package, empty where nothing is known that helps.
func Remedy(err error) string {
	if of, ok := errors.AsType[*refusal](err); ok {
		return of.remedy
	}
	return ""
}

// refusal is what the database said, or what became of the connection, without the connection string.
type refusal struct {
	of           error // what callers branch on
	text, remedy string
}

// Error says what it is.
func (r *refusal) Error() string { return r.of.Error() + ": " + r.text }

func (r *refusal) Unwrap() error { return r.of }

// refused returns an error that errors.Is finds to be of, and that says what err does.
func refused(of, err error) *refusal { return &refusal{of, lostText(err), remedyOf(err)} }

// refusedStep is refused for who reads it in a log: the text says what helps.
func refusedStep(of, err error) error {
	r := refused(of, err)
	if r.remedy != "" {
		r.text += ": " + r.remedy
	}
	return r
}

// serverRemedies say what helps against what a server, or a pooler before it, refuses: the first whose code begins the SQLSTATE, and whose text
// stands in the message (PostgreSQL: Appendix A; PgBouncer's texts are those of 1.18 and later).
var serverRemedies = []struct{ code, text, remedy string }{
	{"08P01", "unsupported startup parameter", "PgBouncer takes only what it is told to: ignore_startup_parameters = statement_timeout,lock_timeout,idle_in_transaction_session_timeout, and give these to the role by ALTER ROLE … SET"},
	{"08P01", "no such database", "name the database in [databases] of the pooler's configuration"},
	{"08P01", "max_client_conn", "raise max_client_conn of the pooler, or lower postgres.max_connections"},
	{"08P01", "query_wait_timeout", "the pooler had no connection free: raise its default_pool_size"},
	{"26000", "", preparedRemedy},
	{"42P05", "", preparedRemedy},
	{"28P01", "", "look at user and password in postgres.dsn"},
	{"28000", "not permitted to log in", "ALTER ROLE … LOGIN"},
	{"28000", "", "let this host, user and database in, in pg_hba.conf of the server"},
	{"3D000", "", "make the database: CREATE DATABASE … OWNER …"},
	{"3F000", "", "the search_path of the role names no schema that is there: CREATE SCHEMA, or ALTER ROLE … SET search_path"},
	{"42501", "", "give the role the rights that docs/operations.md names"},
	{"42P01", "", "the tables are not where they were: look at the search_path of the role, or restore them"},
	{"42704", "unrecognized configuration parameter", "take the parameter that the server does not know out of postgres.dsn"},
	{"22023", "", "correct the value of the parameter in postgres.dsn"},
	{"25006", "", "it may be a standby: name all hosts and target_session_attrs=read-write in postgres.dsn"},
	{"53300", "", "raise max_connections of the server or CONNECTION LIMIT of role and database, or lower postgres.max_connections"},
	{"53100", "", "make room on the server's disk"},
	{"53200", "", "the server is out of memory: look at work_mem and max_connections"},
	{"55000", "not currently accepting connections", "ALTER DATABASE … ALLOW_CONNECTIONS true"},
	{"55P03", "", "another session holds a lock for long: find it in pg_locks"},
	{"57014", "", "the server is too slow, or postgres.statement_timeout too short: look at its disk and pg_stat_activity"},
	{"57P03", "", "the server starts, stops or recovers: wait"},
	{"58030", "", "look at the server's log and disk"},
	{"XX001", "", damagedRemedy},
	{"XX002", "", damagedRemedy},
}

const (
	preparedRemedy = "a pooler by transaction loses prepared statements: PgBouncer from 1.21 on with max_prepared_statements above 0, or default_query_exec_mode=cache_describe in postgres.dsn"
	damagedRemedy  = "pages of the database are damaged: look after the server's disk, and restore a backup"
)

// connectionRemedies say what helps when no server has said anything.
var connectionRemedies = []struct {
	is     func(error) bool
	remedy string
}{
	{isA[x509.UnknownAuthorityError], "name the certificate of who vouches for the server in postgres.root_ca_file"},
	{isA[x509.HostnameError], "connect by a name that stands in the server's certificate"},
	{func(err error) bool {
		invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
		return ok && invalid.Reason == x509.Expired
	}, "renew the server's certificate; or is a clock wrong?"},
	{says("server refused TLS"), "turn ssl on in postgresql.conf, or sslmode=disable on the way within one machine"},
	{func(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }, "does the database run, and listen on that host and port? See listen_addresses of the server"},
	{func(err error) bool {
		unknown, ok := errors.AsType[*net.DNSError](err)
		return ok && unknown.IsNotFound
	}, "nobody knows a host of that name: look at postgres.dsn and at the machine's name servers"},
	{func(err error) bool {
		return errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH)
	}, "there is no way to that host: look at its address and at the machine's routes"},
	{func(err error) bool { return errors.Is(err, fs.ErrNotExist) }, "no server has its socket there: does it run? See unix_socket_directories of the server"},
	{func(err error) bool { return errors.Is(err, fs.ErrPermission) }, "the socket is not open to this user: see unix_socket_permissions of the server"},
	{says("read only connection"), "no host takes writes: is there a primary?"},
	{func(err error) bool {
		slow, ok := errors.AsType[net.Error](err)
		return errors.Is(err, context.DeadlineExceeded) || ok && slow.Timeout()
	}, "nothing answers in time: is the host down, a firewall in between, or the server overloaded?"},
	{isEnd, "who answers there hangs up: is it a PostgreSQL? See its log"},
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func says(text string) func(error) bool {
	return func(err error) bool { return strings.Contains(err.Error(), text) }
}

// remedyOf returns what helps against an error of pgx, empty when nobody knows.
func remedyOf(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		for _, r := range serverRemedies {
			if strings.HasPrefix(pg.Code, r.code) && strings.Contains(pg.Message, r.text) {
				return r.remedy
			}
		}
		return ""
	}
	for _, r := range connectionRemedies {
		if r.is(err) {
			return r.remedy
		}
	}
	return ""
}
