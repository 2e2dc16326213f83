package console

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"brygga/clients"
	"brygga/storage"
)

// homes are the fields of a client that are no settings, each with the tab on which it is shown or changed, and what stands there.
var homes = map[string][2]string{
	"ID":             {"", "<code>app</code>"},
	"Disabled":       {"", `name="to" value="off"`},
	"DisabledReason": {"", `name="reason"`},
	"Created":        {"", "Created"},
	"Updated":        {"", "Last changed"},
	"Secrets":        {"secrets", "Made"},
	"WebhookKeys":    {"secrets", "/webhook-secrets"},
	"WebhookSecret":  {"secrets", "/webhook-secrets"}, // stands in the configuration file, in the place of such keys
	"Brand.Logo":     {"look", `name="brand.logo"`},
	"Brand.LogoType": {"look", `type="file"`}, // follows from the logo
	"Revision":       {"connection", `name="revision" value="1"`},
	"Static":         {"", "On"}, // it hides the forms
}

// leaves are the fields of a record, those of records within behind a dot.
func leaves(t reflect.Type, before string) (all []string) {
	for _, field := range reflect.VisibleFields(t) {
		inner := field.Type.Kind() == reflect.Struct && field.Type.PkgPath() == t.PkgPath()
		if inner {
			all = append(all, leaves(field.Type, before+field.Name+".")...)
		} else {
			all = append(all, before+field.Name)
		}
	}
	return all
}

// something puts a value into a field.
func something(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int:
		v.SetInt(1)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte("{}"))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		something(v.Index(0))
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"sv": "x"}))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	}
}

// settingIn returns the setting that a field of the record is, empty for none.
func settingIn(path string) string {
	var before, after storage.Client
	v := reflect.ValueOf(&after).Elem()
	for name := range strings.SplitSeq(path, ".") {
		v = v.FieldByName(name)
	}
	something(v)
	for _, s := range clients.Settings() {
		if !slices.Equal(s.Lines(&before), s.Lines(&after)) {
			return s.Key
		}
	}
	for _, s := range clients.PolicySettings() {
		if !slices.Equal(s.Lines(&before.Policy), s.Lines(&after.Policy)) {
			return "policy." + s.Key
		}
	}
	for _, s := range clients.BrandSettings() {
		if !slices.Equal(s.Lines(&before.Brand), s.Lines(&after.Brand)) {
			return "brand." + s.Key
		}
	}
	return ""
}

// TestEveryFieldHasAHome: whatever a client is, the console shows it on a tab, and has a field where it can be changed.
func TestEveryFieldHasAHome(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleOwner)
	for _, path := range leaves(reflect.TypeFor[storage.Client](), "") {
		home, known := homes[path]
		if name := settingIn(path); name != "" && !known {
			home = [2]string{tabOf(name), `name="` + name + `"`}
			if home[0] == "" {
				t.Errorf("%s is changed on no tab", name)
				continue
			}
		} else if !known {
			t.Errorf("%s is neither a setting nor shown anywhere", path)
			continue
		}
		if p := b.get(strings.TrimSuffix("clients/app/"+home[0], "/")); !strings.Contains(p.body, home[1]) {
			t.Errorf("%s: the tab %q has no %s", path, home[0], home[1])
		}
	}
}
