package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"brygga/admin"
	"brygga/audit"
	"brygga/clients"
	"brygga/storage"
)

func listClients(c *call) (*answer, error) {
	off, err := c.flag(disabled)
	if err != nil {
		return nil, err
	}
	most, err := c.limit()
	if err != nil {
		return nil, err
	}
	after, err := c.behind()
	if err != nil {
		return nil, err
	}
	filter := admin.ClientFilter{Text: c.query(search), Disabled: off, Group: c.query(group), Profile: c.query(profile), Sort: c.query(sorted)}
	if filter.Sort != "" && !slices.Contains(admin.Sorts(), filter.Sort) {
		return nil, invalid(fault{Parameter: sorted, Detail: "is none of " + strings.Join(admin.Sorts(), ", ")})
	}
	page, more, err := c.Admin.Clients(c, c.actor, filter, after, most)
	if err != nil {
		return nil, err
	}
	views := make([]any, len(page))
	for i, one := range page {
		listed := view(one)
		delete(listed, "brand") // a logo may have more bytes than all else on the page
		views[i] = listed
	}
	body := map[string]any{"items": views}
	if more {
		body["next"] = c.cursorAt(filter.Cursor(page[len(page)-1]))
	}
	return ok(body)
}

func showClient(c *call) (*answer, error) {
	found, err := c.Admin.Client(c, c.actor, c.id())
	if err != nil {
		return nil, err
	}
	return &answer{body: view(found), etag: etag(found)}, nil
}

// changed answers with what became of a client.
func changed(r *clients.Registered, status int) (*answer, error) {
	return &answer{status: status, body: changeView(r), etag: etag(r.Client)}, nil
}

// What becomes of a client.
const (
	actionCreated   = "created"
	actionUpdated   = "updated"
	actionUnchanged = "unchanged"
	actionRemoved   = "removed"
)

func changeView(r *clients.Registered) map[string]any {
	action := actionUpdated
	switch {
	case r.Removed:
		action = actionRemoved
	case r.New:
		action = actionCreated
	case len(r.Changed) == 0 && r.Secret.IsZero() && r.WebhookSecret.IsZero():
		action = actionUnchanged
	}
	v := map[string]any{"id": r.Client.ID, "action": action, "changes": changesView(r.Changes)}
	if len(r.Published) > 0 {
		v["published"] = r.Published
	}
	if !r.Removed {
		v["client"] = view(r.Client)
	}
	if !r.Secret.IsZero() {
		v["client_secret"] = r.Secret.Reveal()
	}
	if !r.WebhookSecret.IsZero() {
		v["webhook_secret"] = r.WebhookSecret.Reveal()
	}
	return v
}

func changesView(of []audit.Change) []map[string]string {
	changes := []map[string]string{}
	for _, one := range of {
		changes = append(changes, map[string]string{"setting": one.Name, "before": one.Before, "after": one.After})
	}
	return changes
}

func clientHistory(c *call) (*answer, error) {
	most, err := c.limit()
	if err != nil {
		return nil, err
	}
	behind, err := c.behind()
	if err != nil {
		return nil, err
	}
	var from time.Time
	if behind != "" {
		if from, err = time.Parse(time.RFC3339Nano, behind); err != nil {
			return nil, badCursor
		}
	}
	changes, next, err := c.Admin.ClientHistory(c, c.actor, c.id(), from.UTC(), most)
	if err != nil {
		return nil, err
	}
	items := make([]any, len(changes))
	for i, one := range changes {
		item := map[string]any{"time": one.Time, "event": one.Event, "actor": one.Who.ID, "changes": changesView(one.Changes)}
		if name := one.Who.Name; name != one.Who.ID && name != "" {
			item["actor_name"] = name
		}
		items[i] = item
	}
	body := map[string]any{"items": items}
	if !next.IsZero() {
		body["next"] = c.cursorAt(next.Format(time.RFC3339Nano))
	}
	return ok(body)
}

