package console

import (
	"brygga/admin"
	"brygga/personnummer"
)

// showSettings leads to what is set for the whole installation.
func showSettings(v *visit) error {
	return v.show(v.text("settings.title"), settingsIndex(v, settings()))
}

// setting is one thing that is set, on a page of its own.
type setting struct {
	path, key string
	operation admin.Name
	// where is nil for a page that every installation has.
	where func(*Console) bool
}

// offersSetting reports whether the operator is led to the page.
func (v *visit) offersSetting(s setting) bool {
	return v.may(s.operation) && (s.where == nil || s.where(v.Console))
}

// settings are the pages below the place of that name.
func settings() []setting {
	return []setting{
		{"account", "account.title", "", nil},
		{"operators", "operators.title", admin.ListOperators, nil},
		{"apikeys", "apikeys.title", admin.ListAPIKeys, nil},
		{"statistics", "statistics.title", admin.ShowStatistics, nil},
		{"configuration", "configuration.title", admin.ShowSettings, nil},
		{"banner", "banner.title", admin.ShowBanner, nil},
		{"alarms", "alarms.title", admin.ShowAlarms, nil},
		{"services", "services.title", admin.RegisterService, hasServices},
	}
}

// finder leads from what was typed into the search box to a page; it returns an empty address for what it does not know.
type finder func(v *visit, text string) (address string, err error)

// finders are asked in turn.
func finders() []finder { return []finder{findLogin, findEvent, findClient} }

// search leads to what the search box names. A personal number leads to the form for them and is no part of any address.
func search(v *visit) error {
	f := v.form()
	text := f.get("q")
	if text != "" && !personnummer.Valid(text) {
		for _, find := range finders() {
			if address, err := find(v, text); err != nil || address != "" {
				return v.leaveOr(address, err)
			}
		}
	}
	return v.show(v.text("search.title"), nothingFound(v))
}

func (v *visit) leaveOr(address string, err error) error {
	if err != nil {
		return err
	}
	return v.leave(address, "")
}

// findClient knows clients by their ID.
func findClient(v *visit, text string) (string, error) {
	if !v.may(admin.ShowClient) {
		return "", nil
	}
	found, _, err := v.Admin.Clients(v, v.actor, admin.ClientFilter{Text: text}, "", 2)
	for _, client := range found {
		if client.ID == text || len(found) == 1 {
			return at("clients", client.ID), nil
		}
	}
	return "", err
}
