package console

import (
	"errors"
	"time"

	"brygga/admin"
	"brygga/clients"
	"brygga/duration"
	"brygga/presets"
	"brygga/storage"
)

// keeps are how long a secret goes on beside a new one, as the form offers it.
var keeps = []string{"0s", "1h", "24h", "7d", "30d", "date"}

// maxKeep is how long a secret may go on beside a new one.
const maxKeep = 90 * 24 * time.Hour

func showSecrets(v *visit) error {
	c, err := v.client()
	if err != nil {
		return err
	}
	return v.show(nameOf(v, c), clientSecrets(v, c, newForm("keep", "24h")))
}

// rotateSecret makes another secret, and shows it on a page that is never seen again.
func rotateSecret(v *visit) error {
	f := v.form()
	keep := v.keepOf(f)
	if !f.faulty() {
		done, err := v.Admin.RotateSecret(v, v.actor, v.clientID(), admin.Demand{Revision: revision(f)}, keep)
		if err == nil {
			return v.showSecret(done, "secret.rotated")
		}
		full, ok := errors.AsType[*clients.SecretsError](err)
		if !ok {
			return err
		}
		f.fault("keep", v.text("secret.full", "until", v.moment(full.FirstEnd)))
	}
	return v.refuseSecrets(f)
}

func (v *visit) refuseSecrets(f *form) error {
	c, err := v.client()
	if err != nil {
		return err
	}
	return v.refuse(nameOf(v, c), clientSecrets(v, c, f))
}

// keepOf reads how long the secrets of before go on.
func (v *visit) keepOf(f *form) time.Duration {
	if f.get("keep") != "date" {
		keep, err := duration.Parse(f.get("keep"))
		if err != nil || keep < 0 || keep > maxKeep {
			f.fault("keep", v.text("secret.keep.missing"))
		}
		return keep
	}
	until, err := time.ParseInLocation(time.DateOnly, f.get("until"), time.Local)
	keep := until.Sub(v.Now())
	if err != nil || keep <= 0 || keep > maxKeep {
		f.fault("until", v.text("secret.until.wrong", "last", v.Now().Add(maxKeep).Format(time.DateOnly)))
	}
	return keep
}

// showSecret shows what became of a client, with a secret that was made for it.
func (v *visit) showSecret(done *clients.Registered, made string) error {
	return v.show(nameOf(v, done.Client), secretOnce(v, v.readyFor(done.Client, presets.Of(chosenPreset(v.form())), done.Secret), made))
}

func endSecret(v *visit) error {
	f := v.form()
	made, err := time.Parse(time.RFC3339Nano, f.get("made"))
	if err != nil {
		return storage.ErrNotFound
	}
	_, err = v.Admin.EndSecret(v, v.actor, v.clientID(), admin.Demand{}, made)
	if errors.Is(err, clients.ErrLastSecret) {
		f = newForm("keep", "24h")
		f.fault("", v.text("secret.last"))
		return v.refuseSecrets(f)
	}
	return v.done(err, clientPath(v.clientID(), "secrets"), "secret.ended")
}

// historyOnPage is how many changes a page of the history has.
const historyOnPage = 20

func showHistory(v *visit) error {
	c, err := v.client()
	if err != nil {
		return err
	}
	l := v.list()
	var from time.Time
	if after := l.after(); after != "" {
		if from, err = time.Parse(time.RFC3339Nano, after); err != nil {
			return storage.ErrNotFound
		}
	}
	changes, next, err := v.Admin.ClientHistory(v, v.actor, c.ID, from.UTC(), historyOnPage)
	if err != nil {
		return err
	}
	if !next.IsZero() {
		l.next = next.Format(time.RFC3339Nano)
	}
	return v.show(nameOf(v, c), clientHistory(v, c, l, changes))
}

func askClientRemoval(v *visit) error {
	c, err := v.doomed()
	if err != nil {
		return err
	}
	return v.show(nameOf(v, c.Client), clientRemoval(v, c, newForm()))
}

// doomed is what is known of a client that is to be removed, with what would end with it.
func (v *visit) doomed() (*about, error) {
	c, err := v.about()
	if err == nil {
		c.held, err = v.Admin.ClientHoldings(v, v.actor, c.ID)
	}
	return c, err
}

// removeClient removes a client whose ID was typed.
func removeClient(v *visit) error {
	f := v.form()
	c, err := v.doomed()
	if err != nil {
		return err
	}
	if f.get("id") != c.ID {
		f.fault("id", v.text("remove.id.wrong"))
		return v.refuse(nameOf(v, c.Client), clientRemoval(v, c, f))
	}
	err = v.Admin.RemoveClient(v, v.actor, c.ID, admin.Demand{Revision: revision(f)})
	return v.done(err, at("clients"), "remove.done", "name", c.ID)
}

// keepOptions are how long the secrets of before may go on.
func (v *visit) keepOptions() (all []option) {
	for _, keep := range keeps {
		all = append(all, option{keep, v.text("keep." + keep), ""})
	}
	return all
}
