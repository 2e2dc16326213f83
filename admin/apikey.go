package admin

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"brygga/account"
	"brygga/audit"
	"brygga/clients"
	"brygga/secret"
	"brygga/storage"
)

// ErrKey means that no key is as presented, that it has ended, or that it may not be used from there. Which of these is nobody's business.
var ErrKey = errors.New("admin: the key is refused")

// NewAPIKey is a key for the API that is to be made.
type NewAPIKey struct {
	// Name says what it is for.
	Name string
	// ClientID is the client as which it makes orders over BankID's JSON:API; empty for a key of the management API.
	ClientID string
	// Scopes are the operations that it is for, Groups the groups of clients, nil for all of them.
	Scopes, Groups []string
	// Networks are the addresses that it may come from, each an address or a CIDR prefix; nil for any.
	Networks []string
	// Expires is when it ends, zero for never.
	Expires time.Time
}

// keyPrefix begins every key, so that it is known when it turns up where it should not.
const keyPrefix = "brygga_"

// maxKeySecrets is how many secrets of a key work at once: the new one and that of before.
const maxKeySecrets = 2

// newKey returns a key of that ID as it is handed over, and as its secret is stored.
func newKey(id string, now time.Time) (secret.String, storage.ClientSecret) {
	random := make([]byte, 32)
	rand.Read(random)
	value := secret.New(keyPrefix + id + "_" + base64.RawURLEncoding.EncodeToString(random))
	return value, storage.ClientSecret{Hash: value.Hash(), Created: now}
}

func (s *Service) now() time.Time { return s.o.Now().UTC().Truncate(time.Microsecond) }

// Authenticate returns who has the presented key, or ErrKey. It notes the use, at most once a minute.
func (s *Service) Authenticate(ctx context.Context, presented secret.String, from account.From) (Actor, error) {
	if !strings.HasPrefix(presented.Reveal(), keyPrefix) && !presented.IsZero() && s.o.Client != nil {
		return s.client(ctx, presented, from)
	}
	key, err := s.presented(ctx, presented, from, false)
	if err != nil {
		return Actor{}, err
	}
	return Key(key.ID, key.Scopes, key.Groups, from), nil
}

// ClientKey returns the key for BankID's JSON:API that is presented, with its client, or ErrKey: also for a key whose client is disabled or gone. It
// notes the use, at most once a minute.
func (s *Service) ClientKey(ctx context.Context, presented secret.String, from account.From) (*storage.APIKey, *storage.Client, error) {
	key, err := s.presented(ctx, presented, from, true)
	if err != nil {
		return nil, nil, err
	}
	client, err := storage.Enabled(s.o.Store).Client(ctx, key.ClientID)
	switch {
	case errors.Is(err, storage.ErrNotFound) || err == nil && !key.Of(client):
		s.refuse(ctx, key, from)
		return nil, nil, ErrKey
	case err != nil:
		return nil, nil, fmt.Errorf("client of API key: %w", err)
	}
	return key, client, nil
}

// presented returns the key that is presented, of a client or of the management API, or ErrKey, and notes the use.
func (s *Service) presented(ctx context.Context, presented secret.String, from account.From, ofClient bool) (*storage.APIKey, error) {
	rest, ok := strings.CutPrefix(presented.Reveal(), keyPrefix)
	id, _, found := strings.Cut(rest, "_")
	if !ok || !found || len(rest) > maxKey || !utf8.ValidString(id) {
		return nil, ErrKey
	}
	key, err := s.o.Store.APIKey(ctx, id)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, ErrKey
	}
	if err != nil {
		return nil, fmt.Errorf("find API key: %w", err)
	}
	now := s.now()
	if !key.Valid(presented, from.Address, now) || (key.ClientID != "") != ofClient {
		s.refuse(ctx, key, from)
		return nil, ErrKey
	}
	if now.Sub(key.Used) >= time.Minute {
		key.Used, key.Address = now.Truncate(time.Minute), address(from)
		// Somebody else may just have changed it, or noted a use: what is noted here is no more than a help.
		if err := s.o.Store.PutAPIKey(ctx, *key); err != nil && !errors.Is(err, storage.ErrConflict) && !errors.Is(err, storage.ErrNotFound) {
			return nil, fmt.Errorf("note the use of an API key: %w", err)
		}
	}
	return key, nil
}

func (s *Service) refuse(ctx context.Context, key *storage.APIKey, from account.From) {
	s.o.Audit.Record(ctx, audit.Event{Type: audit.APIKeyRefused, Object: key.ID, SourceAddress: address(from)})
}

const maxKey = 200

// clientActor begins what the audit log calls a client that asks as itself.
const clientActor = "client:"

// maxKeyList is how many scopes, groups and networks a key may have: all are looked at whenever it is used.
const maxKeyList = 100

