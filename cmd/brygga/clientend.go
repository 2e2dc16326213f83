package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"brygga/admin"
	"brygga/duration"
)

// maxKeep is how long an old secret may go on working.
const maxKeep = 90 * 24 * time.Hour

func newClientRotate(h *host, where *whereFlags) *cobra.Command {
	var output string
	var ofWebhook bool
	keep := durationFlag(24 * time.Hour)
	cmd := &cobra.Command{
		Use: "rotate-secret ID", Short: "Make a new secret and show it, once", Args: cobra.ExactArgs(1),
		Long: "Make a new secret and show it, once. The one before goes on working for as long as --keep says, so that the app can be\n" +
			"changed without a break; older ones work until the end that they were given. With --keep 0s all of them stop at once.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			if keep < 0 || time.Duration(keep) > maxKeep {
				return fail(exitUsage, "write 0s to "+duration.Format(maxKeep), "--keep %s is out of range", keep.String())
			}
			return withOperations(cmd, h, where, func(ctx context.Context, s operations) error {
				rotate := s.RotateSecret
				if ofWebhook {
					rotate = s.RotateWebhook
				}
				rotated, err := rotate(ctx, args[0], admin.Demand{}, time.Duration(keep))
				if err != nil {
					return explain(args[0], err)
				}
				return showRegistered(h, rotated, output, "rotated the secret of")
			})
		},
	}
	cmd.Flags().Var(&keep, "keep", "how long the secret before goes on working, as a `duration` such as 12h or 30d, up to "+duration.Format(maxKeep))
	cmd.Flags().BoolVar(&ofWebhook, "webhook", false, "the secret of its webhook; what is sent is signed with the one before too for as long as --keep says")
	outputFlag(cmd, &output)
	return cmd
}

// durationFlag is a length of time that is written as in the configuration file.
type durationFlag time.Duration

// String writes it as a person would.
func (d *durationFlag) String() string { return duration.Format(time.Duration(*d)) }

// Type names the form of the value.
func (d *durationFlag) Type() string { return "duration" }

// Set reads it.
func (d *durationFlag) Set(text string) error {
	parsed, err := duration.Parse(text)
	if err != nil {
		return fmt.Errorf("%q is not a duration - write a number and a unit, such as 90s, 10m, 12h or 90d", text)
	}
	*d = durationFlag(parsed)
	return nil
}

func newClientRemove(h *host, where *whereFlags) *cobra.Command {
	var yes, dryRun bool
	var output string
	cmd := &cobra.Command{
		Use: "remove ID", Short: "Remove a client and revoke what it was granted", Args: cobra.ExactArgs(1),
		Long: "Remove a client and revoke what it was granted: its tokens stop working at once, and nobody can log in to it any more. Somebody\n" +
			"at a terminal is asked first. To stop an app for a while, use \"brygga client disable ID\".",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			if !yes && !dryRun && !h.confirms("remove client "+args[0]+" and revoke what it was granted?") {
				return fail(exitUsage, "answer yes, or give --yes", "nothing was removed")
			}
			return withOperations(cmd, h, where, func(ctx context.Context, s operations) error {
				c, err := s.Client(ctx, args[0])
				if err == nil {
					err = s.RemoveClient(ctx, args[0], admin.Demand{DryRun: dryRun})
				}
				if err != nil {
					return explain(args[0], err)
				}
				if dryRun {
					fmt.Fprintf(h.out, "would remove client %s (%s) and revoke what it was granted; nothing was changed\n", c.ID, c.Name)
					return nil
				}
				if output == "json" {
					return writeJSON(h.out, object{{"removed", args[0]}})
				}
				fmt.Fprintf(h.out, "removed client %s\n", args[0])
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "tell whether it could be removed, and leave it")
	outputFlag(cmd, &output)
	return cmd
}

// confirms asks somebody at the terminal. Where nobody can be asked, as in a script or inside a server, the answer is yes.
func (h *host) confirms(question string) bool {
	if h.in == nil {
		return true
	}
	if info, err := h.in.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return true
	}
	fmt.Fprintf(h.err, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(h.in).ReadString('\n')
	return strings.HasPrefix(strings.ToLower(strings.TrimSpace(answer)), "y")
}
