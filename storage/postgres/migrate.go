package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Migrations are steps forward, numbered from 1. A step only adds what the program before can live with; what nobody uses any more is
// removed by a later version, so that old and new processes run side by side.
//
//go:embed schema/*.sql
var schema embed.FS

// migrations returns the steps, in their order.
func migrations() ([]string, error) {
	names, err := fs.Glob(schema, "schema/*.sql") // sorted
	if err != nil {
		return nil, err
	}
	steps := make([]string, len(names))
	for i, name := range names {
		text, err := schema.ReadFile(name)
		if err != nil {
			return nil, err
		}
		steps[i] = string(text)
	}
	return steps, nil
}

// migrate brings the tables up to date. Of processes that start at the same time one does it: the others wait for the row that it has locked,
// which is free when it is done or dead.
func (s *Store) migrate(ctx context.Context, of engine) error {
	steps, err := migrations()
	if err != nil {
		return err
	}
	if version, err := s.schemaVersion(ctx); err != nil || version == len(steps) {
		return err
	}
	for try := 0; ; try++ {
		err := s.applyMigrations(ctx, of, steps)
		pg, ok := errors.AsType[*pgconn.PgError](err)
		// Two that make the first table at the same moment are in each other's way.
		if err == nil || !ok || try == tries || pg.Code != "23505" && pg.Code != "42P07" && !passing(err) {
			return migrationError(err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(firstWait << try):
		}
	}
}

// schemaVersion returns the version of the tables, 0 when there are none, and ErrSchema when they are newer than this program.
func (s *Store) schemaVersion(ctx context.Context) (version int, err error) {
	err = s.pool.QueryRow(ctx, `SELECT version FROM brygga_schema`).Scan(&version)
	pg, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case errors.Is(err, pgx.ErrNoRows), ok && pg.Code == "42P01":
		return 0, nil
	case err != nil:
		return 0, migrationError(err)
	}
	return version, checkVersion(version)
}

func checkVersion(version int) error {
	steps, err := migrations()
	if err == nil && version > len(steps) {
		return fmt.Errorf("%w: they have version %d, this program knows %d: start the newer program", ErrSchema, version, len(steps))
	}
	return err
}

func (s *Store) applyMigrations(ctx context.Context, of engine, steps []string) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// Making tables may take longer than a step of a login.
		if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `CREATE TABLE IF NOT EXISTS brygga_schema (one boolean PRIMARY KEY DEFAULT true CHECK (one), version integer NOT NULL)`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO brygga_schema (version) VALUES (0) ON CONFLICT DO NOTHING`); err != nil {
			return err
		}
		var version int
		if err := tx.QueryRow(ctx, `SELECT version FROM brygga_schema FOR UPDATE`).Scan(&version); err != nil {
			return err
		}
		if err := checkVersion(version); err != nil {
			return err
		}
		for _, step := range steps[version:] {
			if _, err := tx.Exec(ctx, of.adapt(step)); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `UPDATE brygga_schema SET version = $1`, len(steps))
		return err
	})
}

// migrationError names the remedy of what keeps tables from being made.
func migrationError(err error) error {
	if err == nil || errors.Is(err, ErrSchema) {
		return err
	}
	pg, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case ok && pg.Code == "42501":
		return fmt.Errorf("%w: the role may not make or read tables (%s): see docs/operations.md for the rights that it needs", ErrSchema, pg.Message)
	case ok && pg.Code == "25006":
		return errReadOnly
	case ok && (pg.Code == "42P07" || pg.Code == "42703" || pg.Code == "42710"):
		return fmt.Errorf("%w: %s: give brygga a database or a schema of its own", ErrSchema, pg.Message)
	}
	return connectionError(err)
}