// client returns who has the access token, or ErrKey. A client of a group is for the clients of that group.
func (s *Service) client(ctx context.Context, token secret.String, from account.From) (Actor, error) {
	c, scopes, err := s.o.Client(ctx, token)
	if errors.Is(err, storage.ErrNotFound) {
		return Actor{}, ErrKey
	}
	if err != nil {
		return Actor{}, fmt.Errorf("find access token: %w", err)
	}
	var groups []string
	if c.AdminGroup != "" {
		groups = []string{c.AdminGroup}
	}
	return program(clientActor+c.ID, scopes, groups, from), nil
}

// APIKeys returns all keys for the API, ordered by ID.
func (s *Service) APIKeys(ctx context.Context, actor Actor) ([]*storage.APIKey, error) {
	if _, err := s.permit(ctx, actor, ListAPIKeys); err != nil {
		return nil, err
	}
	return s.apiKeys(ctx)
}

func (s *Service) apiKeys(ctx context.Context) (all []*storage.APIKey, err error) {
	for after := ""; ; {
		page, err := s.o.Store.APIKeys(ctx, after, clientPage)
		if err != nil {
			return nil, fmt.Errorf("list API keys: %w", err)
		}
		all = append(all, page...)
		if len(page) < clientPage {
			return all, nil
		}
		after = page[len(page)-1].ID
	}
}

// CreateAPIKey makes a key and returns it as it is handed over, once. It returns clients.Problems. A program with a key can make none that may do
// more than itself: storage.ErrForbidden.
func (s *Service) CreateAPIKey(ctx context.Context, actor Actor, n NewAPIKey) (*storage.APIKey, secret.String, error) {
	r, err := s.permit(ctx, actor, CreateAPIKey)
	if err != nil {
		return nil, secret.String{}, err
	}
	now := s.now()
	networks, problems := n.check(now)
	if n.ClientID != "" {
		found, err := s.checkKeyOf(ctx, n.ClientID)
		if err != nil {
			return nil, secret.String{}, err
		}
		problems = append(problems, found...)
	}
	if len(problems) > 0 {
		return nil, secret.String{}, problems
	}
	if !actor.covers(r, n) {
		return nil, secret.String{}, &RefusedError{OperationOf(CreateAPIKey), ErrStronger}
	}
	key := storage.APIKey{
		ID: strings.ToLower(rand.Text()[:12]), Name: n.Name, ClientID: n.ClientID, Scopes: slices.Compact(slices.Sorted(slices.Values(n.Scopes))), Groups: n.Groups, Networks: networks,
		Created: now, Creator: actor.name, Expires: n.Expires,
	}
	value, stored := newKey(key.ID, now)
	key.Secrets = []storage.ClientSecret{stored}
	err = s.putKey(ctx, actor, audit.APIKeyCreated, nil, &key)
	return &key, value, err
}

// checkKeyOf returns what keeps a client from having a key.
func (s *Service) checkKeyOf(ctx context.Context, clientID string) (clients.Problems, error) {
	c, err := s.o.Store.Client(ctx, clientID)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return clients.Problems{clients.Fault("client", "key.client", fmt.Sprintf("%.40q", clientID))}, nil
	case err != nil:
		return nil, fmt.Errorf("find client: %w", err)
	}
	return clients.CheckOrders(c, s.o.Installation), nil
}

// covers reports whether the actor may do itself all that the key is for. Who may change a client may have its key: with another secret it would be the
// client itself.
func (a Actor) covers(r reach, n NewAPIKey) bool {
	if a.scopes == nil {
		return true
	}
	if n.ClientID != "" {
		return r.all && slices.Contains(a.scopes, ScopeClientsWrite)
	}
	inside := r.all || len(n.Groups) > 0 && !slices.ContainsFunc(n.Groups, func(group string) bool { return !slices.Contains(r.groups, group) })
	return inside && !slices.ContainsFunc(n.Scopes, func(scope string) bool { return !slices.Contains(a.scopes, scope) })
}

// known are the scopes that such a key can have.
func (n *NewAPIKey) known() []string {
	if n.ClientID != "" {
		return storage.OrderScopes
	}
	return Scopes()
}

