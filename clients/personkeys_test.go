package clients_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"brygga/clients"
	"brygga/eid"
	"brygga/storage"
)

var onPages = eid.Traits{Kinds: []storage.Kind{storage.KindIdentify}, Channels: []eid.Channel{eid.ChannelBrowser}}

// twoEIDs are an installation's: one names people by the personal number alone, the other may do so by two more keys.
var twoEIDs = []clients.Method{
	{Name: "bankid", Keys: []string{storage.KeyPersonalNumber}, Traits: onPages},
	{Name: "card", Keys: []string{storage.KeyHSAID, storage.KeyPrincipalName}, Traits: onPages},
}

// TestPersonKeys: what nobody is known by is refused, with the key in question.
func TestPersonKeys(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "",
		"personalNumber,hsaId":        "",
		"hsaId userPrincipalName":     "",
		"hsaID":                       `policy.person_keys: "hsaID" is nothing that people are known by - did you mean hsaId`,
		"email":                       `policy.person_keys: "email" is nothing that people are known by: others have the same`,
		"hsaId,Name":                  `policy.person_keys: "Name" is nothing that people are known by: others have the same`,
		"hsaId,personalNumber,hsaId":  `policy.person_keys: "hsaId" stands more than once`,
		"tagId":                       `policy.person_keys: "tagId" is nothing that people are known by - write`,
		"employeeNumber,serialNumber": `policy.person_keys: "serialNumber" is nothing that people are known by`,
	} {
		c := clients.New("app")
		c.RedirectURIs, c.AuthMethod = []string{"https://a.example/cb"}, storage.AuthMethodNone
		if err := clients.SetPolicy(&c.Policy, "person_keys="+text); err != nil {
			t.Fatal(err)
		}
		clients.Complete(&c)
		found := clients.Check(&c)
		if got := found.Error(); (got == "") != (want == "") || !strings.HasPrefix(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	policy := storage.Policy{PersonKeys: []string{storage.KeyHSAID}}
	if len(clients.CheckPolicy(&policy)) != 0 || len(clients.CheckInstallationPolicy(&policy)) != 1 {
		t.Error("an installation may change the sub of everybody")
	}
}

// TestKeysThatNoEIDHas: a client is refused whose eIDs can name nobody whom it would know, and told of a single one that cannot.
func TestKeysThatNoEIDHas(t *testing.T) {
	for name, test := range map[string]struct {
		methods, keys   []string
		refused, broken bool
		advice          []string
	}{
		"neither named":              {nil, nil, false, false, nil},
		"a number of the first":      {nil, []string{storage.KeyPersonalNumber}, false, false, nil},
		"an HSA-ID of the first":     {nil, []string{storage.KeyHSAID}, true, true, nil},
		"a number of the second":     {[]string{"card"}, nil, true, true, nil},
		"an HSA-ID of the second":    {[]string{"card"}, []string{storage.KeyHSAID}, false, false, nil},
		"an HSA-ID of one of both":   {[]string{"card", "bankid"}, []string{storage.KeyHSAID}, false, true, nil},
		"each of both by its own":    {[]string{"card", "bankid"}, []string{storage.KeyPersonalNumber, storage.KeyHSAID}, false, false, nil},
		"two people of one":          {[]string{"card", "bankid"}, []string{storage.KeyHSAID, storage.KeyPersonalNumber}, false, false, []string{"personalNumber stands first, so that somebody with several eIDs is one person to the app"}},
		"an account":                 {[]string{"card"}, []string{storage.KeyHSAID, storage.KeyPrincipalName}, false, false, []string{"nobody is known by an account that may be given to somebody else"}},
		"an eID that is not there":   {[]string{"freja"}, []string{storage.KeyHSAID}, true, false, nil},
		"a number of neither of two": {[]string{"card", "bankid"}, []string{storage.KeyEmployeeNumber}, true, true, nil},
	} {
		c := clients.New("app")
		c.RedirectURIs, c.Methods, c.Policy.PersonKeys = []string{"https://a.example/cb"}, test.methods, test.keys
		clients.Complete(&c)
		if found := clients.CheckMethods(&c, clients.Installation{Methods: twoEIDs}); (len(found) > 0) != test.refused {
			t.Errorf("%s: %v", name, found)
		}
		broken, advice := false, []string(nil)
		for _, r := range clients.CheckProfile(&c, clients.Installation{Methods: twoEIDs}) {
			if r.Key == "policy.person_keys" && r.Broken {
				if broken = broken || r.Must; !r.Must {
					advice = append(advice, r.Rule)
				}
			}
		}
		if broken != test.broken || !slices.Equal(advice, test.advice) {
			t.Errorf("%s: broken %t, advice %q", name, broken, advice)
		}
	}
	old := clients.New("app")
	old.Policy = storage.Policy{PersonKeys: []string{storage.KeyPersonalNumber, storage.KeyHSAID}, MinimumAge: 18}
	if !slices.ContainsFunc(clients.CheckProfile(&old, clients.Installation{}), func(r clients.Rule) bool { return r.Key == "policy.minimum_age" && r.Broken && !r.Must }) {
		t.Error("nothing is said of an age limit for people who have no personal number")
	}
}

// TestRegistryKnowsTheKeys: a client whose keys no eID has is not stored.
func TestRegistryKnowsTheKeys(t *testing.T) {
	h := newHarness(t)
	h.options.Installation.Methods = twoEIDs
	r, err := clients.NewRegistry(h.options)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Add(context.Background(), "admin", "app", func(c *storage.Client) error {
		c.RedirectURIs, c.Policy.PersonKeys = []string{"https://a.example/cb"}, []string{storage.KeyHSAID}
		return nil
	})
	if problems, ok := errors.AsType[clients.Problems](err); !ok || len(problems) != 1 || problems[0].Key != "policy.person_keys" {
		t.Errorf("it was registered: %v", err)
	}
}
