package op

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"brygga/limit"
	"brygga/secret"
	"brygga/storage"
)

// pathBackchannel is the backchannel authentication endpoint (OpenID CIBA Core §7).
const pathBackchannel = "/bc-authorize"

// GrantCIBA is the grant type by which a client asks for what came of its request (OpenID CIBA Core §10.1).
const GrantCIBA = "urn:openid:params:grant-type:ciba"

// How long a person has. A client may ask for less or more (OpenID CIBA Core §7.1, requested_expiry).
const (
	cibaLife      = 3 * time.Minute
	cibaLifeLeast = 30 * time.Second
	cibaLifeMost  = 5 * time.Minute
)

// errNotRegistered answers a client that may not name people.
var errNotRegistered = newError(oidc.UnauthorizedClient, "the client is not registered for backchannel authentication")

// backchannelResponse is the answer of the backchannel authentication endpoint (OpenID CIBA Core §7.3).
type backchannelResponse struct {
	ID        string `json:"auth_req_id"`
	ExpiresIn int64  `json:"expires_in"`
	Interval  int64  `json:"interval"`
}

// serveBackchannel is the backchannel authentication endpoint (OpenID CIBA Core §7): the client names a person, to whose app an order is sent.
// Everybody whom a well-formed number may name gets the same answer in the same time, whether or not there is such a person who has an app:
// the rest is told to who asks for the tokens, and does not differ either.
func (p *Provider) serveBackchannel(w http.ResponseWriter, r *http.Request) {
	client, refusal := p.authenticate(r)
	noteClient(w, client)
	var answer *backchannelResponse
	if refusal == nil {
		answer, refusal = p.beginCall(r.Context(), client, r.PostForm)
	}
	if refusal != nil {
		writeError(w, refusal)
		return
	}
	w.Header()["Content-Type"] = headerJSON
	json.NewEncoder(w).Encode(answer)
}

// beginCall begins the login that a form asks for.
func (p *Provider) beginCall(ctx context.Context, client *storage.Client, form url.Values) (*backchannelResponse, *oauthError) {
	if !client.MayNamePeople() {
		return nil, errNotRegistered
	}
	values, refusal := p.readBackchannel(ctx, client, form)
	if refusal != nil {
		return nil, refusal
	}
	request, life, refusal := p.checkBackchannel(ctx, client, values)
	if refusal != nil {
		return nil, refusal
	}
	if len(p.offered(nil, client, &request)) == 0 {
		return nil, errNoMethod
	}
	token := storage.NewToken()
	if refusal := checkNotification(client, values, token, request.Program); refusal != nil {
		return nil, refusal
	}
	methods := p.offered(nil, client, &request)
	if len(methods) == 0 {
		return nil, errNoMethod
	}
	login, err := p.o.Call(ctx, request, cibaBinding(token), storage.Starter{
		IP: addressOf(ctx), Language: localeOf(request.UILocales), Method: methods[0],
	})
	var over *limit.Error
	switch {
	case errors.As(err, &over):
		return nil, tooMany(err)
	case err != nil:
		return nil, p.fault(ctx, "begin login by telephone", err)
	}
	return &backchannelResponse{login.ID + "." + token, int64(life / time.Second), int64(pollInterval / time.Second)}, nil
}

// ownerCIBA names those among the programs of a client whose logins are asked for by auth_req_id.
const ownerCIBA = "ciba"

// cibaBinding is what a login is bound to whose client has been given the token: of another kind than the cookies to which browsers' logins
// are bound, so that neither stands for the other.
func cibaBinding(token string) secret.String { return secret.New("auth_req_id " + token) }

// localeOf returns the first of the languages, empty for none.
func localeOf(locales []string) string {
	if len(locales) == 0 {
		return ""
	}
	return locales[0]
}

// cibaLifeOf returns how long a person has when the client wishes for so many seconds.
func cibaLifeOf(wish string) (time.Duration, *oauthError) {
	if wish == "" {
		return cibaLife, nil
	}
	seconds, err := strconv.ParseUint(wish, 10, 32)
	if err != nil && !errors.Is(err, strconv.ErrRange) || seconds == 0 {
		return 0, invalid("requested_expiry must be a positive number of seconds").with(wish)
	}
	return max(cibaLifeLeast, min(time.Duration(seconds)*time.Second, cibaLifeMost)), nil
}

// splitAuthReqID returns the ID of a login and the token that it is bound to, as they stand in an auth_req_id.
func splitAuthReqID(text string) (id, token string, ok bool) {
	id, token, ok = strings.Cut(text, ".")
	return id, token, ok && len(id) <= maxLoginID && storage.IsToken(token)
}

// maxLoginID is the most bytes of a login's ID that anybody is asked for.
const maxLoginID = 64
