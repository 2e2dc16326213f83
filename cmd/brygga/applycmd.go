package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"brygga/admin"
	"brygga/clients"
	"brygga/cmd/brygga/config"
	"brygga/storage"
	"brygga/web/api"
)

// applyFlags are what "apply" is told. Documents carries what was read of the files to a running server, which reads no files of its callers.
type applyFlags struct {
	path, documents            string
	prune, dryRun, showSecrets bool
	output                     string
}

// documentsFlag is the flag of applyFlags.documents.
const documentsFlag = "documents"

func newApplyCommand(h *host) *cobra.Command {
	var where whereFlags
	var flags applyFlags
	cmd := &cobra.Command{
		Use: "apply", Short: "Make clients what files say, all of them or none", Args: cobra.NoArgs,
		Long: "Make clients what files say, in one step: all of them or none. A file has a list of clients under \"clients\", as the configuration has and as\n" +
			"\"brygga client export\" writes it, or one client. What a file does not say of a client is as for a new one. The same again changes nothing.\n" +
			"Clients that no file names stay as they are; with --prune they are removed. What would change is shown as lines with + and -.\n\n" +
			"With --dry-run nothing is changed, and the code tells: 0 when all is as the files say, 7 when something would change. No secret is shown: a new\n" +
			"client's is made and forgotten, unless --show-secrets is given; \"brygga client rotate-secret\" makes another.",
		Example: "  brygga client export > clients/all.yaml\n  brygga apply -f clients --dry-run --server https://admin.example.se --api-key-file key",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(flags.output); err != nil {
				return err
			}
			documents, err := flags.read(cmd, h)
			if err != nil {
				return err
			}
			return withOperations(cmd, h, &where, func(ctx context.Context, s operations) error { return apply(ctx, h, s, documents, &flags) })
		},
	}
	where.add(cmd, h)
	f := cmd.Flags()
	f.StringVarP(&flags.path, "file", "f", "", "`file`, or directory of files that end in .yaml or .yml")
	f.StringVar(&flags.documents, documentsFlag, "", "")
	f.Lookup(documentsFlag).Hidden = true
	f.BoolVar(&flags.prune, "prune", false, "remove clients that no file names; those of the configuration file stay")
	f.BoolVar(&flags.dryRun, "dry-run", false, "show what would change, and change nothing")
	f.BoolVar(&flags.showSecrets, "show-secrets", false, "show the secrets that are made for new clients, once")
	outputFlag(cmd, &flags.output)
	return cmd
}

// read returns what the files say.
func (f *applyFlags) read(cmd *cobra.Command, h *host) (all []config.ClientDocument, err error) {
	if cmd.Flags().Changed(documentsFlag) {
		err := json.Unmarshal([]byte(f.documents), &all)
		return all, err
	}
	switch {
	case f.path == "":
		return nil, fail(exitUsage, "name a file or a directory with -f", "apply what?")
	case h.operator != nil:
		return nil, fail(exitUsage, "use the same brygga as the server", "-f names files that are not the server's to read")
	}
	if all, err = config.ReadClientDocuments(f.path); err != nil {
		return nil, fail(exitUsage, "nothing was changed; \"brygga client export\" shows the form", "%w", err)
	}
	text, err := json.Marshal(all)
	h.args = append(slices.Clone(h.args), "--"+documentsFlag+"="+string(text))
	return all, err
}

func apply(ctx context.Context, h *host, s operations, documents []config.ClientDocument, f *applyFlags) error {
	changes := make([]clients.Change, len(documents))
	for i, one := range documents {
		set, err := clients.SetMembers(one.Members)
		if err != nil {
			return err
		}
		changes[i] = clients.Change{ID: one.ID, Set: set}
	}
	done, err := s.ApplyClients(ctx, changes, f.prune, f.dryRun)
	if err != nil {
		return notApplied(documents, err)
	}
	if f.output == "json" {
		err = writeJSON(h.out, applyViews(done, f.showSecrets))
	} else {
		err = showApplied(h.out, done, f)
	}
	if err == nil && f.dryRun && slices.ContainsFunc(done, func(r *clients.Registered) bool { return actionOf(r) != "" }) {
		return fail(exitChanges, "run it without --dry-run to make them so", "clients are not as the files say")
	}
	return err
}

// notApplied says of each fault in which file the client stands.
func notApplied(documents []config.ClientDocument, err error) error {
	var lines []string
	add := func(index int, text string) {
		where := ""
		if index < len(documents) {
			where = documents[index].File + ": client " + strconv.Quote(documents[index].ID) + ": "
		}
		lines = append(lines, where+text)
	}
	if remote, is := errors.AsType[*api.RemoteError](err); is {
		for _, p := range remote.Problems {
			index, key := memberOf(p.Key)
			add(index, clients.Problem{Key: key, Problem: p.Problem, Remedy: p.Remedy}.Error())
		}
	} else if joined, is := err.(interface{ Unwrap() []error }); is {
		for _, one := range joined.Unwrap() {
			if failed, is := errors.AsType[*clients.ChangeError](one); is {
				add(failed.Index, explain(failed.ID, failed.Err).Error())
			}
		}
	}
	if lines == nil {
		return err
	}
	return fail(exitUsage, "nothing was changed", "%s", strings.Join(lines, "\n"))
}

