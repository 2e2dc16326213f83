package op

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"brygga/handling"
	"brygga/storage"
)

// serveAuthorize is the authorization endpoint (OIDC Core §3.1.2). Until client and redirect URI are proven, errors are
// shown; from then on they are redirected.
func (p *Provider) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	if handling.Prefetch(r) {
		w.WriteHeader(http.StatusServiceUnavailable) // what is used once must wait for the person
		return
	}
	sent, err := readParams(w, r)
	if err != nil {
		p.showError(w, r, invalid("the parameters cannot be read"))
		return
	}
	client, ok := p.findClient(w, r, sent)
	if !ok {
		return
	}
	noteClient(w, client)
	if err := p.countVisit(r, client, sent); err != nil {
		p.showTooMany(w, r, err)
		return
	}
	values, err := p.wholeRequest(r.Context(), client, sent)
	if err == errUsedReference && p.o.Pages.ResumeLogin(w, r, client, pushedLogin(sent)) {
		return // the page was loaded again
	}
	if err != nil {
		p.refuseUnproven(w, r, client, sent, err)
		return
	}
	redirectURI, refusal := proveRedirect(client, values)
	if refusal != nil {
		p.showError(w, r, refusal)
		return
	}
	request, refusal := p.checkRequest(client, values)
	request.ClientID, request.RedirectURI = client.ID, redirectURI
	if refusal != nil {
		p.refuse(w, r, client, &request, refusal)
		return
	}
	if len(p.offered(r, client, &request)) == 0 {
		p.refuse(w, r, client, &request, errNoMethod)
		return
	}
	if client.SessionGroup != "" && p.serveFromSession(w, r, client, &request, values) {
		return
	}
	if prompts(&request, oidc.PromptNone) {
		p.refuse(w, r, client, &request, errLoginRequired)
		return
	}
	p.o.Pages.BeginLogin(w, r, client, request, pushedLogin(sent))
}

// errLoginRequired answers prompt=none when there is no session that serves the request (OIDC Core §3.1.2.6).
var errLoginRequired = newError(oidc.LoginRequired, "a login is needed, and prompt=none forbids to ask for one")

// errUnknownClient answers who names a client that does not exist.
var errUnknownClient = newError(oidc.InvalidClient, "no client is registered with this client_id")

// findClient returns the client that an auth request names. Else it shows an error page and returns false.
func (p *Provider) findClient(w http.ResponseWriter, r *http.Request, values url.Values) (*storage.Client, bool) {
	id, ok := single(values, "client_id")
	if !ok || id == "" {
		p.showError(w, r, invalid("client_id must be given once"))
		return nil, false
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

// wholeRequest returns the parameters that count: those that were pushed, those of a request object with the ones beside it,
// or those that were sent. Its error is a *oauthError or a fault of the store.
func (p *Provider) wholeRequest(ctx context.Context, client *storage.Client, sent url.Values) (url.Values, error) {
	uri, oneURI := single(sent, "request_uri")
	object, oneObject := single(sent, "request")
	switch {
	case !oneURI || !oneObject:
		return nil, invalid("request or request_uri is given more than once")
	case uri != "" && object != "":
		return nil, invalid("request and request_uri must not stand together")
	case uri != "":
		return p.takePushed(ctx, client, uri)
	case client.RequirePAR:
		return nil, invalid("this client must push its requests")
	}
	return p.withObject(ctx, client, sent, false)
}

// withObject returns the parameters of a request that may have a request object. Of one that was pushed nothing counts beside the
// object, and what it says is the client's own word where the client has proven itself.
func (p *Provider) withObject(ctx context.Context, client *storage.Client, sent url.Values, pushed bool) (url.Values, error) {
	object := sent.Get("request")
	proven := pushed && !client.Public()
	if !proven {
		sent = p.withoutMessage(ctx, client, sent)
	}
	values, signed := sent, false
	var refusal *oauthError
	switch {
	case object == "" && client.RequireRequestObject:
		return nil, invalid("this client must send a signed request object")
	case bareSignRequest(sent):
		return nil, errSignRequest
	case object != "":
		if values, signed, refusal = p.readObject(ctx, client, sent, object, pushed); refusal != nil {
			return nil, refusal
		}
		if !signed && !proven {
			values = p.withoutMessage(ctx, client, values)
		}
	}
	if values, refusal = p.withSignRequest(ctx, client, values, signed, pushed); refusal != nil {
		return nil, refusal
	}
	return values, nil
}

// proveRedirect returns the redirect URI once it is known to be the client's. Until then nothing may be redirected
// (RFC 6749 §4.1.2.1).
func proveRedirect(client *storage.Client, values url.Values) (string, *oauthError) {
	uri, ok := single(values, "redirect_uri")
	switch {
	case !ok || uri == "":
		return "", invalid("redirect_uri must be given once")
	case !matchURI(client.RedirectURIs, uri, client.Native):
		return "", invalid("redirect_uri is not one that the client has registered").with(uri)
	}
	return uri, nil
}

// refuse sends a refusal to the client.
func (p *Provider) refuse(w http.ResponseWriter, r *http.Request, client *storage.Client, request *storage.AuthRequest, refusal *oauthError) {
	note(w, refusal)
	p.respondUnasked(w, r, client, request, refusal.values())
}

// refuseUnproven answers a request whose parameters could not be had: to the client where what was sent in the open names its
// redirect URI, else on a page.
func (p *Provider) refuseUnproven(w http.ResponseWriter, r *http.Request, client *storage.Client, sent url.Values, err error) {
	var refusal *oauthError
	if !errors.As(err, &refusal) {
		p.showFault(w, r, "read pushed request", err)
		return
	}
	uri, unproven := proveRedirect(client, sent)
	if unproven != nil {
		p.showError(w, r, refusal)
		return
	}
	request := storage.AuthRequest{ClientID: client.ID, RedirectURI: uri}
	readReply(sent, &request)
	p.refuse(w, r, client, &request, refusal)
}
