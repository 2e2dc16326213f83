package login_test

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"brygga/eid"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
)

// TestOffered: by which eIDs a login may be answered, and that no other makes an order for it.
func TestOffered(t *testing.T) {
	const high, low = "https://loa.example/high", "https://loa.example/low"
	both := []string{"fake", "tag"}
	offers := func(tag login.Offer) map[string]login.Offer {
		return map[string]login.Offer{"fake": {ACRValues: []string{high}}, "tag": tag}
	}
	asks := func(acr string, essential bool) storage.AuthRequest {
		return storage.AuthRequest{ACRValues: []string{acr}, ACR: acr, ACREssential: essential}
	}
	office := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for _, test := range []struct {
		name    string
		client  []string
		offers  map[string]login.Offer
		request storage.AuthRequest
		ip      string
		want    []string
	}{
		{"a client that names none has the first alone", nil, nil, storage.AuthRequest{}, "", []string{"fake"}},
		{"in the client's order", []string{"tag", "fake"}, nil, storage.AuthRequest{}, "", []string{"tag", "fake"}},
		{"one that is not there any more", []string{"gone", "tag"}, nil, storage.AuthRequest{}, "", []string{"tag"}},
		{"none that is there", []string{"gone"}, nil, storage.AuthRequest{}, "", nil},
		{"the one that the request names", both, nil, storage.AuthRequest{Method: "tag"}, "", []string{"tag"}},
		{"one that it names and the client has not", nil, nil, storage.AuthRequest{Method: "tag"}, "", nil},
		{"the level that is asked for", both, offers(login.Offer{ACRValues: []string{low}}), asks(low, false), "", []string{"tag"}},
		{"a level that is a wish", []string{"tag"}, offers(login.Offer{ACRValues: []string{low}}), asks(high, false), "", []string{"tag"}},
		{"a level that must be had", []string{"tag"}, offers(login.Offer{ACRValues: []string{low}}), asks(high, true), "", nil},
		{"a level that nobody asked for", both, offers(login.Offer{ACRValues: []string{low}}), storage.AuthRequest{ACR: high}, "", both},
		{"a scope that is asked for", both, offers(login.Offer{Scopes: []string{"staff"}}), storage.AuthRequest{Scopes: []string{"openid", "staff"}}, "", both},
		{"a scope that is not", both, offers(login.Offer{Scopes: []string{"staff"}}), storage.AuthRequest{Scopes: []string{"openid"}}, "", []string{"fake"}},
		{"a network", both, offers(login.Offer{Networks: office}), storage.AuthRequest{}, "10.1.2.3", both},
		{"a network, written as one of the other kind", both, offers(login.Offer{Networks: office}), storage.AuthRequest{}, "::ffff:10.1.2.3", both},
		{"another network", both, offers(login.Offer{Networks: office}), storage.AuthRequest{}, "192.0.2.1", []string{"fake"}},
		{"no address", both, offers(login.Offer{Networks: office}), storage.AuthRequest{}, "", []string{"fake"}},
		{"a device", both, offers(login.Offer{Devices: []string{login.DeviceComputer}}), storage.AuthRequest{}, "", both},
		{"another device", both, offers(login.Offer{Devices: []string{login.DevicePhone, login.DeviceTablet}}), storage.AuthRequest{}, "", []string{"fake"}},
		{"what is stepped up, by one that can be held to it", both, nil, storage.AuthRequest{StepUp: storage.Policy{MRTD: "yes"}}, "", []string{"fake"}},
		{"what is stepped up, by none", []string{"tag"}, nil, storage.AuthRequest{StepUp: storage.Policy{MRTD: "yes"}}, "", nil},
		{"a signature", both, nil, storage.AuthRequest{Kind: storage.KindSign}, "", []string{"fake"}},
		{"a telephone call", both, offers(login.Offer{Networks: office}), storage.AuthRequest{Call: &storage.Call{}, Program: &storage.Program{}}, "", []string{"fake"}},
		{"nowhere to be offered", []string{"tag"}, offers(login.Offer{Networks: office}), storage.AuthRequest{}, "192.0.2.1", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, _ := newTagHouse(t, func(o *login.Options) { o.Offers = test.offers })
				defer h.close()
				h.service.traits.Kinds = []storage.Kind{storage.KindIdentify, storage.KindSign}
				got := h.Offered(&storage.Client{Methods: test.client}, &test.request, storage.Starter{IP: test.ip})
				if !slices.Equal(got, test.want) {
					t.Errorf("offered are %q, want %q", got, test.want)
				}
			})
		})
	}
}

