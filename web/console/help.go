package console

import (
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"brygga/account"
	"brygga/admin"
	"brygga/docs"
	"brygga/storage"
)

// helpPages explain the others.
func helpPages() []page {
	return []page{
		{pattern: "GET /help", handle: showHelp, access: anybody},
		{pattern: "GET /help/{topic}", handle: showTopic, access: anybody},
		{pattern: "GET /help/docs/{page}", handle: showDocument},
	}
}

// topic is what there is to say of one section.
type topic struct {
	// name is its address, and that of its texts. The section is called by the text of its title, and stands at the addresses below path.
	name, title, path string
	operation         admin.Name
	// words are those of the section that are explained, and documents the pages of docs that say more.
	words, documents []string
	// out says that it is for who is not logged in, too.
	out bool
}

// topics are those that there are; of several whose path fits a page, the first.
func topics() []topic {
	return []topic{
		{"overview", "nav.overview", "", "", []string{"attempt", "identification"}, []string{"operations", "troubleshooting"}, false},
		{"clients", "nav.clients", "clients", admin.ListClients, []string{"redirect", "secret", "scope", "sub"}, []string{"apps", "claims", "errors"}, false},
		{"logins", "nav.logins", "logins", admin.ShowLogin, []string{"reference", "attempt", "pseudonym", "sub"}, []string{"reasons", "login"}, false},
		{"events", "nav.events", "events", admin.ListAudit, []string{"checkpoint", "pseudonym"}, []string{"audit", "events"}, false},
		{"evidence", "evidence.title", "evidence", admin.ListEvidence, []string{"reference", "evidence"}, []string{"signing"}, false},
		{"keys", "nav.keys", "keys", admin.ListKeys, []string{"secret"}, []string{"operations"}, false},
		{"account", "account.title", "account", "", []string{"proof"}, []string{"operators"}, false},
		{"operators", "operators.title", "operators", admin.ListOperators, []string{"proof"}, []string{"operators"}, false},
		{"apikeys", "apikeys.title", "apikeys", admin.ListAPIKeys, []string{"scope"}, []string{"api"}, false},
		{"banner", "banner.title", "banner", admin.ShowBanner, nil, []string{"looks"}, false},
		{"alarms", "alarms.title", "alarms", admin.ShowAlarms, nil, []string{"observability"}, false},
		{"services", "services.title", "services", admin.RegisterService, []string{"proof"}, []string{"netid"}, false},
		{"settings", "nav.settings", "settings", "", []string{"identification"}, []string{"console", "operations"}, false},
		{"search", "help.search", "search", "", []string{"reference", "sub"}, []string{"console"}, false},
		{"login", "login.title", "login", "", []string{"proof"}, nil, true},
	}
}

// sections of Settings that have no help of their own.
var underSettings = []string{"statistics", "configuration"}

// helpFor returns the help on the page that is asked for, nil for none.
func (v *visit) helpFor() *topic {
	for _, t := range topics() {
		switch {
		case !v.offers(t):
		case v.isBelow(t.path), t.name == "settings" && slices.ContainsFunc(underSettings, v.isBelow), v.session == nil && t.out && v.isBelow("forgotten"):
			return &t
		}
	}
	return nil
}

// offers reports whether the help is for who asks.
func (v *visit) offers(t topic) bool {
	if t.name == "services" && !hasServices(v.Console) {
		return false
	}
	return t.out == (v.session == nil) && v.may(t.operation) || t.out
}

// help returns a text of the topic.
func (v *visit) help(t topic, rest string) string { return v.text("help." + t.name + "." + rest) }

// whens are what may be the case, and what to do then.
func (v *visit) whens(t topic) (all [][2]string) {
	for n := 1; hasText("help." + t.name + ".when." + strconv.Itoa(n)); n++ {
		all = append(all, [2]string{v.help(t, "when."+strconv.Itoa(n)), v.help(t, "then."+strconv.Itoa(n))})
	}
	return all
}

func showHelp(v *visit) error { return v.show(v.text("help.title"), helpIndex(v)) }

func showTopic(v *visit) error {
	all := topics()
	i := slices.IndexFunc(all, func(t topic) bool { return t.name == v.r.PathValue("topic") })
	switch {
	case i < 0:
		return storage.ErrNotFound
	case !all[i].out && v.session == nil:
		return account.ErrNoSession
	case !v.offers(all[i]):
		return storage.ErrNotFound
	}
	return v.show(v.text("help.of", "section", v.text(all[i].title)), helpTopic(v, all[i]))
}

// showDocument shows a page of the documentation, as it was written.
func showDocument(v *visit) error {
	name := v.r.PathValue("page")
	text, err := fs.ReadFile(docs.Pages, name+".md")
	if err != nil {
		return storage.ErrNotFound
	}
	return v.show(v.text("help.docs"), documentBody(v, name, string(text)))
}

// documents are the names of the pages of the documentation.
func documents() (names []string) {
	files, err := fs.Glob(docs.Pages, "*.md")
	if err != nil {
		return nil
	}
	for _, file := range files {
		names = append(names, strings.TrimSuffix(file, ".md"))
	}
	return names
}
