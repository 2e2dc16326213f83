package op

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"brygga/secret"
	"brygga/storage"
)

// Bounds of the delivery of pings. One that is not delivered costs its client nothing but time: it may ask all the same.
const (
	pingTries  = 5
	pingRetry  = time.Second // after the first try, and twice as long after each
	pingsKept  = 1024        // that wait for Run
	pingsAtAny = 256         // in hand at once
	pingsAtOne = 32          // of them for one client, so that one that does not answer holds up nobody else's
)

// EndpointPings is what Options.Observe calls an attempt to tell a client that a login by telephone has ended; outcomes are those of notices.
const EndpointPings = "ciba_ping"

// The lengths of a client_notification_token: as many as 128 bits take at least, and the most (OpenID CIBA Core §7.1).
const (
	minNotificationToken = 22
	maxNotificationToken = 1024
)

// checkNotification takes over what the client is told by, if it is registered to be.
func checkNotification(client *storage.Client, values url.Values, token string, program *storage.Program) *oauthError {
	if client.CIBA != storage.CIBAPing {
		return nil
	}
	notification := values.Get(paramNotificationToken)
	switch {
	case notification == "":
		return invalid("client_notification_token is missing: the client is registered to be told")
	case len(notification) < minNotificationToken || len(notification) > maxNotificationToken || !isBearer(notification):
		return invalid("client_notification_token must be a bearer token of 128 random bits or more, in 1024 characters at most")
	}
	program.Ping = storage.Ping{Secret: secret.New(token), Token: secret.New(notification)}
	return nil
}

// isBearer reports whether text has the form of a bearer token (RFC 6750 §2.1).
func isBearer(text string) bool {
	text = strings.TrimRight(text, "=")
	return text != "" && !strings.ContainsFunc(text, func(c rune) bool {
		return !(c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.ContainsRune("-._~+/", c))
	})
}

// Notify tells the client of a login that has ended, if it wants to be told (OpenID CIBA Core §10.2). It returns at once: Run does it, and tries
// again for a quarter of a minute. Of a failure that must not be told yet it waits. What a client has been told is that it may ask now, and nothing of the person or of how it ended.
func (p *Provider) Notify(login *storage.Login) {
	program := login.Request.Program
	if p.tellsOf(login) {
		return // Run finds it in the store
	}
	if program == nil || program.Owner != ownerCIBA || program.Ping.Token.IsZero() {
		return
	}
	if silence := p.silence(login, p.now()); silence > 0 {
		time.AfterFunc(silence, func() { p.Notify(login) })
		return
	}
	select {
	case p.pings <- login:
	default:
		p.log.Warn("client not told of the end of a login: there are too many to tell", "login", login.ID, "client_id", login.Request.ClientID)
		p.o.Observe(EndpointPings, noticePaused, login.Request.ClientID)
	}
}

// pinger tells clients of the ends of logins.
type pinger struct {
	p    *Provider
	work sync.WaitGroup
	mu   sync.Mutex
	held map[string]int // by client
	all  int
}

// take begins to tell the client of a login, unless too many are being told.
func (g *pinger) take(ctx context.Context, login *storage.Login) {
	id := login.Request.ClientID
	if !g.enter(id) {
		g.p.o.Observe(EndpointPings, noticePaused, id)
		return
	}
	g.work.Go(func() {
		defer g.leave(id)
		for try := range pingTries {
			outcome := g.p.ping(context.WithoutCancel(ctx), login)
			g.p.o.Observe(EndpointPings, outcome, id)
			if outcome == noticeDelivered || outcome == noticeMoot || outcome == noticeRefused {
				return
			}
			g.p.log.WarnContext(ctx, "client not told of the end of a login", "login", login.ID, "client_id", id, "outcome", outcome, "attempts", try+1)
			if try == pingTries-1 || !sleep(ctx, pingRetry<<try) {
				return
			}
		}
	})
}

// sleep waits, and reports whether nothing has ended that.
func sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (g *pinger) enter(client string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all >= pingsAtAny || g.held[client] >= pingsAtOne {
		return false
	}
	g.all++
	g.held[client]++
	return true
}

func (g *pinger) leave(client string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all--
	if g.held[client]--; g.held[client] == 0 {
		delete(g.held, client)
	}
}

// ping tells the client once, at the address that it is registered with now.
func (p *Provider) ping(ctx context.Context, login *storage.Login) (outcome string) {
	client, err := p.o.Store.Client(ctx, login.Request.ClientID)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return noticeMoot
	case err != nil:
		p.fault(ctx, "read client", err)
		return noticeFault
	case client.CIBA != storage.CIBAPing || !client.MayNamePeople():
		return noticeMoot
	}
	ping := login.Request.Program.Ping
	body, err := json.Marshal(struct {
		ID string `json:"auth_req_id"`
	}{login.ID + "." + ping.Secret.Reveal()})
	if err != nil {
		return noticeFault
	}
	header := http.Header{"Content-Type": headerJSON, "Authorization": {"Bearer " + ping.Token.Reveal()}}
	status, err := p.o.Outbound.Post(ctx, client.NotificationEndpoint, header, body)
	return deliveryOutcome(status, err)
}
