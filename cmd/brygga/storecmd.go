package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"brygga/storage"
	"brygga/storage/bolt"
	"brygga/storage/postgres"
)

func newStoreCommand(h *host) *cobra.Command {
	var where whereFlags
	cmd := group("store", "Check or compact the store's file, or take one that was put here",
		newStoreCheck(h, &where), newStoreCompact(h, &where), newStoreAccept(h, &where))
	cmd.Long = "These commands work while no server runs. \"brygga help backups\" tells how to back up, restore and move it."
	where.addHere(cmd, h)
	return cmd
}

// newCheckStore is "store check" by the name that operators of other programs try first.
func newCheckStore(h *host) *cobra.Command {
	var where whereFlags
	cmd := newStoreCheck(h, &where)
	cmd.Use, cmd.Hidden = "check-store [FILE]", true
	where.addHere(cmd, h)
	return cmd
}

func newStoreCheck(h *host, where *whereFlags) *cobra.Command {
	return &cobra.Command{
		Use: "check [FILE]", Short: "Open every record and tell whether all fit together", Args: cobra.MaximumNArgs(1),
		Long: "Read every page of the store's file, or of a copy, open every record and compare the records with the indexes that lead to them. That\n" +
			"takes some seconds for each gigabyte, and changes nothing. Faults name a record by a hash of its key, and nothing of what it holds.\n\n" +
			"A database may be checked while servers run.",
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := where.find(h)
			if err != nil {
				return err
			}
			if in.postgres.Used() && len(args) == 0 {
				return checkDatabase(cmd.Context(), h, in)
			}
			path := filepath.Join(in.data, storeFile)
			if len(args) > 0 {
				path = args[0]
			}
			rows, err := checkFile(h, in, path)
			if errors.Is(err, bolt.ErrLocked) {
				return fail(exitUnavailable, "\"brygga backup\" makes a copy while the server runs, and checks that; or stop the server", "%w", err)
			}
			if err != nil {
				return err
			}
			fmt.Fprintln(h.out, path, "is whole:", rows, "rows were looked at")
			return nil
		},
	}
}

func checkDatabase(ctx context.Context, h *host, in installation) error {
	store, err := openDatabase(ctx, in.postgres.DSN, in.masterKey, in.otherKey, in.postgres.Options())
	if err != nil {
		return err
	}
	faults, tell := 0, tellFaults(h)
	records, err := store.CheckRecords(ctx, func(fault storage.Fault) {
		faults++
		tell(fault)
	})
	if err := errors.Join(err, store.Close()); err != nil {
		return err
	}
	if faults > 0 {
		return fail(exitFailure, "restore the database to an earlier point, or keep it and ask for help with what is told above", "%d faults in the database", faults)
	}
	fmt.Fprintln(h.out, "the database is whole:", records, "sealed records were opened")
	return nil
}

func newStoreCompact(h *host, where *whereFlags) *cobra.Command {
	return &cobra.Command{
		Use: "compact", Short: "Write the file anew, without the room that expired records have left", Args: cobra.NoArgs,
		Long: "Write the store's file anew, without the room that expired records have left, and without their traces. Every record is opened before and\n" +
			"after; the old file stays until the new one is on disk, which must have room for both. Copies of before are known as such afterwards.",
		RunE: func(*cobra.Command, []string) error {
			in, err := where.findFile(h)
			if err != nil {
				return err
			}
			sealer, err := newSealer(in.masterKey, in.otherKey)
			if err != nil {
				return err
			}
			path := filepath.Join(in.data, storeFile)
			if _, err := os.Stat(path); err != nil {
				return fail(exitUsage, "name the installation whose store it is", "nothing to compact: %w", err)
			}
			before, after, err := bolt.Compact(path, sealer, time.Now(), tellFaults(h))
			if err != nil {
				return err
			}
			fmt.Fprintf(h.out, "%s had %s and has %s\n", path, mebibytes(before), mebibytes(after))
			return nil
		},
	}
}

// mebibytes writes a size.
func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// maxFaults is how many faults of a store are told one by one.
const maxFaults = 100

// tellFaults returns a function that tells of the first faults of a store.
func tellFaults(h *host) func(bolt.Fault) {
	told := 0
	return func(fault bolt.Fault) {
		if told++; told <= maxFaults {
			fmt.Fprintln(h.out, fault)
		}
	}
}

// checkFile checks the store file at path, tells of the faults, and returns how many rows it has. An error says that there are faults, too.
func checkFile(h *host, in installation, path string) (rows int, err error) {
	sealer, err := newSealer(in.masterKey, in.otherKey)
	if err != nil {
		return 0, err
	}
	faults, tell := 0, tellFaults(h)
	counts, err := bolt.CheckRecords(path, sealer, time.Now(), func(fault bolt.Fault) {
		faults++
		tell(fault)
	})
	if err != nil {
		return 0, err
	}
	for _, count := range counts {
		rows += count.Rows
	}
	if faults > 0 {
		return rows, fail(exitFailure, "restore a backup, or keep this file and ask for help with what is told above", "%d faults in %s", faults, path)
	}
	return rows, nil
}

func newStoreAccept(h *host, where *whereFlags) *cobra.Command {
	return &cobra.Command{
		Use: "accept", Short: "Take a file or a database that was restored, and end what was granted before", Args: cobra.NoArgs,
		Long: "Take the store as it lies there: a file that was put in its place by hand, or came from another machine without its mark, or a database that\n" +
			"was restored to an earlier point. Codes and tokens that were used or revoked since would be good again. So logins, codes, tokens,\n" +
			"sessions and the secrets of API keys end, and people log in anew. Clients, signing keys, subjects and the audit log stay.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			in, err := where.find(h)
			if err != nil {
				return err
			}
			if in.postgres.Used() {
				return acceptDatabase(cmd.Context(), h, in)
			}
			return acceptFile(cmd.Context(), h, in)
		},
	}
}

func acceptFile(ctx context.Context, h *host, in installation) error {
	path := filepath.Join(in.data, storeFile)
	if _, err := os.Stat(path); err != nil {
		return fail(exitUsage, "put the file there first", "nothing to accept: %w", err)
	}
	sealer, err := newSealer(in.masterKey, in.otherKey)
	if err != nil {
		return err
	}
	store, err := bolt.Open(path, sealer, bolt.Options{Logger: slog.New(slog.DiscardHandler), LockTimeout: lockTime, Accept: true})
	if err != nil {
		return err
	}
	if err := errors.Join(recordRestored(ctx, h, in, store), store.Close()); err != nil {
		return err
	}
	fmt.Fprintln(h.out, path, "is accepted: people log in anew")
	return nil
}

func acceptDatabase(ctx context.Context, h *host, in installation) error {
	store, err := openDatabase(ctx, in.postgres.DSN, in.masterKey, in.otherKey, in.postgres.Options())
	if err != nil {
		return err
	}
	err = store.StartAnew(ctx, time.Now().UTC())
	if errors.Is(err, postgres.ErrInUse) {
		err = fail(exitUnavailable, "stop every server on this database; one that was killed counts for five seconds", "%w", err)
	}
	if err == nil {
		err = recordRestored(ctx, h, in, store)
	}
	if err := errors.Join(err, store.Close()); err != nil {
		return err
	}
	fmt.Fprintln(h.out, "the database is accepted: people log in anew")
	return nil
}
