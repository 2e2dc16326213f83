package op

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"brygga/audit"
	"brygga/handling"
	"brygga/storage"
)

// logoutParams are the parameters of a logout request that are read; each may stand once.
var logoutParams = [...]string{"id_token_hint", "client_id", "post_logout_redirect_uri", "state", "logout_hint", "ui_locales"}

// logout is a logout request whose parameters fit together.
type logout struct {
	// client is the one it came from, nil if it does not say.
	client *storage.Client
	// sid names what an ID token proves that its holder may end; empty without one.
	sid string
	// uri is where the browser goes afterwards, registered for the client; empty for our own page.
	uri, state string
	locales    []string
	// pressed says that the person has pressed a button of ours for it.
	pressed bool
	// refused is what could not be proven, nil when nothing was wrong. It does not count.
	refused *oauthError
	// astray is why the way back that the request has named is not taken, in words for developers; empty when it is, or there is none.
	astray string
}

// serveLogout is the logout endpoint (OpenID Connect RP-Initiated Logout §2). An ID token of ours, expired or not, is the
// proof that its holder may end the session it names. A request without one may be anybody's: it ends nothing before the
// person has said so.
func (p *Provider) serveLogout(w http.ResponseWriter, r *http.Request) {
	if handling.Prefetch(r) {
		w.WriteHeader(http.StatusServiceUnavailable) // nobody has asked for it yet
		return
	}
	values, ok := p.logoutValues(w, r)
	if !ok {
		return
	}
	request, ok := p.checkLogout(w, r, values)
	if !ok {
		return
	}
	switch {
	case request.sid != "":
		p.logOut(w, r, request)
	case r.Method == http.MethodPost:
		// A browser sends no SameSite=Lax cookie with a POST from another site, but with the navigation that follows.
		redirect(w, r, pathLogout, values)
	default:
		p.askLogOut(w, r, request)
	}
}

// logoutValues returns those parameters of a logout request that mean something, or shows an error page and returns false.
func (p *Provider) logoutValues(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	all, err := readParams(w, r)
	if err != nil {
		p.showError(w, r, invalid("the parameters cannot be read"))
		return nil, false
	}
	values := url.Values{}
	for _, name := range logoutParams {
		value, once := single(all, name)
		if !once || !isText(value) {
			p.showError(w, r, invalid(name+" is given more than once or has characters that are not allowed"))
			return nil, false
		}
		if value != "" {
			values.Set(name, value)
		}
	}
	if proof := all.Get(logoutProofField); proof != "" {
		values.Set(logoutProofField, proof)
	}
	return values, true
}

// checkLogout takes over what is proven of the parameters (RP-Initiated Logout §4). What is not counts as if it had not been sent: a hint
// whose key has retired, or an address that is not registered, must not keep somebody logged in. Nobody is redirected then (§3). It
// returns false after an answer of its own.
func (p *Provider) checkLogout(w http.ResponseWriter, r *http.Request, values url.Values) (*logout, bool) {
	if err := p.countDecryption(p.o.ClientIP(r), values.Get("id_token_hint")); err != nil {
		p.showTooMany(w, r, err)
		return nil, false
	}
	request := &logout{state: values.Get("state"), locales: strings.Fields(values.Get("ui_locales"))}
	id := values.Get("client_id")
	hint, ok := p.readHint(values.Get("id_token_hint"))
	switch {
	case !ok:
		request.refused = invalid("id_token_hint is not an ID token of this provider, or its key has retired")
	case len(hint.Audience) == 0:
	case id != "" && id != hint.Audience[0]:
		request.refused = invalid("id_token_hint was made for another client than client_id")
	default:
		id, request.sid = hint.Audience[0], hint.SessionID
	}
	if err := p.logoutClient(r.Context(), request, id); err != nil {
		p.showFault(w, r, "read client", err)
		return nil, false
	}
	request.takeURI(values.Get("post_logout_redirect_uri"))
	if request.client != nil {
		noteClient(w, request.client)
		if len(request.locales) == 0 && request.client.DefaultLocale != "" {
			request.locales = []string{request.client.DefaultLocale}
		}
	}
	return request, true
}

