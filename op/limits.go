package op

import (
	"cmp"
	"context"
	"errors"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"brygga/audit"
	"brygga/limit"
	"brygga/storage"
)

// Limits bound how much is asked of the endpoints. Zero fields mean the default.
type Limits struct {
	// RequestsPerAddress is per minute and network address (see [limit.Addresses]). What a client has proven to be its own is
	// not counted here but for the client, so that a broker may send what it likes from one address. Default 6000.
	RequestsPerAddress int
	// RequestsPerClient is per minute and client, for what it has proven to be its own, and once more for what strangers ask in its
	// name: of that a network may have had as much as is left. Default 60000.
	RequestsPerClient int
	// LoginsPerAddress is how many requests of browsers are kept until they come again, per minute and network address. Default 600.
	LoginsPerAddress int
	// StoredPerAddress is how many bytes requests of strangers from one network address may take in the store, and Stored those of
	// all, of which a network may have as much as is left. Defaults 64 MiB and 2 GiB.
	StoredPerAddress, Stored int
}

const (
	// failureCost is how many requests a failed client authentication counts for, decryptionCost how many the decryption of what a
	// stranger has sent: an RSA key takes a millisecond.
	failureCost    = 10
	decryptionCost = 10
	// failuresPerMinute is how often one network address may fail to authenticate as one client. Who fails beyond that is not told
	// how. The right secret or signature passes all the same, as looking at one costs less than the request: strangers who share an
	// address with a client's back end, a proxy's or a cloud's, must not lock it out.
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
// use up what the client itself may ask. Nor must what is asked in the name of a public client, which everybody can be.
type limits struct {
	addresses *limit.Addresses
	clients   *limit.Limiter[string]
	public    *limit.Shared[string]
	visits    *limit.Shared[string]
	returns   *limit.Addresses
	stored    *limit.Addresses
	allStored *limit.Shared[struct{}]
	failures  *limit.Limiter[attempt]
	events    *limit.Limiter[attempt]
	allEvents *limit.Limiter[struct{}]
}

func newLimits(l Limits, now func() time.Time) *limits {
	perClient := cmp.Or(l.RequestsPerClient, 60_000)
	return &limits{
		addresses: limit.NewAddresses(cmp.Or(l.RequestsPerAddress, 6000), now),
		clients:   limit.New[string](perClient, now),
		public:    limit.NewShared[string](perClient, time.Minute, now),
		visits:    limit.NewShared[string](perClient, time.Minute, now),
		returns:   limit.NewAddresses(cmp.Or(l.LoginsPerAddress, 600), now),
		stored:    limit.NewAddressesOver(cmp.Or(l.StoredPerAddress, 64<<20), pushedLife, now),
		allStored: limit.NewShared[struct{}](cmp.Or(l.Stored, 2<<30), pushedLife, now),
		failures:  limit.New[attempt](failuresPerMinute, now),
		events:    limit.New[attempt](1, now),
		allEvents: limit.New[struct{}](failureEvents, now),
	}
}

// errTooMany is the code of an answer with status 429. OAuth has none of its own for it.
const errTooMany = OutcomeTooMany

// OutcomeTooMany is what Options.Observe is told of a request that was one too many.
const OutcomeTooMany = "temporarily_unavailable"

// tooMany returns the refusal of a request beyond a limit. It carries the limit's error for the Retry-After header.
func tooMany(err error) *oauthError {
	return &oauthError{code: errTooMany, description: "too many requests: see Retry-After", over: err}
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

// spend counts a request for the client that sent it, or in whose name it was sent from the address. It returns what to refuse the
// request with when there were too many.
func (p *Provider) spend(client *storage.Client, address string) *oauthError {
	var err error
	if client.Public() {
		err = p.limits.public.Allow(client.ID, address)
	} else {
		err = p.limits.clients.Allow(client.ID)
	}
	if err != nil {
		return tooMany(err)
	}
	return nil
}

// countVisit counts a browser's auth request for the client, and for the address what must be decrypted to read it. It returns a
// *limit.Error when that is too much.
func (p *Provider) countVisit(r *http.Request, client *storage.Client, sent url.Values) error {
	address := p.o.ClientIP(r)
	if err := p.limits.visits.Allow(client.ID, address); err != nil {
		return err
	}
	return p.countDecryption(address, sent.Get("request"), sent.Get("id_token_hint"), sent.Get(paramSignRequest))
}

// countDecryption counts those of the texts for the address that are encrypted to us. It returns a *limit.Error when that is too much.
func (p *Provider) countDecryption(address string, texts ...string) error {
	for _, text := range texts {
		if isEncrypted(text) {
			if err := p.limits.addresses.AllowN(address, decryptionCost); err != nil {
				return err
			}
		}
	}
	return nil
}

// isEncrypted reports whether text has the form of a JWE (RFC 7516 §7.1).
func isEncrypted(text string) bool { return strings.Count(text, ".") == 4 }

// countStored counts what a stranger has us store. It returns a *limit.Error when that is too much.
func (p *Provider) countStored(address string, bytes int) error {
	if err := p.limits.stored.CheckN(address, bytes); err != nil {
		return err
	}
	if err := p.limits.allStored.AllowN(struct{}{}, address, bytes); err != nil {
		return err
	}
	p.limits.stored.Charge(address, bytes)
	return nil
}

// noteFailure counts a failed client authentication and records it. The client is nil when it is unknown.
func (p *Provider) noteFailure(ctx context.Context, who attempt, client *storage.Client, why string) {
	p.limits.addresses.Charge(addressOf(ctx), failureCost)
	p.limits.failures.Charge(who, 1)
	if p.limits.events.Allow(who) != nil || p.limits.allEvents.Allow(struct{}{}) != nil {
		return
	}
	event := audit.Event{Type: audit.ClientRefused, SourceAddress: addressOf(ctx), Message: why}
	if client != nil {
		event.ClientID, event.CustomerIdentifier = client.ID, client.CustomIdentifier
	}
	p.o.Audit.Record(ctx, event)
}
