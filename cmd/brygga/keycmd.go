package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"brygga/keys"
)

func newKeyCommand(h *host) *cobra.Command {
	var where whereFlags
	cmd := group("key", "Show and rotate the keys that sign tokens and that apps encrypt to, and replace the master key",
		newKeyList(h, &where), newKeyRotate(h, &where), newKeyReseal(h, &where))
	where.add(cmd, h)
	return cmd
}

// keyView is a key as JSON.
type keyView struct {
	ID        string    `json:"id"`
	Algorithm string    `json:"algorithm"`
	Use       string    `json:"use"`
	State     string    `json:"state"`
	Published time.Time `json:"published,omitzero"`
	Activated time.Time `json:"activated,omitzero"`
	Retired   time.Time `json:"retired,omitzero"`
	Removed   time.Time `json:"removed,omitzero"`
}

func newKeyList(h *host, where *whereFlags) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "list", Short: "List the keys, oldest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			return withOperations(cmd, h, where, func(ctx context.Context, s operations) error {
				all, err := s.Keys(ctx)
				if err != nil {
					return err
				}
				return showKeys(h, all, output)
			})
		},
	}
	outputFlag(cmd, &output)
	return cmd
}

func showKeys(h *host, all []keys.Info, output string) error {
	views := make([]keyView, len(all))
	rows := [][]string{{"KEY", "ALGORITHM", "USE", "STATE", "PUBLISHED", "USED FROM", "USED UNTIL", "REMOVED"}}
	for i, k := range all {
		views[i] = keyView{k.ID, k.Algorithm, string(k.Use), string(k.State), k.Published, k.Activated, k.Retired, k.Removed}
		rows = append(rows, []string{
			k.ID, k.Algorithm, string(k.Use), string(k.State), moment(k.Published), moment(k.Activated), moment(k.Retired), moment(k.Removed),
		})
	}
	if output == "json" {
		return writeJSON(h.out, views)
	}
	return table(h.out, rows...)
}

func newKeyRotate(h *host, where *whereFlags) *cobra.Command {
	var now bool
	cmd := &cobra.Command{
		Use: "rotate", Short: "Use other keys from now on", Args: cobra.NoArgs,
		Long: "Use the next keys from now on, for signing and for what apps encrypt. Keys that signed before can still be fetched while\n" +
			"their tokens live, and those that apps encrypted to still decrypt, so nobody notices.\n\n" +
			"With --now, for keys that may be in wrong hands, all keys are removed and replaced at once. Apps that keep keys in memory\n" +
			"refuse logins, or encrypt what cannot be read, until they fetch them again.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withOperations(cmd, h, where, func(ctx context.Context, s operations) error {
				all, err := s.RotateKeys(ctx, now)
				var soon *keys.TooSoonError
				if errors.As(err, &soon) {
					return fail(exitConflict, "try again then, or use --now if the keys may be in wrong hands",
						"the next keys can be used from %s on: apps may not have fetched them yet", moment(soon.At.Add(time.Minute-1)))
				}
				if err != nil {
					return err
				}
				fmt.Fprintln(h.out, "rotated")
				return showKeys(h, all, "text")
			})
		},
	}
	cmd.Flags().BoolVar(&now, "now", false, "replace every key at once")
	return cmd
}
