package op

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"brygga/audit"
	"brygga/limit"
	"brygga/secret"
	"brygga/storage"
)

// errInteraction answers prompt=none when the person would have to see what more the client asks for now.
var errInteraction = newError(oidc.InteractionRequired, "more is asked for than the person has agreed to, and prompt=none forbids to ask")

// serveFromSession answers the request out of the browser's session with the client's group, if there is one that serves it,
// and reports whether it has written a response. Where it has not, the person must log in.
func (p *Provider) serveFromSession(w http.ResponseWriter, r *http.Request, client *storage.Client, request *storage.AuthRequest, values url.Values) bool {
	if wantsLogin(client, request) {
		return false
	}
	if r.Method == http.MethodPost && p.o.Pages.SessionCookie(r, client.SessionGroup).IsZero() {
		p.comeAgain(w, r, client, values)
		return true
	}
	now := p.now()
	session, err := p.browserSession(r, client, now)
	if err != nil {
		p.showFault(w, r, "read session", err)
		return true
	}
	if session == nil || !p.serveable(r, client, request, session.Identity.Method) || !p.serves(session, client, request, now) {
		return false
	}
	names := released(request)
	if client.Profile == storage.ProfileSwedenConnect && !covers(session, names) {
		p.refuse(w, r, client, request, errInteraction)
		return true
	}
	acr, _ := p.meetsACR(session, client, request)
	answer, code := p.answerTo(client, request, event{
		identity: &session.Identity, acr: acr, amr: session.AMR, at: session.AuthTime, login: session.LoginID,
	}, now)
	answer.Grant.SessionID = p.sid(session.ID, client.ID)
	events, told := p.o.Audit.Of(audit.Event{
		Type: audit.SessionUsed, Identifier: session.LoginID, SourceAddress: p.o.ClientIP(r), Person: session.Identity.Person(), Subject: answer.Grant.Subject,
		CustomerIdentifier: client.CustomIdentifier, ClientID: client.ID, Transaction: answer.Grant.TransactionID, Object: answer.Grant.ID,
	})
	err = p.o.Store.AnswerFromSession(r.Context(), session.ID, session.AuthTime, answer.Code, answer.Grant, names, now, events...)
	switch {
	case errors.Is(err, storage.ErrNotFound), errors.Is(err, storage.ErrConflict):
		return false // it ended, or somebody logged in, this moment
	case err != nil:
		p.showFault(w, r, "answer from session", err)
		return true
	}
	told(r.Context())
	p.respondUnasked(w, r, client, request, url.Values{"code": {code}})
	return true
}

// wantsLogin reports whether the request is for a login, whatever session there is. To select an account or to consent is to
// log in here. Sweden Connect has a request without prompt mean login.
func wantsLogin(client *storage.Client, request *storage.AuthRequest) bool {
	switch {
	case prompts(request, oidc.PromptNone):
		return false
	case client.Profile == storage.ProfileSwedenConnect:
		return true
	}
	return prompts(request, oidc.PromptLogin) || prompts(request, oidc.PromptConsent) || prompts(request, oidc.PromptSelectAccount)
}

// comeAgain keeps a request and has the browser fetch it: with a POST that another site's page made it has sent no cookies, so
// nobody knows yet whether it has a session. That counts as a login does: it takes as much room.
func (p *Provider) comeAgain(w http.ResponseWriter, r *http.Request, client *storage.Client, values url.Values) {
	address := p.o.ClientIP(r)
	err := p.limits.returns.Allow(address)
	var uri string
	if err == nil {
		uri, err = p.push(r.Context(), client, address, values)
	}
	var over *limit.Error
	switch {
	case errors.As(err, &over):
		p.showTooMany(w, r, over)
		return
	case err != nil:
		p.showFault(w, r, "store auth request", err)
		return
	}
	redirect(w, r, pathAuthorize, url.Values{"client_id": {client.ID}, "request_uri": {uri}})
}

// browserSession returns the live session of the browser with the client's group, or nil when there is none.
func (p *Provider) browserSession(r *http.Request, client *storage.Client, now time.Time) (*storage.Session, error) {
	cookie := p.o.Pages.SessionCookie(r, client.SessionGroup)
	if cookie.IsZero() {
		return nil, nil
	}
	session, err := p.o.Store.Session(r.Context(), storage.TokenHash(cookie), now)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil
	}
	if err != nil || session.Group != client.SessionGroup { // a cookie that was moved to another group's name
		return nil, err
	}
	return session, nil
}

