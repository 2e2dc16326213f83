package op

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"brygga/secret"
	"brygga/storage"
)

// logoutProofField is the field of the confirmation form that ties it to the browser's sessions.
const logoutProofField = "session"

// maxGroups is how many session cookies of a request are looked at: each costs a look into the store.
const maxGroups = 16

// ownSession is a live session of the browser that sent a request.
type ownSession struct {
	*storage.Session
	cookie secret.String
}

// browserSessions returns the browser's live sessions, of the client's group alone when client is not nil.
func (p *Provider) browserSessions(r *http.Request, client *storage.Client) ([]ownSession, error) {
	var own []ownSession
	groups := p.o.Pages.SessionGroups(r)
	slices.Sort(groups) // logoutProof needs one order
	for _, group := range groups[:min(len(groups), maxGroups)] {
		if client != nil && client.SessionGroup != group {
			continue
		}
		cookie := p.o.Pages.SessionCookie(r, group)
		session, err := p.o.Store.Session(r.Context(), storage.TokenHash(cookie), p.now())
		if errors.Is(err, storage.ErrNotFound) || err == nil && session.Group != group {
			continue
		} else if err != nil {
			return nil, err
		}
		own = append(own, ownSession{session, cookie})
	}
	return own, nil
}

// askLogOut asks the person whether to end the browser's sessions. Where there are none nothing is asked.
func (p *Provider) askLogOut(w http.ResponseWriter, r *http.Request, request *logout) {
	own, err := p.browserSessions(r, request.client)
	switch {
	case err != nil:
		p.showFault(w, r, "read session", err)
	case len(own) == 0:
		p.leave(w, r, request)
	default:
		p.showQuestion(w, r, request, own)
	}
}

// showQuestion shows the form that serveLogoutConfirm takes. It brings back what the request held, to be checked again.
func (p *Provider) showQuestion(w http.ResponseWriter, r *http.Request, request *logout, own []ownSession) {
	request.note(w)
	values := url.Values{logoutProofField: {logoutProof(own)}}
	if request.client != nil {
		values.Set("client_id", request.client.ID)
	}
	if request.uri != "" {
		values.Set("post_logout_redirect_uri", request.uri)
	}
	if request.state != "" {
		values.Set("state", request.state)
	}
	if len(request.locales) > 0 {
		values.Set("ui_locales", strings.Join(request.locales, " "))
	}
	p.o.Pages.AskLogOut(w, r, request.client, request.locales, request.astray, pathLogoutConfirm, values)
}

// serveLogoutConfirm takes the answer to the question whether to log out. The form must come from our own page, and bring
// what only a page made for these very sessions holds; otherwise the question is asked again.
func (p *Provider) serveLogoutConfirm(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost { // the address typed in, or a way back through the history
		redirect(w, r, pathLogout, nil)
		return
	}
	if err := p.origins.Check(r); err != nil {
		p.showError(w, r, invalid("the form was sent from another site").at(http.StatusForbidden))
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
	request.pressed = true
	own, err := p.browserSessions(r, request.client)
	switch {
	case err != nil:
		p.showFault(w, r, "read session", err)
	case len(own) == 0:
		p.leave(w, r, request)
	case request.refused != nil, subtle.ConstantTimeCompare([]byte(values.Get(logoutProofField)), []byte(logoutProof(own))) != 1:
		p.showQuestion(w, r, request, own)
	default:
		p.endSessions(w, r, request, own)
	}
}

func (p *Provider) endSessions(w http.ResponseWriter, r *http.Request, request *logout, own []ownSession) {
	for _, session := range own {
		tell, told := p.tellEnd(r, request.client, session.ID)
		ended, err := p.o.Store.EndSession(r.Context(), session.ID, p.now(), tell)
		if err != nil {
			p.showFault(w, r, "end session", err)
			return
		}
		told(r.Context())
		p.tellOfEnd(ended)
		p.o.Pages.DropSessionCookie(w, session.Group)
	}
	p.leave(w, r, request)
}

// logoutProof returns what the confirmation form for the sessions holds: a hash of their cookies, which are random and no
// other site can read. It is not the hash that is stored of them.
func logoutProof(own []ownSession) string {
	hash := sha256.New()
	hash.Write([]byte("brygga logout"))
	for _, session := range own {
		hash.Write([]byte("\x00" + session.cookie.Reveal()))
	}
	return base64.RawURLEncoding.EncodeToString(hash.Sum(nil))
}
