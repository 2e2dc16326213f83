package console

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"brygga/admin"
	"brygga/clients"
	"brygga/presets"
	"brygga/storage"
)

// section is a part of the form on a tab: its heading is the text of its key, and it is folded where most apps do not need it. A machine, which
// logs nobody in, needs others.
type section struct {
	key    string
	fields []string
	folded bool
	about  audience
}

// foldedFor reports whether the section is folded for a client.
func (s *section) foldedFor(c *storage.Client) bool {
	switch machine := presets.IsMachine(c); s.about {
	case forPeople:
		return s.folded || machine
	case forMachines:
		return !machine
	}
	return s.folded
}

// audience says which clients a section is about.
type audience int

const (
	forAll      audience = iota
	forPeople            // apps to which people log in
	forMachines          // what asks the management API as itself
)

// sections are the parts of the tabs on which settings are changed. A name with policy. before it is a setting of the policy.
var sections = map[string][]section{
	"connection": {
		{"section.addresses", []string{"redirect_uris", "post_logout_redirect_uris", "home_uri", "native"}, false, forPeople},
		{"section.proof", []string{"auth_method", "auth_alg", "jwks_uri", "jwks", "require_pkce"}, false, forAll},
		{"section.requests", []string{"require_par", "require_request_object", "request_object_alg", "request_object_encryption_alg", "unsigned_request_objects"}, true, forPeople},
		{"section.others", []string{"backchannel_logout_uri", "origins", "resources", "ciba", "backchannel_client_notification_endpoint", "webhook_uri", "results_as_resources"}, true, forPeople},
	},
	"rights": {
		{"section.api", []string{"api_scopes"}, true, forMachines},
		{"section.person", []string{"personal_number", "scopes", "login_details", "claims", "groups"}, false, forPeople},
		{"section.policy", []string{
			"policy.person_keys", "policy.pin_code", "policy.sign_pin_code", "policy.minimum_age", "policy.mrtd", "policy.card_reader", "policy.certificate_policies", "policy.return", "policy.address_check", "policy.moderate_risk", "policy.high_risk",
			"policy.certificate",
		}, false, forPeople},
		{"section.evidence", []string{"evidence", "evidence_days", "fetch_evidence"}, true, forPeople},
		{"section.subject", []string{"subject_type", "sector", "sector_identifier_uri"}, true, forPeople},
		{"section.tokens", []string{
			"profile", "id_token_alg", "id_token_encryption_alg", "id_token_encryption_enc", "userinfo_alg", "userinfo_encryption_alg", "userinfo_encryption_enc", "access_token_format",
			"refresh_rotation",
		}, true, forPeople},
		{"section.requests", []string{"methods", "typed_identifiers", "acr_values", "default_acr_values", "default_max_age", "default_locale", "session_group"}, true, forPeople},
	},
	"look": {
		{"section.names", []string{"name", "local_names"}, false, forAll},
		{"section.brand", []string{"brand.accent", "brand.accent_dark", "brand.support_url", "brand.accessibility_url"}, false, forPeople},
		{"section.app", []string{"policy.visible_text", "policy.visible_format"}, false, forPeople},
		{"section.people", []string{"contacts", "admin_group", "custom_identifier"}, false, forAll},
	},
}

// fieldsOf are all fields of the sections.
func fieldsOf(parts []section) (names []string) {
	for _, s := range parts {
		names = append(names, s.fields...)
	}
	return names
}

// tabOf returns the tab on which a setting is changed, empty for none.
func tabOf(name string) string {
	for tab, parts := range sections {
		if slices.Contains(fieldsOf(parts), name) {
			return tab
		}
	}
	return ""
}

// field is a setting as a field of a form.
type field struct {
	name   string
	kind   clients.Kind
	values []string
	// usual is the value that stands for none, empty where that says itself.
	usual string
	lines func(*storage.Client) []string
	set   func(*storage.Client, ...string) error
}

