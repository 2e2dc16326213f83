package clients

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"brygga/audit"
	"brygga/outbound"
	"brygga/secret"
	"brygga/storage"
)

// Options are the parts of a Registry. Store, Keys and Audit are required.
type Options struct {
	// Store keeps the clients. Those of the configuration file are added to it by [storage.WithStaticClients].
	Store storage.Clients
	// Keys returns what makes signing keys. It is called when keys may be wanted, and not before all else is checked.
	Keys func(context.Context) (Keys, error)
	// Audit is told of every change.
	Audit *audit.Log
	// Secrets keeps the secret of the installation that keys of webhooks are made from; nil has none, and no client can have a webhook.
	Secrets storage.Secrets
	// Outbound fetches a client's sector_identifier_uri; nil takes those addresses as they are.
	Outbound *outbound.Caller
	// Certificates are the names of the BankID certificates that a policy may give.
	Certificates []string
	// Installation is where the clients are registered. Of it the eIDs and the policy count here.
	Installation Installation
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Keys is the part of a keys.Ring that registering a client needs.
type Keys interface {
	// Provide lets there be published keys for each of the algorithms, and returns those that there were none for.
	Provide(ctx context.Context, algorithms ...string) (made []string, err error)
}

// Registry registers clients. Each of its changes is complete or not made at all: the client is filled up and checked, then the
// signing keys that it needs are made, then it is stored, and last the audit log is told. Its methods may be called concurrently.
type Registry struct {
	o    Options
	dry  bool
	seen uint64
	held storage.Holdings
}

// DryRun returns a Registry whose changes are checked and told of as those of r, and not made: no client, key, event or log line comes of them.
func (r *Registry) DryRun() *Registry { return &Registry{r.o, true, r.seen, r.held} }

// Seen returns a Registry that changes a client of that revision and no other, 0 for any: one that somebody has changed meanwhile is
// storage.ErrConflict.
func (r *Registry) Seen(revision uint64) *Registry { return &Registry{r.o, r.dry, revision, r.held} }

// Ending returns a Registry that tells the audit log, of a client that it removes or disables, how much ends with it.
func (r *Registry) Ending(held storage.Holdings) *Registry {
	return &Registry{r.o, r.dry, r.seen, held}
}

// NewRegistry returns a Registry over the options, or an error that names the option which is missing.
func NewRegistry(o Options) (*Registry, error) {
	switch {
	case o.Store == nil:
		return nil, errors.New("clients: no store")
	case o.Keys == nil:
		return nil, errors.New("clients: no keys")
	case o.Audit == nil:
		return nil, errors.New("clients: no audit log")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Registry{o: o}, nil
}

func (r *Registry) now() time.Time { return r.o.Now().UTC().Truncate(time.Microsecond) }

// Registered is a client after a change.
type Registered struct {
	Client *storage.Client
	// Secret is one that was made for it, which cannot be had again; the zero value when none was.
	Secret secret.String
	// WebhookSecret is one that was made for its webhook, which cannot be had again either.
	WebhookSecret secret.String
	// Published are the algorithms that the installation had no keys for until now. Every app gets to see the new ones.
	Published []string
	// Changed are the keys of the settings that differ from before, in order. A change of none was not made. Changes are the same with their values.
	Changed []string
	Changes []audit.Change
	// New says that there was no client of that ID, Removed that there is none any more.
	New, Removed bool
}

// Add registers a new client, with the settings that change makes on what every client has, and with a secret if it proves itself
// by one. It returns Problems if the client may not be as it is, storage.ErrExists if there is one of that ID, or the error of
// change.
func (r *Registry) Add(ctx context.Context, actor, id string, change func(*storage.Client) error) (*Registered, error) {
	p, err := r.planAdd(ctx, id, change)
	if err != nil {
		return nil, err
	}
	return r.make(ctx, actor, p)
}

func (r *Registry) planAdd(ctx context.Context, id string, change func(*storage.Client) error) (*plan, error) {
	now := r.now()
	c := New(id)
	c.Created, c.Updated = now, now
	if err := changed(&c, change); err != nil {
		return nil, err
	}
	Complete(&c)
	value := fitSecret(&c, now)
	fitWebhook(&c, now)
	if err := r.check(ctx, &c); err != nil {
		return nil, err
	}
	if _, err := r.o.Store.Client(ctx, id); err == nil {
		return nil, storage.ErrExists
	} else if !errors.Is(err, storage.ErrNotFound) {
		return nil, fmt.Errorf("find client: %w", err)
	}
	return &plan{what: audit.ClientAdded, before: &storage.Client{}, after: &c, secret: value, keys: true}, nil
}

// changed makes the change, and refuses more than could be looked at.
func changed(c *storage.Client, change func(*storage.Client) error) error {
	if err := change(c); err != nil {
		return err
	}
	if many := counted(c); many != nil {
		return many
	}
	return nil
}

// Update makes a change of a client. A secret that it needs and has not is made; secrets that it cannot use any more are dropped.
// It returns Problems if the client may not be so, storage.ErrNotFound, storage.ErrStatic for a client of the configuration file,
// storage.ErrConflict if somebody else has changed it meanwhile, or the error of change.
func (r *Registry) Update(ctx context.Context, actor, id string, change func(*storage.Client) error) (*Registered, error) {
	p, err := r.planUpdate(ctx, id, change)
	if err != nil {
		return nil, err
	}
	return r.make(ctx, actor, p)
}

func (r *Registry) planUpdate(ctx context.Context, id string, change func(*storage.Client) error) (*plan, error) {
	before, err := r.changeable(ctx, id)
	if err != nil {
		return nil, err
	}
	c := *before
	if err := changed(&c, change); err != nil {
		return nil, err
	}
	if c.SectorIdentifierURI != before.SectorIdentifierURI && c.Sector == before.Sector {
		c.Sector = "" // Derive makes it anew from the address
	}
	Derive(&c)
	value := fitSecret(&c, r.now())
	fitWebhook(&c, r.now())
	if len(audit.Diff(settingPairs(before), settingPairs(&c))) == 0 {
		return &plan{before: before, after: before, none: true}, nil
	}
	if err := r.check(ctx, &c); err != nil {
		return nil, err
	}
	c.Updated = r.now()
	return &plan{what: audit.ClientChanged, before: before, after: &c, secret: value, keys: true}, nil
}

// Put makes a client of that ID what change makes of what every client has, whether there is one or not: it is the same to do so once and twice.
// One that is there keeps its secrets, its looks, and the sector that its subjects were made for unless change names another. A demand of a revision is
// met by change. Errors are those of Add and Update.
func (r *Registry) Put(ctx context.Context, actor, id string, change func(*storage.Client) error) (*Registered, error) {
	p, err := r.planPut(ctx, id, change)
	if err != nil {
		return nil, err
	}
	return r.make(ctx, actor, p)
}

func (r *Registry) planPut(ctx context.Context, id string, change func(*storage.Client) error) (*plan, error) {
	p, err := r.planUpdate(ctx, id, func(c *storage.Client) error {
		before := *c
		*c = New(id)
		c.Secrets, c.WebhookKeys, c.Created, c.Updated, c.Revision = before.Secrets, before.WebhookKeys, before.Created, before.Updated, before.Revision
		c.Brand = before.Brand
		if err := changed(c, change); err != nil {
			return err
		}
		if c.Sector == "" {
			c.Sector = before.Sector
		}
		Complete(c)
		return nil
	})
	if errors.Is(err, storage.ErrNotFound) {
		return r.planAdd(ctx, id, change)
	}
	return p, err
}

// RotateSecret gives a client a new secret. The others that work go on for keep, or until the end that they have; with 0 they stop
// at once. It returns ErrNoSecret if the client does not prove itself by a secret, a *SecretsError if too many would work, and
// the errors of Update.
func (r *Registry) RotateSecret(ctx context.Context, actor, id string, keep time.Duration) (*Registered, error) {
	before, err := r.changeable(ctx, id)
	if err != nil {
		return nil, err
	}
	if !UsesSecret(before) {
		return nil, ErrNoSecret
	}
	now, c := r.now(), *before
	kept := keptSecrets(c.Secrets, keep, now)
	if len(kept) >= maxSecrets {
		return nil, &SecretsError{Working: len(kept), FirstEnd: firstEnd(kept)}
	}
	value := newSecret()
	c.Secrets = append([]storage.ClientSecret{{Hash: value.Hash(), Created: now}}, kept...)
	c.Updated = now
	return r.make(ctx, actor, &plan{what: audit.ClientSecretRotated, before: before, after: &c, secret: value})
}

// EndSecret ends the secret of a client that was made at that time. It returns ErrLastSecret for the only one that works, storage.ErrNotFound when
// none was made then, and the errors of Update.
func (r *Registry) EndSecret(ctx context.Context, actor, id string, made time.Time) (*Registered, error) {
	before, err := r.changeable(ctx, id)
	if err != nil {
		return nil, err
	}
	c, now := *before, r.now()
	c.Secrets = slices.DeleteFunc(slices.Clone(before.Secrets), func(s storage.ClientSecret) bool { return s.Created.Equal(made) })
	switch {
	case len(c.Secrets) == len(before.Secrets):
		return nil, storage.ErrNotFound
	case len(keptSecrets(c.Secrets, time.Hour, now)) == 0:
		return nil, ErrLastSecret
	}
	c.Updated = now
	return r.make(ctx, actor, &plan{what: audit.ClientChanged, before: before, after: &c})
}

// Remove removes a client and revokes what it was granted. It returns storage.ErrNotFound, storage.ErrStatic, or storage.ErrConflict if somebody
// else has changed it meanwhile.
func (r *Registry) Remove(ctx context.Context, actor, id string) error {
	p, err := r.planRemove(ctx, id)
	if err == nil {
		_, err = r.make(ctx, actor, p)
	}
	return err
}

func (r *Registry) planRemove(ctx context.Context, id string) (*plan, error) {
	c, err := r.changeable(ctx, id)
	if err != nil {
		return nil, err
	}
	return &plan{what: audit.ClientRemoved, before: c, after: &storage.Client{ID: id, CustomIdentifier: c.CustomIdentifier}, remove: true}, nil
}

// changeable returns the client of that ID, which is shared, if it may be changed at all.
func (r *Registry) changeable(ctx context.Context, id string) (*storage.Client, error) {
	c, err := r.o.Store.Client(ctx, id)
	switch {
	case err != nil:
		return nil, fmt.Errorf("find client: %w", err)
	case c.Static:
		return nil, storage.ErrStatic
	case r.seen != 0 && r.seen != c.Revision:
		return nil, storage.ErrConflict
	}
	return c, nil
}

// check returns all that is wrong with the client. Its sector's document is asked for only when nothing else is.
func (r *Registry) check(ctx context.Context, c *storage.Client) error {
	found := Check(c)
	if name := c.Policy.Certificate; name != "" && !slices.Contains(r.o.Certificates, name) {
		found = append(found, Fault("policy.certificate", "policy.certificate", quote(name)))
	}
	found = append(found, CheckMethods(c, r.o.Installation)...)
	if len(found) > 0 {
		return found
	}
	if err := CheckSector(ctx, r.o.Outbound, c); err != nil {
		return Problems{SectorProblem(err)}
	}
	return nil
}

// Event returns the audit event of a change of a client, with the settings that differ. Where there was or is none it is compared
// with an empty client, whose ID is the client's for what was removed.
func Event(what audit.Type, before, after *storage.Client, actor string) audit.Event {
	changes := audit.Diff(settingPairs(before), settingPairs(after))
	// A switch that is off in a new or a removed client is no news.
	changes = slices.DeleteFunc(changes, func(c audit.Change) bool { return c.Before+c.After == "false" })
	return audit.Event{Type: what, ClientID: after.ID, CustomerIdentifier: after.CustomIdentifier, Actor: actor, Changes: changes}
}
