package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"brygga/admin"
	"brygga/clients"
	"brygga/netid/netidlogin"
	"brygga/secret"
	"brygga/storage"
)

func newClientCommand(h *host) *cobra.Command {
	var where whereFlags
	cmd := group("client", "Register the apps that may send people here",
		newClientAdd(h, &where), newClientList(h, &where), newClientShow(h, &where), newClientExport(h, &where),
		newClientUpdate(h, &where), newClientCheck(h, &where), newClientRotate(h, &where), newClientSwitch(h, &where, true), newClientSwitch(h, &where, false), newClientRemove(h, &where))
	cmd.Long = "Register the apps that may send people here. The commands work while the server runs, and take effect at once."
	where.add(cmd, h)
	return cmd
}

func newClientAdd(h *host, where *whereFlags) *cobra.Command {
	var flags clientFlags
	var output string
	cmd := &cobra.Command{
		Use: "add ID", Short: "Register a client and show its secret, once", Args: cobra.ExactArgs(1),
		Example: "  brygga client add journal --name \"The Journal\" --redirect-uri https://journal.example.se/callback",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := errors.Join(checkOutput(output), flags.read(cmd, h), flags.brand.here(cmd, h, where)); err != nil {
				return err
			}
			return withOperations(cmd, h, where, func(ctx context.Context, s operations) error {
				added, err := s.PutClient(ctx, args[0], admin.Demand{New: true}, flags.change(cmd, h))
				if err != nil {
					return explain(args[0], err)
				}
				return showRegistered(h, added, output, "added")
			})
		},
	}
	flags.add(cmd)
	outputFlag(cmd, &output)
	return cmd
}

func newClientUpdate(h *host, where *whereFlags) *cobra.Command {
	var flags clientFlags
	var output string
	cmd := &cobra.Command{
		Use: "update ID", Short: "Change what the flags name and leave the rest", Args: cobra.ExactArgs(1),
		Example: "  brygga client update journal --redirect-uri https://a.example.se/cb --redirect-uri https://b.example.se/cb",
		RunE: func(cmd *cobra.Command, args []string) error {
			if !flags.any(cmd) {
				return fail(exitUsage, "name what is to change; see --help for the flags", "nothing to change")
			}
			if err := errors.Join(checkOutput(output), flags.read(cmd, h), flags.brand.here(cmd, h, where)); err != nil {
				return err
			}
			return withOperations(cmd, h, where, func(ctx context.Context, s operations) error {
				updated, err := s.UpdateClient(ctx, args[0], admin.Demand{}, flags.change(cmd, h))
				if err != nil {
					return explain(args[0], err)
				}
				return showUpdated(h, updated, output)
			})
		},
	}
	flags.add(cmd)
	outputFlag(cmd, &output)
	return cmd
}

func showUpdated(h *host, updated *clients.Registered, output string) error {
	switch {
	case output == "json" || !updated.Secret.IsZero() || !updated.WebhookSecret.IsZero():
		return showRegistered(h, updated, output, "updated")
	case len(updated.Changed) == 0:
		fmt.Fprintf(h.out, "client %s is so already; nothing was changed\n", updated.Client.ID)
	default:
		noteAlgorithms(h, updated)
		fmt.Fprintf(h.out, "updated client %s: %s\n", updated.Client.ID, strings.Join(updated.Changed, ", "))
	}
	return nil
}

// showRegistered shows a client after a change, with a secret that cannot be shown again.
func showRegistered(h *host, r *clients.Registered, output, done string) error {
	noteAlgorithms(h, r)
	if output == "json" {
		view := object{{"client", clientView(r.Client)}}
		if !r.Secret.IsZero() {
			view = append(view, member{"client_secret", r.Secret.Reveal()})
		}
		if !r.WebhookSecret.IsZero() {
			view = append(view, member{"webhook_secret", r.WebhookSecret.Reveal()})
		}
		return writeJSON(h.out, view)
	}
	fmt.Fprintf(h.out, "%s client %s\n", done, r.Client.ID)
	switch {
	case !r.WebhookSecret.IsZero() && r.Secret.IsZero():
		return pairs(h.out, [2]string{"webhook_secret", r.WebhookSecret.Reveal()}, [2]string{"", onceShown})
	case !r.WebhookSecret.IsZero():
		return pairs(h.out, [2]string{"client_id", r.Client.ID}, [2]string{"client_secret", r.Secret.Reveal()}, [2]string{"webhook_secret", r.WebhookSecret.Reveal()}, [2]string{"", onceShown})
	case r.Client.AuthMethod == storage.AuthMethodPrivateKey:
		fmt.Fprintln(h.out, "It has no secret: it signs its requests with its own key.")
		return nil
	case r.Secret.IsZero():
		fmt.Fprintln(h.out, "It is public: it has no secret and must use PKCE.")
		return nil
	}
	return showSecret(h, r.Client.ID, r.Secret)
}

