package storage

import (
	"slices"
	"strings"

	"brygga/secret"
)

// The names of keys that a client may know people by. Names, addresses and the number of a card are none: others have the same, or get it later.
const (
	// KeyPersonalNumber names the key that a personal number is.
	KeyPersonalNumber = "personalNumber"
	// KeyHSAID is the identifier of people who work in Swedish health care.
	KeyHSAID = "hsaId"
	// KeyEmployeeNumber is a number of an employer, and names nobody without its issuer.
	KeyEmployeeNumber = "employeeNumber"
	// KeyPrincipalName is the name of an account in a directory, in the form of an address.
	KeyPrincipalName = "userPrincipalName"
)

// PersonKeys returns the names of keys, those that last longest first.
func PersonKeys() []string {
	return []string{KeyPersonalNumber, KeyHSAID, KeyEmployeeNumber, KeyPrincipalName}
}

// PersonKey is something that a person is known by, beside the personal number: an identifier that an eID gives to nobody else.
type PersonKey struct {
	// Name is a fixed word of the eID, such as hsaId.
	Name string
	// Issuer is who gives out the value, where another may give out the same to somebody else; empty where nobody does.
	Issuer string
	Value  secret.String
}

// IsZero reports whether the key is of nobody.
func (k PersonKey) IsZero() bool { return k.Name == "" && k.Value.IsZero() }

// Equal reports whether both are the same key of the same person.
func (k PersonKey) Equal(other PersonKey) bool {
	return k.Name == other.Name && k.Issuer == other.Issuer && k.Value.Equal(other.Value)
}

// Hash returns the SHA-256 of the key with its name: of a personal number that of the number.
func (k PersonKey) Hash() [32]byte { return k.Person().Hash() }

// Own returns the key with texts of its own.
func (k PersonKey) Own() PersonKey {
	return PersonKey{strings.Clone(k.Name), strings.Clone(k.Issuer), secret.New(strings.Clone(k.Value.Reveal()))}
}

// Is reports whether the person has that key, with a value. A key without an issuer is that of any.
func (i *Identity) Is(key PersonKey) bool {
	own := i.Key(key.Name)
	if key.Issuer == "" {
		own.Issuer = ""
	}
	return !own.Value.IsZero() && own.Equal(key)
}

// KnownBy returns the first of the named keys that the person has; no names stand for the personal number. It returns false when there is
// none: nobody is known by a name, an address or another key than was asked for.
func (i *Identity) KnownBy(names []string) (PersonKey, bool) {
	if len(names) == 0 {
		return PersonKey{Name: KeyPersonalNumber, Value: i.PersonalNumber}, !i.PersonalNumber.IsZero()
	}
	for _, name := range names {
		if key := i.Key(name); !key.Value.IsZero() {
			return key, true
		}
	}
	return PersonKey{}, false
}

// Key returns the key of that name, zero for none.
func (i *Identity) Key(name string) PersonKey {
	if name == KeyPersonalNumber {
		return PersonKey{Name: name, Value: i.PersonalNumber}
	}
	for _, key := range i.Keys {
		if key.Name == name {
			return key
		}
	}
	return PersonKey{}
}

// SamePerson reports whether two identities are of one person for certain: by the personal number where there is one, whatever else two cards of
// somebody say, and where neither has one by all other keys.
func (i *Identity) SamePerson(other *Identity) bool {
	if !i.PersonalNumber.IsZero() || !other.PersonalNumber.IsZero() {
		return i.PersonalNumber.Equal(other.PersonalNumber)
	}
	return len(i.Keys) > 0 && i.SameKeys(other)
}

// SameKeys reports whether two identities have the same personal number and the same other keys, or none.
func (i *Identity) SameKeys(other *Identity) bool {
	return i.PersonalNumber.Equal(other.PersonalNumber) && slices.EqualFunc(i.Keys, other.Keys, PersonKey.Equal)
}

// Person returns what a pseudonym of the person is made from: the personal number, and for who has none the first other key.
func (i *Identity) Person() secret.String {
	if !i.PersonalNumber.IsZero() || len(i.Keys) == 0 {
		return i.PersonalNumber
	}
	return i.Keys[0].Person()
}

// Person returns what a pseudonym is made from of somebody who is known by the key: of no two keys it is the same.
func (k PersonKey) Person() secret.String {
	switch {
	case k.Name == KeyPersonalNumber:
		return k.Value
	case k.Issuer == "":
		return secret.New(k.Name + "\x00" + k.Value.Reveal())
	}
	return secret.New(k.Name + "\x00" + k.Value.Reveal() + "\x00" + k.Issuer)
}
