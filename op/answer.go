package op

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"brygga/audit"
	"brygga/secret"
	"brygga/storage"
)

// Answer gives the client of a completed login its code, and sends the browser back to the client (OIDC Core §3.1.2.5). The
// caller has checked that the browser is the one that began the login. Of concurrent calls for one login exactly one
// answers; the others, like calls for a login that is not complete, show an error page with the code LoginOver. A login that has been
// answered is answered again as long as nobody has redeemed its code, with another code in the place of that one. Answer writes the
// whole response.
func (p *Provider) Answer(w http.ResponseWriter, r *http.Request, login *storage.Login) {
	client, ok := p.clientOf(w, r, login)
	if !ok {
		return
	}
	if login.Repeatable() {
		p.answerAgain(w, r, client, login)
		return
	}
	if !login.Answerable() {
		p.showOver(w, r, client)
		return
	}
	if why := p.unanswerable(client, login); why != nil {
		p.refuseLogin(w, r, client, login, why.code, why.description, refusedLogin(client, login, why, p.o.ClientIP(r)))
		return
	}
	now := p.now()
	answer, code := p.answerTo(client, login.Request, event{
		identity: login.Identity, acr: p.acrOf(login.Request, login.Identity), amr: p.amrOf(login.Identity), at: login.Completed, login: login.ID, evidence: login.EvidenceID,
	}, now)
	var cookie secret.String
	if client.SessionGroup != "" && !login.Request.Kind.Commits() { // who has signed has not logged in (Signature Extension §4)
		var err error
		if cookie, err = p.joinSession(r, client, login, &answer, now); err != nil {
			p.showFault(w, r, "read session", err)
			return
		}
	}
	_, err := p.o.Store.AnswerLogin(r.Context(), login.ID, answer, now)
	switch {
	case errors.Is(err, storage.ErrConflict), errors.Is(err, storage.ErrNotFound):
		p.showOver(w, r, client)
	case err != nil:
		p.showFault(w, r, "answer login", err)
	default:
		p.o.Observe("answer", "ok", login.Request.ClientID)
		p.tellAnswer(login, client, now)
		p.keepSession(w, &answer, cookie, now)
		if answer.Ends != "" {
			p.tellClients()
		}
		p.respond(w, r, login.Request, url.Values{"code": {code}})
	}
}

// answerAgain gives the client another code in the place of one that it has not redeemed: the answer may have been lost, or led into an
// app that did not open. It is not the same code again, as a client that got both answers would then redeem one twice, which looks like
// theft and revokes what the first gave (RFC 6749 §4.1.2).
func (p *Provider) answerAgain(w http.ResponseWriter, r *http.Request, client *storage.Client, login *storage.Login) {
	now, code := p.now(), storage.NewToken()
	_, err := p.o.Store.RepeatAnswer(r.Context(), login.ID, storage.TokenHash(secret.New(code)), now.Add(p.o.CodeLife), now)
	switch {
	case errors.Is(err, storage.ErrConflict), errors.Is(err, storage.ErrNotFound):
		p.showOver(w, r, client)
	case err != nil:
		p.showFault(w, r, "repeat answer", err)
	default:
		p.o.Observe("answer", "ok", login.Request.ClientID)
		p.tellAnswer(login, client, now)
		p.respond(w, r, login.Request, url.Values{"code": {code}})
	}
}

// errAnotherPerson answers a request for one person when another has logged in, or somebody whom the client does not know.
var errAnotherPerson = newError(oidc.LoginRequired, "another person has logged in than the one that was asked for")

// unanswerable returns why a completed login does not answer its request, nil if it does.
func (p *Provider) unanswerable(client *storage.Client, login *storage.Login) *oauthError {
	switch {
	case !p.isRequired(client, login):
		return errAnotherPerson
	case !p.isMet(login.Request, login.Identity):
		return errUnmet
	}
	return nil
}

// refusedLogin is the event of a login that does not answer its request.
func refusedLogin(client *storage.Client, login *storage.Login, why *oauthError, address string) audit.Event {
	message := "another subject than required"
	if why == errUnmet {
		message = "another level or issuer than required"
	}
	return audit.Event{
		Type: audit.ResultRefused, Identifier: login.ID, Reference: login.Reference(), SourceAddress: address, Person: login.Identity.Person(),
		CustomerIdentifier: client.CustomIdentifier, ClientID: client.ID, Message: message,
	}
}

// isRequired reports whether the person who has logged in is known to the client, whose policy may have changed, and the one that it has
// named by subject, if it has. The number that it may have named is held by the login itself.
func (p *Provider) isRequired(client *storage.Client, login *storage.Login) bool {
	required := login.Request.RequiredSubject
	return p.knows(client, login.Identity) && (required == "" || required == p.Subject(client, login.Identity))
}

// event is the authentication that an answer rests on: a login just now, or the one that a session began with.
type event struct {
	identity *storage.Identity
	acr      string
	amr      []string
	at       time.Time
	login    string // its ID
	evidence string // the ID of the record that proves a signature
}

// answerTo returns what the client gets, and the code that stands for it. The grant belongs to no session yet.
func (p *Provider) answerTo(client *storage.Client, request *storage.AuthRequest, e event, now time.Time) (storage.Answer, string) {
	code := storage.NewToken()
	return p.answerWith(code, client, request, e, now), code
}

