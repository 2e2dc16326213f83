package eid

import "brygga/storage"

// Naming is how people are named whom a service asks on another device, where no code or link leads to them. Whoever knows the name of a person could
// have that person asked, so an engine allows it where it is told to, and lets nobody see from an order who has a credential.
type Naming struct {
	// Kinds are what a person may be named by, the usual one first: words of the texts, such as personalNumber.
	Kinds []string
	// Read returns who is meant by what somebody has typed, whether there is such a person or not, or false when it is of none of the kinds.
	Read func(typed string) (storage.PersonKey, bool)
	// App is what the app calls whoever asks, so that a page can say it; empty where that is not known.
	App string
}
