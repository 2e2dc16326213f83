package admin

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"brygga/clients"
	"brygga/storage"
)

// ClientFilter says which clients are wanted. The zero value wants all.
type ClientFilter struct {
	// Text stands in the ID, a name or a redirect URI, in small letters or large.
	Text string
	// Disabled, when not nil, wants those that are, or are not.
	Disabled *bool
	// Group is their AdminGroup, Profile their profile.
	Group, Profile string
	// Sort is the order: SortByID, SortByName or SortByChange, the last changed first. Empty means SortByID.
	Sort string
}

// The orders of clients.
const (
	SortByID     = "id"
	SortByName   = "name"
	SortByChange = "updated"
)

// Sorts returns the orders that there are.
func Sorts() []string { return []string{SortByID, SortByName, SortByChange} }

// Cursor is where the list goes on after a client.
func (f *ClientFilter) Cursor(c *storage.Client) string {
	switch f.Sort {
	case SortByName:
		return strings.ToLower(c.Name) + "\x00" + c.ID
	case SortByChange:
		return fmt.Sprintf("%016x", math.MaxInt64-c.Updated.UnixMicro()) + "\x00" + c.ID
	}
	return c.ID
}

func (f *ClientFilter) wants(c *storage.Client) bool {
	if f.Disabled != nil && c.Disabled != *f.Disabled || f.Group != "" && c.AdminGroup != f.Group {
		return false
	}
	if f.Profile != "" && f.Profile != c.Profile && (f.Profile != storage.ProfileStandard || c.Profile != "") {
		return false
	}
	return f.Text == "" || f.found(c)
}

func (f *ClientFilter) found(c *storage.Client) bool {
	text := strings.ToLower(f.Text)
	has := func(s string) bool { return strings.Contains(strings.ToLower(s), text) }
	for _, name := range c.LocalNames {
		if has(name) {
			return true
		}
	}
	for _, uri := range c.RedirectURIs {
		if has(uri) {
			return true
		}
	}
	return has(c.ID) || has(c.Name)
}

// clientPage is how many clients are read at a time.
const clientPage = 1000

// Clients returns at most limit clients that follow the cursor after, empty for the first, which are shared, and whether there may be more.
func (s *Service) Clients(ctx context.Context, actor Actor, f ClientFilter, after string, limit int) (found []*storage.Client, more bool, err error) {
	r, err := s.permit(ctx, actor, ListClients)
	if err != nil {
		return nil, false, err
	}
	if f.Sort != "" && f.Sort != SortByID {
		return s.sorted(ctx, r, f, after, limit)
	}
	err = s.each(ctx, after, func(c *storage.Client) bool {
		if r.has(c) && f.wants(c) {
			if more = len(found) == limit; !more {
				found = append(found, c)
			}
		}
		return !more
	})
	return found, more, err
}

// each calls do with every client whose ID follows after, ordered by ID, until it returns false.
func (s *Service) each(ctx context.Context, after string, do func(*storage.Client) bool) error {
	for {
		page, err := s.o.Store.Clients(ctx, after, clientPage)
		if err != nil {
			return fmt.Errorf("list clients: %w", err)
		}
		for _, c := range page {
			if !do(c) {
				return nil
			}
		}
		if len(page) < clientPage {
			return nil
		}
		after = page[len(page)-1].ID
	}
}

// sorted returns the clients in an order that the store has not. It looks at all of them, and keeps no more than it needs.
func (s *Service) sorted(ctx context.Context, r reach, f ClientFilter, after string, limit int) (found []*storage.Client, more bool, err error) {
	order := func(a, b *storage.Client) int { return strings.Compare(f.Cursor(a), f.Cursor(b)) }
	cut := func() {
		slices.SortFunc(found, order)
		if len(found) > limit {
			found, more = found[:limit], true
		}
	}
	err = s.each(ctx, "", func(c *storage.Client) bool {
		if r.has(c) && f.wants(c) && f.Cursor(c) > after {
			if found = append(found, c); len(found) > limit+clientPage {
				cut()
			}
		}
		return true
	})
	cut()
	return found, more, err
}

