package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"brygga/clients"
	"brygga/storage"
)

func newClientCheck(h *host, where *whereFlags) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "check ID", Short: "Tell which rules of its profile a client's settings break", Args: cobra.ExactArgs(1),
		Long: "Hold a client's settings against the rules of its profile: OpenID Connect for all, and the Swedish OpenID Connect Profile or\n" +
			"that of Sweden Connect for clients of those. It ends with code 2 when a rule is broken that the profile demands.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			return withOperations(cmd, h, where, func(ctx context.Context, s operations) error {
				c, rules, err := s.CheckClient(ctx, args[0])
				if err != nil {
					return explain(args[0], err)
				}
				return showCheck(h, c, rules, output)
			})
		},
	}
	outputFlag(cmd, &output)
	return cmd
}

func showCheck(h *host, c *storage.Client, rules []clients.Rule, output string) error {
	broken := 0
	rows := [][]string{{"VERDICT", "SETTING", "RULE", "FROM", "WHAT TO DO"}}
	for _, r := range rules {
		verdict := "ok"
		switch {
		case r.Broken && r.Must:
			verdict = "broken"
			broken++
		case r.Broken:
			verdict = "advice"
		}
		rows = append(rows, []string{verdict, r.Key, r.Rule, r.Section, r.Remedy})
	}
	profile := cmp.Or(c.Profile, storage.ProfileStandard)
	if output == "json" {
		if err := writeJSON(h.out, struct {
			ID      string         `json:"id"`
			Profile string         `json:"profile"`
			Kept    bool           `json:"kept"`
			Rules   []clients.Rule `json:"rules"`
		}{c.ID, profile, broken == 0, rules}); err != nil {
			return err
		}
	} else if err := table(h.out, rows...); err != nil {
		return err
	}
	if broken > 0 {
		return fail(exitUsage, "change them with \"brygga client update "+c.ID+"\"", "client %q breaks %d of the rules that profile %s demands", c.ID, broken, profile)
	}
	if output == "text" {
		fmt.Fprintf(h.out, "client %s keeps what profile %s demands\n", c.ID, profile)
	}
	return nil
}