// serves reports whether the session's login is one that would do for the request: recent enough, at a level that was asked
// for, under the demands of the client's policy, and by the person who is wanted. Proof that was not kept is asked for again,
// where somebody may be asked: to have it is voluntary, like all such claims.
func (p *Provider) serves(session *storage.Session, client *storage.Client, request *storage.AuthRequest, now time.Time) bool {
	if request.MaxAge != nil && now.Sub(session.AuthTime) >= time.Duration(*request.MaxAge)*time.Second {
		return false
	}
	number := request.RequiredPersonalNumber
	if !number.IsZero() && !number.Equal(session.Identity.PersonalNumber) {
		return false
	}
	if !p.isMet(request, &session.Identity) {
		return false
	}
	if !p.knows(client, &session.Identity) || request.RequiredSubject != "" && request.RequiredSubject != p.Subject(client, &session.Identity) {
		return false
	}
	if request.Evidence && session.Identity.Evidence == nil && !prompts(request, oidc.PromptNone) {
		return false
	}
	_, level := p.meetsACR(session, client, request)
	return level && p.hasMet(session, client, request)
}

// released returns the names of what the client gets: scopes and claims, in order.
func released(request *storage.AuthRequest) []string {
	names := slices.Concat(request.Scopes, request.Claims.IDToken, request.Claims.UserInfo)
	slices.Sort(names)
	return slices.Compact(names)
}

// covers reports whether all the names have been released in the session, to whichever of the group's clients.
func covers(session *storage.Session, names []string) bool {
	for _, name := range names {
		found := false
		for _, given := range session.Released {
			found = found || slices.Contains(given, name)
		}
		if !found {
			return false
		}
	}
	return true
}

// joinSession puts into the answer what becomes of the browser's session, and returns its new cookie: a login of the same person
// renews it, one of another ends it. The login is new in each case, so the session may last its whole life from now. It stands for
// what its order and its result have met: the client may demand more by now.
func (p *Provider) joinSession(r *http.Request, client *storage.Client, login *storage.Login, answer *storage.Answer, now time.Time) (secret.String, error) {
	old, err := p.browserSession(r, client, now)
	if err != nil {
		return secret.String{}, err
	}
	cookie, grant := secret.New(storage.NewToken()), &answer.Grant
	session := storage.Session{
		ID: storage.NewID(), CookieHash: storage.TokenHash(cookie), Group: client.SessionGroup, Identity: grant.Identity, ACR: grant.ACR, AMR: grant.AMR,
		AuthTime: grant.AuthTime, LoginID: login.ID, Policy: login.Order.Policy, Created: now, Used: now,
		IdleLife: p.o.SessionIdle, Expires: now.Add(p.o.SessionLife),
	}
	switch {
	case old == nil:
	case old.Identity.SamePerson(&grant.Identity):
		session.ID, session.Created, session.Released = old.ID, old.Created, old.Released
	default:
		answer.Ends = old.ID
	}
	if session, err = session.Use(client.ID, released(login.Request), now); err != nil {
		return secret.String{}, err
	}
	grant.SessionID = p.sid(session.ID, client.ID)
	answer.Session = &session
	return cookie, nil
}

// sid returns what a client knows a session by: the same as long as the session lasts, and nothing that two clients could
// compare (OpenID Connect Back-Channel Logout §2.1).
func (p *Provider) sid(sessionID, clientID string) string {
	return p.nameFor(clientID, "sid", sessionID)
}

// TransactionID returns what a client knows a login by, its txn claim (RFC 8417 §2.2): the same in all that the client gets of the
// login, and nothing that two clients could compare. The audit log has both names.
func (p *Provider) TransactionID(loginID, clientID string) string {
	return p.nameFor(clientID, "txn", loginID)
}

// nameFor returns a client's own name of something: a MAC, so that nobody else can tell what it names (OIDC Core §17.3).
func (p *Provider) nameFor(clientID, kind, id string) string {
	mac := p.macs.of(kind, id, clientID, "")
	return base64.RawURLEncoding.EncodeToString(mac[:16])
}

// keepSession gives the browser the cookie of the session that the answer has made.
func (p *Provider) keepSession(w http.ResponseWriter, answer *storage.Answer, cookie secret.String, now time.Time) {
	if answer.Session != nil {
		p.o.Pages.SetSessionCookie(w, answer.Session.Group, cookie, answer.Session.Expires.Sub(now))
	}
}
