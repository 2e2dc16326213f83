package clients_test

import (
	"slices"
	"strings"
	"testing"

	"brygga/clients"
	"brygga/eid"
	"brygga/storage"
)

// TestWhatMethodsCannotDo: what a client may ask for and none of its eIDs does, or can be held to, is told when the client is registered or changed.
func TestWhatMethodsCannotDo(t *testing.T) {
	number := []string{storage.KeyPersonalNumber}
	identify, sign := storage.KindIdentify, storage.KindSign
	whole := clients.Method{Name: "whole", Keys: number, Traits: eid.Traits{
		Kinds: []storage.Kind{identify, sign}, Channels: []eid.Channel{eid.ChannelBrowser, eid.ChannelCall}, Demands: eid.Demands(),
	}}
	plain := clients.Method{Name: "plain", Keys: number, Traits: eid.Traits{Kinds: []storage.Kind{identify}, Channels: []eid.Channel{eid.ChannelBrowser}}}
	signs := clients.Method{Name: "signs", Keys: number, Traits: eid.Traits{Kinds: []storage.Kind{identify, sign}, Channels: []eid.Channel{eid.ChannelBrowser}}}
	calls := clients.Method{Name: "calls", Keys: number, Traits: eid.Traits{Kinds: []storage.Kind{identify}, Channels: []eid.Channel{eid.ChannelCall}}}
	signing, calling := []string{storage.ScopeOpenID, storage.ScopeSign}, func(c *storage.Client) { c.CIBA, c.PersonalNumber = storage.CIBAPoll, true }
	for name, test := range map[string]struct {
		methods []string
		change  func(*storage.Client)
		demand  storage.Policy // of the installation
		want    string         // the settings, and what of their values
	}{
		"a login by the first":                  {nil, nil, storage.Policy{}, ""},
		"an eID that is not there":              {[]string{"plain", "gone"}, nil, storage.Policy{}, "methods 1"},
		"one without logins on a page":          {[]string{"calls"}, nil, storage.Policy{}, "methods"},
		"a signature by none":                   {[]string{"plain"}, func(c *storage.Client) { c.Scopes = signing }, storage.Policy{}, "scopes"},
		"an approval by none":                   {[]string{"plain"}, func(c *storage.Client) { c.Scopes = []string{storage.ScopeSignApproval} }, storage.Policy{}, "scopes"},
		"a signature by one of two":             {[]string{"plain", "whole"}, func(c *storage.Client) { c.Scopes = signing }, storage.Policy{}, ""},
		"a signature without the code":          {[]string{"signs"}, func(c *storage.Client) { c.Scopes = signing }, storage.Policy{}, "policy.sign_pin_code"},
		"one that needs none":                   {[]string{"signs"}, func(c *storage.Client) { c.Scopes, c.Policy.SignPinCode = signing, "no" }, storage.Policy{}, ""},
		"one for which the code is demanded":    {[]string{"signs"}, func(c *storage.Client) { c.Scopes = signing }, storage.Policy{SignPinCode: "no"}, ""},
		"a call by none":                        {[]string{"plain"}, calling, storage.Policy{}, "ciba"},
		"a call by one of two":                  {[]string{"plain", "whole"}, calling, storage.Policy{}, ""},
		"a call by one that is held to nothing": {[]string{"plain", "calls"}, func(c *storage.Client) { calling(c); c.Policy.CardReader = "class1" }, storage.Policy{}, "policy.card_reader policy.card_reader"},
		"a document, of its only one":           {[]string{"plain"}, func(c *storage.Client) { c.Policy.MRTD = "yes" }, storage.Policy{}, "policy.mrtd"},
		"a reader, of its only one":             {[]string{"plain"}, func(c *storage.Client) { c.Policy.CardReader = "class2" }, storage.Policy{}, "policy.card_reader"},
		"a kind, of its only one":               {[]string{"plain"}, nil, storage.Policy{CertificatePolicies: []string{"1.2.3.4"}}, "policy.certificate_policies"},
		"the code, of one of two":               {[]string{"whole", "plain"}, nil, storage.Policy{PinCode: "yes"}, "methods 1"},
		"the code, of the first":                {nil, nil, storage.Policy{PinCode: "yes"}, ""},
		"an app without logins":                 {[]string{"calls"}, func(c *storage.Client) { c.RedirectURIs = nil }, storage.Policy{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := storage.Client{ID: "app", AuthMethod: storage.AuthMethodSecret, RedirectURIs: []string{"https://app.example.se/cb"}, Scopes: []string{storage.ScopeOpenID}, Methods: test.methods}
			if test.change != nil {
				test.change(&c)
			}
			var got []string
			for _, p := range clients.CheckMethods(&c, clients.Installation{Methods: []clients.Method{whole, plain, signs, calls}, Policy: test.demand}) {
				got = append(got, strings.TrimSpace(p.Key+" "+p.At))
				if sv := p.In("sv"); p.Problem == "" || p.Remedy == "" || sv.Problem == p.Problem || strings.Contains(p.Problem+sv.Problem, "{") {
					t.Errorf("it says %q, and in Swedish %q", p, sv)
				}
			}
			if slices.Sort(got); strings.Join(got, " ") != test.want {
				t.Errorf("wrong are %q, want %q", got, test.want)
			}
		})
	}
}

// TestMethodsOfPrograms: programs of a client whose eIDs have no orders for them are told so before they have a key.
func TestMethodsOfPrograms(t *testing.T) {
	api := []eid.Channel{eid.ChannelBrowser, eid.ChannelAPI}
	in := clients.Installation{Methods: []clients.Method{
		{Name: "page", Traits: eid.Traits{Kinds: []storage.Kind{storage.KindIdentify}, Channels: api[:1]}},
		{Name: "both", Traits: eid.Traits{Kinds: []storage.Kind{storage.KindIdentify}, Channels: api}},
	}}
	for name, test := range map[string]struct {
		client storage.Client
		want   int
	}{
		"the first":                          {storage.Client{}, 1},
		"none for programs":                  {storage.Client{Methods: []string{"page"}}, 1},
		"one for programs":                   {storage.Client{Methods: []string{"page", "both"}}, 0},
		"one that cannot be held to demands": {storage.Client{Methods: []string{"both"}, Policy: storage.Policy{MRTD: "yes"}}, 1},
	} {
		if got := clients.CheckOrders(&test.client, in); len(got) != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
