package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"brygga/audit"
	"brygga/clients"
	"brygga/secret"
	"brygga/storage"
)

func newClientCommand(h *host) *cobra.Command {
	var where whereFlags
	cmd := group("client", "Register the apps that may send people here",
		newClientAdd(h, &where), newClientList(h, &where), newClientShow(h, &where),
		newClientUpdate(h, &where), newClientCheck(h, &where), newClientRotate(h, &where), newClientRemove(h, &where))
	cmd.Long = "Register the apps that may send people here. The commands work while the server runs, and take effect at once."
	where.add(cmd, h)
	return cmd
}

// newClientSecret returns 256 random bits in base64url.
func newClientSecret() secret.String {
	var random [32]byte
	rand.Read(random[:])
	return secret.New(base64.RawURLEncoding.EncodeToString(random[:]))
}

func newClientAdd(h *host, where *whereFlags) *cobra.Command {
	var flags clientFlags
	var output string
	cmd := &cobra.Command{
		Use: "add ID", Short: "Register a client and show its secret, once", Args: cobra.ExactArgs(1),
		Example: "  brygga client add journal --name \"The Journal\" --redirect-uri https://journal.example.se/callback",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := errors.Join(checkOutput(output), flags.read(cmd, h)); err != nil {
				return err
			}
			return withOperator(cmd, h, where, func(ctx context.Context, o *operator) error {
				return addClient(ctx, h, o, args[0], flags.change(cmd, h), output)
			})
		},
	}
	flags.add(cmd)
	outputFlag(cmd, &output)
	return cmd
}

func addClient(ctx context.Context, h *host, o *operator, id string, change func(*storage.Client) error, output string) error {
	now := o.now().UTC().Truncate(time.Microsecond)
	c := clients.New(id)
	c.Created, c.Updated = now, now
	if err := change(&c); err != nil {
		return err
	}
	clients.Complete(&c)
	if err := checkCertificate(o, &c); err != nil {
		return err
	}
	var value secret.String
	if usesSecret(&c) {
		value = newClientSecret()
		c.Secrets = []storage.ClientSecret{{Hash: value.Hash(), Created: now}}
	}
	if err := checkClient(&c); err != nil {
		return err
	}
	if err := checkSector(ctx, o, &c); err != nil {
		return err
	}
	if _, err := o.store.Client(ctx, id); !errors.Is(err, storage.ErrNotFound) {
		return added(id, cmp.Or(err, storage.ErrExists))
	}
	if err := provideKeys(ctx, o, &c); err != nil {
		return err
	}
	if err := o.store.CreateClient(ctx, c); err != nil {
		return added(id, err)
	}
	o.audit.Record(ctx, audit.Event{Type: audit.ClientAdded, ClientID: id, CustomerIdentifier: c.CustomIdentifier, Actor: o.actor})
	return showSecret(h, &c, value, output, "added")
}

// added turns the errors of adding a client into some with a remedy.
func added(id string, err error) error {
	if errors.Is(err, storage.ErrExists) {
		return fail(exitConflict, "choose another ID, or change it with \"brygga client update\"", "there is a client %q already", id)
	}
	return fmt.Errorf("add client: %w", err)
}

// provideKeys lets there be signing keys for what the client's tokens are signed with, before it first asks for one.
func provideKeys(ctx context.Context, o *operator, c *storage.Client) error {
	ring, err := o.ring(ctx)
	if err != nil {
		return err
	}
	return ring.Provide(ctx, algorithmsOf(c)...)
}

// algorithmsOf returns the signature algorithms of a client's tokens.
func algorithmsOf(c *storage.Client) []string {
	return slices.DeleteFunc([]string{c.IDTokenAlg, c.UserinfoAlg}, func(alg string) bool { return alg == "" })
}

// usesSecret reports whether the client proves itself by a secret.
func usesSecret(c *storage.Client) bool {
	return c.AuthMethod == storage.AuthMethodBasic || c.AuthMethod == storage.AuthMethodPost
}

