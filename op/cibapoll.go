package op

import (
	"context"
	"errors"
	"net/url"
	"sync"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"brygga/audit"
	"brygga/secret"
	"brygga/storage"
)

// How often a client may ask for what came of its request (OpenID CIBA Core §7.3, §11). The interval of a request whose client asks sooner grows
// by pollGrows each time, up to pollMost; pollSlack is what a network may take away from it.
const (
	pollInterval = 2 * time.Second
	pollGrows    = 5 * time.Second
	pollMost     = time.Minute
	pollSlack    = 500 * time.Millisecond
)

// errAuthReqID answers who asks by an auth_req_id that stands for nothing, whatever the reason.
var errAuthReqID = newError(oidc.InvalidGrant, "auth_req_id is unknown, used, over, or another client's")

// errNotCompleted answers who asks for a login that has failed. Why it has is not told: it could say whether there is such a person.
var errNotCompleted = newError(oidc.AccessDenied, "the person has not logged in")

// poll answers the form with the tokens of a login by telephone once that is complete (OpenID CIBA Core §10.1, §11). They are given once: the
// login is answered with a code that follows from the auth_req_id, so an answer that was broken off halfway goes on at the next poll, and of
// polls at once one gets the tokens.
func (p *Provider) poll(ctx context.Context, client *storage.Client, form url.Values) (*tokenResponse, *oauthError) {
	switch {
	case !client.MayNamePeople():
		return nil, errNotRegistered
	case form.Get("auth_req_id") == "":
		return nil, invalid("auth_req_id is missing")
	}
	login, token, refusal := p.polled(ctx, client, form.Get("auth_req_id"))
	if refusal != nil {
		return nil, refusal
	}
	now := p.now()
	switch {
	case login.State == storage.LoginAnswered:
		return p.redeemPolled(ctx, client, login, token, form)
	case !now.Before(login.Request.Program.Expires):
		return nil, newError("expired_token", "the person has not logged in within the time of auth_req_id")
	case login.State == storage.LoginFailed && p.silence(login, now) <= 0:
		return nil, errNotCompleted
	case !login.Answerable():
		return nil, p.pending(login, now)
	}
	if refusal := p.answerPolled(ctx, client, login, token, now); refusal != nil {
		return nil, refusal
	}
	return p.redeemPolled(ctx, client, login, token, form)
}

// polled returns the login of an auth_req_id, and the token in that, if the client is the one that it was given to.
func (p *Provider) polled(ctx context.Context, client *storage.Client, authReqID string) (*storage.Login, string, *oauthError) {
	id, token, ok := splitAuthReqID(authReqID)
	if !ok {
		return nil, "", errAuthReqID
	}
	login, err := p.o.Store.Login(ctx, id, p.now())
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, "", errAuthReqID
	case err != nil:
		return nil, "", p.fault(ctx, "read login", err)
	case login.Request.Program == nil || login.Request.Program.Owner != ownerCIBA || login.Request.ClientID != client.ID || !login.BoundTo(cibaBinding(token)):
		return nil, "", errAuthReqID
	}
	return login, token, nil
}

// silence returns for how much longer a login that has failed looks as if it were pending: until then an order that nobody opens may live, and
// one that could not be made, as the number is nobody's, or that came on top of another, must not be told from that. What the person has done in
// the app is told at once.
func (p *Provider) silence(login *storage.Login, now time.Time) time.Duration {
	if login.State != storage.LoginFailed || login.Order != nil && !login.Order.AwaitsApp() {
		return 0
	}
	return earlier(login.Created.Add(p.o.CallSilence), login.Request.Program.Expires).Sub(now)
}

// pending answers who asks before the person has decided.
func (p *Provider) pending(login *storage.Login, now time.Time) *oauthError {
	if p.paces.tooFast(login.ID, login.Expires, now) {
		return newError("slow_down", "wait for five seconds more between two requests than so far")
	}
	return newError("authorization_pending", "the person has not decided yet")
}

