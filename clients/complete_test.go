package clients_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brygga/clients"
	"brygga/storage"
)

// TestComplete asserts every default of a client, by its profile.
func TestComplete(t *testing.T) {
	person := []string{storage.ScopeNaturalPersonInfo, storage.ScopeNaturalPersonNumber}
	for name, tt := range map[string]struct{ given, want storage.Client }{
		"standard": {
			storage.Client{ID: "app", RedirectURIs: []string{"https://a.example/"}},
			storage.Client{ID: "app", Name: "app", AuthMethod: storage.AuthMethodSecret, IDTokenAlg: storage.RS256, SubjectType: storage.SubjectPairwise, Sector: "a.example", RedirectURIs: []string{"https://a.example/"}},
		},
		"swedish": {
			storage.Client{ID: "app", Profile: storage.ProfileSwedish, IDTokenAlg: storage.RS256},
			storage.Client{ID: "app", Name: "app", Profile: storage.ProfileSwedish, AuthMethod: storage.AuthMethodPrivateKey, IDTokenAlg: storage.RS256, UserinfoAlg: storage.RS256, SubjectType: storage.SubjectPublic, Scopes: person},
		},
		"swedenconnect, with words of its own": {
			storage.Client{ID: "app", Profile: storage.ProfileSwedenConnect, UserinfoAlg: storage.ES384, Scopes: []string{"profile"}, AuthMethod: storage.AuthMethodNone},
			storage.Client{ID: "app", Name: "app", Profile: storage.ProfileSwedenConnect, AuthMethod: storage.AuthMethodNone, IDTokenAlg: storage.RS256, UserinfoAlg: storage.ES384, SubjectType: storage.SubjectPublic, Scopes: []string{"profile"}},
		},
		"encryption": {
			storage.Client{ID: "app", IDTokenEncryption: storage.Encryption{Alg: "ECDH-ES"}, UserinfoEncryption: storage.Encryption{Enc: "A128GCM"}},
			storage.Client{ID: "app", Name: "app", AuthMethod: storage.AuthMethodSecret, IDTokenAlg: storage.RS256, SubjectType: storage.SubjectPairwise, IDTokenEncryption: storage.Encryption{Alg: "ECDH-ES", Enc: "A128CBC-HS256"}},
		},
		"encryption of its own": {
			storage.Client{ID: "app", UserinfoEncryption: storage.Encryption{Alg: "ECDH-ES", Enc: "A256GCM"}},
			storage.Client{ID: "app", Name: "app", AuthMethod: storage.AuthMethodSecret, IDTokenAlg: storage.RS256, SubjectType: storage.SubjectPairwise, UserinfoEncryption: storage.Encryption{Alg: "ECDH-ES", Enc: "A256GCM"}},
		},
	} {
		c := tt.given
		clients.Complete(&c)
		if diff := cmp.Diff(tt.want, c); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestSectorOfRedirectURIs(t *testing.T) {
	for name, tt := range map[string]struct {
		c    storage.Client
		want string
	}{
		"the one host":        {storage.Client{RedirectURIs: []string{"https://a.example/1", "https://a.example:8443/2"}}, "a.example"},
		"two hosts":           {storage.Client{RedirectURIs: []string{"https://a.example/", "https://b.example/"}}, ""},
		"beside loopback":     {storage.Client{RedirectURIs: []string{"http://127.0.0.1/", "https://localhost/", "https://b.example/"}}, "b.example"},
		"beside an app's own": {storage.Client{RedirectURIs: []string{"se.example.app://host/", "http://c.example/", "https://b.example/"}}, "b.example"},
		"beside none":         {storage.Client{RedirectURIs: []string{"https://%zz/", "https://b.example/"}}, "b.example"},
		"the document's":      {storage.Client{SectorIdentifierURI: "https://g.example:8443/s", RedirectURIs: []string{"https://a.example/"}}, "g.example"},
		"given":               {storage.Client{Sector: "mine", RedirectURIs: []string{"https://a.example/"}}, "mine"},
		"public":              {storage.Client{SubjectType: storage.SubjectPublic, RedirectURIs: []string{"https://a.example/"}}, ""},
	} {
		if clients.Derive(&tt.c); tt.c.Sector != tt.want {
			t.Errorf("%s: the sector is %q, want %q", name, tt.c.Sector, tt.want)
		}
	}
}

// Messages quote what was given, but not all of what is long, and never half a letter.
func TestMessagesAreShort(t *testing.T) {
	for name, want := range map[string]string{
		strings.Repeat("x", 98) + "/#": `"` + strings.Repeat("x", 98) + `/#" has no scheme`,
		strings.Repeat("x", 99) + "/#": `"` + strings.Repeat("x", 99) + `/"… (101 bytes) has no scheme`,
	} {
		if found := redirect(name, false); len(found) != 1 || found[0].Problem != want {
			t.Errorf("%v, want %s", found, want)
		}
	}
	if found := redirect(strings.Repeat("x", 99)+"å", false); len(found) != 1 || !strings.HasPrefix(found[0].Problem, `"`+strings.Repeat("x", 99)+`"… (101 bytes)`) {
		t.Errorf("%v", found)
	}
}

// A word that is nearly one of those that there are is answered with that one.
func TestNearWordsAreNamed(t *testing.T) {
	c := sound()
	c.Scopes = []string{"profil", "nonsense"}
	found := clients.Check(&c)
	if len(found) != 2 || found[0].Remedy != "did you mean profile?" || !strings.HasPrefix(found[1].Remedy, "write some of profile, offline_access") {
		t.Errorf("%v", found)
	}
	err := clients.SetPolicy(&storage.Policy{}, "min_age=18")
	if p, ok := err.(clients.Problem); !ok || p.Remedy != "did you mean minimum_age?" {
		t.Errorf("%v", err)
	}
}
