package console

import (
	"errors"
	"time"

	"github.com/a-h/templ"

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
	return v.secrets(v.show, newForm("keep", "24h"))
}

// secrets shows or refuses the form, with what is known of the secrets.
func (v *visit) secrets(send func(string, templ.Component) error, f *form) error {
	c, err := v.client()
	if err != nil {
		return err
	}
	all, err := v.Admin.ClientSecrets(v, v.actor, c.ID)
	if err != nil {
		return err
	}
	return send(nameOf(v, c), clientSecrets(v, c, all, f))
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
	return v.secrets(v.refuse, f)
}

// rotateWebhook makes another secret of the webhook, and shows it as rotateSecret does.
func rotateWebhook(v *visit) error {
	f := v.form()
	keep := v.keepOf(f)
	if f.faulty() {
		return v.secrets(v.refuse, f)
	}
	done, err := v.Admin.RotateWebhook(v, v.actor, v.clientID(), admin.Demand{Revision: revision(f)}, keep)
	if err != nil {
		return err
	}
	return v.showSecret(done, "secret.rotated")
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
	ready := v.readyFor(done.Client, presets.Of(chosenPreset(v.form())), done.Secret)
	ready.webhook = done.WebhookSecret
	return v.show(nameOf(v, done.Client), secretOnce(v, ready, made))
}

// endSecret ends a secret. Of one that is in use it asks once more.
func endSecret(v *visit) error {
	f := v.form()
	made, err := time.Parse(time.RFC3339Nano, f.get("made"))
	if err != nil {
		return storage.ErrNotFound
	}
	used, err := v.usedLately(made)
	if err != nil {
		return err
	}
	if !used.IsZero() && f.get(sureOf) != f.get("made") {
		f = newForm("keep", "24h", sureOf, f.get("made"))
		f.fault("", v.text("secret.in-use", "since", v.since(used)))
		return v.secrets(v.refuse, f)
	}
	_, err = v.Admin.EndSecret(v, v.actor, v.clientID(), admin.Demand{}, made)
	if errors.Is(err, clients.ErrLastSecret) {
		f = newForm("keep", "24h")
		f.fault("", v.text("secret.last"))
		return v.secrets(v.refuse, f)
	}
	return v.done(err, clientPath(v.clientID(), "secrets"), "secret.ended")
}

// sureOf is the field with when the secret was made that is to end although it is in use.
const sureOf = "sure"

// usedLately returns when the secret that was made at that time was used, zero when nothing is likely to break without it.
func (v *visit) usedLately(made time.Time) (time.Time, error) {
	all, err := v.Admin.ClientSecrets(v, v.actor, v.clientID())
	for _, s := range all {
		if len(all) > 1 && s.Created.Equal(made) && s.InUse(v.Now()) {
			return s.Used, err
		}
	}
	return time.Time{}, err
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
