package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"brygga/audit"
	"brygga/storage"
)

const (
	// resealBatch is how many records are sealed anew at once: the steps of logins wait behind it for a millisecond or two.
	resealBatch = 200
	// resealTells is how often it is said how far it has come.
	resealTells = 2 * time.Second
)

func newKeyReseal(h *host, where *whereFlags) *cobra.Command {
	return &cobra.Command{
		Use: "reseal", Short: "Seal all records with the master key, so that the one before can go", Args: cobra.NoArgs,
		Long: "Seal all records with the master key. To replace it: name the new key in master_key_file and the one before in\n" +
			"other_master_key_file, restart the server, and run this while it serves. It can be broken off and goes on when it is run again. When it\n" +
			"is done, other_master_key_file can leave the configuration.\n\n" +
			"With several servers on one database, first name the new key in other_master_key_file of each, and restart them one by one.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withOperator(cmd, h, where, func(ctx context.Context, o *operator) error { return reseal(ctx, h, o) })
		},
	}
}

func reseal(ctx context.Context, h *host, o *operator) error {
	records := 0
	for told := time.Now(); ; {
		done, err := o.store.Reseal(ctx, resealBatch)
		if errors.Is(err, storage.ErrSealsOtherwise) {
			return fail(exitConflict, "restart that server with the configuration of this one; one that was killed counts for a minute", "%w", err)
		}
		if err != nil {
			return fmt.Errorf("%w (%d records were sealed anew before, and the rest can follow)", err, records)
		}
		records += done.Records
		if done.Done {
			break
		}
		if time.Since(told) >= resealTells {
			told = time.Now()
			fmt.Fprintln(h.out, records, "records are sealed anew, more follow")
		}
	}
	if records > 0 {
		o.audit.Record(ctx, audit.Event{Type: audit.MasterKeyReplaced, Actor: o.actor, Message: fmt.Sprint(records, " records")})
	}
	fmt.Fprintf(h.out, "every record is sealed with the master key: %d were sealed anew\n", records)
	fmt.Fprintln(h.out, "other_master_key_file is not needed any more; backups that were made before need that key as long as they are kept")
	return nil
}
