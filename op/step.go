package op

import (
	"slices"
	"time"

	"brygga/storage"
)

// Step is what the provider does with a login that somebody has gone through, for traces and measures.
type Step struct {
	// Name is StepAnswer or StepToken, and Client the client.
	Name, Client string
	// Login is the ID of the login that is answered; Transaction is what the client knows the login by whose tokens it asks for, empty where
	// none is known.
	Login, Transaction string
	// Grant is the grant type of a request for tokens, "other" for one that there is not.
	Grant string
	// Outcome is empty when it went well, or an OAuth error.
	Outcome string
	// Began is when the request came, by the provider's clock, and Took how long it took.
	Began time.Time
	Took  time.Duration
	// Waited is how long this was in coming: for an answer since the login was completed, for the tokens of a code since the answer.
	Waited time.Duration
}

// The steps of the provider.
const (
	// StepAnswer is that the browser takes the answer to the client, StepToken that the client asks for tokens.
	StepAnswer = "answer"
	StepToken  = "token"
)

func (p *Provider) tellAnswer(login *storage.Login, client *storage.Client, began time.Time) {
	if p.o.Step == nil {
		return
	}
	now := p.now()
	p.o.Step(Step{
		Name: StepAnswer, Login: login.ID, Client: client.ID, Began: began, Took: now.Sub(began), Waited: now.Sub(login.Completed),
	})
}

func (p *Provider) tellToken(client *storage.Client, grantType string, answer *tokenResponse, refusal *oauthError, began time.Time) {
	if p.o.Step == nil {
		return
	}
	s := Step{Name: StepToken, Grant: grantType, Began: began, Took: p.now().Sub(began)}
	if !slices.Contains(Grants(), grantType) {
		s.Grant = "other"
	}
	if client != nil {
		s.Client = client.ID
	}
	if refusal != nil {
		s.Outcome = refusal.code
	}
	if answer != nil && answer.grant != nil {
		s.Transaction = answer.grant.TransactionID
		s.Waited = began.Sub(answer.grant.Created)
	}
	p.o.Step(s)
}

// The grant types that there are (RFC 6749 §4.1.3, §6).
const (
	GrantCode    = "authorization_code"
	GrantRefresh = "refresh_token"
)

// Grants returns all of them.
func Grants() []string { return []string{GrantCode, GrantRefresh, GrantCIBA} }
