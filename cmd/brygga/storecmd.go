package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

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

func newStoreCheck(h *host, where *whereFlags) *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Read every page of the file and tell whether they fit together", Args: cobra.NoArgs,
		Long: "Read every page of the store's file and tell whether they fit together, which takes seconds for each gigabyte. Nothing is changed.\n" +
			"What the records say is sealed and checked whenever one is read.",
		RunE: func(*cobra.Command, []string) error {
			in, err := where.find(h)
			if err != nil {
				return err
			}
			path := filepath.Join(in.data, storeFile)
			if err := bolt.Check(path); err != nil {
				return err
			}
			fmt.Fprintln(h.out, path, "is whole")
			return nil
		},
	}
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
			sealer, err := newSealer(in.masterKey)
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
