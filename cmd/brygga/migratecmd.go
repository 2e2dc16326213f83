package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"brygga/audit"
	"brygga/storage"
	"brygga/storage/bolt"
	"brygga/storage/postgres"
)

// migrateTells is how often it is said how far a migration has come.
const migrateTells = 2 * time.Second

func newMigrateCommand(h *host) *cobra.Command {
	var where whereFlags
	var to string
	cmd := &cobra.Command{
		Use: "migrate --to postgres|file", Short: "Move the store from its file to PostgreSQL, or back", Args: cobra.NoArgs,
		Long: "Copy all records of the store's file in data to the database of postgres, or back, while no server runs, and compare all of both\n" +
			"afterwards. The target must be empty. A command that was broken off, or killed, goes on when it is run again; no server starts on what is\n" +
			"half filled. The source stays as it is. Logins, sessions and tokens go on.\n\n" +
			"docs/operations.md has the steps before and after, under \"Move to PostgreSQL, and back\".",
		Example: "  brygga migrate --config /etc/brygga/config.yaml --to postgres",
		RunE: func(cmd *cobra.Command, _ []string) error {
			in, err := where.find(h)
			if err != nil {
				return err
			}
			if !in.postgres.Used() {
				return fail(exitUsage, "set postgres.dsn_file: the database that the store shall move to, or is in", "the configuration names no database")
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			switch to {
			case "postgres":
				return migrateToDatabase(ctx, h, in)
			case "file":
				return migrateToFile(ctx, h, in)
			}
			return fail(exitUsage, "give --to postgres, or --to file", "where shall the store move to?")
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "`store` to move to: postgres or file")
	cmd.Flags().StringVar(&where.config, "config", variable(h, "BRYGGA_CONFIG"), "configuration `file` of the server (or BRYGGA_CONFIG)")
	return cmd
}

// openAlone opens the database for a migration, under that name.
func openAlone(ctx context.Context, in installation, node string) (*postgres.Store, error) {
	o := in.postgres.Options()
	o.Node, o.Unfinished = node, node == postgres.FillingNode
	return openDatabase(ctx, in.postgres.DSN, in.masterKey, in.otherKey, o)
}

func migrateToDatabase(ctx context.Context, h *host, in installation) error {
	path := filepath.Join(in.data, storeFile)
	if _, err := os.Stat(path); err != nil {
		return fail(exitUsage, "name the installation whose store it is", "nothing to move: %w", err)
	}
	sealer, err := newSealer(in.masterKey, in.otherKey)
	if err != nil {
		return err
	}
	file, err := bolt.OpenOutgoing(path, sealer)
	if errors.Is(err, bolt.ErrOlderFormat) {
		return fail(exitFailure, "\"brygga client list\", without postgres in the configuration, brings it up", "%w", err)
	}
	if err != nil {
		return err
	}
	defer file.Close()
	database, err := openAlone(ctx, in, postgres.FillingNode)
	if err != nil {
		return err
	}
	err = migrate(ctx, h, in, file, database, "give brygga an empty database, or empty this one with DROP DATABASE and CREATE DATABASE")
	if err := errors.Join(err, database.Close()); err != nil {
		return err
	}
	fmt.Fprintf(h.out, "start the servers with this configuration; %s is used no more\n", path)
	fmt.Fprintf(h.out, "never run a server on it again: codes and tokens would be good in both. Keep it as a backup, \"mv %s %s.moved\", or delete it\n", path, path)
	return nil
}

func migrateToFile(ctx context.Context, h *host, in installation) error {
	path := filepath.Join(in.data, storeFile)
	sealer, err := newSealer(in.masterKey, in.otherKey)
	if err != nil {
		return err
	}
	database, err := openAlone(ctx, in, postgres.ReadingNode)
	if err != nil {
		return err
	}
	defer database.Close()
	file, err := bolt.Open(path, sealer, bolt.Options{LockTimeout: lockTime, Unfinished: true})
	if err != nil {
		return err
	}
	err = migrate(ctx, h, in, database, file, fmt.Sprintf("move it away, with its mark: mv %[1]s %[1]s.before; mv %[1]s.mark %[1]s.mark.before", path))
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	fmt.Fprintf(h.out, "take postgres out of the configuration, and start one server: its store is %s\n", path)
	fmt.Fprintln(h.out, "never run a server on the database again: codes and tokens would be good in both. Keep it as a backup, or drop it")
	return nil
}

// filled is a store that a migration fills, and that is used afterwards.
type filled interface {
	storage.Store
	storage.Target
}

// migrate fills one store from another and says how far it has come. Empty is what helps when the target holds something.
func migrate(ctx context.Context, h *host, in installation, from storage.Source, to filled, empty string) error {
	done, err := storage.Migrate(ctx, from, to, time.Now(), tellProgress(h))
	if err != nil {
		return migrationFault(ctx, err, empty)
	}
	if done.Before.IsZero() {
		fmt.Fprintf(h.out, "%d records are copied, and all %d were compared: both stores hold the same\n", done.Copied, done.Compared)
	} else {
		fmt.Fprintf(h.out, "all was moved before, by a run that began at %s\n", done.Before.Format(time.RFC3339))
		if told, err := toldOfMove(ctx, to, done.Before); err != nil || told {
			return err
		}
	}
	return direct(ctx, h, in, to, func(ctx context.Context, o *operator) error {
		o.audit.Record(ctx, audit.Event{Type: audit.StoreMoved, Actor: o.actor, Message: fmt.Sprint(done.Compared, " records")})
		return nil
	})
}

// toldOfMove reports whether the audit log knows of the migration that began at the time. A run that was killed at its end has not told.
func toldOfMove(ctx context.Context, log storage.AuditLog, began time.Time) (bool, error) {
	events, err := log.AuditEvents(ctx, began, time.Now().Add(time.Hour), 1000) // nothing else happened in that store until it was there
	return slices.ContainsFunc(events, func(e storage.AuditEvent) bool { return e.Type == string(audit.StoreMoved) }), err
}

// tellProgress returns a function that says from time to time how far a migration has come.
func tellProgress(h *host) func(storage.Progress) {
	told := time.Now()
	return func(now storage.Progress) {
		if time.Since(told) < migrateTells {
			return
		}
		told = time.Now()
		if now.Compared > 0 {
			fmt.Fprintln(h.out, now.Compared, "records are compared")
		} else {
			fmt.Fprintln(h.out, now.Copied, "records are copied")
		}
	}
}

// migrationFault returns the error of a migration with what helps.
func migrationFault(ctx context.Context, err error, empty string) error {
	switch {
	case errors.Is(err, storage.ErrHolds):
		return fail(exitConflict, empty, "the target is not empty: %w", err)
	case errors.Is(err, storage.ErrOtherSource):
		return fail(exitConflict, empty+"; then begin anew", "the target is half filled from elsewhere, or from this store before it was used again: %w", err)
	case errors.Is(err, storage.ErrInUse):
		return fail(exitUnavailable, "stop every server that uses the database; one that was killed counts for ten seconds. Then run this again", "%w", err)
	case errors.Is(err, storage.ErrUnreadable):
		return fail(exitFailure, "the source was changed or damaged: \"brygga store check\" looks at all of a file. Restore a backup of it; the target cannot be used", "%w", err)
	case errors.Is(err, storage.ErrDiffers):
		return fail(exitFailure, "was the source used meanwhile? "+empty+"; then begin anew", "the target cannot be used: %w", err)
	case ctx.Err() != nil:
		return fail(exitFailure, "run it again: it goes on where it ended", "broken off: %w", err)
	}
	return err
}
