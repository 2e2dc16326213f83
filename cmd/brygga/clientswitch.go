package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"brygga/admin"
)

func newClientSwitch(h *host, where *whereFlags, disable bool) *cobra.Command {
	var reason, output string
	cmd := &cobra.Command{
		Use: "enable ID", Short: "Let people log in to a disabled client again", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			return withOperations(cmd, h, where, func(ctx context.Context, s operations) error {
				done, err := s.SwitchClient(ctx, args[0], admin.Demand{}, disable, reason)
				if err != nil {
					return explain(args[0], err)
				}
				if output == "json" || len(done.Changed) == 0 {
					return showUpdated(h, done, output)
				}
				fmt.Fprintf(h.out, "%sd client %s\n", cmd.Name(), done.Client.ID)
				return nil
			})
		},
	}
	if disable {
		cmd.Use, cmd.Short = "disable ID", "Let nobody log in to a client for now, and end what it was granted"
		cmd.Long = "Let nobody log in to a client for now. What it was granted ends, for ever: its codes, tokens and pushed requests. \"brygga client enable\" lets it\n" +
			"begin anew."
		cmd.Flags().StringVar(&reason, "reason", "", "why, as `text` for other administrators")
	}
	outputFlag(cmd, &output)
	return cmd
}
