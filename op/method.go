package op

import (
	"cmp"
	"net/http"
	"slices"

	"brygga/storage"
)

// Method is an eID by which people log in, as clients are told of it.
type Method struct {
	// Name is that in the identities of its logins.
	Name string
	// Provider is the value of authnProvider; empty means the issuer, "/authn/" and the name.
	Provider string
	// ACRValues are those of Options.ACRValues and ACRPolicies that its logins may be given, one without demands first; empty means all.
	ACRValues []string
	// Demands says that its logins can be held to demands: those of ACRPolicies are for no other eID.
	Demands bool
	// AMR is the claim of that name; empty means the name and "mfa".
	AMR []string
	// Issuers are those of its people's certificates of whom something else is to be told.
	Issuers []MethodIssuer
}

// MethodIssuer is an issuer of certificates, as clients are told of logins by one. What is empty is that of the method.
type MethodIssuer struct {
	// Name is that in the identities of such logins.
	Name string
	// Provider, ACRValues and AMR are as those of Method, of which ACRValues has all of these.
	Provider       string
	ACRValues, AMR []string
}

// of returns the eID as it is told of the issuer's certificates.
func (m Method) of(issuer string) Method {
	i := slices.IndexFunc(m.Issuers, func(one MethodIssuer) bool { return one.Name == issuer })
	if i < 0 {
		return m
	}
	is := &m.Issuers[i]
	m.Provider = cmp.Or(is.Provider, m.Provider)
	if len(is.ACRValues) > 0 {
		m.ACRValues = is.ACRValues
	}
	if len(is.AMR) > 0 {
		m.AMR = is.AMR
	}
	return m
}

// methodOf returns the eID that somebody has logged in by, as it is told of the issuer of their certificate.
func (p *Provider) methodOf(i *storage.Identity) Method { return p.method(i.Method).of(i.Issuer) }

// method returns the eID of that name. One that is not configured, as that of an old session, is like one of which nothing is said.
func (p *Provider) method(name string) Method {
	i := slices.IndexFunc(p.o.Methods, func(m Method) bool { return m.Name == name })
	if i < 0 {
		return Method{Name: name}
	}
	return p.o.Methods[i]
}

// provider returns the value of authnProvider.
func (p *Provider) provider(m Method) string {
	if m.Provider != "" {
		return m.Provider
	}
	return p.o.Issuer + "/authn/" + m.Name
}

// methodsOf returns the eIDs of a client: those that it names, else the first.
func (p *Provider) methodsOf(client *storage.Client) []Method {
	if len(client.Methods) == 0 {
		return p.o.Methods[:min(len(p.o.Methods), 1)]
	}
	methods := make([]Method, len(client.Methods))
	for i, name := range client.Methods {
		methods[i] = p.method(name)
	}
	return methods
}

// byProvider returns the name of the client's eID that has the value of authnProvider, and of the issuer whose certificates alone have it; empty for none.
func (p *Provider) byProvider(client *storage.Client, value string) (method, issuer string) {
	for _, m := range p.methodsOf(client) {
		if p.provider(m) == value {
			return m.Name, ""
		}
		for _, is := range m.Issuers {
			if is.Provider == value {
				return m.Name, is.Name
			}
		}
	}
	return "", ""
}

// isMet reports whether a login answers the request: by the issuer that it names, if it does, and at a level that it must have, if there is one. A method is
// offered for a level that some of its issuers give; what the certificate in hand is worth, nobody knows before.
func (p *Provider) isMet(request *storage.AuthRequest, i *storage.Identity) bool {
	if request.Issuer != "" && request.Issuer != i.Issuer {
		return false
	}
	return !request.ACREssential || slices.Contains(request.ACRValues, p.acrOf(request, i))
}

// errUnmet answers a request that the certificate of whoever has logged in does not meet (OpenID Connect Core Unmet Authentication Requirements §2).
var errUnmet = newError("unmet_authentication_requirements", "the certificate that was logged in with is of an issuer of another level, or not of the one that was asked for")

// gives reports whether a login by one of the client's eIDs may be given the acr.
func (p *Provider) gives(client *storage.Client, acr string) bool {
	methods := p.methodsOf(client)
	return len(methods) == 0 || slices.ContainsFunc(methods, func(m Method) bool { return p.givenBy(&m, acr) })
}

// givenBy reports whether a login by the eID may be given the acr. One with demands goes to no eID that takes no notice of them.
func (p *Provider) givenBy(m *Method, acr string) bool {
	if _, demands := p.o.ACRPolicies[acr]; demands && !m.Demands {
		return false
	}
	return len(m.ACRValues) == 0 || slices.Contains(m.ACRValues, acr)
}

// isHeld reports whether a login by one of the client's eIDs can be held to demands.
func (p *Provider) isHeld(client *storage.Client) bool {
	methods := p.methodsOf(client)
	return len(methods) == 0 || slices.ContainsFunc(methods, func(m Method) bool { return m.Demands })
}

// acrOf returns the acr of a login: the one that the request is for, where the eID gives that.
func (p *Provider) acrOf(request *storage.AuthRequest, i *storage.Identity) string {
	m := p.methodOf(i)
	switch {
	case p.givenBy(&m, request.ACR):
		return request.ACR
	case len(m.ACRValues) > 0:
		return m.ACRValues[0]
	}
	return p.o.ACRValues[0]
}

// amrOf names the eID and says that it asked for two factors (RFC 8176 §2): the key in the app or on the card, and a code or a biometric, as each
// eID does that people are known by here. Which of the two it was they do not tell.
func (p *Provider) amrOf(i *storage.Identity) []string { return p.methodOf(i).amr() }

func (m Method) amr() []string {
	switch {
	case len(m.AMR) > 0:
		return m.AMR
	case m.Name == "":
		return []string{"mfa"}
	}
	return []string{m.Name, "mfa"}
}

// errNoMethod answers a request that none of the client's eIDs is offered for (OpenID Connect Core Unmet Authentication Requirements §2).
var errNoMethod = newError("unmet_authentication_requirements", "none of the client's eIDs does what this request and the client's policy demand, or is offered for this device or network")

// offered returns the names of the eIDs by which somebody may answer the request: in the browser of r, or without one where r is nil. Without
// Options.Offered nothing is known of any, which counts as one.
func (p *Provider) offered(r *http.Request, client *storage.Client, request *storage.AuthRequest) []string {
	if p.o.Offered == nil {
		return []string{""}
	}
	return p.o.Offered(r, client, request)
}

// serveable reports whether a session that began by the eID may answer the request: it is one by which the person could log in for it now.
func (p *Provider) serveable(r *http.Request, client *storage.Client, request *storage.AuthRequest, method string) bool {
	return p.o.Offered == nil || slices.Contains(p.offered(r, client, request), method)
}
