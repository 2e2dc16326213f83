package postgres

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// engine is what speaks the protocol of PostgreSQL with us.
type engine int

const (
	postgreSQL engine = iota
	cockroachDB
	yugabyteDB
)

// engineOf returns the engine by what it says of itself when a connection begins.
func engineOf(conn *pgconn.PgConn) engine {
	switch {
	case conn.ParameterStatus("crdb_version") != "":
		return cockroachDB
	case strings.Contains(conn.ParameterStatus("server_version"), "-YB-"):
		return yugabyteDB
	}
	return postgreSQL
}

// cockroachSettings let one statement change a table in two parts, as ours do with rows of their own in each (CockroachDB refuses that
// by default, for those who change one row twice), and making tables stay within its transaction. See decision 0043.
const cockroachSettings = `SET enable_multiple_modifications_of_table = on; SET autocommit_before_ddl = off`

// settle gives a new connection what its engine needs.
func settle(ctx context.Context, conn *pgx.Conn) error {
	if engineOf(conn.PgConn()) != cockroachDB {
		return nil
	}
	_, err := conn.Exec(ctx, cockroachSettings)
	return err
}

// checkServer returns ErrVersion for a server that is too old.
func checkServer(of engine, version int) error {
	switch {
	case of == cockroachDB: // its number is that of the PostgreSQL whose catalogues it has
		return nil
	case of == yugabyteDB && version < oldestYugabyte:
		return fmt.Errorf("%w: it is a YugabyteDB made from PostgreSQL %d, one made from %d is needed", ErrVersion, version/10000, oldestYugabyte/10000)
	case version < oldestServer:
		return fmt.Errorf("%w: it is version %d, at least %d is needed", ErrVersion, version/10000, oldestServer/10000)
	}
	return nil
}

// oldestYugabyte is the version of the PostgreSQL that YugabyteDB is made from since 2025.1.
const oldestYugabyte = 150000

var making = regexp.MustCompile(`(?m)^(CREATE (?:TABLE|INDEX|SEQUENCE)|ALTER TABLE \w+ ADD COLUMN) `)

// adapt returns a step of the schema as the engine takes it. Where a step that makes tables may stop half-way, it makes only what is not
// there, so that it can be taken again; PostgreSQL takes it whole or not at all, and there what stands in the way is somebody else's.
func (of engine) adapt(step string) string {
	if of == postgreSQL {
		return step
	}
	step = making.ReplaceAllString(step, "$1 IF NOT EXISTS ")
	if of == cockroachDB { // whose strings have the order of their bytes, and which refuses to be told so
		step = strings.ReplaceAll(step, ` COLLATE "C"`, "")
	}
	return step
}
