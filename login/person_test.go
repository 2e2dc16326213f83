package login_test

import (
	"testing"
	"testing/synctest"
	"time"

	"brygga/eid"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
)

// TestAskedPerson: an order for somebody who was named is completed by that person alone, by that key, and by nobody who lacks it.
func TestAskedPerson(t *testing.T) {
	named := func(name, value string) storage.PersonKey {
		return storage.PersonKey{Name: name, Value: secret.New(value)}
	}
	nameless := holder("T1")
	nameless.Keys = []storage.PersonKey{{Name: "tagId"}, {Name: "badge", Value: secret.New("T1")}}
	for name, c := range map[string]struct {
		asked    storage.PersonKey
		identity storage.Identity
		want     string
	}{
		"who was asked":              {named("tagId", "T1"), holder("T1"), ""},
		"another one":                {named("tagId", "T1"), holder("T2"), login.ReasonOtherPerson},
		"the same under another key": {named("tagId", "T1"), nameless, login.ReasonOtherPerson},
		"a key that nobody has":      {named("email", "T1"), holder("T1"), login.ReasonOtherPerson},
		"a key without a name":       {named("", "T1"), holder("T1"), login.ReasonOtherPerson},
		"a key without a value":      {named("tagId", ""), nameless, login.ReasonOtherPerson},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, tag := newTagHouse(t, func(o *login.Options) { o.Policy.PersonKeys = []string{"tagId", "badge"} })
				defer h.close()
				tag.set(1, complete(c.identity), nil)
				l, err := h.Create(t.Context(), storage.AuthRequest{ClientID: "app"}, secret.New("binding"), "192.0.2.1")
				if err != nil {
					t.Fatal(err)
				}
				by := byTag
				by.Device, by.Person = storage.DeviceOther, c.asked
				if l, err = h.Start(t.Context(), l.ID, by); err != nil {
					t.Fatal(err)
				}
				if r := tag.request(1); !r.Required.Equal(c.asked) {
					t.Errorf("the service was asked for a person known by %q", r.Required.Name)
				}
				if l = h.after(4*time.Second, l); l.Failure.Reason != c.want || (l.State == storage.LoginComplete) != (c.want == "") {
					t.Errorf("login is %s (%q), want %q", l.State, l.Failure.Reason, c.want)
				}
			})
		})
	}
}

// TestBankIDKnowsNobodyByAnotherKey: no order is made that anybody could complete in place of the one who is wanted.
func TestBankIDKnowsNobodyByAnotherKey(t *testing.T) {
	m, _ := newBankID(t, nil)
	_, err := m.Start(t.Context(), eid.Request{
		Kind: storage.KindIdentify, Channel: eid.ChannelBrowser, Starter: other, Required: storage.PersonKey{Name: "hsaId", Value: secret.New("SE1")},
	})
	if fault, ok := err.(*eid.Fault); !ok || fault.Reason != login.ReasonRejected {
		t.Errorf("it says %v", err)
	}
}