// memberOf returns which client a fault of "clients.3.name" concerns, and its key.
func memberOf(key string) (index int, rest string) {
	parts := strings.SplitN(key, ".", 3)
	if len(parts) < 2 || parts[0] != "clients" {
		return 1 << 30, key
	}
	index, err := strconv.Atoi(parts[1])
	if err != nil {
		return 1 << 30, key
	}
	return index, strings.Join(parts[2:], ".")
}

// actionOf names what becomes of a client, empty when it is so already.
func actionOf(r *clients.Registered) string {
	switch {
	case r.Removed:
		return "remove"
	case r.New:
		return "create"
	case len(r.Changed) > 0:
		return "change"
	}
	return ""
}

// applyView is what becomes of a client, as JSON.
type applyView struct {
	ID            string       `json:"id"`
	Action        string       `json:"action"` // create, change, remove or none
	Changes       []changeView `json:"changes"`
	Secret        string       `json:"client_secret,omitempty"`
	WebhookSecret string       `json:"webhook_secret,omitempty"`
}

type changeView struct {
	Setting string `json:"setting"`
	Before  string `json:"before"`
	After   string `json:"after"`
}

func applyViews(done []*clients.Registered, secrets bool) []applyView {
	views := make([]applyView, len(done))
	for i, r := range done {
		v := applyView{ID: r.Client.ID, Action: actionOf(r), Changes: []changeView{}}
		if v.Action == "" {
			v.Action = "none"
		}
		for _, c := range r.Changes {
			v.Changes = append(v.Changes, changeView{c.Name, c.Before, c.After})
		}
		if secrets {
			v.Secret, v.WebhookSecret = r.Secret.Reveal(), r.WebhookSecret.Reveal()
		}
		views[i] = v
	}
	return views
}

// showApplied shows what has changed, or would, as lines with + and -.
func showApplied(w io.Writer, done []*clients.Registered, f *applyFlags) error {
	count := map[string]int{}
	for _, r := range done {
		action := actionOf(r)
		if count[action]++; action != "" {
			fmt.Fprintf(w, "%s client %s\n", action, r.Client.ID)
		}
		if action == "remove" {
			continue
		}
		for _, c := range r.Changes {
			if c.Before != "" && !r.New {
				fmt.Fprintf(w, "  - %s: %s\n", c.Name, c.Before)
			}
			if c.After != "" {
				fmt.Fprintf(w, "  + %s: %s\n", c.Name, c.After)
			}
		}
		if f.showSecrets && !r.Secret.IsZero() && !f.dryRun {
			fmt.Fprintf(w, "  client_secret: %s\n", r.Secret.Reveal())
		}
		if f.showSecrets && !r.WebhookSecret.IsZero() && !f.dryRun {
			fmt.Fprintf(w, "  webhook_secret: %s\n", r.WebhookSecret.Reveal())
		}
	}
	said := "%d created, %d changed, %d removed, %d as they were\n"
	if f.dryRun {
		said = "would create %d, change %d and remove %d; %d are so already; nothing was changed\n"
	}
	_, err := fmt.Fprintf(w, said, count["create"], count["change"], count["remove"], count[""])
	return err
}

func newClientExport(h *host, where *whereFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use: "export", Short: "Write clients as YAML, for \"brygga apply\" and the configuration", Args: cobra.NoArgs,
		Long:    "Write clients as YAML: what \"brygga apply -f\" reads, and what the configuration has under \"clients\". Secrets and looks are not written.",
		Example: "  brygga client export > clients/all.yaml\n  brygga client export --id journal",
	}
	var ids []string
	cmd.Flags().StringSliceVar(&ids, "id", nil, "only the client of that `ID`; may be repeated")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return withOperations(cmd, h, where, func(ctx context.Context, s operations) error {
			all, err := exported(ctx, s, ids)
			if err != nil {
				return err
			}
			return config.WriteClientDocuments(h.out, all)
		})
	}
	return cmd
}

// exported returns the clients of the IDs, or all but those of the configuration file.
func exported(ctx context.Context, s operations, ids []string) (all []*storage.Client, err error) {
	for _, id := range ids {
		c, err := s.Client(ctx, id)
		if err != nil {
			return nil, explain(id, err)
		}
		all = append(all, c)
	}
	if ids != nil {
		return all, nil
	}
	err = eachClient(ctx, s, admin.ClientFilter{}, func(page []*storage.Client) error {
		all = append(all, slices.DeleteFunc(slices.Clone(page), func(c *storage.Client) bool { return c.Static })...)
		return nil
	})
	return all, err
}