// showSecret shows the client with a secret that cannot be shown again.
func showSecret(h *host, c *storage.Client, value secret.String, output, done string) error {
	if output == "json" {
		return writeJSON(h.out, struct {
			Client object `json:"client"`
			Secret string `json:"client_secret,omitempty"`
		}{clientView(c), value.Reveal()})
	}
	fmt.Fprintf(h.out, "%s client %s\n", done, c.ID)
	switch {
	case c.AuthMethod == storage.AuthMethodPrivateKey:
		fmt.Fprintln(h.out, "It has no secret: it signs its requests with its own key.")
		return nil
	case value.IsZero():
		fmt.Fprintln(h.out, "It is public: it has no secret and must use PKCE.")
		return nil
	}
	return pairs(h.out, [2]string{"client_id", c.ID}, [2]string{"client_secret", value.Reveal()}, [2]string{"", "The secret is shown this once. Store it in the app now."})
}

// checkClient returns all that is wrong with the client as one error.
func checkClient(c *storage.Client) error {
	if found := clients.Check(c); len(found) > 0 {
		return fail(exitUsage, "nothing was changed; see --help for the flags", "%w", found)
	}
	return nil
}

// checkCertificate refuses a policy that names a certificate which is not configured: no login would ever start.
func checkCertificate(o *operator, c *storage.Client) error {
	name := c.Policy.Certificate
	if name == "" || slices.Contains(o.certificates, name) {
		return nil
	}
	return fail(exitUsage, "add it to bankid.certificates and restart the server, or write --policy certificate= for the default one",
		"policy.certificate: no certificate is called %q", name)
}

// findClient returns a copy of the client that may be changed, or an error with its remedy.
func findClient(ctx context.Context, o *operator, id string) (storage.Client, error) {
	c, err := o.store.Client(ctx, id)
	if errors.Is(err, storage.ErrNotFound) {
		return storage.Client{}, fail(exitNotFound, "\"brygga client list\" shows all", "there is no client %q", id)
	}
	if err != nil {
		return storage.Client{}, fmt.Errorf("find client: %w", err)
	}
	return *c, nil
}

// changed turns the errors of a change into some with a remedy.
func changed(id string, err error) error {
	switch {
	case errors.Is(err, storage.ErrStatic):
		return fail(exitConflict, "change it there and restart the server", "client %q stands in the configuration file", id)
	case errors.Is(err, storage.ErrConflict):
		return fail(exitConflict, "try again", "client %q was changed by somebody else meanwhile", id)
	case err != nil:
		return fmt.Errorf("change client: %w", err)
	}
	return nil
}

func newClientUpdate(h *host, where *whereFlags) *cobra.Command {
	var flags clientFlags
	cmd := &cobra.Command{
		Use: "update ID", Short: "Change what the flags name and leave the rest", Args: cobra.ExactArgs(1),
		Example: "  brygga client update journal --redirect-uri https://a.example.se/cb --redirect-uri https://b.example.se/cb",
		RunE: func(cmd *cobra.Command, args []string) error {
			if !flags.any(cmd) {
				return fail(exitUsage, "name what is to change; see --help for the flags", "nothing to change")
			}
			if err := flags.read(cmd, h); err != nil {
				return err
			}
			return withOperator(cmd, h, where, func(ctx context.Context, o *operator) error {
				c, err := findClient(ctx, o, args[0])
				if err != nil {
					return err
				}
				if err := flags.change(cmd, h)(&c); err != nil {
					return err
				}
				var value secret.String
				switch {
				case !usesSecret(&c):
					c.Secrets = nil
				case len(c.Secrets) == 0:
					value = newClientSecret()
					c.Secrets = []storage.ClientSecret{{Hash: value.Hash(), Created: o.now().UTC().Truncate(time.Microsecond)}}
				}
				clients.Derive(&c)
				if c.Static {
					return changed(c.ID, storage.ErrStatic)
				}
				if err := checkClient(&c); err != nil {
					return err
				}
				if err := checkCertificate(o, &c); err != nil {
					return err
				}
				if err := checkSector(ctx, o, &c); err != nil {
					return err
				}
				if err := provideKeys(ctx, o, &c); err != nil {
					return err
				}
				c.Updated = o.now().UTC().Truncate(time.Microsecond)
				if err := changed(c.ID, o.store.UpdateClient(ctx, c)); err != nil {
					return err
				}
				o.audit.Record(ctx, audit.Event{Type: audit.ClientChanged, ClientID: c.ID, CustomerIdentifier: c.CustomIdentifier, Actor: o.actor})
				if !value.IsZero() {
					return showSecret(h, &c, value, "text", "updated")
				}
				fmt.Fprintf(h.out, "updated client %s\n", c.ID)
				return nil
			})
		},
	}
	flags.add(cmd)
	return cmd
}

