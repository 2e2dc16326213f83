package op

import (
	"cmp"
	"context"
	"errors"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"brygga/audit"
	"brygga/limit"
	"brygga/storage"
)

// Limits bound how much is asked of the endpoints. Zero fields mean the default.
type Limits struct {
	// RequestsPerAddress is per minute and network address (IPv4 address, IPv6 /64). What a client has proven to be its own is
	// not counted here but for the client, so that a broker may send what it likes from one address. Default 6000.
	RequestsPerAddress int
	// RequestsPerClient is per minute and client, for its own requests, and once more for those of browsers in its name.
	// Default 60000.
	RequestsPerClient int
}

const (
	// failureCost is how many requests a failed client authentication counts for.
	failureCost = 10
	// failuresPerMinute is how often one network address may fail to authenticate as one client. Then it must wait, even with
	// the right secret: guessing goes on too slowly to get anywhere.
	failuresPerMinute = 60
	// failureEvents is how many failed authentications go into the audit log in a minute, in all. Of one address and client
	// it is one.
	failureEvents = 60
)

// attempt names who tries to be whom.
type attempt struct {
	network  netip.Prefix
	clientID string
}

// limits counts what is asked. Browsers that are sent here in a client's name are visits: as anybody can send them, they must not
// use up what the client itself may ask.
type limits struct {
	addresses *limit.Limiter[netip.Prefix]
	clients   *limit.Limiter[string]
	visits    *limit.Limiter[string]
	failures  *limit.Limiter[attempt]
	events    *limit.Limiter[attempt]
	allEvents *limit.Limiter[struct{}]
}

func newLimits(l Limits, now func() time.Time) *limits {
	return &limits{
		addresses: limit.New[netip.Prefix](cmp.Or(l.RequestsPerAddress, 6000), now),
		clients:   limit.New[string](cmp.Or(l.RequestsPerClient, 60_000), now),
		visits:    limit.New[string](cmp.Or(l.RequestsPerClient, 60_000), now),
		failures:  limit.New[attempt](failuresPerMinute, now),
		events:    limit.New[attempt](1, now),
		allEvents: limit.New[struct{}](failureEvents, now),
	}
}

// errTooMany is the code of an answer with status 429. OAuth has none of its own for it.
const errTooMany = "temporarily_unavailable"

// tooMany returns the refusal of a request beyond a limit. It carries the limit's error for the Retry-After header.
func tooMany(err error) *oidc.Error {
	return (&oidc.Error{ErrorType: errTooMany, Description: "too many requests: see Retry-After"}).WithParent(err)
}

// setRetryAfter sets the header of that name to what err, a *limit.Error, says (RFC 9110 §10.2.3).
func setRetryAfter(w http.ResponseWriter, err error) {
	wait := time.Second
	var over *limit.Error
	if errors.As(err, &over) {
		wait = over.RetryAfter
	}
	w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(wait.Seconds())))))
}

// spend counts a request for the client that sent it. It returns what to refuse the request with when there were too many.
func (p *Provider) spend(client *storage.Client) *oidc.Error {
	if err := p.limits.clients.Allow(client.ID); err != nil {
		return tooMany(err)
	}
	return nil
}

// noteFailure counts a failed client authentication and records it. The client is nil when it is unknown.
func (p *Provider) noteFailure(ctx context.Context, who attempt, client *storage.Client, why failure) {
	p.limits.addresses.Charge(who.network, failureCost)
	p.limits.failures.Charge(who, 1)
	if p.limits.events.Allow(who) != nil || p.limits.allEvents.Allow(struct{}{}) != nil {
		return
	}
	event := audit.Event{Type: audit.ClientRefused, SourceAddress: addressOf(ctx), Message: string(why)}
	if client != nil {
		event.ClientID, event.CustomerIdentifier = client.ID, client.CustomIdentifier
	}
	p.o.Audit.Record(ctx, event)
}