func listSecrets(c *call) (*answer, error) {
	all, err := c.Admin.ClientSecrets(c, c.actor, c.id())
	if err != nil {
		return nil, err
	}
	views := make([]any, len(all))
	for i, one := range all {
		shown := map[string]any{"created": one.Created}
		for name, at := range map[string]time.Time{"expires": one.Expires, "last_used": one.Used} {
			if !at.IsZero() {
				shown[name] = at
			}
		}
		if one.Who.ID != "" {
			shown["actor"] = one.Who.ID
		}
		if name := one.Who.Name; name != one.Who.ID && name != "" {
			shown["actor_name"] = name
		}
		views[i] = shown
	}
	return ok(map[string]any{"items": views})
}

func clientHoldings(c *call) (*answer, error) {
	held, err := c.Admin.ClientHoldings(c, c.actor, c.id())
	if err != nil {
		return nil, err
	}
	return ok(map[string]any{"grants": held.Grants, "offline": held.Offline, "pushed": held.Pushed})
}

func putClient(c *call) (*answer, error) {
	d, bound, err := c.demand()
	if err != nil {
		return nil, err
	}
	set, err := setter("", c.body)
	if err != nil {
		return nil, err
	}
	if !bound {
		return c.putUnbound(d, set)
	}
	return c.put(d, set)
}

// putUnbound makes a client that there is not, and leaves one that is so already. To change another, one has to say which was seen.
func (c *call) putUnbound(d admin.Demand, set func(*storage.Client) error) (*answer, error) {
	d.New = true
	done, err := c.put(d, set)
	if !errors.Is(err, storage.ErrExists) {
		return done, err
	}
	same, err := c.Admin.PutClient(c, c.actor, c.id(), admin.Demand{DryRun: true}, set)
	if err != nil {
		return nil, err
	}
	if len(same.Changed) > 0 {
		return nil, unbound
	}
	return changed(same, http.StatusOK)
}

func (c *call) put(d admin.Demand, set func(*storage.Client) error) (*answer, error) {
	done, err := c.Admin.PutClient(c, c.actor, c.id(), d, set)
	if err != nil {
		return nil, err
	}
	if done.New && !d.DryRun {
		made, err := changed(c.shown(done, d), http.StatusCreated)
		made.location = base + at("clients", done.Client.ID)
		return made, err
	}
	return changed(c.shown(done, d), http.StatusOK)
}

// shown is what became of a client, without the secret that a dry run has made for nothing.
func (c *call) shown(r *clients.Registered, d admin.Demand) *clients.Registered {
	if !d.DryRun {
		return r
	}
	shown := *r
	shown.Secret = clients.Registered{}.Secret
	return &shown
}

func patchClient(c *call) (*answer, error) {
	d, bound, err := c.demand()
	if err != nil {
		return nil, err
	}
	if !bound || d.New {
		return nil, unbound
	}
	set, err := setter("", c.body)
	if err != nil {
		return nil, err
	}
	done, err := c.Admin.UpdateClient(c, c.actor, c.id(), d, set)
	if err != nil {
		return nil, err
	}
	return changed(c.shown(done, d), http.StatusOK)
}

func deleteClient(c *call) (*answer, error) {
	d, bound, err := c.demand()
	if err != nil {
		return nil, err
	}
	if !bound || d.New {
		return nil, unbound
	}
	return &answer{}, c.Admin.RemoveClient(c, c.actor, c.id(), d)
}

func checkClient(c *call) (*answer, error) {
	found, rules, err := c.Admin.CheckClient(c, c.actor, c.id())
	if err != nil {
		return nil, err
	}
	kept := true
	for _, rule := range rules {
		kept = kept && !(rule.Broken && rule.Must)
	}
	return ok(map[string]any{"id": found.ID, "kept": kept, "rules": rules})
}

func switchClient(off bool) func(*call) (*answer, error) {
	return func(c *call) (*answer, error) {
		d, _, err := c.demand()
		if err != nil {
			return nil, err
		}
		reason := ""
		if err := c.members(map[string]any{"reason": &reason}); err != nil {
			return nil, err
		}
		done, err := c.Admin.SwitchClient(c, c.actor, c.id(), d, off, reason)
		if err != nil {
			return nil, err
		}
		return changed(c.shown(done, d), http.StatusOK)
	}
}

