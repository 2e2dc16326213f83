package console

import (
	"errors"
	"slices"
	"strings"

	"brygga/admin"
	"brygga/clients"
	"brygga/presets"
	"brygga/storage"
)

// step is one of the three of the form for a new app, or the summary before anything is stored.
type step struct {
	key    string
	fields []string // of settings
}

// newSteps are the steps in their order. What a person types in one stays in hidden fields of the others, so nothing is kept here.
var newSteps = []step{
	{"what", nil},
	{"addresses", []string{"redirect_uris", "post_logout_redirect_uris", "home_uri", "auth_method", "jwks_uri", "backchannel_logout_uri", "origins"}},
	{"rights", []string{"personal_number", "scopes", "policy.pin_code", "policy.minimum_age", "claims", "groups", "contacts", "admin_group"}},
	{"summary", nil},
}

// machineSteps are those for what logs nobody in.
var machineSteps = []step{
	{"what", nil},
	{"scopes", []string{"api_scopes", "contacts", "admin_group"}},
	{"summary", nil},
}

// steps are those of the kind of app that was chosen.
func (f *form) steps() []step {
	if f.isMachine() {
		return machineSteps
	}
	return newSteps
}

func (f *form) isMachine() bool {
	preset := presets.Of(chosenPreset(f))
	return preset != nil && preset.Kind == presets.Machine
}

// carried are settings that presets have and no step asks for.
var carried = []string{"native", "require_pkce", "id_token_alg", "default_locale", "api_scopes"}

// newFields are all settings that the form for a new app holds.
func newFields() []string {
	names := slices.Clone(carried)
	for _, s := range newSteps {
		names = append(names, s.fields...)
	}
	return names
}

// whatFields are the fields of the first step, which are no settings but for the name.
var whatFields = []string{"preset", "product", "name", "id", "app"}

func (f *form) stepIndex(key string) int {
	return max(0, slices.IndexFunc(f.steps(), func(s step) bool { return s.key == key }))
}

func askClient(v *visit) error {
	return v.show(v.text("new.title"), newClient(v, newForm("preset", string(presets.Web)), 0, nil))
}

// takeClient goes a step on, or back, or creates the client. A step with something wrong is shown again.
func takeClient(v *visit) error {
	f := v.form()
	f.values = cloneValues(f.values)
	at := f.stepIndex(f.get("step"))
	switch {
	case f.get("go") == "back":
		return v.show(v.text("new.title"), newClient(v, f, max(0, at-1), nil))
	case at == 0:
		return v.takeWhat(f)
	}
	done, err := v.Admin.PutClient(v, v.actor, f.get("id"), admin.Demand{New: true, DryRun: f.steps()[at].key != "summary"}, v.newSettings(f))
	if wrong := v.newFaults(f, err); wrong >= 0 && wrong <= at {
		return v.refuse(v.text("new.title"), newClient(v, f, wrong, nil))
	} else if wrong < 0 && err != nil {
		return err
	}
	if f.steps()[at].key == "summary" {
		return v.showSecret(done, "new.done")
	}
	f.faults = nil
	return v.showStep(f, at+1, done)
}

// showStep shows a step; the summary has the client as it would be.
func (v *visit) showStep(f *form, at int, would *clients.Registered) error {
	var c *storage.Client
	if f.steps()[at].key == "summary" {
		if would == nil {
			return storage.ErrConflict
		}
		c = would.Client
	}
	return v.show(v.text("new.title"), newClient(v, f, at, c))
}

// takeWhat reads the first step. What is usual for the app fills the others, unless they were filled for the same app before.
func (v *visit) takeWhat(f *form) error {
	preset := presets.Of(chosenPreset(f))
	if preset == nil {
		f.fault("preset", v.text("new.preset.missing"))
	}
	if f.get("name") == "" {
		f.fault("name", v.text("new.name.missing"))
	}
	if f.get("id") == "" {
		f.values.Set("id", idFrom(f.get("name")))
	}
	if f.get("app") == "" && (preset == nil || preset.HasAddress()) {
		f.fault("app", v.text("new.app.missing"))
	}
	if !f.faulty() {
		if err := v.fill(f, preset); err != nil {
			return err
		}
		_, err := v.Admin.PutClient(v, v.actor, f.get("id"), admin.Demand{New: true, DryRun: true}, v.newSettings(f))
		if wrong := v.newFaults(f, err); wrong != 0 {
			if wrong < 0 && err != nil {
				return err
			}
			f.faults = nil
			return v.showStep(f, 1, nil)
		}
	}
	return v.refuse(v.text("new.title"), newClient(v, f, 0, nil))
}

