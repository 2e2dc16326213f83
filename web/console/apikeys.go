package console

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"brygga/admin"
	"brygga/clients"
	"brygga/storage"
)

// apiKeyPages are those on the keys by which programs use the management API.
func apiKeyPages() []page {
	return []page{
		{pattern: "GET /apikeys", operation: admin.ListAPIKeys, handle: listAPIKeys},
		{pattern: "GET /apikeys/new", operation: admin.CreateAPIKey, handle: askAPIKey},
		{pattern: "POST /apikeys/new", operation: admin.CreateAPIKey, handle: createAPIKey},
		{pattern: "GET /apikeys/{id}", operation: admin.ListAPIKeys, handle: showAPIKey},
		{pattern: "POST /apikeys/{id}/rotate", operation: admin.RotateAPIKey, handle: rotateAPIKey},
		{pattern: "POST /apikeys/{id}/remove", operation: admin.RemoveAPIKey, handle: removeAPIKey},
	}
}

func listAPIKeys(v *visit) error {
	all, err := v.Admin.APIKeys(v, v.actor)
	if err != nil {
		return err
	}
	return v.show(v.text("apikeys.title"), apiKeyList(v, all))
}

func askAPIKey(v *visit) error {
	return v.show(v.text("apikeys.new"), apiKeyForm(v, newForm("days", "365")))
}

// createAPIKey makes a key and shows it, once.
func createAPIKey(v *visit) error {
	f := v.form()
	n := admin.NewAPIKey{Name: f.get("name"), ClientID: f.get("client"), Scopes: f.values["scopes"], Groups: words(f.get("groups")), Networks: words(f.get("networks"))}
	if days, err := strconv.Atoi(f.get("days")); err == nil && days > 0 && days <= maxKeyDays {
		n.Expires = v.Now().UTC().AddDate(0, 0, days).Truncate(time.Second)
	} else if f.get("days") != "" {
		f.fault("days", v.text("apikeys.days.wrong"))
	}
	if f.faulty() {
		return v.refuse(v.text("apikeys.new"), apiKeyForm(v, f))
	}
	key, value, err := v.Admin.CreateAPIKey(v, v.actor, n)
	if problems, ok := errors.AsType[clients.Problems](err); ok {
		for _, p := range problems {
			text := p.In(v.lang).Problem
			if key := "apikeys.wrong." + p.Key; hasText(key) {
				text = v.text(key)
			}
			f.fault(p.Key, text)
		}
		return v.refuse(v.text("apikeys.new"), apiKeyForm(v, f))
	}
	if err != nil {
		return err
	}
	return v.show(v.text("apikeys.made"), apiKeyMade(v, key, value))
}

// maxKeyDays is ten years, in days.
const maxKeyDays = 3650

// words are the words of a text, with spaces, commas or lines between them; nil for none.
func words(text string) []string {
	found := strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ' ' || c == '\n' || c == '\r' || c == '\t' })
	if len(found) == 0 {
		return nil
	}
	return found
}

// apiKeyOf is the key of the address.
func (v *visit) apiKeyOf() (*storage.APIKey, error) {
	all, err := v.Admin.APIKeys(v, v.actor)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(k *storage.APIKey) bool { return k.ID == v.r.PathValue("id") })
	if i < 0 {
		return nil, storage.ErrNotFound
	}
	return all[i], nil
}

func showAPIKey(v *visit) error {
	key, err := v.apiKeyOf()
	if err != nil {
		return err
	}
	return v.show(key.Name, apiKeyBody(v, key))
}

// rotateAPIKey gives a key another secret and shows it, once. That of before works for the hours of the form.
func rotateAPIKey(v *visit) error {
	hours, err := strconv.Atoi(v.sent.Get("hours"))
	if err != nil || hours < 0 || hours > 24*maxKeyDays {
		hours = 0
	}
	key, value, err := v.Admin.RotateAPIKey(v, v.actor, v.r.PathValue("id"), time.Duration(hours)*time.Hour)
	if err != nil {
		return err
	}
	return v.show(v.text("apikeys.made"), apiKeyMade(v, key, value))
}

func removeAPIKey(v *visit) error {
	if err := v.Admin.RemoveAPIKey(v, v.actor, v.r.PathValue("id")); err != nil {
		return err
	}
	return v.leave(at("apikeys"), "apikeys.removed")
}

// scopeOptions are the scopes that a key can have.
func (v *visit) scopeOptions() (all []option) {
	for _, scope := range slices.Concat(admin.Scopes(), storage.OrderScopes) {
		all = append(all, option{value: scope, label: scope})
	}
	return all
}

// ends says when a key ends, or that it does not.
func (v *visit) ends(t time.Time) string {
	if t.IsZero() {
		return v.text("apikeys.never-ends")
	}
	return v.moment(t)
}