// TestDemandsOfPolicies: an eID that takes no notice of what the client or the installation demands of a login is not offered, by whichever way it was
// chosen, so that no login stands for what nobody was asked for.
func TestDemandsOfPolicies(t *testing.T) {
	for name, policy := range map[string]storage.Policy{
		"a document": {MRTD: "yes"}, "the security code": {PinCode: "yes"}, "a card reader": {CardReader: "class1"}, "a kind of eID": {CertificatePolicies: []string{"1.2.3.4"}},
	} {
		for _, whose := range []string{"client", "installation"} {
			t.Run(name+", by the "+whose, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h, tag := newTagHouse(t, func(o *login.Options) {
						if whose == "installation" {
							o.Policy = policy
						}
					})
					defer h.close()
					client := storage.Client{Methods: []string{"fake", "tag"}}
					if whose == "client" {
						client.Policy = policy
					}
					if got := h.Offered(&client, new(storage.AuthRequest), other); !slices.Equal(got, []string{"fake"}) {
						t.Errorf("of two are offered %q", got)
					}
					client.Methods = []string{"tag"}
					if got := h.Offered(&client, new(storage.AuthRequest), other); len(got) > 0 {
						t.Errorf("of one are offered %q", got)
					}
					l := h.asking(client.Policy)
					if _, err := h.Start(t.Context(), l.ID, byTag); !errors.Is(err, login.ErrNoOrders) || tag.orders() != 0 {
						t.Errorf("an order by it: %v", err)
					}
				})
			})
		}
	}
}

// TestDemandsOfSignatures: the security code is demanded of signatures where nobody says otherwise, and an eID that cannot be held to it makes none.
func TestDemandsOfSignatures(t *testing.T) {
	for name, test := range map[string]struct {
		heeds  []eid.Demand
		policy storage.Policy
		stepUp storage.Policy
		risk   bool
		want   int
	}{
		"by default":                    {nil, storage.Policy{}, storage.Policy{}, false, 0},
		"by the client":                 {nil, storage.Policy{SignPinCode: "yes"}, storage.Policy{}, false, 0},
		"of logins alone":               {nil, storage.Policy{SignPinCode: "no", PinCode: "yes"}, storage.Policy{}, false, 1},
		"by nobody":                     {nil, storage.Policy{SignPinCode: "no"}, storage.Policy{}, false, 1},
		"by the request":                {nil, storage.Policy{SignPinCode: "no"}, storage.Policy{SignPinCode: "yes"}, false, 0},
		"of an eID that always does":    {[]eid.Demand{eid.DemandSignPinCode}, storage.Policy{}, storage.Policy{}, false, 1},
		"of an eID that does at logins": {[]eid.Demand{eid.DemandPinCode}, storage.Policy{}, storage.Policy{}, false, 0},
		"a risk, of one that has none":  {nil, storage.Policy{SignPinCode: "no"}, storage.Policy{ModerateRisk: "refuse"}, false, 0},
		"a high risk, of such a one":    {nil, storage.Policy{SignPinCode: "no"}, storage.Policy{HighRisk: "refuse"}, false, 0},
		"a risk, of one that has some":  {nil, storage.Policy{SignPinCode: "no"}, storage.Policy{ModerateRisk: "refuse"}, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			h, tag := newTagHouse(t, func(o *login.Options) {
				tag := o.Methods[1].(*service)
				tag.traits.Kinds, tag.traits.Demands, tag.traits.Risk = []storage.Kind{storage.KindIdentify, storage.KindSign}, test.heeds, test.risk
			})
			defer h.close()
			request := storage.AuthRequest{Kind: storage.KindSign, StepUp: test.stepUp}
			got := h.Offered(&storage.Client{Methods: []string{tag.name}, Policy: test.policy}, &request, byTag)
			if len(got) != test.want {
				t.Errorf("offered are %q, want %d", got, test.want)
			}
		})
	}
}