// check returns the networks as they are stored, and all that is wrong.
func (n *NewAPIKey) check(now time.Time) (networks []string, problems clients.Problems) {
	add := func(p clients.Problem) { problems = append(problems, p) }
	if name := strings.TrimSpace(n.Name); name == "" || utf8.RuneCountInString(name) > clients.MaxName || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		add(clients.Fault("name", "key.name", strconv.Itoa(clients.MaxName)))
	}
	short := len(problems)
	for key, list := range map[string][]string{"scopes": n.Scopes, "groups": n.Groups, "networks": n.Networks} {
		if len(list) > maxKeyList {
			add(clients.Fault(key, "key.many", strconv.Itoa(maxKeyList)))
		}
	}
	if len(problems) > short { // they are not looked at one by one
		return nil, problems
	}
	for _, group := range n.Groups {
		if strings.TrimSpace(group) == "" || utf8.RuneCountInString(group) > clients.MaxName || strings.ContainsFunc(group, func(r rune) bool { return !unicode.IsPrint(r) }) {
			add(clients.Fault("groups", "key.group", fmt.Sprintf("%.40q", group)))
		}
	}
	known := n.known()
	if len(n.Scopes) == 0 {
		add(clients.Fault("scopes", "key.scopes", strings.Join(known, ", ")))
	}
	for _, scope := range n.Scopes {
		if !slices.Contains(known, scope) {
			add(clients.Fault("scopes", "scope.unknown", fmt.Sprintf("%.40q", scope)).Near(scope, known))
		}
	}
	if n.ClientID != "" && len(n.Groups) > 0 {
		add(clients.Fault("groups", "key.groups"))
	}
	for _, text := range n.Networks {
		prefix, err := netip.ParsePrefix(text)
		if address, alone := netip.ParseAddr(text); alone == nil {
			prefix, err = netip.PrefixFrom(address.Unmap(), address.Unmap().BitLen()), nil
		}
		if err != nil {
			add(clients.Fault("networks", "key.network", fmt.Sprintf("%.60q", text)))
			continue
		}
		networks = append(networks, prefix.Masked().String())
	}
	if !n.Expires.IsZero() && !n.Expires.After(now) {
		add(clients.Fault("expires", "key.past"))
	}
	return networks, problems
}

// RotateAPIKey gives a key a new secret and returns it as it is handed over, once. That of before goes on for keep; older ones end at once.
func (s *Service) RotateAPIKey(ctx context.Context, actor Actor, id string, keep time.Duration) (*storage.APIKey, secret.String, error) {
	r, err := s.permit(ctx, actor, RotateAPIKey)
	if err != nil {
		return nil, secret.String{}, err
	}
	before, err := s.o.Store.APIKey(ctx, id)
	if err != nil {
		return nil, secret.String{}, fmt.Errorf("find API key: %w", err)
	}
	if !actor.covers(r, NewAPIKey{ClientID: before.ClientID, Scopes: before.Scopes, Groups: before.Groups}) { // it would hold a stronger one
		return nil, secret.String{}, &RefusedError{OperationOf(RotateAPIKey), ErrStronger}
	}
	now, key := s.now(), *before
	value, stored := newKey(id, now)
	key.Secrets = []storage.ClientSecret{stored}
	if keep > 0 && len(before.Secrets) > 0 {
		last := before.Secrets[0]
		if end := now.Add(keep); last.Expires.IsZero() || end.Before(last.Expires) {
			last.Expires = end
		}
		key.Secrets = append(key.Secrets, last)[:maxKeySecrets]
	}
	err = s.putKey(ctx, actor, audit.APIKeyRotated, before, &key)
	return &key, value, err
}

// RemoveAPIKey removes a key: it works no more from then on.
func (s *Service) RemoveAPIKey(ctx context.Context, actor Actor, id string) error {
	if _, err := s.permit(ctx, actor, RemoveAPIKey); err != nil {
		return err
	}
	before, err := s.o.Store.APIKey(ctx, id)
	if err != nil {
		return fmt.Errorf("find API key: %w", err)
	}
	records, told := s.o.Audit.Of(keyEvent(actor, audit.APIKeyRemoved, before, nil))
	if err := s.o.Store.RemoveAPIKey(ctx, id, records...); err != nil {
		return fmt.Errorf("remove API key: %w", err)
	}
	told(ctx)
	return nil
}

func (s *Service) putKey(ctx context.Context, actor Actor, what audit.Type, before, key *storage.APIKey) error {
	records, told := s.o.Audit.Of(keyEvent(actor, what, before, key))
	if err := s.o.Store.PutAPIKey(ctx, *key, records...); err != nil {
		return fmt.Errorf("store API key: %w", err)
	}
	key.Revision++
	told(ctx)
	return nil
}

func keyEvent(actor Actor, what audit.Type, before, after *storage.APIKey) audit.Event {
	e := audit.Event{Type: what, Actor: actor.name, SourceAddress: address(actor.from), Changes: audit.Diff(keyPairs(before), keyPairs(after))}
	if e.Object = ""; after != nil {
		e.Object = after.ID
	} else {
		e.Object = before.ID
	}
	return e
}

// keyPairs are the settings of a key that the audit log may have, none for nil.
func keyPairs(key *storage.APIKey) (pairs [][2]string) {
	if key == nil {
		return nil
	}
	pairs = [][2]string{
		{"name", key.Name}, {"client", key.ClientID}, {"scopes", strings.Join(key.Scopes, " ")}, {"groups", strings.Join(key.Groups, " ")}, {"networks", strings.Join(key.Networks, " ")},
	}
	if !key.Expires.IsZero() {
		pairs = append(pairs, [2]string{"expires", key.Expires.Format(time.RFC3339)})
	}
	var secrets []string
	for _, s := range key.Secrets {
		text := "made " + s.Created.Format(time.RFC3339)
		if !s.Expires.IsZero() {
			text += " until " + s.Expires.Format(time.RFC3339)
		}
		secrets = append(secrets, text)
	}
	return append(pairs, [2]string{"secrets", strings.Join(secrets, " ")})
}