// answerPolled grants the client what the person has logged in for, under the code of the auth_req_id. That somebody else has done so just now
// is no error.
func (p *Provider) answerPolled(ctx context.Context, client *storage.Client, login *storage.Login, token string, now time.Time) *oauthError {
	if refusal := p.checkEncryption(ctx, client); refusal != nil {
		return refusal
	}
	if why := p.unanswerable(client, login); why != nil {
		return p.refusePolled(ctx, client, login, why)
	}
	answer := p.answerWith(p.pollCode(login, token), client, login.Request, event{
		identity: login.Identity, acr: p.acrOf(login.Request, login.Identity), amr: p.amrOf(login.Identity), at: login.Completed, login: login.ID, evidence: login.EvidenceID,
	}, now)
	_, err := p.o.Store.AnswerLogin(ctx, login.ID, answer, now)
	switch {
	case err == nil:
		p.o.Observe("answer", "ok", client.ID)
		p.tellAnswer(login, client, now)
	case !errors.Is(err, storage.ErrConflict):
		return p.fault(ctx, "answer login", err)
	}
	return nil
}

// refusePolled ends a login that does not answer its request.
func (p *Provider) refusePolled(ctx context.Context, client *storage.Client, login *storage.Login, why *oauthError) *oauthError {
	tell, told := p.o.Audit.OfLogin(func(*storage.Login) []audit.Event {
		return []audit.Event{refusedLogin(client, login, why, addressOf(ctx))}
	})
	if _, err := p.o.Store.RefuseLogin(ctx, login.ID, p.now(), tell); err != nil && !errors.Is(err, storage.ErrConflict) {
		return p.fault(ctx, "refuse login", err)
	}
	told(ctx)
	return errNotCompleted
}

// pollCode returns the code that a login is answered with whose client has the token: nobody else can make it, and it is always the same.
func (p *Provider) pollCode(login *storage.Login, token string) string {
	return storage.TokenOf(login.Created, p.macs.of("code of auth_req_id", token))
}

// redeemPolled spends the code of a login that has been answered. Unlike that of a browser it may come twice without anybody having stolen it,
// so nothing is revoked then.
func (p *Provider) redeemPolled(ctx context.Context, client *storage.Client, login *storage.Login, token string, form url.Values) (*tokenResponse, *oauthError) {
	a := &issue{client: client, authReqID: login.ID + "." + token, resources: resourcesOf(form), token: storage.NewToken(), now: p.now()}
	err := p.redeem(ctx, a, storage.Redemption{CodeHash: storage.TokenHash(secret.New(p.pollCode(login, token)))})
	var reused *storage.CodeReusedError
	switch {
	case errors.As(err, &reused), errors.Is(err, storage.ErrNotFound), errors.Is(err, storage.ErrMismatch):
		return nil, errAuthReqID
	case errors.Is(err, storage.ErrTarget):
		return nil, errInvalidTarget()
	case err != nil:
		return nil, p.fault(ctx, "redeem code", err)
	}
	return p.answerTokens(ctx, a)
}

// paces remembers how fast the clients of pending logins ask, in this process alone: another one begins anew, which costs a client nothing. It
// is safe for concurrent use.
type paces struct {
	mu  sync.Mutex
	all map[string]pace // by login
}

type pace struct {
	asked, ends time.Time
	interval    time.Duration
}

// maxPaces is how many are remembered before those are forgotten whose logins are over.
const maxPaces = 10_000

// tooFast notes that the client of a login asks at now, and reports whether that is too soon after the last time.
func (all *paces) tooFast(login string, ends, now time.Time) bool {
	all.mu.Lock()
	defer all.mu.Unlock()
	before, known := all.all[login]
	if !known {
		all.makeRoom(now)
		before.interval = pollInterval
	}
	tooFast := known && now.Before(before.asked.Add(before.interval-pollSlack))
	if tooFast {
		before.interval = min(before.interval+pollGrows, pollMost)
	}
	all.all[login] = pace{now, ends, before.interval}
	return tooFast
}

// makeRoom forgets what is over when there is much to remember.
func (all *paces) makeRoom(now time.Time) {
	if all.all == nil {
		all.all = make(map[string]pace)
	}
	if len(all.all) < maxPaces {
		return
	}
	for login, one := range all.all {
		if !now.Before(one.ends) {
			delete(all.all, login)
		}
	}
}
