package op

import (
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

// checkLogout takes the parameters over, or shows an error page and returns false: nothing is ended then, and nobody is
// redirected (§3).
func (p *Provider) checkLogout(w http.ResponseWriter, r *http.Request, values url.Values) (*logout, bool) {
	if err := p.countDecryption(p.o.ClientIP(r), values.Get("id_token_hint")); err != nil {
		p.showTooMany(w, r, err)
		return nil, false
	}
	hint, ok := p.readHint(values.Get("id_token_hint"))
	if !ok {
		p.showError(w, r, invalid("id_token_hint is not an ID token of this provider"))
		return nil, false
	}
	client, ok := p.logoutClient(w, r, values.Get("client_id"), hint)
	if !ok {
		return nil, false
	}
	noteClient(w, client)
	uri := values.Get("post_logout_redirect_uri")
	if uri != "" && (client == nil || !matchURI(client.PostLogoutRedirectURIs, uri, client.Native)) {
		p.showError(w, r, invalid("post_logout_redirect_uri is not one that the client has registered").with(uri))
		return nil, false
	}
	locales := strings.Fields(values.Get("ui_locales"))
	if len(locales) == 0 && client != nil && client.DefaultLocale != "" {
		locales = []string{client.DefaultLocale}
	}
	return &logout{client: client, sid: hint.SessionID, uri: uri, state: values.Get("state"), locales: locales}, true
}

// logoutClient returns the client that a logout request names, nil if it names none. When it cannot be, or when the hint was
// made for another, it shows an error page and returns false.
func (p *Provider) logoutClient(w http.ResponseWriter, r *http.Request, id string, hint hintClaims) (*storage.Client, bool) {
	if len(hint.Audience) == 1 {
		if id != "" && id != hint.Audience[0] {
			p.showError(w, r, invalid("id_token_hint was made for another client than client_id"))
			return nil, false
		}
		id = hint.Audience[0]
	}
	if id == "" {
		return nil, true
	}
	client, err := p.o.Store.Client(r.Context(), id)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		p.showError(w, r, errUnknownClient.with(id))
		return nil, false
	case err != nil:
		p.showFault(w, r, "read client", err)
		return nil, false
	}
	return client, true
}

// logOut ends what the sid of the request's ID token names, and leads on. The browser's cookie goes only when it is of the
// session that ended: the ID token may have been made for another browser.
func (p *Provider) logOut(w http.ResponseWriter, r *http.Request, request *logout) {
	own, err := p.browserSessions(r, request.client)
	if err != nil {
		p.showFault(w, r, "read session", err)
		return
	}
	ended, err := p.o.Store.EndSessionID(r.Context(), request.sid, p.now())
	if err != nil {
		p.showFault(w, r, "end session", err)
		return
	}
	p.recordEnd(r, request.client, request.sid, ended)
	for _, session := range own {
		if session.ID == ended.Session {
			p.o.Pages.DropSessionCookie(w, session.Group)
		}
	}
	p.leave(w, r, request)
}

// recordEnd puts the end of a session down in the audit log and has the clients told.
func (p *Provider) recordEnd(r *http.Request, client *storage.Client, id string, ended storage.Ended) {
	if ended == (storage.Ended{}) {
		return
	}
	event := audit.Event{
		Type: audit.SessionEnded, SourceAddress: p.o.ClientIP(r), Object: id,
		Message: fmt.Sprintf("grants revoked: %d, clients to tell: %d", ended.Grants, ended.Notices),
	}
	if client != nil {
		event.ClientID, event.CustomerIdentifier = client.ID, client.CustomIdentifier
	}
	p.o.Audit.Record(r.Context(), event)
	if ended.Notices > 0 {
		p.tellClients()
	}
}

// leave sends the browser to where it shall go after a logout (§3), or tells the person that they are logged out.
func (p *Provider) leave(w http.ResponseWriter, r *http.Request, request *logout) {
	if request.uri == "" {
		p.o.Pages.ShowLoggedOut(w, r, request.client, request.locales)
		return
	}
	answer := url.Values{}
	if request.state != "" {
		answer.Set("state", request.state)
	}
	w.Header().Set("Referrer-Policy", "no-referrer")
	redirect(w, r, request.uri, answer)
}
