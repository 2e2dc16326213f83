package clients

import (
	"slices"
	"strconv"
	"strings"

	"brygga/eid"
	"brygga/storage"
)

// methods refuses a list of eIDs that offers one twice, or one by a name that there cannot be.
func (p *problems) methods(names []string) {
	p.each(names, func(i int, name string) {
		switch {
		case slices.Contains(names[:i], name):
			p.add("methods", "method.twice", quote(name))
		case len(name) > MaxName || strings.ContainsFunc(name, func(r rune) bool { return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-') }):
			p.add("methods", "method.name", quote(name))
		}
	})
}

// Method is an eID of an installation.
type Method struct {
	Name string
	// Keys are those by which it may name somebody, some of storage.PersonKeys.
	Keys []string
	eid.Traits
}

// CheckMethods returns what is wrong with the eIDs of a client in an installation: those that it has not got, keys of people that none of the client's has, what the
// client may ask for and none of its eIDs does, and those that it names for nothing, as they cannot be held to what is demanded of it. In an installation of
// which no eIDs are known nothing else can be said.
func CheckMethods(c *storage.Client, in Installation) (found Problems) {
	known := names(in.Methods)
	for i, name := range c.Methods {
		if !slices.Contains(known, name) {
			found = append(found, Fault("methods", "method.unknown", quote(name)).Near(name, known).at(i))
		}
	}
	if len(found) > 0 || len(known) == 0 {
		return found
	}
	if keys, own := keysOf(c), methodsOf(c, in.Methods); !slices.ContainsFunc(own, namesBy(keys)) {
		found = append(found, Fault("policy."+personKeys, "key.unmet", strings.Join(keys, ", "), strings.Join(own[0].Keys, ", ")))
	}
	return append(found, checkUses(c, in)...)
}

func (p Problem) at(i int) Problem {
	p.At = strconv.Itoa(i)
	return p
}

func names(methods []Method) []string {
	names := make([]string, len(methods))
	for i, m := range methods {
		names[i] = m.Name
	}
	return names
}
