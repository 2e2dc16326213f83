package clients

import (
	"slices"
	"strings"

	"brygga/eid"
	"brygga/storage"
)

// asking is something that a client may ask for, by the setting that lets it.
type asking struct {
	key     string
	kind    storage.Kind
	channel eid.Channel
}

// none says that no eID of the client's does that.
func (u asking) none() code {
	switch {
	case u.channel == eid.ChannelCall:
		return "method.no-calls"
	case u.kind == storage.KindSign:
		return "method.no-signatures"
	}
	return "method.no-logins"
}

func usesOf(c *storage.Client) (uses []asking) {
	if len(c.RedirectURIs) > 0 {
		uses = append(uses, asking{"methods", storage.KindIdentify, eid.ChannelBrowser})
	}
	if c.MaySign() {
		uses = append(uses, asking{"scopes", storage.KindSign, eid.ChannelBrowser})
	}
	if c.MayNamePeople() {
		uses = append(uses, asking{"ciba", storage.KindIdentify, eid.ChannelCall})
	}
	return uses
}

// checkUses holds what a client may ask for against what its eIDs do, and what they can be held to.
func checkUses(c *storage.Client, in Installation) (found Problems) {
	mine, policy := methodsOf(c, in.Methods), c.Policy.Over(in.Policy)
	var working []string
	for _, u := range usesOf(c) {
		able := slices.DeleteFunc(slices.Clone(mine), func(m Method) bool { return !m.Does(u.kind, u.channel) })
		held := slices.DeleteFunc(slices.Clone(able), func(m Method) bool { return len(m.Unheeded(u.kind, policy)) > 0 })
		switch {
		case len(able) == 0:
			found = append(found, Fault(u.key, u.none(), strings.Join(names(mine), ", ")))
		case len(held) == 0:
			found = append(found, Fault("policy."+string(able[0].Unheeded(u.kind, policy)[0]), "method.unheeded", strings.Join(names(able), ", ")))
		}
		working = append(working, names(held)...)
	}
	if len(found) > 0 {
		return found
	}
	for i, name := range c.Methods {
		m := in.Methods[slices.Index(names(in.Methods), name)]
		if demands := m.Unheeded(storage.KindIdentify, policy); len(demands) > 0 && !slices.Contains(working, name) {
			found = append(found, Fault("methods", "method.idle", quote(name), "policy."+string(demands[0])).at(i))
		}
	}
	return found
}

// CheckOrders returns what is wrong with a client whose programs are to make orders: none of its eIDs has orders of programs, or can be held to what is
// demanded of it.
func CheckOrders(c *storage.Client, in Installation) Problems {
	policy := c.Policy.Over(in.Policy)
	if len(in.Methods) == 0 || slices.ContainsFunc(methodsOf(c, in.Methods), func(m Method) bool {
		return m.Does(storage.KindIdentify, eid.ChannelAPI) && len(m.Unheeded(storage.KindIdentify, policy)) == 0
	}) {
		return nil
	}
	return Problems{Fault("scopes", "method.no-programs", quote(c.ID), strings.Join(names(methodsOf(c, in.Methods)), ", "))}
}
