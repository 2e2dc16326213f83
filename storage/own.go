package storage

import (
	"strings"

	"brygga/secret"
)

// What came with a request is often a piece of it: a parameter, a cookie or a header shares the memory of all that was sent with
// it. A store that keeps a record in memory keeps the record's Own, as the request would otherwise stay there too.

// Own returns the request with texts of its own.
func (r AuthRequest) Own() *AuthRequest {
	for _, text := range []*string{&r.ClientID, &r.RedirectURI, &r.ResponseMode, &r.State, &r.Nonce, &r.CodeChallenge, &r.RequiredSubject, &r.ACR, &r.Method, &r.Issuer} {
		*text = strings.Clone(*text)
	}
	r.Kind = Kind(strings.Clone(string(r.Kind)))
	r.Scopes, r.Prompt, r.ACRValues, r.Signers = ownTexts(r.Scopes), ownTexts(r.Prompt), ownTexts(r.ACRValues), ownTexts(r.Signers)
	r.UILocales, r.Resources, r.Claims = ownTexts(r.UILocales), ownTexts(r.Resources), r.Claims.own()
	r.RequiredPersonalNumber = secret.New(strings.Clone(r.RequiredPersonalNumber.Reveal()))
	r.LoginHint = secret.New(strings.Clone(r.LoginHint.Reveal()))
	if m := r.UserMessage; m != nil {
		own := m.own()
		r.UserMessage = &own
	}
	if s := r.Sign; s != nil {
		r.Sign = &SignRequest{Message: s.Message.own(), Language: strings.Clone(s.Language), Data: s.Data, Approval: s.Approval} // the data was decoded, so nothing else shares it
	}
	r.Payment = r.Payment.own()
	if p := r.Program; p != nil {
		r.Program = &Program{Owner: strings.Clone(p.Owner), Expires: p.Expires, Proof: p.Proof, Exact: p.Exact, Told: p.Told, Quiet: p.Quiet, Ping: p.Ping.own()}
	}
	if c := r.Call; c != nil {
		r.Call = &Call{Initiator: strings.Clone(c.Initiator)}
	}
	return &r
}

func (p Ping) own() Ping {
	return Ping{secret.New(strings.Clone(p.Secret.Reveal())), secret.New(strings.Clone(p.Token.Reveal()))}
}

func (m *UserMessage) own() UserMessage {
	return UserMessage{Text: ownMap(m.Text), Format: strings.Clone(m.Format)}
}

// Copy returns a copy of the login that shares nothing which a rule or a caller changes: all but the auth request, the slices of
// what was sent, the keys and the work of the person and the evidence.
func (l *Login) Copy() *Login {
	own := *l
	if l.Order != nil {
		order := *l.Order
		own.Order = &order
	}
	if l.Previous != nil {
		previous := *l.Previous
		own.Previous = &previous
	}
	if l.Identity != nil {
		identity := *l.Identity
		own.Identity = &identity
	}
	return &own
}

// Own returns the starter with texts of its own.
func (s Starter) Own() Starter {
	for _, text := range []*string{&s.Device, &s.IP, &s.UserAgent, &s.Platform, &s.Mobile, &s.Brands, &s.DeviceIdentifier, &s.Language, &s.Method} {
		*text = strings.Clone(*text)
	}
	s.Person = s.Person.Own()
	return s
}

// Own returns the grant with texts of its own; those of the identity came from the eID service and are shared.
func (g Grant) Own() Grant {
	for _, text := range []*string{&g.ID, &g.ClientID, &g.SessionID, &g.TransactionID, &g.Subject, &g.Nonce, &g.ACR, &g.Session, &g.EvidenceID} {
		*text = strings.Clone(*text)
	}
	g.Scopes, g.AMR, g.Resources, g.Claims = ownTexts(g.Scopes), ownTexts(g.AMR), ownTexts(g.Resources), g.Claims.own()
	return g
}

func (c ClaimsRequest) own() ClaimsRequest {
	return ClaimsRequest{IDToken: ownTexts(c.IDToken), UserInfo: ownTexts(c.UserInfo)}
}

func ownTexts(texts []string) []string {
	if texts == nil {
		return nil
	}
	own := make([]string, len(texts))
	for i, text := range texts {
		own[i] = strings.Clone(text)
	}
	return own
}

func ownMap(texts map[string]string) map[string]string {
	own := make(map[string]string, len(texts))
	for name, text := range texts {
		own[strings.Clone(name)] = strings.Clone(text)
	}
	return own
}
