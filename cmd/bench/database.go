package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"brygga/storage/postgres/pgtest"
)

// database is a PostgreSQL server, durable as in production, and the database of it that the servers share.
type database struct {
	server *pgtest.Server
	dsn    string
}

// work is what a database has done: CPU seconds of all its processes, transactions, and bytes of its log.
type work struct{ cpu, commits, wal float64 }

func startDatabase() (*database, error) {
	server, err := pgtest.Start(pgtest.Options{Durable: true, Settings: map[string]string{"shared_buffers": "256MB", "max_wal_size": "2GB"}})
	if err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	return &database{server, server.DSN("postgres")}, nil
}

func (d *database) close() { d.server.Close() }

// do runs one statement, and reads its row into the values.
func (d *database) do(ctx context.Context, sql string, values ...any) error {
	conn, err := pgx.Connect(ctx, d.dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if len(values) == 0 {
		_, err := conn.Exec(ctx, sql)
		return err
	}
	return conn.QueryRow(ctx, sql).Scan(values...)
}

// empty removes what is stored.
func (d *database) empty(ctx context.Context) error {
	return d.do(ctx, `DROP SCHEMA public CASCADE; CREATE SCHEMA public`)
}

// work returns what has been done since the server started; nothing where there is none.
func (d *database) work(ctx context.Context) (w work, err error) {
	if d == nil {
		return w, nil
	}
	time.Sleep(1500 * time.Millisecond) // sessions tell what they have done once a second
	var postmaster string
	if err := d.do(ctx, `SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1), (SELECT sum(xact_commit) FROM pg_stat_database), pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')`,
		&postmaster, &w.commits, &w.wal); err != nil {
		return w, err
	}
	parent, err := strconv.Atoi(postmaster)
	if err != nil {
		return w, err
	}
	w.cpu, err = family(parent)
	return w, err
}

// family returns the CPU seconds that a process and all its children have used.
func family(parent int) (float64, error) {
	p, err := readProcess(parent)
	if err != nil {
		return 0, err
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		child, err := readProcess(pid)
		if errors.Is(err, os.ErrNotExist) || err == nil && child.parent != parent {
			continue
		}
		if err != nil {
			continue // it has just ended, and is counted by its parent
		}
		p.own += child.own
	}
	return p.own + p.children, nil
}
