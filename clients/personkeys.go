package clients

import (
	"slices"
	"strings"

	"brygga/storage"
)

// personKeys refuses what nobody is known by: names, addresses, words that are none, and one that stands twice.
func (p *problems) personKeys(names []string) {
	known := storage.PersonKeys()
	p.each(names, func(i int, name string) {
		switch {
		case slices.Contains(names[:i], name):
			p.add(personKeys, "key.twice", quote(name))
		case strings.EqualFold(name, storage.ClaimEmail) || strings.EqualFold(name, storage.SourceName):
			p.add(personKeys, "key.shared", quote(name))
		case !slices.Contains(known, name):
			p.suggest(personKeys, "key.unknown", name, known)
		}
	})
}

// CheckInstallationPolicy returns everything that is wrong with a policy that is not one client's.
func CheckInstallationPolicy(policy *storage.Policy) []Problem {
	p := CheckPolicy(policy)
	if len(policy.PersonKeys) > 0 {
		p = append(p, Fault(personKeys, "key.everybody"))
	}
	return p
}

// keysOf returns the keys by which a client knows people.
func keysOf(c *storage.Client) []string {
	if len(c.Policy.PersonKeys) == 0 {
		return []string{storage.KeyPersonalNumber}
	}
	return c.Policy.PersonKeys
}

// methodsOf returns those of all that a client has.
func methodsOf(c *storage.Client, all []Method) (own []Method) {
	if len(c.Methods) == 0 {
		return all[:min(len(all), 1)]
	}
	for _, m := range all {
		if slices.Contains(c.Methods, m.Name) {
			own = append(own, m)
		}
	}
	return own
}

// namesBy returns a function that reports whether an eID may name somebody by one of the keys.
func namesBy(keys []string) func(Method) bool {
	return func(m Method) bool {
		return slices.ContainsFunc(keys, func(key string) bool { return slices.Contains(m.Keys, key) })
	}
}

// keyRules are what is to be said of the keys by which a client knows people.
var keyRules = []rule{
	{
		OwnRules, "policy." + personKeys, true, "rule.keys", nil, func(c *storage.Client, in Installation) bool {
			named := namesBy(keysOf(c))
			return !slices.ContainsFunc(methodsOf(c, in.Methods), func(m Method) bool { return !named(m) })
		},
	},
	{
		OwnRules, "policy." + personKeys, false, "rule.keys-number", nil, func(c *storage.Client, _ Installation) bool {
			return slices.Index(keysOf(c), storage.KeyPersonalNumber) < 1
		},
	},
	{
		OwnRules, "policy." + personKeys, false, "rule.keys-account", nil, func(c *storage.Client, _ Installation) bool {
			return !slices.Contains(keysOf(c), storage.KeyPrincipalName)
		},
	},
	{
		OwnRules, "policy.minimum_age", false, "rule.keys-age", nil, func(c *storage.Client, _ Installation) bool {
			return c.Policy.MinimumAge == 0 || slices.Equal(keysOf(c), []string{storage.KeyPersonalNumber})
		},
	},
}
