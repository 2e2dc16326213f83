package op

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"brygga/cache"
	"brygga/storage"
)

// How long the keys behind a jwks_uri are kept.
const (
	// minKeyLife and maxKeyLife bound what the client's Cache-Control says; keyLife is taken when it says nothing.
	minKeyLife, keyLife, maxKeyLife = time.Minute, 10 * time.Minute, time.Hour
	// keyRetry is how often a client's keys are fetched before their time, or after a failure, at most.
	keyRetry = time.Minute
	// staleKeyLife is how old keys may get while their address does not answer. A client that takes a key back should not have
	// to wait longer; a client that is down for a night is so for other reasons too.
	staleKeyLife = 6 * time.Hour
	// maxKeyBytes bounds the memory: some 10 000 clients with a key or two. Keys that were parsed take keyFactor times what their text does.
	maxKeyBytes = 32 << 20
	keyFactor   = 4
)

// fetcher gets what stands at an address, at most max bytes; an outbound.Caller is one.
type fetcher interface {
	Get(ctx context.Context, address string, max int64) (body []byte, header http.Header, err error)
}

// keySets keeps the parsed keys of clients, by client.
type keySets struct {
	outbound fetcher
	now      func() time.Time
	log      *slog.Logger

	mu   sync.Mutex
	sets *cache.Cache[*keySet]
}

// keySet is what is known of one client's keys.
type keySet struct {
	source string // the JWKS itself, or where it is
	keys   []jose.JSONWebKey
	// fetched is when the keys came, expires until when they are fresh, tried when they were last asked for.
	fetched, expires, tried time.Time
	// flight is closed when the fetch under way is over; nil when there is none.
	flight chan struct{}
}

func newKeySets(outbound fetcher, now func() time.Time, log *slog.Logger) *keySets {
	return &keySets{outbound: outbound, now: now, log: log, sets: cache.New[*keySet](maxKeyBytes)}
}

// get returns the client's keys. With anew it fetches those behind a jwks_uri although they are fresh, unless that was done
// within keyRetry. Concurrent calls share one fetch. It returns an error that wraps errNoKeys when there are none.
func (s *keySets) get(ctx context.Context, client *storage.Client, anew bool) ([]jose.JSONWebKey, error) {
	if client.JWKSURI == "" {
		return s.inline(client)
	}
	for {
		set, flight, keys := s.look(client, anew)
		switch {
		case keys != nil:
			return keys, nil
		case flight != nil:
			select {
			case <-flight:
			case <-ctx.Done():
				return nil, fmt.Errorf("%w: %w", errNoKeys, ctx.Err())
			}
		case set != nil:
			s.fetch(ctx, client, set)
		default:
			return nil, errNoKeys
		}
		anew = false
	}
}

// look returns one of three: the keys to use, or the flight to wait for, or the set whose keys the caller must fetch, as its flight
// has begun. All are nil when there are no keys and it was tried lately.
//
// The flights are our own: golang.org/x/sync/singleflight neither lets others use the keys at hand meanwhile, nor counts how long ago
// the last one was, and fetches in a goroutine that nobody waits for when those who wait must be able to give up.
func (s *keySets) look(client *storage.Client, anew bool) (set *keySet, flight chan struct{}, keys []jose.JSONWebKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	set = s.set(client.ID, client.JWKSURI)
	if now.Before(set.fetched.Add(staleKeyLife)) {
		keys = set.keys
	}
	switch {
	case keys != nil && !anew && (now.Before(set.expires) || set.flight != nil): // fresh, or being fetched for somebody else
		return nil, nil, keys
	case set.flight != nil:
		return nil, set.flight, nil
	case now.Before(set.tried.Add(keyRetry)):
		return nil, nil, keys
	}
	set.flight, set.tried = make(chan struct{}), now
	return set, nil, nil
}

// inline returns the keys that are registered with the client itself. They are parsed once.
func (s *keySets) inline(client *storage.Client) ([]jose.JSONWebKey, error) {
	if len(client.JWKS) == 0 {
		return nil, errNoKeys
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	set, known := s.sets.Get(client.ID)
	if !known || set.source != string(client.JWKS) {
		var err error
		set = s.set(client.ID, string(client.JWKS))
		if set.keys, err = parseJWKS(client.JWKS); err != nil {
			s.log.Warn("keys of a client cannot be used", "client_id", client.ID, "err", err)
		}
	}
	if set.keys == nil {
		return nil, errNoKeys
	}
	return set.keys, nil
}

// set returns what is known of a client's keys, which is nothing when they stood elsewhere before. The caller holds mu.
func (s *keySets) set(id, source string) *keySet {
	if set, ok := s.sets.Get(id); ok && set.source == source {
		return set
	}
	set := &keySet{source: source}
	s.sets.Put(id, set, 1<<10+keyFactor*len(source))
	return set
}

// fetch gets the keys of a set whose flight the caller has begun. It goes on when the request that it serves is given up, as
// others wait for it too; what bounds it is the time-out of the outbound call.
func (s *keySets) fetch(ctx context.Context, client *storage.Client, set *keySet) {
	var keys []jose.JSONWebKey
	var life time.Duration
	var body []byte
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if keys != nil {
			set.keys, set.fetched, set.expires = keys, set.tried, set.tried.Add(life)
			if known, ok := s.sets.Get(client.ID); ok && known == set { // now its size is known
				s.sets.Put(client.ID, set, 1<<10+keyFactor*len(body))
			}
		}
		close(set.flight)
		set.flight = nil
	}()
	var header http.Header
	var err error
	body, header, err = s.outbound.Get(context.WithoutCancel(ctx), client.JWKSURI, maxJWKS)
	if err == nil {
		keys, err = parseJWKS(body)
	}
	if err != nil {
		s.log.WarnContext(ctx, "keys of a client cannot be fetched", "client_id", client.ID, "err", err)
		return
	}
	life = freshness(header)
}

// freshness returns how long an answer may be kept by its Cache-Control (RFC 9111 §5.2.2), within our own bounds.
func freshness(header http.Header) time.Duration {
	life := keyLife
	for directive := range strings.SplitSeq(strings.Join(header.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return minKeyLife
		case "max-age":
			if seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
				life = time.Duration(seconds) * time.Second
			}
		}
	}
	return min(max(life, minKeyLife), maxKeyLife)
}