// logoutClient finds the client that the request is from, if it names one.
func (p *Provider) logoutClient(ctx context.Context, request *logout, id string) error {
	if id == "" {
		return nil
	}
	client, err := p.o.Store.Client(ctx, id)
	if errors.Is(err, storage.ErrNotFound) {
		request.refused, request.sid = errUnknownClient.with(id), ""
		return nil
	}
	request.client = client
	return err
}

// takeURI takes the address over where the browser shall go, if the client has registered it.
func (l *logout) takeURI(uri string) {
	switch {
	case uri == "":
	case l.client != nil && matchURI(l.client.PostLogoutRedirectURIs, uri, l.client.Native):
		l.uri = uri
	case l.client == nil && l.refused != nil: // which says why
	case l.client == nil:
		l.refused = invalid("post_logout_redirect_uri needs client_id or id_token_hint, which says whose it is").with(uri)
	default:
		l.refused = invalid("post_logout_redirect_uri is not one that the client has registered").with(uri)
	}
	if uri != l.uri {
		l.astray = l.refused.description
	}
}

// logOut ends what the sid of the request's ID token names, and leads on. The browser's cookie goes only when it is of the
// session that ended: the ID token may have been made for another browser.
func (p *Provider) logOut(w http.ResponseWriter, r *http.Request, request *logout) {
	own, err := p.browserSessions(r, request.client)
	if err != nil {
		p.showFault(w, r, "read session", err)
		return
	}
	tell, told := p.tellEnd(r, request.client, request.sid)
	ended, err := p.o.Store.EndSessionID(r.Context(), request.sid, p.now(), tell)
	if err != nil {
		p.showFault(w, r, "end session", err)
		return
	}
	told(r.Context())
	p.tellOfEnd(ended)
	for _, session := range own {
		if session.ID == ended.Session {
			p.o.Pages.DropSessionCookie(w, session.Group)
		}
	}
	p.leave(w, r, request)
}

// tellEnd returns what puts the end of a session down in the audit log.
func (p *Provider) tellEnd(r *http.Request, client *storage.Client, id string) (storage.TellEnd, func(context.Context)) {
	return p.o.Audit.OfEnd(func(ended storage.Ended) []audit.Event {
		event := audit.Event{
			Type: audit.SessionEnded, SourceAddress: p.o.ClientIP(r), Object: id,
			Message: fmt.Sprintf("grants revoked: %d, clients to tell: %d", ended.Grants, ended.Notices),
		}
		if client != nil {
			event.ClientID, event.CustomerIdentifier = client.ID, client.CustomIdentifier
		}
		return []audit.Event{event}
	})
}

// tellOfEnd has the clients told that are to be told of the end of a session.
func (p *Provider) tellOfEnd(ended storage.Ended) {
	if ended.Notices > 0 {
		p.tellClients()
	}
}

// note remembers what of the request was refused, once the person is answered: a POST is, by the navigation that follows.
func (l *logout) note(w http.ResponseWriter) {
	if l.refused != nil {
		note(w, l.refused)
	}
}

// leave sends the browser to where it shall go after a logout (§3), or tells the person that they are logged out.
func (p *Provider) leave(w http.ResponseWriter, r *http.Request, request *logout) {
	request.note(w)
	if request.uri == "" {
		p.o.Pages.ShowLoggedOut(w, r, request.client, request.locales, request.astray)
		return
	}
	answer := url.Values{}
	if request.state != "" {
		answer.Set("state", request.state)
	}
	if !request.pressed && p.o.Pages.OfferWay(w, r, request.client, request.locales, withQuery(request.uri, answer), "") {
		return
	}
	w.Header().Set("Referrer-Policy", "no-referrer")
	redirect(w, r, request.uri, answer)
}