// Client returns a client, which is shared, or storage.ErrNotFound.
func (s *Service) Client(ctx context.Context, actor Actor, id string) (*storage.Client, error) {
	r, err := s.permit(ctx, actor, ShowClient)
	if err != nil {
		return nil, err
	}
	return s.visible(ctx, r, id)
}

// visible returns a client that is within reach; any other is as if there were none.
func (s *Service) visible(ctx context.Context, r reach, id string) (*storage.Client, error) {
	c, err := s.o.Store.Client(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("find client: %w", err)
	}
	if !r.has(c) {
		return nil, storage.ErrNotFound
	}
	return c, nil
}

// TryClient returns a client to which an operator tries a login. It returns storage.ErrNotFound for one that is disabled, as people find it,
// and for one that logs nobody in.
func (s *Service) TryClient(ctx context.Context, actor Actor, id string) (*storage.Client, error) {
	r, err := s.permit(ctx, actor, TryClient)
	if err != nil {
		return nil, err
	}
	c, err := s.visible(ctx, r, id)
	if err == nil && (c.Disabled || len(c.RedirectURIs) == 0) {
		err = storage.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// CheckClient returns the rules of the client's profile as they stand with its settings, and what is wrong with it since it was stored.
func (s *Service) CheckClient(ctx context.Context, actor Actor, id string) (*storage.Client, []clients.Rule, error) {
	r, err := s.permit(ctx, actor, CheckClient)
	if err != nil {
		return nil, nil, err
	}
	c, err := s.visible(ctx, r, id)
	if err != nil {
		return nil, nil, err
	}
	rules := clients.CheckProfile(c, s.o.Installation)
	for _, p := range append(clients.Check(c), clients.CheckMethods(c, s.o.Installation)...) {
		rules = append(rules, p.BrokenBy(clients.OwnRules))
	}
	if err := clients.CheckSector(ctx, s.o.Outbound, c); err != nil {
		rules = append(rules, clients.SectorProblem(err).BrokenBy("OpenID Connect Registration §5"))
	}
	return c, rules, nil
}

// Demand is what a change of a client is bound to.
type Demand struct {
	// Revision is that of the client as whoever changes it has seen it, 0 for any. Another one is storage.ErrConflict.
	Revision uint64
	// New refuses a client that is there already: storage.ErrExists. Old refuses one that is not: storage.ErrConflict.
	New, Old bool
	// DryRun checks the change and tells of it, and makes none.
	DryRun bool
}

func (s *Service) registry(d Demand) *clients.Registry {
	bound := s.clients.Seen(d.Revision)
	if d.DryRun {
		return bound.DryRun()
	}
	return bound
}

// PutClient makes a client of that ID what change makes of what every client has; see clients.Registry.Put. It returns storage.ErrForbidden for one
// that would be, or is, out of the actor's reach.
func (s *Service) PutClient(ctx context.Context, actor Actor, id string, d Demand, change func(*storage.Client) error) (*clients.Registered, error) {
	r, err := s.permit(ctx, actor, PutClient)
	if err != nil {
		return nil, err
	}
	within, err := s.within(ctx, actor, r, id, d, true, change)
	if err != nil {
		return nil, err
	}
	return s.registry(d).Put(ctx, actor.name, id, within)
}

// within returns change with what is demanded of the client before and after it. Equips says that it may give the client what it gets tokens by.
func (s *Service) within(ctx context.Context, actor Actor, r reach, id string, d Demand, equips bool, change func(*storage.Client) error) (func(*storage.Client) error, error) {
	before, err := s.o.Store.Client(ctx, id)
	var seen uint64 // none
	switch {
	case errors.Is(err, storage.ErrNotFound) && !d.Old:
	case errors.Is(err, storage.ErrNotFound):
		return nil, storage.ErrConflict
	case err != nil:
		return nil, fmt.Errorf("find client: %w", err)
	case !r.has(before):
		return nil, storage.ErrForbidden
	case d.New:
		return nil, storage.ErrExists
	default:
		seen = before.Revision
	}
	if d.Revision != 0 && d.Revision != seen {
		return nil, storage.ErrConflict
	}
	return func(c *storage.Client) error {
		if c.Revision != seen {
			return storage.ErrConflict
		}
		if err := change(c); err != nil {
			return err
		}
		if err := s.checkBrand(before, c); err != nil {
			return err
		}
		if equips {
			if err := s.mayEquip(ctx, actor, c); err != nil {
				return err
			}
		}
		if !r.has(c) {
			return clients.Fault("admin_group", "group.not-yours", strings.Join(r.groups, ", "))
		}
		return nil
	}, nil
}

// checkBrand makes the looks of a client such as may be shown, where they are others than before; before is nil for a new client.
func (s *Service) checkBrand(before, c *storage.Client) (err error) {
	if before == nil {
		before = &storage.Client{}
	}
	if clients.SameBrand(before.Brand, c.Brand) {
		return nil
	}
	if s.o.CheckBrand == nil {
		return clients.Fault("brand", "brand.fixed")
	}
	c.Brand, err = s.o.CheckBrand(c.Brand)
	return err
}

// UpdateClient makes a change of a client; see clients.Registry.Update.
func (s *Service) UpdateClient(ctx context.Context, actor Actor, id string, d Demand, change func(*storage.Client) error) (*clients.Registered, error) {
	return s.update(ctx, actor, UpdateClient, id, d, change)
}

// SwitchClient enables a client, or disables it for a reason, which ends what it was granted and what people have begun there.
func (s *Service) SwitchClient(ctx context.Context, actor Actor, id string, d Demand, disabled bool, reason string) (*clients.Registered, error) {
	if !disabled {
		reason = ""
	}
	return s.update(ctx, actor, SwitchClient, id, d, func(c *storage.Client) error {
		c.Disabled, c.DisabledReason = disabled, reason
		return nil
	})
}

func (s *Service) update(ctx context.Context, actor Actor, name Name, id string, d Demand, change func(*storage.Client) error) (*clients.Registered, error) {
	r, err := s.permit(ctx, actor, name)
	if err != nil {
		return nil, err
	}
	if _, err := s.visible(ctx, r, id); err != nil {
		return nil, err
	}
	within, err := s.within(ctx, actor, r, id, d, name != SwitchClient, change)
	if err != nil {
		return nil, err
	}
	registry := s.registry(d)
	if name == SwitchClient {
		held, err := s.o.Store.Holdings(ctx, id, s.now(), mostHeld)
		if err != nil {
			return nil, fmt.Errorf("count what ends: %w", err)
		}
		registry = registry.Ending(held)
	}
	return registry.Update(ctx, actor.name, id, within)
}

// RotateWebhook gives the webhook of a client a new secret; see clients.Registry.RotateWebhook. It is another secret of the client, for who may rotate those.
func (s *Service) RotateWebhook(ctx context.Context, actor Actor, id string, d Demand, keep time.Duration) (*clients.Registered, error) {
	if err := s.at(ctx, actor, RotateSecret, id, d); err != nil {
		return nil, err
	}
	return s.registry(d).RotateWebhook(ctx, actor.name, id, keep)
}

// RotateSecret gives a client a new secret; see clients.Registry.RotateSecret.
func (s *Service) RotateSecret(ctx context.Context, actor Actor, id string, d Demand, keep time.Duration) (*clients.Registered, error) {
	if err := s.at(ctx, actor, RotateSecret, id, d); err != nil {
		return nil, err
	}
	return s.registry(d).RotateSecret(ctx, actor.name, id, keep)
}

// EndSecret ends the secret of a client that was made at that time; see clients.Registry.EndSecret.
func (s *Service) EndSecret(ctx context.Context, actor Actor, id string, d Demand, made time.Time) (*clients.Registered, error) {
	if err := s.at(ctx, actor, EndSecret, id, d); err != nil {
		return nil, err
	}
	return s.registry(d).EndSecret(ctx, actor.name, id, made)
}

// RemoveClient removes a client and revokes what it was granted. It returns storage.ErrNotFound or storage.ErrStatic.
func (s *Service) RemoveClient(ctx context.Context, actor Actor, id string, d Demand) error {
	if err := s.at(ctx, actor, RemoveClient, id, d); err != nil {
		return err
	}
	held, err := s.o.Store.Holdings(ctx, id, s.now(), mostHeld)
	if err != nil {
		return fmt.Errorf("count what ends: %w", err)
	}
	return s.registry(d).Ending(held).Remove(ctx, actor.name, id)
}

// mostHeld is how many of each a client's holdings are counted to.
const mostHeld = 100_000

// ClientHoldings counts what would end if a client were disabled or removed, for who may disable it: at most 100 000 of each.
func (s *Service) ClientHoldings(ctx context.Context, actor Actor, id string) (storage.Holdings, error) {
	r, err := s.permit(ctx, actor, SwitchClient)
	if err != nil {
		return storage.Holdings{}, err
	}
	if _, err := s.visible(ctx, r, id); err != nil {
		return storage.Holdings{}, err
	}
	return s.o.Store.Holdings(ctx, id, s.now(), mostHeld)
}

// at returns nil when the actor may do the operation on that client, which is as demanded.
func (s *Service) at(ctx context.Context, actor Actor, name Name, id string, d Demand) error {
	r, err := s.permit(ctx, actor, name)
	if err != nil {
		return err
	}
	c, err := s.visible(ctx, r, id)
	if err == nil && d.Revision != 0 && c.Revision != d.Revision {
		err = storage.ErrConflict
	}
	if err == nil && name == RotateSecret {
		err = s.mayEquip(ctx, actor, c)
	}
	return err
}

// ErrOwnClient means that the client as which a program asks would be removed because nobody named it.
var ErrOwnClient = errors.New("admin: it would remove the client that asks")

// ApplyClients makes all of the changes or none; see clients.Registry.Apply. With prune, it removes each client within the actor's reach that no
// change names. Those of the configuration file stay, and the
// client as which a program asks is not removed unseen: ErrOwnClient.
func (s *Service) ApplyClients(ctx context.Context, actor Actor, changes []clients.Change, prune, dryRun bool) ([]*clients.Registered, error) {
	r, err := s.permit(ctx, actor, ApplyClients)
	if err != nil {
		return nil, err
	}
	named := map[string]bool{}
	due := make([]clients.Change, len(changes))
	for i, change := range changes {
		due[i], named[change.ID] = change, true
		set, err := s.applied(ctx, actor, r, change)
		if err != nil { // all that is wrong is told at once
			set = func(*storage.Client) error { return err }
		}
		due[i].Set = set
	}
	if prune {
		more, err := s.unnamed(ctx, r, named)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(more, func(c clients.Change) bool { return actor.scopes != nil && actor.name == clientActor+c.ID }) {
			return nil, ErrOwnClient
		}
		due = append(due, more...)
	}
	return s.registry(Demand{DryRun: dryRun}).Apply(ctx, actor.name, due)
}

func (s *Service) applied(ctx context.Context, actor Actor, r reach, change clients.Change) (func(*storage.Client) error, error) {
	if change.Set == nil {
		_, err := s.visible(ctx, r, change.ID)
		return nil, err
	}
	return s.within(ctx, actor, r, change.ID, Demand{}, true, change.Set)
}

// unnamed returns the removal of every client within reach that is not named.
func (s *Service) unnamed(ctx context.Context, r reach, named map[string]bool) (removals []clients.Change, err error) {
	err = s.each(ctx, "", func(c *storage.Client) bool {
		if r.has(c) && !named[c.ID] && !c.Static {
			removals = append(removals, clients.Change{ID: c.ID})
		}
		return true
	})
	return removals, err
}