// TestRenewalOfWhatIsDemanded: an order gives way to no other of an eID that takes no notice of what the client demands by then.
func TestRenewalOfWhatIsDemanded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, tag := newTagHouse(t, func(o *login.Options) { o.Methods[1].(*service).traits.RenewAfter = time.Minute })
		defer h.close()
		l := h.started(byTag)
		client, err := h.store.Client(t.Context(), "app")
		if err != nil {
			t.Fatal(err)
		}
		client.Policy.MRTD = "yes"
		if err := h.store.UpdateClient(t.Context(), *client); err != nil {
			t.Fatal(err)
		}
		l = h.after(2*time.Minute, l)
		if h.wantState(l, storage.LoginFailed, login.ReasonUnmet); tag.orders() != 1 {
			t.Errorf("%d orders were made", tag.orders())
		}
	})
}

// TestOnlyWhatIsOffered: what a browser names is an eID of its login, or no order is made.
func TestOnlyWhatIsOffered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, tag := newTagHouse(t, func(o *login.Options) {
			o.Offers = map[string]login.Offer{"tag": {Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}
		})
		defer h.close()
		for _, starter := range []storage.Starter{{IP: "10.0.0.1", Method: "none"}, {IP: "192.0.2.1", Method: "tag"}} {
			l := h.begin()
			if _, err := h.Start(t.Context(), l.ID, starter); !errors.Is(err, login.ErrNoOrders) {
				t.Errorf("an order by %q: %v", starter.Method, err)
			}
			h.wantState(h.after(0, l), storage.LoginOpen, "")
		}
		if h.service.orders()+tag.orders() != 0 {
			t.Error("an order was made")
		}
	})
}

// TestFirstOfTheClient: an order for which nobody has chosen is one of the client's first eID.
func TestFirstOfTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, tag := newTagHouse(t, nil)
		defer h.close()
		client, err := h.store.Client(t.Context(), "app")
		if err != nil {
			t.Fatal(err)
		}
		client.Methods = []string{"tag"}
		if err := h.store.UpdateClient(t.Context(), *client); err != nil {
			t.Fatal(err)
		}
		if l := h.started(other); l.Order.Method != "tag" || tag.orders() != 1 || h.service.orders() != 0 {
			t.Errorf("the order is one of %q", l.Order.Method)
		}
	})
}

// TestWhatOneEIDCannotSign: a text that one of the client's eIDs cannot show as it is, or to the one person alone, is for the others: then and later.
func TestWhatOneEIDCannotSign(t *testing.T) {
	sign := func(text, format string) storage.AuthRequest {
		return storage.AuthRequest{ClientID: "app", Sign: &storage.SignRequest{Message: storage.UserMessage{Text: map[string]string{"": text}, Format: format}, Data: []byte("data")}}
	}
	one := sign("Box 7", "")
	one.RequiredPersonalNumber = secret.New("191212121212")
	for name, test := range map[string]struct {
		request storage.AuthRequest
		want    []string
	}{
		"what both show":     {sign("Box 7", ""), []string{"fake", "tag"}},
		"marks":              {sign("Box *7*", "simpleMarkdownV1"), []string{"fake"}},
		"a long text":        {sign("Box 7, by the door", ""), []string{"fake"}},
		"what is not shown":  {sign("\tBox 7", ""), []string{"fake"}},
		"for one person":     {one, []string{"fake"}},
		"what none can show": {sign(string(make([]byte, 40_000)), ""), nil},
	} {
		t.Run(name, func(t *testing.T) {
			h, tag := newTagHouse(t, func(o *login.Options) {
				traits := &o.Methods[1].(*service).traits
				traits.Kinds, traits.Demands = []storage.Kind{storage.KindIdentify, storage.KindSign}, []eid.Demand{eid.DemandSignPinCode}
				traits.Texts[storage.KindSign] = eid.TextLimits{Bytes: 10, Shows: func(text string) bool { return text[0] != '\t' }}
			})
			defer h.close()
			client, err := h.store.Client(t.Context(), "app")
			if err != nil {
				t.Fatal(err)
			}
			if got := h.Offered(client, &test.request, byTag); !slices.Equal(got, test.want) {
				t.Errorf("before it is stored: %q", got)
			}
			l, err := h.Create(t.Context(), test.request, secret.New("binding"), "192.0.2.1")
			if len(test.want) == 0 {
				if !errors.Is(err, login.ErrNoOrders) {
					t.Errorf("what nobody can show: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := h.Offered(client, l.Request, byTag); !slices.Equal(got, test.want) {
				t.Errorf("when it is stored: %q", got)
			}
			if _, err := h.Start(t.Context(), l.ID, byTag); (err == nil) != slices.Contains(test.want, "tag") || err != nil && tag.orders() > 0 {
				t.Errorf("an order by one that cannot: %v", err)
			}
		})
	}
}