// fieldOf returns the field of that name, which there is.
func fieldOf(name string) field {
	of, key, _ := strings.Cut(name, ".")
	switch of {
	case "policy":
		return fieldWithin(name, key, clients.PolicySettings(), func(c *storage.Client) *storage.Policy { return &c.Policy })
	case "brand":
		return fieldWithin(name, key, clients.BrandSettings(), func(c *storage.Client) *storage.Brand { return &c.Brand })
	}
	s := clients.SettingOf(name)
	return field{name, s.Kind(), s.Values, s.Default, s.Lines, s.Set}
}

// fieldWithin returns the field of a setting of a record within the client.
func fieldWithin[R any](name, key string, all []clients.Setting[R], at func(*storage.Client) *R) field {
	s := all[slices.IndexFunc(all, func(s clients.Setting[R]) bool { return s.Key == key })]
	return field{
		name, s.Kind(), s.Values, s.Default,
		func(c *storage.Client) []string { return s.Lines(at(c)) },
		func(c *storage.Client, given ...string) error {
			err := s.Set(at(c), given...)
			if p, ok := errors.AsType[clients.Problem](err); ok {
				p.Key = name
				return p
			}
			return err
		},
	}
}

// settingLabel is what people call a setting; one without a name of its own is called as in the configuration file.
func (v *visit) settingLabel(name string) string {
	for _, key := range []string{"setting." + name, "setting." + baseKey(name)} {
		if hasText(key) {
			return v.text(key)
		}
	}
	return name
}

// settingHint says what a setting means, and what its profile has against it as it is.
func (v *visit) settingHint(name string, broken []clients.Rule) string {
	var hints []string
	if hasText("setting." + name + ".hint") {
		hints = append(hints, v.text("setting."+name+".hint"))
	}
	for _, r := range broken {
		if r.Key == name {
			hints = append(hints, v.text("client.rule.beside", "rule", r.In(v.lang).Rule))
		}
	}
	return strings.Join(hints, " ")
}

// valueLabel is what people call a value of a setting.
func (v *visit) valueLabel(name, value string) string {
	if key := "value." + name + "." + value; hasText(key) {
		return v.text(key)
	}
	return value
}

// options are the values of a setting of which one is chosen.
func (v *visit) options(f field) []option {
	usual := v.text("value.usual")
	if slices.Contains(f.values, f.usual) {
		usual = v.text("value.usually", "value", v.valueLabel(f.name, f.usual))
	}
	all := []option{{"", usual, ""}}
	for _, value := range f.values {
		all = append(all, option{value, v.valueLabel(f.name, value), ""})
	}
	return all
}

// checks are the values of a setting of which several can be chosen.
func (v *visit) checks(f field) (all []option) {
	for _, value := range f.values {
		meaning := v.valueLabel(f.name, value)
		if meaning == value {
			meaning = "" // it says itself
		}
		all = append(all, option{value, value, meaning})
	}
	return all
}

// isChecks reports whether the field is a group of check boxes.
func (f field) isChecks() bool { return f.kind == clients.Words && f.values != nil }

// settingsForm is a form with the settings of a client.
func settingsForm(c *storage.Client, names []string) *form {
	f := newForm("revision", strconv.FormatUint(c.Revision, 10), fieldsSeen, seen(c, names))
	for _, name := range names {
		f.put(name, c)
	}
	return f
}

// put writes a client's setting into its field.
func (f *form) put(name string, c *storage.Client) {
	field := fieldOf(name)
	lines := field.lines(c)
	switch {
	case field.isChecks():
		f.values[name] = strings.Fields(strings.Join(lines, " "))
	case field.kind == clients.Switch && slices.Equal(lines, []string{"false"}):
		f.values.Del(name)
	case field.kind == clients.Words:
		f.values.Set(name, strings.ReplaceAll(strings.Join(lines, "\n"), " ", "\n"))
	default:
		f.values.Set(name, strings.Join(lines, "\n"))
	}
}

