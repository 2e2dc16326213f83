package storage_test

import (
	"errors"
	"testing"

	"brygga/secret"
	"brygga/storage"
)

// TestAnotherPersonIsAnotherWish: who has named somebody else while the first order is being made means the second one; the same name again is a second click.
func TestAnotherPersonIsAnotherWish(t *testing.T) {
	asked := other
	asked.Person = storage.PersonKey{Name: "hsaId", Value: secret.New("SE1")}
	for name, c := range map[string]struct {
		person storage.PersonKey
		want   error
	}{
		"the same":                {storage.PersonKey{Name: "hsaId", Value: secret.New("SE1")}, storage.ErrBusy},
		"another":                 {storage.PersonKey{Name: "hsaId", Value: secret.New("SE2")}, nil},
		"another of another kind": {storage.PersonKey{Name: "mail", Value: secret.New("SE1")}, nil},
		"nobody":                  {storage.PersonKey{}, nil},
	} {
		l := pending(open)
		l.Claim = storage.Claim{ID: "c1", At: t0, Starter: asked}
		next := storage.Claim{ID: "c2", At: t0, Starter: asked}
		next.Starter.Person = c.person
		if err := l.BeginOrder(next); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAnswerForgetsWhoWasAsked: an answered login says of nobody who it was.
func TestAnswerForgetsWhoWasAsked(t *testing.T) {
	l := pending()
	l.Order.Starter.Person = storage.PersonKey{Name: "hsaId", Value: secret.New("SE1")}
	before := l.Order
	if err := l.RefuseLogin(); err != nil || !l.Order.Starter.Person.IsZero() || before.Starter.Person.IsZero() {
		t.Errorf("it is known still, or the order was changed that others have: %v", err)
	}
}

// TestKeysOfPeople: a key is its owner's alone, by its name and its value.
func TestKeysOfPeople(t *testing.T) {
	key := func(name, value string) storage.PersonKey {
		return storage.PersonKey{Name: name, Value: secret.New(value)}
	}
	kim := storage.Identity{PersonalNumber: secret.New("199001012385"), Keys: []storage.PersonKey{key("hsaId", "SE1"), key("mail", ""), {Name: "number", Issuer: "A", Value: secret.New("7")}}}
	for _, c := range []struct {
		key  storage.PersonKey
		want bool
	}{
		{key(storage.KeyPersonalNumber, "199001012385"), true}, {key("hsaId", "SE1"), true},
		{key("hsaId", "SE2"), false}, {key("hsaId", ""), false}, {key("mail", ""), false}, {key("mail", "SE1"), false}, {key("", "SE1"), false}, {storage.PersonKey{}, false},
		{key("number", "7"), true}, {storage.PersonKey{Name: "number", Issuer: "B", Value: secret.New("7")}, false},
		{storage.PersonKey{Name: "hsaId", Issuer: "A", Value: secret.New("SE1")}, false},
	} {
		if kim.Is(c.key) != c.want {
			t.Errorf("%s %q is hers: %t", c.key.Name, c.key.Value.Reveal(), !c.want)
		}
	}
	if key("hsaId", "SE1").Hash() == key("mail", "SE1").Hash() || key("hsaId", "SE1").Hash() == key("hsaId", "SE2").Hash() ||
		key(storage.KeyPersonalNumber, "1").Hash() != secret.New("1").Hash() {
		t.Error("different keys have the same sum")
	}
}