// chosenPreset is the product that was chosen, else the kind.
func chosenPreset(f *form) string {
	if product := f.get("product"); product != "" {
		return product
	}
	return f.get("preset")
}

// fill writes what is usual for the app into the fields of the other steps.
func (v *visit) fill(f *form, preset *presets.Preset) error {
	filled := preset.Name + " " + f.get("app")
	if f.get("filled") == filled {
		return nil
	}
	c := clients.New("")
	if err := preset.Apply(&c, appAddress(f.get("app"))); err != nil {
		return err
	}
	for _, name := range newFields() {
		f.put(name, &c)
	}
	f.values.Set("filled", filled)
	return nil
}

// appAddress is the address of an app, with https where somebody has left the scheme out.
func appAddress(typed string) string {
	if strings.Contains(typed, ":/") {
		return strings.TrimRight(typed, "/")
	}
	return "https://" + strings.TrimRight(typed, "/")
}

// idFrom makes a client ID of a name: small letters, digits, and hyphens for what stands between.
func idFrom(name string) string {
	letters := strings.NewReplacer("å", "a", "ä", "a", "ö", "o", "é", "e").Replace(strings.ToLower(name))
	words := strings.FieldsFunc(letters, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return strings.Join(words, "-")
}

// newSettings returns a function that makes a client what the form says.
func (v *visit) newSettings(f *form) func(*storage.Client) error {
	change := f.change(newFields())
	return func(c *storage.Client) error {
		c.Name = f.get("name")
		return change(c)
	}
}

// newFaults adds to the form what is wrong, and returns the first step that has something wrong, -1 for none. What no field
// is about is shown on the last of them.
func (v *visit) newFaults(f *form, err error) int {
	if errors.Is(err, storage.ErrExists) || errors.Is(err, storage.ErrStatic) {
		f.fault("id", v.text("new.id.taken"))
		return 0
	}
	names := []string{"id", "name"}
	for _, s := range f.steps() {
		names = append(names, s.fields...)
	}
	if problems, ok := errors.AsType[clients.Problems](err); ok && f.isMachine() && len(f.values["api_scopes"]) == 0 {
		f.fault("api_scopes", v.text("new.scopes.missing"))
		err = slices.DeleteFunc(problems, func(p clients.Problem) bool { return p.Key == "redirect_uris" })
	}
	if !v.clientFaults(f, err, names...) {
		return -1
	}
	for i, s := range f.steps() {
		if i == 0 && f.faultyIn(whatFields) || f.faultyIn(s.fields) {
			f.faults = slices.DeleteFunc(f.faults, func(one fault) bool { // those of later steps wait for their turn
				return one.field != "" && !slices.Contains(s.fields, one.field) && !slices.Contains(whatFields, one.field)
			})
			return i
		}
	}
	return len(f.steps()) - 2
}

// hiddenFields are the fields of the form that a step does not show, name and value in turn.
func (f *form) hiddenFields(at int) (pairs []string) {
	shown := f.steps()[at].fields
	if at == 0 {
		shown = whatFields
	}
	for _, name := range slices.Concat([]string{"filled"}, whatFields, newFields()) {
		if slices.Contains(shown, name) {
			continue
		}
		for _, value := range f.values[name] {
			pairs = append(pairs, name, value)
		}
	}
	return pairs
}

// kindOptions are the kinds of apps, productOptions the products.
func (v *visit) kindOptions() (all []option) {
	for _, k := range presets.Kinds() {
		if k == presets.Machine && !v.may(admin.CreateAPIKey) {
			continue // it is as a key, and nobody is offered what would be refused
		}
		all = append(all, option{string(k), v.text("kind." + string(k)), v.text("kind." + string(k) + ".about")})
	}
	return all
}

func (v *visit) productOptions() []option {
	all := []option{{"", v.text("new.product.none"), ""}}
	for _, p := range presets.All() {
		if p.Title != "" {
			all = append(all, option{p.Name, p.Title, ""})
		}
	}
	return all
}

// baseKey is the setting of a line, without the name of one of its texts.
func baseKey(key string) string {
	parts := strings.SplitN(key, ".", 3)
	if parts[0] == "policy" && len(parts) > 1 {
		return "policy." + parts[1]
	}
	return parts[0]
}

// valueShown is the value of a line as people read it.
func valueShown(v *visit, line clients.Line) string {
	base := baseKey(line.Key)
	if name := strings.TrimPrefix(line.Key, base+"."); name != line.Key {
		return name + ": " + line.Value
	}
	return v.valueLabel(base, line.Value)
}
