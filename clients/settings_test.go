package clients_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"brygga/clients"
	"brygga/secret"
	"brygga/storage"
	"brygga/storage/storagetest"
)

// filled returns a client with every setting set apart, and without what no setting is for.
func filled() storage.Client {
	var c storage.Client
	storagetest.Fill(&c)
	c.ID, c.Secrets, c.Policy, c.Brand = "", nil, storage.Policy{}, storage.Brand{}
	c.WebhookKeys, c.WebhookSecret = nil, secret.String{}
	c.Created, c.Updated, c.Revision, c.Static = time.Time{}, time.Time{}, 0, false
	return c
}

// TestSettingsAreAll puts a client together from what its settings show. A field of the record without a setting is found out.
func TestSettingsAreAll(t *testing.T) {
	c := filled()
	var copied storage.Client
	for _, s := range clients.Settings() {
		if err := s.Set(&copied, s.Lines(&c)...); err != nil {
			t.Errorf("%s: %v", s.Key, err)
		}
		if s.Value(&c) == nil {
			t.Errorf("%s is not shown", s.Key)
		}
	}
	if diff := cmp.Diff(c, copied); diff != "" {
		t.Errorf("a field was lost (-want +got):\n%s", diff)
	}
	for _, s := range clients.Settings() {
		if err := s.Set(&copied); err != nil {
			t.Errorf("%s: %v", s.Key, err)
		}
		if value := s.Value(&copied); value != nil && value != false {
			t.Errorf("%s is shown as %v although nothing is set", s.Key, value)
		}
	}
	if diff := cmp.Diff(storage.Client{}, copied); diff != "" {
		t.Errorf("a field was not taken away (-want +got):\n%s", diff)
	}
}

func TestSettingsExplainThemselves(t *testing.T) {
	var keys, flags []string
	for _, s := range clients.Settings() {
		if s.Usage == "" || slices.Contains(keys, s.Key) || s.Flag == "" || slices.Contains(flags, s.Flag) || strings.Contains(s.Flag, "_") {
			t.Errorf("setting %q with flag %q and usage %q", s.Key, s.Flag, s.Usage)
		}
		if got := clients.SettingOf(s.Key); got == nil || got.Flag != s.Flag {
			t.Errorf("%s is not found", s.Key)
		}
		keys, flags = append(keys, s.Key), append(flags, s.Flag)
	}
	if clients.SettingOf("id") != nil {
		t.Error("the ID can be set")
	}
}

func TestSetting(t *testing.T) {
	tests := []struct {
		key   string
		given []string
		want  any
		lines []string
	}{
		{"home_uri", []string{"a", "b"}, "b", []string{"b"}},
		{"native", []string{"true"}, true, []string{"true"}},
		{"native", nil, false, []string{"false"}},
		{"redirect_uris", []string{"a,b", "", "c"}, []string{"a,b", "c"}, []string{"a,b", "c"}},
		{"redirect_uris", []string{""}, nil, nil},
		{"scopes", []string{"a,b c", "d"}, []string{"a", "b", "c", "d"}, []string{"a b c d"}},
		{"scopes", []string{" , "}, nil, nil},
		{"local_names", []string{"sv=J=1", "", "en=J,2"}, map[string]string{"sv": "J=1", "en": "J,2"}, []string{"en=J,2", "sv=J=1"}},
		{"default_max_age", []string{"90d"}, "90d", []string{"90d"}},
		{"default_max_age", []string{"0s"}, "0s", []string{"0s"}},
		{"default_max_age", []string{""}, nil, nil},
		{"jwks", []string{`{"keys":[]}`}, json.RawMessage(`{"keys":[]}`), []string{`{"keys":[]}`}},
		{"jwks", []string{"no JSON"}, nil, []string{"no JSON"}},
	}
	for _, tt := range tests {
		s := clients.SettingOf(tt.key)
		c := filled()
		if err := s.Set(&c, tt.given...); err != nil {
			t.Errorf("%s %q: %v", tt.key, tt.given, err)
		}
		if diff := cmp.Diff(tt.want, s.Value(&c)); diff != "" {
			t.Errorf("%s %q (-want +got):\n%s", tt.key, tt.given, diff)
		}
		if diff := cmp.Diff(tt.lines, s.Lines(&c)); diff != "" {
			t.Errorf("lines of %s %q (-want +got):\n%s", tt.key, tt.given, diff)
		}
	}
	for _, bad := range [][2]string{{"native", "yes"}, {"local_names", "Journalen"}, {"default_max_age", "soon"}, {"default_max_age", "1500ms"}, {"default_max_age", "90"}} {
		var c storage.Client
		err := clients.SettingOf(bad[0]).Set(&c, bad[1])
		if p, ok := err.(clients.Problem); !ok || p.Key != bad[0] || p.Remedy == "" {
			t.Errorf("%s %q: %v", bad[0], bad[1], err)
		}
	}
}

// What a client held may be held by others: setting it anew leaves that alone.
func TestSettingLeavesOldValuesAlone(t *testing.T) {
	names, uris := map[string]string{"sv": "Hej"}, []string{"https://a.example/"}
	c := storage.Client{LocalNames: names, RedirectURIs: uris}
	for _, set := range [][2]string{{"local_names", "en=Hi"}, {"redirect_uris", "https://b.example/"}} {
		if err := clients.SettingOf(set[0]).Set(&c, set[1]); err != nil {
			t.Fatal(err)
		}
	}
	if len(names) != 1 || names["sv"] != "Hej" || uris[0] != "https://a.example/" {
		t.Errorf("others hold %v and %v now", names, uris)
	}
}

// TestLines shows a client as people read it: a line for each value, and none for what is not set.
func TestLines(t *testing.T) {
	c := storage.Client{
		ID: "app", LocalNames: map[string]string{"sv": "Å"}, RedirectURIs: []string{"https://a/", "https://b/"}, Scopes: []string{"profile", "offline_access"},
		Secrets: make([]storage.ClientSecret, 1), Policy: storage.Policy{MinimumAge: 18, VisibleText: map[string]string{"sv": "Hej"}},
		Brand: storage.Brand{Logo: []byte("x"), LogoType: "image/png", Accent: "#000000"},
	}
	want := []clients.Line{
		{Key: "local_names.sv", Value: "Å"}, {Key: "redirect_uris", Value: "https://a/"}, {Key: "redirect_uris", Value: "https://b/"}, {Key: "scopes", Value: "profile offline_access"},
		{Key: "policy.minimum_age", Value: "18"}, {Key: "policy.visible_text.sv", Value: "Hej"},
		{Key: "brand.logo", Value: "image/png, 1 bytes, SHA-256 2d711642b726…"}, {Key: "brand.accent", Value: "#000000"},
	}
	off := func(l clients.Line) bool { return l.Value == "false" }
	if diff := cmp.Diff(want, slices.DeleteFunc(clients.Lines(&c), off)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if lines := slices.DeleteFunc(clients.Lines(&storage.Client{ID: "app"}), off); len(lines) > 0 {
		t.Errorf("a client with nothing set shows %v", lines)
	}
}