func newClientRotate(h *host, where *whereFlags) *cobra.Command {
	var output string
	var keep time.Duration
	cmd := &cobra.Command{
		Use: "rotate-secret ID", Short: "Make a new secret and show it, once", Args: cobra.ExactArgs(1),
		Long: "Make a new secret and show it, once. The one before goes on working for as long as --keep says, so that the app can be\n" +
			"changed without a break; older ones work until the end that they were given. With --keep 0s all of them stop at once.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			if keep < 0 || keep > 90*24*time.Hour {
				return fail(exitUsage, "write 0s to 2160h", "--keep %s is out of range", keep)
			}
			return withOperator(cmd, h, where, func(ctx context.Context, o *operator) error {
				return rotateSecret(ctx, h, o, args[0], keep, output)
			})
		},
	}
	cmd.Flags().DurationVar(&keep, "keep", 24*time.Hour, "how long the secret before goes on working")
	outputFlag(cmd, &output)
	return cmd
}

func rotateSecret(ctx context.Context, h *host, o *operator, id string, keep time.Duration, output string) error {
	c, err := findClient(ctx, o, id)
	if err != nil {
		return err
	}
	if !usesSecret(&c) {
		return fail(exitUsage, "give it one with \"brygga client update "+id+" --auth-method client_secret_basic\"", "client %q authenticates by %s and has no secret", id, c.AuthMethod)
	}
	now := o.now().UTC().Truncate(time.Microsecond)
	kept := keptSecrets(c.Secrets, keep, now)
	if len(kept) >= maxSecrets {
		return fail(exitConflict, "wait until "+moment(firstEnd(kept))+", when the first of them ends, or end all but the new one at once with --keep 0s; nothing was changed",
			"client %q has %d secrets that work, which is the most", id, len(kept))
	}
	value := newClientSecret()
	c.Secrets = append([]storage.ClientSecret{{Hash: value.Hash(), Created: now}}, kept...)
	c.Updated = now
	if err := changed(id, o.store.UpdateClient(ctx, c)); err != nil {
		return err
	}
	o.audit.Record(ctx, audit.Event{Type: audit.ClientSecretRotated, ClientID: id, CustomerIdentifier: c.CustomIdentifier, Actor: o.actor})
	return showSecret(h, &c, value, output, "rotated the secret of")
}

// maxSecrets is how many secrets of a client may work at once.
const maxSecrets = 8

// keptSecrets returns those of a client's secrets that go on working after a rotation at now. One without an end gets it after
// keep; one that has an end keeps it, as somebody was promised it, unless keep is 0, which ends them all.
func keptSecrets(secrets []storage.ClientSecret, keep time.Duration, now time.Time) (kept []storage.ClientSecret) {
	if keep == 0 {
		return nil
	}
	for _, s := range secrets {
		if s.Expires.IsZero() {
			s.Expires = now.Add(keep)
		}
		if now.Before(s.Expires) {
			kept = append(kept, s)
		}
	}
	return kept
}

func firstEnd(secrets []storage.ClientSecret) time.Time {
	return slices.MinFunc(secrets, func(a, b storage.ClientSecret) int { return a.Expires.Compare(b.Expires) }).Expires
}

func newClientRemove(h *host, where *whereFlags) *cobra.Command {
	return &cobra.Command{
		Use: "remove ID", Short: "Remove a client and revoke what it was granted", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withOperator(cmd, h, where, func(ctx context.Context, o *operator) error {
				c, err := findClient(ctx, o, args[0])
				if err != nil {
					return err
				}
				if err := changed(c.ID, o.store.RemoveClient(ctx, c.ID, o.now().UTC())); err != nil {
					return err
				}
				o.audit.Record(ctx, audit.Event{Type: audit.ClientRemoved, ClientID: c.ID, CustomerIdentifier: c.CustomIdentifier, Actor: o.actor})
				fmt.Fprintf(h.out, "removed client %s\n", c.ID)
				return nil
			})
		},
	}
}