// given is what was written into the field of a setting, as the setting takes it.
func (f *form) given(field field) []string {
	switch {
	case field.isChecks():
		return f.values[field.name]
	case field.kind == clients.Text && field.name != "jwks":
		return []string{f.get(field.name)}
	case field.kind == clients.Switch:
		return []string{strconv.FormatBool(f.has(field.name, "true"))}
	case field.name == "jwks":
		return []string{f.get("jwks")}
	}
	return f.lines(field.name)
}

// change returns a function that makes the client what the fields of the form say, or all that cannot be read.
func (f *form) change(names []string) func(*storage.Client) error {
	return func(c *storage.Client) error {
		var wrong clients.Problems
		for _, name := range names {
			field := fieldOf(name)
			err := field.set(c, f.given(field)...)
			if problem, ok := errors.AsType[clients.Problem](err); ok {
				wrong = append(wrong, problem)
			} else if err != nil {
				return err
			}
		}
		if len(wrong) > 0 {
			return wrong
		}
		return nil
	}
}

// clientFaults adds to the form what is wrong with a client by the error, and reports whether it says anything of the kind. What no field of the
// form is about stands above it.
func (v *visit) clientFaults(f *form, err error, names ...string) bool {
	if one, ok := errors.AsType[clients.Problem](err); ok {
		err = clients.Problems{one}
	}
	problems, ok := errors.AsType[clients.Problems](err)
	for _, p := range problems {
		p = p.In(v.lang)
		text := p.Problem
		if p.Remedy != "" {
			text += " – " + p.Remedy
		}
		if slices.Contains(names, p.Key) {
			f.fault(p.Key, v.settingLabel(p.Key)+": "+text)
		} else {
			f.fault("", v.settingLabel(p.Key)+": "+text)
		}
	}
	return ok
}

// editClient shows a tab on which settings are changed.
func editClient(v *visit) error {
	parts, ok := sections[v.r.PathValue("tab")]
	if !ok {
		return storage.ErrNotFound
	}
	c, rules, err := v.Admin.CheckClient(v, v.actor, v.clientID())
	if err != nil {
		return err
	}
	f := settingsForm(c, fieldsOf(parts))
	return v.show(nameOf(v, c), clientEdit(v, c, v.r.PathValue("tab"), f, brokenFirst(rules), nil))
}

// changeClient changes the settings of a tab. Of a client that somebody else has changed meanwhile it shows both versions.
func changeClient(v *visit) error {
	tab, f := v.r.PathValue("tab"), v.form()
	parts, ok := sections[tab]
	if !ok {
		return storage.ErrNotFound
	}
	names := fieldsOf(parts)
	if err := v.takeTheirs(f, names); err != nil {
		return err
	}
	done, err := v.Admin.UpdateClient(v, v.actor, v.clientID(), admin.Demand{Revision: revision(f)}, v.tabChange(tab, f, names))
	if err == nil && (!done.Secret.IsZero() || !done.WebhookSecret.IsZero()) {
		return v.showSecret(done, "secret.made")
	}
	if err == nil && len(done.Changed) == 0 {
		return v.leave(clientPath(v.clientID(), tab), "client.unchanged")
	}
	if err == nil {
		return v.leaveChanged(f, done.Client, tab)
	}
	wrong, overtaken := v.clientFaults(f, err, append(names, logoField)...), errors.Is(err, storage.ErrConflict)
	if !wrong && !overtaken {
		return err
	}
	c, err := v.client()
	if err != nil {
		return err
	}
	var theirs []difference
	if overtaken {
		theirs = v.overtaken(f, c, names)
	}
	return v.refuse(nameOf(v, c), clientEdit(v, c, tab, f, nil, theirs))
}

// tabChange is the change that the form of a tab makes.
func (v *visit) tabChange(tab string, f *form, names []string) func(*storage.Client) error {
	if tab == lookTab {
		return v.lookChange(f, names)
	}
	return f.change(names)
}

// faultyIn reports whether something is wrong in one of the fields.
func (f *form) faultyIn(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return f.faultOf(name) != "" })
}