// rotation is a rotation of a secret of a client.
type rotation func(s *admin.Service, ctx context.Context, actor admin.Actor, id string, d admin.Demand, keep time.Duration) (*clients.Registered, error)

func rotating(rotate rotation) func(c *call) (*answer, error) {
	return func(c *call) (*answer, error) {
		d, _, err := c.demand()
		if err != nil {
			return nil, err
		}
		keep, err := c.keep()
		if err != nil {
			return nil, err
		}
		done, err := rotate(c.Admin, c, c.actor, c.id(), d, keep)
		if err != nil {
			return nil, err
		}
		return changed(c.shown(done, d), http.StatusCreated)
	}
}

func endSecret(c *call) (*answer, error) {
	d, _, err := c.demand()
	if err != nil {
		return nil, err
	}
	at, err := time.Parse(time.RFC3339Nano, c.request.PathValue("created"))
	if err != nil {
		return nil, notFound("no secret was made then")
	}
	done, err := c.Admin.EndSecret(c, c.actor, c.id(), d, at)
	if err != nil {
		return nil, err
	}
	return changed(c.shown(done, d), http.StatusOK)
}

// apply makes the clients of the body what it says, and removes those that it names.
func apply(c *call) (*answer, error) {
	dry, err := c.is(dryRun)
	if err != nil {
		return nil, err
	}
	rest, err := c.is(prune)
	if err != nil {
		return nil, err
	}
	var wanted []map[string]json.RawMessage
	var removed []string
	if err := c.members(map[string]any{"clients": &wanted, "remove": &removed}); err != nil {
		return nil, err
	}
	changes, err := changesOf(wanted)
	if err != nil {
		return nil, err
	}
	for _, id := range removed {
		changes = append(changes, clients.Change{ID: id})
	}
	done, err := c.Admin.ApplyClients(c, c.actor, changes, rest, dry)
	if err != nil {
		return nil, applyProblem(err, len(wanted))
	}
	views := make([]any, len(done))
	for i, one := range done {
		views[i] = changeView(c.shown(one, admin.Demand{DryRun: dry}))
	}
	return ok(map[string]any{"dry_run": dry, "changes": views})
}

func changesOf(wanted []map[string]json.RawMessage) (changes []clients.Change, err error) {
	var faults []fault
	for i, members := range wanted {
		at := "/clients/" + strconv.Itoa(i)
		var id string
		if json.Unmarshal(members["id"], &id) != nil || id == "" {
			faults = append(faults, fault{Pointer: at + "/id", Detail: "missing"})
			continue
		}
		set, err := setter(at, members)
		if p, bad := errors.AsType[*problem](err); bad {
			faults = append(faults, p.Errors...)
		}
		changes = append(changes, clients.Change{ID: id, Set: set})
	}
	if faults != nil {
		return nil, invalid(faults...)
	}
	return changes, nil
}

// applyProblem names where in the body each client stands that cannot be so. Of the body, the first so many are wanted, and the rest removed.
func applyProblem(err error, wanted int) error {
	joined, is := err.(interface{ Unwrap() []error })
	if !is {
		return err
	}
	var faults []fault
	for _, one := range joined.Unwrap() {
		failed, is := errors.AsType[*clients.ChangeError](one)
		if !is {
			return err
		}
		at := "/clients/" + strconv.Itoa(failed.Index)
		if failed.Index >= wanted {
			at = "/remove/" + strconv.Itoa(failed.Index-wanted)
		}
		more := faultsOf(at, failed.Err)
		if more == nil {
			p := problemOf(failed.Err)
			if p == nil {
				return failed.Err
			}
			more = []fault{{Pointer: at, Detail: p.Title + ": " + p.Detail}}
		}
		faults = append(faults, more...)
	}
	return invalid(faults...)
}
