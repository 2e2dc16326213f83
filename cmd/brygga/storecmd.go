package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"brygga/storage/bolt"
)

func newStoreCommand(h *host) *cobra.Command {
	var where whereFlags
	cmd := group("store", "Check the store's file, or take one that was put here", newStoreCheck(h, &where), newStoreAccept(h, &where))
	cmd.Long = "These commands work on the store's file while no server runs. \"brygga help backup\" tells how to back up, restore and move it."
	where.add(cmd, h)
	return cmd
}

// newCheckStore is "store check" by the name that operators of other programs try first.
func newCheckStore(h *host) *cobra.Command {
	var where whereFlags
	cmd := newStoreCheck(h, &where)
	cmd.Use, cmd.Hidden = "check-store [FILE]", true
	where.add(cmd, h)
	return cmd
}

func newStoreCheck(h *host, where *whereFlags) *cobra.Command {
	return &cobra.Command{
		Use: "check [FILE]", Short: "Open every record and tell whether all fit together", Args: cobra.MaximumNArgs(1),
		Long: "Read every page of the store's file, or of a copy, open every record and compare the records with the indexes that lead to them. That\n" +
			"takes some seconds for each gigabyte, and changes nothing. Faults name a record by a hash of its key, and nothing of what it holds.",
		RunE: func(_ *cobra.Command, args []string) error {
			in, err := where.find(h)
			if err != nil {
				return err
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

// maxFaults is how many faults of a store are told one by one.
const maxFaults = 100

// checkFile checks the store file at path, tells of the faults, and returns how many rows it has. An error says that there are faults, too.
func checkFile(h *host, in installation, path string) (rows int, err error) {
	sealer, err := newSealer(in.masterKey, in.otherKey)
	if err != nil {
		return 0, err
	}
	faults := 0
	counts, err := bolt.CheckRecords(path, sealer, time.Now(), func(fault bolt.Fault) {
		if faults++; faults <= maxFaults {
			fmt.Fprintln(h.out, fault)
		}
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
		Use: "accept", Short: "Take a file that was put here, and end what was granted before", Args: cobra.NoArgs,
		Long: "Take the store's file as it lies there: a backup, or one from another machine that came without its mark. In such a file codes and\n" +
			"tokens that were used or revoked since would be good again. So logins, codes, tokens and sessions end, and people log in anew. Clients,\n" +
			"keys, subjects and the audit log stay.",
		RunE: func(*cobra.Command, []string) error {
			in, err := where.find(h)
			if err != nil {
				return err
			}
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
			if err := store.Close(); err != nil {
				return err
			}
			fmt.Fprintln(h.out, path, "is accepted: people log in anew")
			return nil
		},
	}
}
