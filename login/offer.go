package login

import (
	"net/netip"
	"slices"

	"brygga/eid"
	"brygga/storage"
)

// Offer says for which logins a method is offered. Of each list that is not empty, one must be the login's.
type Offer struct {
	// ACRValues are the acr values that its logins may be given, against the one that the request asks for. A request that only wishes for it
	// goes to others where no method has it.
	ACRValues []string
	// Scopes are those that the request asks for.
	Scopes []string
	// Devices are what shows the page: DevicePhone, DeviceTablet or DeviceComputer.
	Devices []string
	// Networks are where the browser is.
	Networks []netip.Prefix
}

// The values of Offer.Devices.
const (
	DevicePhone    = "phone"
	DeviceTablet   = "tablet"
	DeviceComputer = "computer"
)

// Devices returns the values of Offer.Devices.
func Devices() []string { return []string{DevicePhone, DeviceTablet, DeviceComputer} }

// Offered returns the names of the methods by which the browser of starter may answer a login with the request, in the order in which they are
// offered: of those that the client names, or of the first that is configured where it names none. There may be none. The list
// must not be changed.
func (e *Engine) Offered(client *storage.Client, request *storage.AuthRequest, starter storage.Starter) []string {
	names := e.namesOf(client)
	policy, _ := e.demandsFor(client, request)
	if len(names) == 1 && e.offers(names[0], policy, request, starter) && e.gives(names[0], request) {
		return names[:1:1]
	}
	return e.fitting(names, policy, request, starter)
}

// namesOf returns the names of the client's methods: those that it names, else the first that is configured.
func (e *Engine) namesOf(client *storage.Client) []string {
	if len(client.Methods) == 0 {
		return e.usual
	}
	return client.Methods
}

// chosen returns the method of an order that starter asks for, empty for the first that is configured. It is the starter's, if that is offered for
// the login: what a browser sends may name any.
func (e *Engine) chosen(client *storage.Client, request *storage.AuthRequest, starter storage.Starter) (string, error) {
	offered := e.Offered(client, request, starter)
	switch {
	case len(offered) == 0:
		return "", ErrNoOrders
	case starter.Method == "" && offered[0] == e.methods[0].name:
		return "", nil
	case starter.Method == "":
		return offered[0], nil
	case !slices.Contains(offered, starter.Method):
		return "", ErrNoOrders
	}
	return starter.Method, nil
}

// fitting returns those of names that are offered for the request: those whose logins have the acr that it asks for, or, where that is a wish
// (OIDC Core §5.5.1.1) which none of them meets, all.
func (e *Engine) fitting(names []string, policy storage.Policy, request *storage.AuthRequest, starter storage.Starter) (fit []string) {
	var others []string
	for _, name := range names {
		switch {
		case !e.offers(name, policy, request, starter):
		case e.gives(name, request):
			fit = append(fit, name)
		case !request.ACREssential:
			others = append(others, name)
		}
	}
	if len(fit) > 0 {
		return fit
	}
	return others
}

// offers reports whether the method of that name is there and offered under the policy for a request from the browser of starter, whatever its acr.
func (e *Engine) offers(name string, policy storage.Policy, request *storage.AuthRequest, starter storage.Starter) bool {
	m := e.named(name)
	if m == e.gone || !m.Does(kindOfRequest(request), channelOf(request)) || request.Method != "" && request.Method != name {
		return false
	}
	if kindOfRequest(request) == storage.KindSign && !m.signs(request) {
		return false
	}
	if !m.heeds(policy, request) || request.UserMessage != nil && request.Program != nil && m.texts(storage.KindIdentify).Bytes == 0 {
		return false // a program's message is there to be compared, or is all that is shown
	}
	o, limited := e.Offers[name]
	return !limited || anyOf(o.Scopes, request.Scopes) && o.at(m, request, starter)
}

// heeds reports whether orders of the method can be held to what is demanded of one for the request: otherwise the answer would say that it was met.
// A risk that the request has judged more strictly takes a method that judges any.
func (m *method) heeds(policy storage.Policy, request *storage.AuthRequest) bool {
	return len(m.Unheeded(kindOfRequest(request), policy)) == 0 && (m.Risk || request.StepUp.ModerateRisk == "" && request.StepUp.HighRisk == "")
}

// kindOfRequest returns what the person of a request is asked for, also before it is stored.
func kindOfRequest(request *storage.AuthRequest) storage.Kind {
	switch {
	case request.Kind == storage.KindSign || request.Sign != nil:
		return storage.KindSign
	case request.Payment != nil:
		return storage.KindPayment
	}
	return storage.KindIdentify
}

// at reports whether a method is offered where the browser of starter is. A login without a browser is nowhere in particular.
func (o *Offer) at(m *method, request *storage.AuthRequest, starter storage.Starter) bool {
	if channelOf(request) != eid.ChannelBrowser {
		return true
	}
	return (len(o.Devices) == 0 || slices.Contains(o.Devices, deviceOf(m.Launch(nil, starter)))) && within(o.Networks, starter.IP)
}

// anyOf reports whether one of wanted is there, or none is wanted.
func anyOf(wanted, there []string) bool {
	return len(wanted) == 0 || slices.ContainsFunc(there, func(one string) bool { return slices.Contains(wanted, one) })
}

func deviceOf(l eid.Launch) string {
	switch {
	case l.Phone:
		return DevicePhone
	case l.Tablet:
		return DeviceTablet
	}
	return DeviceComputer
}

// within reports whether an address is in one of the networks. One that cannot be read is in none.
func within(networks []netip.Prefix, ip string) bool {
	if len(networks) == 0 {
		return true
	}
	address, err := netip.ParseAddr(ip)
	return err == nil && slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(address.Unmap()) })
}

// gives reports whether the logins of the method of that name may have the acr that the request asks for.
func (e *Engine) gives(name string, request *storage.AuthRequest) bool {
	o := e.Offers[name]
	return len(o.ACRValues) == 0 || !slices.Contains(request.ACRValues, request.ACR) || slices.Contains(o.ACRValues, request.ACR)
}
