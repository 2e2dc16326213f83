package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"brygga/audit"
	"brygga/storage"
	"brygga/storage/bolt"
)

func newRestoreCommand(h *host) *cobra.Command {
	var where whereFlags
	cmd := &cobra.Command{
		Use: "restore FILE", Short: "Make the store of a backup, and end what was granted before", Args: cobra.ExactArgs(1),
		Long: "Make the store of a backup (- for standard input). Every page and every record of it is looked at first, with the configured master key.\n" +
			"A store that is there is never overwritten.\n\n" +
			"A backup knows nothing of what came after it. So logins, codes, tokens and sessions end, and people log in anew: nothing that was used,\n" +
			"revoked or logged out since works again. Keys for the API end, too, until \"brygga apikey rotate\" gives them another secret. Clients, keys, subjects and the audit log are as they were then; \"brygga help backups\" says\n" +
			"what that means for clients that were removed, and keys that were replaced since.",
		Example: "  brygga restore --config /etc/brygga/brygga.yaml /backup/brygga-2026-11-26.db\n  age -d brygga.db.age | brygga restore -",
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := where.findFile(h)
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return restore(ctx, h, in, args[0])
		},
	}
	where.addHere(cmd, h)
	return cmd
}

func restore(ctx context.Context, h *host, in installation, name string) error {
	sealer, err := newSealer(in.masterKey, in.otherKey)
	if err != nil {
		return err
	}
	var from io.Reader = h.in
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return fail(exitUsage, "name the file of a backup", "nothing to restore: %w", err)
		}
		defer file.Close()
		from = file
	}
	path := filepath.Join(in.data, storeFile)
	rows, err := bolt.Restore(path, &readUntilDone{ctx, from}, sealer, bolt.Restoring{
		Now: time.Now().UTC(), Report: tellFaults(h), Accepted: func(store *bolt.Store) error {
			return errors.Join(ctx.Err(), recordRestored(ctx, h, in, store))
		},
	})
	if errors.Is(err, bolt.ErrStoreExists) {
		return fail(exitConflict, fmt.Sprintf("stop the server, and move the store away if the backup shall take its place: mv %s %s.before; its mark may stay", path, path), "%w", err)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(h.out, "%s is restored, %d rows were looked at: people log in anew\n", path, rows)
	fmt.Fprintln(h.out, "clients and keys are as they were when the backup was made: remove those that were removed since (\"brygga help backups\")")
	return nil
}

// readUntilDone reads until the context is done, so that a restore that is broken off leaves nothing behind.
type readUntilDone struct {
	ctx  context.Context
	from io.Reader
}

func (r *readUntilDone) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(p)
}

// recordRestored puts it into the audit log of the store that it is a copy from earlier.
func recordRestored(ctx context.Context, h *host, in installation, store storage.Store) error {
	return direct(ctx, h, in, store, func(ctx context.Context, o *operator) error {
		o.audit.Record(ctx, audit.Event{Type: audit.StoreRestored, Actor: o.actor})
		return nil
	})
}
