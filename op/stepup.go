package op

import (
	"reflect"
	"slices"

	"brygga/storage"
)

// canHave reports whether a login of the client's can be given the acr, and returns what is demanded for it over the client's policy. One with
// demands of its own is for clients that are registered for it, as such a login is more trouble to the person.
func (p *Provider) canHave(client *storage.Client, acr string) (step storage.Policy, ok bool) {
	if !p.gives(client, acr) {
		return step, false
	}
	if slices.Contains(p.o.ACRValues, acr) {
		return step, true
	}
	step, ok = p.o.ACRPolicies[acr]
	if !ok || !slices.Contains(client.ACRValues, acr) {
		return storage.Policy{}, false
	}
	_, ok = client.Policy.Over(p.o.Policy).And(step)
	return step, ok
}

// acrValues returns all acr values that a login may be given, for discovery.
func (p *Provider) acrValues() []string {
	all := slices.Clone(p.o.ACRValues)
	for acr := range p.o.ACRPolicies {
		all = append(all, acr)
	}
	slices.Sort(all[len(p.o.ACRValues):])
	return all
}

// demandDocument has a passport or identity card read for a client that must have the claim which says so, and may. Essential values of other
// claims bind nobody; this one names something that can be demanded of the login, as acr does (OIDC Core §5.5.1.1).
func (p *Provider) demandDocument(client *storage.Client, claims wantedClaims, request *storage.AuthRequest) *oauthError {
	for _, part := range [...]map[string]*wantedClaim{claims.IDToken, claims.UserInfo} {
		wanted := part[nameMRTD]
		if wanted == nil || !wanted.Essential || wanted.Value != true {
			continue
		}
		if entitled(client)&claimMRTD == 0 || !p.isHeld(client) {
			return newError("unmet_authentication_requirements", "the client has no right to the claim that a document was read, or no eID that has it read")
		}
		request.StepUp.MRTD = "yes"
	}
	return nil
}

// meetsACR reports whether a session at the level will do where the values were asked for, and which acr the answer then has. Values that the client
// cannot have bind nobody: an essential one has been refused before. One that was made with demands of its own has met as well what
// everybody is asked for.
func (p *Provider) meetsACR(session *storage.Session, client *storage.Client, request *storage.AuthRequest) (acr string, ok bool) {
	can := func(acr string) bool { _, ok := p.canHave(client, acr); return ok }
	acr = session.ACR
	_, stepped := p.o.ACRPolicies[acr]
	switch {
	case can(acr) && slices.Contains(request.ACRValues, acr):
		return acr, true
	case stepped: // its eID may give another level than the one that the request is for
		return p.acrOf(request, &session.Identity), request.ACR == p.o.ACRValues[0]
	}
	return acr, can(acr) && !slices.ContainsFunc(request.ACRValues, can)
}

// hasMet reports whether a session has met what the client demands now, for this request: the same, no more and no less, but for what the
// acr demands that it was made with. What the app shows is no demand.
func (p *Provider) hasMet(session *storage.Session, client *storage.Client, request *storage.AuthRequest) bool {
	wanted, possible := client.Policy.Over(p.o.Policy).And(request.StepUp)
	if possible && reflect.DeepEqual(session.Policy, wanted.Demands()) {
		return true
	}
	step, stepped := p.o.ACRPolicies[session.ACR]
	more, both := wanted.And(step)
	return possible && stepped && both && reflect.DeepEqual(session.Policy, more.Demands())
}