// noteAlgorithms says what a change of algorithms means to libraries: to those of other apps, as all read one key set and some refuse a
// set with a kind of key that they do not know, and to that of the app itself.
func noteAlgorithms(h *host, r *clients.Registered) {
	if len(r.Published) > 0 {
		fmt.Fprintf(h.err, "note: /jwks.json, which every app reads, now has keys for %s too; they go when no client needs them any more\n", strings.Join(r.Published, " and "))
	}
	if alg := r.Client.IDTokenAlg; alg != clients.DefaultIDTokenAlg && slices.Contains(r.Changed, "id_token_alg") {
		fmt.Fprintf(h.err, "note: these must be told of %s or take RS256 alone: NextAuth, Auth.js, openid-client 5, Spring Security, LemonLDAP::NG, python-social-auth, "+
			"OpenID-Connect-PHP; lua-resty-openidc would take tokens unchecked\n", alg)
	}
}

func showSecret(h *host, id string, value secret.String) error {
	return pairs(h.out, [2]string{"client_id", id}, [2]string{"client_secret", value.Reveal()}, [2]string{"", onceShown})
}

const onceShown = "The secret is shown this once. Store it in the app now."

// withAdmin lets do use what an administrator can do, for whoever gives the command.
func withAdmin(cmd *cobra.Command, h *host, where *whereFlags, do func(context.Context, *admin.Service, admin.Actor) error) error {
	return withOperator(cmd, h, where, func(ctx context.Context, o *operator) error {
		accounts, err := o.accounts(ctx)
		if err != nil {
			return err
		}
		s, err := o.administration(func(more *admin.Options) { more.Accounts = accounts })
		if err != nil {
			return err
		}
		return do(ctx, s, admin.Command(o.actor))
	})
}

// administration returns the operations on the installation, with what more says.
func (o *operator) administration(more func(*admin.Options)) (*admin.Service, error) {
	options := admin.Options{
		Store: o.store, Audit: o.audit, Keys: o.ring, Tree: o.tree, Outbound: o.outbound, ReadPerson: netidlogin.Read, Certificates: o.certificates,
		Installation: clients.Installation{ACRValues: o.acrValues, Local: o.local, Methods: o.methods, Policy: o.policy}, Now: o.now, Shown: shownBy(o.texts),
		CheckBrand: checkBrand, Registrars: o.registrars,
	}
	options.Sinks = sinks{o}
	if o.levels != nil {
		options.Log = o.levels
	}
	more(&options)
	return admin.New(options)
}

// explain turns the errors of a change into some with a remedy.
func explain(id string, err error) error {
	if problem, ok := errors.AsType[clients.Problem](err); ok {
		err = clients.Problems{problem}
	}
	if problems, ok := errors.AsType[clients.Problems](err); ok {
		return fail(exitUsage, "nothing was changed; see --help for the flags", "%w", problems)
	}
	if full, ok := errors.AsType[*clients.SecretsError](err); ok {
		return fail(exitConflict, "wait until "+moment(full.FirstEnd)+", when the first of them ends, or end all but the new one at once with --keep 0s; nothing was changed",
			"client %q has %d secrets that work, which is the most", id, full.Working)
	}
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return fail(exitNotFound, "\"brygga client list\" shows all", "there is no client %q", id)
	case errors.Is(err, storage.ErrExists):
		return fail(exitConflict, "choose another ID, or change it with \"brygga client update\"", "there is a client %q already", id)
	case errors.Is(err, storage.ErrStatic):
		return fail(exitConflict, "change it there; a running server reads it again on SIGHUP", "client %q stands in the configuration file", id)
	case errors.Is(err, storage.ErrConflict):
		return fail(exitConflict, "try again", "client %q was changed by somebody else meanwhile", id)
	case errors.Is(err, clients.ErrNoSecret):
		return fail(exitUsage, "give it one with \"brygga client update "+id+" --auth-method client_secret\"", "client %q does not prove itself by a secret", id)
	case errors.Is(err, clients.ErrNoWebhook):
		return fail(exitUsage, "give it one with \"brygga client update "+id+" --webhook-uri https://…\"", "client %q has no webhook", id)
	}
	return err
}