// answerWith is answerTo for a code that is known before.
func (p *Provider) answerWith(code string, client *storage.Client, request *storage.AuthRequest, e event, now time.Time) storage.Answer {
	offline := hasScope(request.Scopes, oidc.ScopeOfflineAccess)
	life := p.o.CodeLife + p.o.AccessTokenLife
	if offline {
		life = p.o.RefreshLife // to the second: what stands for the grant ends with it
	}
	identity := *e.identity
	if !request.Evidence {
		identity.Evidence = nil // a session may have it, for another client
	}
	grant := storage.Grant{
		ID: storage.NewID(), ClientID: client.ID, SessionID: storage.NewID(), TransactionID: p.TransactionID(e.login, client.ID),
		Subject: p.Subject(client, e.identity), Scopes: request.Scopes, Nonce: request.Nonce,
		ACR: cmp.Or(e.acr, p.o.ACRValues[0]), AMR: e.amr, AuthTime: e.at, Identity: identity,
		Claims: request.Claims, Resources: request.Resources, Offline: offline, Backchannel: client.BackchannelLogoutURI != "",
		Created: now, Expires: now.Add(life),
	}
	if sign, _ := wantsSignature(request); sign {
		grant.EvidenceID = e.evidence
	}
	return storage.Answer{Grant: grant, Code: storage.Code{
		Hash: storage.TokenHash(secret.New(code)), GrantID: grant.ID, ClientID: client.ID, Redirect: request.RedirectURI,
		Expires: now.Add(p.o.CodeLife), Challenge: request.CodeChallenge, Resources: request.Resources,
	}}
}

// Refuse ends a login without a code and sends the error to its client, such as access_denied when the person cancelled
// (RFC 6749 §4.1.2.1). The description is for the client's developers; characters that are not allowed there are left out.
// The caller has checked the browser, as for Answer. A login that has had its answer gets an error page with LoginOver.
func (p *Provider) Refuse(w http.ResponseWriter, r *http.Request, login *storage.Login, code, description string) {
	if client, ok := p.clientOf(w, r, login); ok {
		p.refuseLogin(w, r, client, login, code, description)
	}
}

// refuseLogin is Refuse for a login whose client is known, and stores what happened.
func (p *Provider) refuseLogin(w http.ResponseWriter, r *http.Request, client *storage.Client, login *storage.Login, code, description string, events ...audit.Event) {
	tell, told := p.o.Audit.OfLogin(func(*storage.Login) []audit.Event { return events })
	_, err := p.o.Store.RefuseLogin(r.Context(), login.ID, p.now(), tell)
	switch {
	case errors.Is(err, storage.ErrConflict), errors.Is(err, storage.ErrNotFound):
		p.showOver(w, r, client)
	case err != nil:
		p.showFault(w, r, "refuse login", err)
	default:
		told(r.Context())
		p.o.Observe("answer", code, login.Request.ClientID)
		p.respond(w, r, login.Request, newError(code, description).values())
	}
}

// clientOf returns the client of a login, if it still has the redirect URI of the auth request. Else it shows an error page.
func (p *Provider) clientOf(w http.ResponseWriter, r *http.Request, login *storage.Login) (*storage.Client, bool) {
	client, err := p.o.Store.Client(r.Context(), login.Request.ClientID)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		p.showError(w, r, invalid("the client has been removed"))
	case err != nil:
		p.showFault(w, r, "read client", err)
	case !matchURI(client.RedirectURIs, login.Request.RedirectURI, client.Native):
		p.showError(w, r, invalid("the client has removed its redirect_uri"))
	default:
		return client, true
	}
	return nil, false
}

// showOver shows that there is nothing to answer any more, on a page that leads to the client.
func (p *Provider) showOver(w http.ResponseWriter, r *http.Request, client *storage.Client) {
	p.o.Pages.ShowError(w, r, http.StatusConflict, LoginOver, "the login has expired or has been answered", client)
}

// respond sends an authorization response to the client, with state and with iss, which tells a client of several
// providers who answered (RFC 9207 §2).
func (p *Provider) respond(w http.ResponseWriter, r *http.Request, request *storage.AuthRequest, values url.Values) {
	p.stamp(request, values)
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	if request.ResponseMode == modeFormPost {
		p.o.Pages.SendForm(w, r, request.RedirectURI, values)
		return
	}
	redirect(w, r, request.RedirectURI, values)
}

// respondUnasked is respond for a request that is answered before the person has seen a page of ours. Where the way leads into an app
// it is offered on one, as no press has led to it, unless the client forbids that (prompt=none, OIDC Core §3.1.2.1).
func (p *Provider) respondUnasked(w http.ResponseWriter, r *http.Request, client *storage.Client, request *storage.AuthRequest, values url.Values) {
	if request.ResponseMode == modeQuery && !prompts(request, oidc.PromptNone) {
		p.stamp(request, values)
		if p.o.Pages.OfferWay(w, r, client, request.UILocales, withQuery(request.RedirectURI, values), values.Get("error")) {
			return
		}
	}
	p.respond(w, r, request, values)
}

// stamp puts into an authorization response what stands in every one: state and iss.
func (p *Provider) stamp(request *storage.AuthRequest, values url.Values) {
	if request.State != "" {
		values.Set("state", request.State)
	}
	values.Set("iss", p.o.Issuer)
}

// redirect sends the browser to uri with the values added to its query. After a POST the status is 303, so that no browser
// posts the form on to the client (RFC 9700 §4.12).
func redirect(w http.ResponseWriter, r *http.Request, uri string, values url.Values) {
	status := http.StatusFound
	if r.Method == http.MethodPost {
		status = http.StatusSeeOther
	}
	w.Header().Set("Location", withQuery(uri, values))
	w.WriteHeader(status)
}

// withQuery returns uri with the values added to its query.
func withQuery(uri string, values url.Values) string {
	switch {
	case len(values) == 0:
		return uri
	case strings.Contains(uri, "?"):
		return uri + "&" + values.Encode()
	}
	return uri + "?" + values.Encode()
}

// scopeText returns scopes as the scope parameter has them.
func scopeText(scopes []string) string { return strings.Join(scopes, " ") }
