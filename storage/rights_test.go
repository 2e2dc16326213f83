package storage_test

import (
	"fmt"
	"testing"

	"brygga/storage"
)

func TestAuthenticatesBy(t *testing.T) {
	methods := []string{storage.AuthMethodBasic, storage.AuthMethodPost, storage.AuthMethodPrivateKey, storage.AuthMethodNone}
	for registered, want := range map[string]string{
		storage.AuthMethodSecret: "[true true false false]", storage.AuthMethodBasic: "[true false false false]", storage.AuthMethodPost: "[false true false false]",
		storage.AuthMethodPrivateKey: "[false false true false]", storage.AuthMethodNone: "[false false false true]",
	} {
		var got []bool
		for _, method := range methods {
			got = append(got, (&storage.Client{AuthMethod: registered}).AuthenticatesBy(method))
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%s: %v, want %s", registered, got, want)
		}
	}
}

func TestNeedsPKCE(t *testing.T) {
	for _, tt := range []struct {
		client storage.Client
		want   bool
	}{
		{storage.Client{AuthMethod: storage.AuthMethodNone}, true}, {storage.Client{AuthMethod: storage.AuthMethodSecret}, false},
		{storage.Client{AuthMethod: storage.AuthMethodSecret, RequirePKCE: true}, true},
	} {
		if got := tt.client.NeedsPKCE(); got != tt.want {
			t.Errorf("%+v: %t", tt.client, got)
		}
	}
}

// TestRights has a row for each way in which a client may have the number, or the name, or may not.
func TestRights(t *testing.T) {
	const info, number = storage.ScopeNaturalPersonInfo, storage.ScopeNaturalPersonNumber
	for _, tt := range []struct {
		name          string
		client        storage.Client
		number, names bool
	}{
		{"nothing", storage.Client{}, false, false},
		{"the number, and with it the name", storage.Client{PersonalNumber: true}, true, true},
		{"profile", storage.Client{Scopes: []string{"profile"}}, false, true},
		{"info", storage.Client{Scopes: []string{info}}, false, true},
		{"a Swedish scope in the standard profile", storage.Client{Scopes: []string{number}}, false, false},
		{"Swedish, the setting of the others", storage.Client{Profile: storage.ProfileSwedish, PersonalNumber: true}, false, false},
		{"Swedish, number", storage.Client{Profile: storage.ProfileSwedish, Scopes: []string{number}}, true, false},
		{"Swedish, info", storage.Client{Profile: storage.ProfileSwedenConnect, Scopes: []string{info}}, false, true},
	} {
		if tt.client.MayHaveNumber() != tt.number || tt.client.MayHaveName() != tt.names {
			t.Errorf("%s: number %t, name %t", tt.name, tt.client.MayHaveNumber(), tt.client.MayHaveName())
		}
	}
	if c := (storage.Client{Scopes: []string{"email"}}); c.MayAsk("email") {
		t.Error("a scope that gives nothing may be asked for")
	}
	if c := (storage.Client{Claims: map[string]string{"email": "sub@a.example"}}); !c.MayAsk("email") {
		t.Error("the scope of a claim that was given may not be asked for")
	}
}

func TestGroupsOf(t *testing.T) {
	c := storage.Client{Groups: map[string]string{"staff": storage.GroupOfAll, "admins": "A b", "owners": "a", "none": ""}}
	for subject, want := range map[string]string{"A": "[admins staff]", "b": "[admins staff]", "a": "[owners staff]", "c": "[staff]", "": "[staff]", "A b": "[staff]", "everybody": "[staff]"} {
		if got := fmt.Sprint(c.GroupsOf(subject)); got != want {
			t.Errorf("%q: %s, want %s", subject, got, want)
		}
	}
}
