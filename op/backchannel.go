package op

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"brygga/audit"
	"brygga/outbound"
	"brygga/storage"
)

// How notices of ended sessions are retried and how long a logout token is valid. It is made anew for each attempt.
const (
	noticeRetry     = 30 * time.Second
	noticeRetryMost = 15 * time.Minute
	logoutTokenLife = 2 * time.Minute
)

// The outcomes of an attempt to deliver a notice, for Options.Observe and the log.
const (
	noticeDelivered = "ok"
	noticeRefused   = "refused"           // the client has answered that it does not want it: 400 to a logout, 410 to a webhook's message
	noticeStatus    = "bad_status"        // it has answered something else
	noticeForbidden = "forbidden_address" // its address is one that we must not call
	noticeTimeout   = "timeout"
	noticeUnreached = "unreachable"
	noticeMoot      = "dropped" // the client is gone, or wants no notices any more
	noticePaused    = "paused"  // its turn did not come: its host does not answer, or not fast enough
	noticeFault     = "server_error"
)

// What Options.Observe calls an attempt to deliver a notice, and one whose client will never get it, after the last attempt.
const (
	EndpointNotices     = "backchannel_logout"
	EndpointUndelivered = "backchannel_logout_undelivered"
)

// NoticeOutcomes returns what Options.Observe may be told of a notice.
func NoticeOutcomes() []string {
	return []string{
		noticeDelivered, noticeRefused, noticeStatus, noticeForbidden, noticeTimeout, noticeUnreached, noticeMoot, noticePaused, noticeFault,
	}
}

// logoutClaims are the claims of a logout token (OpenID Connect Back-Channel Logout §2.4). It has no nonce, so that nothing
// takes it for an ID token.
type logoutClaims struct {
	Issuer    string       `json:"iss"`
	Subject   string       `json:"sub"`
	Audience  string       `json:"aud"`
	IssuedAt  int64        `json:"iat"`
	Expires   int64        `json:"exp"`
	ID        string       `json:"jti"`
	Events    logoutEvents `json:"events"`
	SessionID string       `json:"sid"`
}

type logoutEvents struct {
	Logout struct{} `json:"http://schemas.openid.net/event/backchannel-logout"`
}

// logoutToken returns the signed logout token of a notice. The jti is the notice's, so that a client which has had it knows
// it again.
func (p *Provider) logoutToken(ctx context.Context, client *storage.Client, notice *storage.Notice) (string, error) {
	now := p.now()
	claims, err := json.Marshal(&logoutClaims{
		Issuer: p.o.Issuer, Subject: notice.Subject, Audience: client.ID, IssuedAt: now.Unix(), Expires: now.Add(logoutTokenLife).Unix(),
		ID: notice.ID, SessionID: notice.SessionID,
	})
	if err != nil {
		return "", fmt.Errorf("encode claims: %w", err)
	}
	return p.o.Keys.Sign(ctx, client.IDTokenAlg, "logout+jwt", claims)
}

// noticeClient returns the client that a notice is for, nil when there is nobody to tell any more.
func (p *Provider) noticeClient(ctx context.Context, notice *storage.Notice) (*storage.Client, error) {
	client, err := p.o.Store.Client(ctx, notice.ClientID)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case deliveryOf(notice).address(client) == "", client.Succeeds(notice.Created):
		return nil, nil
	}
	return client, nil
}

// sendLogout tells the client of a logout once (§2.5) and returns what came of it.
func (p *Provider) sendLogout(ctx context.Context, client *storage.Client, notice *storage.Notice) (outcome string, status int) {
	token, err := p.logoutToken(ctx, client, notice)
	if err != nil {
		p.fault(ctx, "sign logout token", err)
		return noticeFault, 0
	}
	status, err = p.o.Outbound.PostForm(ctx, client.BackchannelLogoutURI, url.Values{"logout_token": {token}})
	return deliveryOutcome(status, err), status
}

// deliveryOutcome returns what came of a call that was answered with the status, or not at all.
func deliveryOutcome(status int, err error) string {
	switch {
	case errors.Is(err, outbound.ErrForbiddenAddress):
		return noticeForbidden
	case errors.Is(err, context.DeadlineExceeded):
		return noticeTimeout
	case err != nil:
		return noticeUnreached
	case status == http.StatusOK, status == http.StatusNoContent:
		return noticeDelivered
	case status == http.StatusBadRequest:
		return noticeRefused
	}
	return noticeStatus
}

// closeNotice notes what came of an attempt and ends the notice where nothing more is to be tried: it was delivered, the
// client refuses it or is gone, or its time is up. Any other waits for its next turn, which the store has set already.
func (p *Provider) closeNotice(ctx context.Context, client *storage.Client, notice *storage.Notice, outcome string) {
	d := deliveryOf(notice)
	p.o.Observe(d.attempt, outcome, notice.ClientID)
	event := audit.Event{Type: d.undelivered, ClientID: notice.ClientID, Object: d.object(notice), Message: outcome}
	switch {
	case outcome == noticeDelivered:
		event.Type, event.Message = d.delivered, ""
	case outcome == noticeMoot, outcome == noticeRefused, !notice.Due.Before(notice.Expires):
	default:
		level := slog.LevelWarn
		if outcome == noticePaused {
			level = slog.LevelDebug // what paused it was told of
		}
		p.log.Log(ctx, level, "notice not delivered", "doing", d.attempt, "client_id", notice.ClientID, "outcome", outcome, "attempts", notice.Attempts)
		return
	}
	if client != nil {
		event.CustomerIdentifier = client.CustomIdentifier
	}
	events, told := p.o.Audit.Of(event)
	if err := p.o.Store.DropNotice(ctx, notice.ID, events...); err != nil {
		p.fault(ctx, "drop notice", err)
		return
	}
	if event.Type == d.undelivered && outcome != noticeMoot {
		p.o.Observe(d.lost, outcome, notice.ClientID)
	}
	told(ctx)
}

// retryNotice returns how long after an attempt the next one follows: twice as long each time, and not for all at once.
func retryNotice(attempts int) time.Duration {
	wait := noticeRetryMost
	if n := attempts - 1; n >= 0 && n < 5 {
		wait = min(noticeRetry<<n, noticeRetryMost)
	}
	return wait + rand.N(wait/4)
}
