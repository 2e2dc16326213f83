package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"brygga/admin"
	"brygga/clients"
	"brygga/duration"
	"brygga/secret"
	"brygga/storage"
)

func newAPIKeyCommand(h *host) *cobra.Command {
	var where whereFlags
	cmd := group("apikey", "Give programs keys for the management API, and back ends for BankID's",
		newAPIKeyCreate(h, &where), newAPIKeyList(h, &where), newAPIKeyRotate(h, &where), newAPIKeyRemove(h, &where))
	cmd.Long = "Give programs keys for the management API, which a server has on admin_listen, below /api/v1/. The commands work while the server runs, and\n" +
		"take effect at once. What the scopes are for stands in docs/api.md.\n\n" +
		"With --client, a key is for the back end of that client, which makes BankID orders below /api/bankid/v1/; see docs/bankid-api.md."
	where.add(cmd, h)
	return cmd
}

func newAPIKeyCreate(h *host, where *whereFlags) *cobra.Command {
	var n admin.NewAPIKey
	var life durationFlag
	var output string
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Make a key and show it, once", Args: cobra.ExactArgs(1),
		Example: "  brygga apikey create terraform --scope clients:read --scope clients:write --network 192.0.2.0/24 --life 90d\n" +
			"  brygga apikey create \"back end of journalen\" --client journalen --scope orders:auth --scope orders:sign",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			return withOperations(cmd, h, where, func(ctx context.Context, s operations) error {
				if n.Name = args[0]; life != 0 {
					n.Expires = time.Now().UTC().Truncate(time.Second).Add(time.Duration(life))
				}
				key, value, err := s.CreateAPIKey(ctx, n)
				if err != nil {
					return explainAPIKey(args[0], err)
				}
				return showAPIKey(h, key, value, output)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&n.ClientID, "client", "", "`ID` of the client as which it makes BankID orders; without it, the key is for the management API")
	flags.StringSliceVar(&n.Scopes, "scope", nil, "`scope` of operations: "+strings.Join(admin.Scopes(), ", ")+"; with --client "+strings.Join(storage.OrderScopes, ", ")+"; may be repeated")
	flags.StringSliceVar(&n.Groups, "admin-group", nil, "`group` of clients that it is for; may be repeated. Without it, all clients")
	flags.StringSliceVar(&n.Networks, "network", nil, "`address` or network, such as 192.0.2.0/24, that it may come from; may be repeated. Without it, any")
	flags.Var(&life, "life", "how long it works, as a `duration` such as 90d; without it, for ever")
	outputFlag(cmd, &output)
	return cmd
}

// apiKeyView is a key as JSON.
type apiKeyView struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Client   string    `json:"client,omitempty"`
	Scopes   []string  `json:"scopes"`
	Groups   []string  `json:"groups,omitempty"`
	Networks []string  `json:"networks,omitempty"`
	Created  time.Time `json:"created"`
	Creator  string    `json:"creator"`
	Expires  time.Time `json:"expires,omitzero"`
	Used     time.Time `json:"used,omitzero"`
	Address  string    `json:"address,omitempty"`
}

func viewAPIKey(k *storage.APIKey) apiKeyView {
	return apiKeyView{k.ID, k.Name, k.ClientID, k.Scopes, k.Groups, k.Networks, k.Created, k.Creator, k.Expires, k.Used, k.Address}
}

func showAPIKey(h *host, k *storage.APIKey, value secret.String, output string) error {
	if output == "json" {
		return writeJSON(h.out, object{{"api_key", viewAPIKey(k)}, {"key", value.Reveal()}})
	}
	return pairs(h.out, [2]string{"id", k.ID}, [2]string{"name", k.Name}, [2]string{"scopes", strings.Join(k.Scopes, " ")}, [2]string{"key", value.Reveal()},
		[2]string{"", "The key is shown this once. Store it in the program now."})
}

func newAPIKeyList(h *host, where *whereFlags) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "list", Short: "List all keys", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			return withOperations(cmd, h, where, func(ctx context.Context, s operations) error {
				all, err := s.APIKeys(ctx)
				if err != nil {
					return err
				}
				return showAPIKeys(h, all, output)
			})
		},
	}
	outputFlag(cmd, &output)
	return cmd
}

func showAPIKeys(h *host, all []*storage.APIKey, output string) error {
	views := make([]apiKeyView, len(all))
	rows := [][]string{{"KEY", "NAME", "SCOPES", "GROUPS", "NETWORKS", "ENDS", "LAST USED", "FROM", "CLIENT"}}
	for i, k := range all {
		views[i] = viewAPIKey(k)
		rows = append(rows, []string{k.ID, k.Name, strings.Join(k.Scopes, " "), strings.Join(k.Groups, " "), strings.Join(k.Networks, " "), moment(k.Expires), moment(k.Used), k.Address, k.ClientID})
	}
	if output == "json" {
		return writeJSON(h.out, views)
	}
	return table(h.out, rows...)
}

func newAPIKeyRotate(h *host, where *whereFlags) *cobra.Command {
	var output string
	keep := durationFlag(24 * time.Hour)
	cmd := &cobra.Command{
		Use: "rotate ID", Short: "Give a key a new secret and show it, once", Args: cobra.ExactArgs(1),
		Long: "Give a key a new secret and show it, once. The one before goes on working for as long as --keep says; one from before that ends at once.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			if keep < 0 || time.Duration(keep) > maxKeep {
				return fail(exitUsage, "write 0s to "+duration.Format(maxKeep), "--keep %s is out of range", keep.String())
			}
			return withOperations(cmd, h, where, func(ctx context.Context, s operations) error {
				key, value, err := s.RotateAPIKey(ctx, args[0], time.Duration(keep))
				if err != nil {
					return explainAPIKey(args[0], err)
				}
				return showAPIKey(h, key, value, output)
			})
		},
	}
	cmd.Flags().Var(&keep, "keep", "how long the one before goes on working, as a `duration` such as 12h or 30d, up to "+duration.Format(maxKeep))
	outputFlag(cmd, &output)
	return cmd
}

func newAPIKeyRemove(h *host, where *whereFlags) *cobra.Command {
	var yes bool
	var output string
	cmd := &cobra.Command{
		Use: "remove ID", Short: "Remove a key, which works no more", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			if !yes && !h.confirms("remove API key "+args[0]+"?") {
				return fail(exitUsage, "answer yes, or give --yes", "nothing was removed")
			}
			return withOperations(cmd, h, where, func(ctx context.Context, s operations) error {
				if err := s.RemoveAPIKey(ctx, args[0]); err != nil {
					return explainAPIKey(args[0], err)
				}
				if output == "json" {
					return writeJSON(h.out, object{{"removed", args[0]}})
				}
				fmt.Fprintf(h.out, "removed API key %s\n", args[0])
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	outputFlag(cmd, &output)
	return cmd
}

// explainAPIKey turns the errors of a change into some with a remedy.
func explainAPIKey(id string, err error) error {
	if problems, ok := errors.AsType[clients.Problems](err); ok {
		return fail(exitUsage, "nothing was changed; see --help for the flags", "%w", problems)
	}
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return fail(exitNotFound, "\"brygga apikey list\" shows all", "there is no API key %q", cut(id))
	case errors.Is(err, storage.ErrConflict):
		return fail(exitConflict, "try again", "API key %q was changed by somebody else meanwhile", cut(id))
	}
	return err
}
