package bolt

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"brygga/secret"
	"brygga/storage"
)

// liveHeap returns how many bytes are in use once all garbage is gone.
func liveHeap() int {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // what finalizers held
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}

// cut returns text as a piece of something large, as a parameter is a piece of its request.
func cut(text string) string {
	return (text + strings.Repeat("p", 60<<10))[:len(text)]
}

// askedFor returns an auth request all of whose texts are cut.
func askedFor() storage.AuthRequest {
	return storage.AuthRequest{
		ClientID: cut("app"), RedirectURI: cut("https://app.example/cb"), ResponseMode: cut("query"), Scopes: []string{cut("openid"), cut("profile")},
		State: cut("state"), Nonce: cut("nonce"), CodeChallenge: cut("challenge"), Prompt: []string{cut("login")}, ACRValues: []string{cut("acr")},
		UILocales: []string{cut("sv")}, RequiredPersonalNumber: secret.New(cut("189001019802")), RequiredSubject: cut("sub"), ACR: cut("acr"),
		Claims: storage.ClaimsRequest{IDToken: []string{cut("name")}, UserInfo: []string{cut("name")}}, Resources: []string{cut("https://api.example")},
		UserMessage: &storage.UserMessage{Text: map[string]string{cut("sv"): cut("hej")}, Format: cut("plaintext")},
		Payment:     &storage.Payment{Type: cut("card"), Recipient: cut("Butiken"), Amount: cut("1,50"), Currency: cut("SEK"), RiskWarning: cut("Se upp"), RiskFlags: []string{cut("other")}},
	}
}

// TestMemoryKeepsNothingOfARequest: what a stranger has sent beside the texts that are kept must go with the request.
func TestMemoryKeepsNothingOfARequest(t *testing.T) {
	s := openTest(t, Options{})
	ctx, now := t.Context(), time.Now().UTC().Truncate(time.Microsecond)
	const n = 20
	before := liveHeap()
	for i := range n {
		id, request := fmt.Sprint("l", i), askedFor()
		login := storage.Login{ID: id, State: storage.LoginOpen, Request: &request, Created: now, Expires: now.Add(time.Hour)}
		if err := s.CreateLogin(ctx, login); err != nil {
			t.Fatal(err)
		}
		starter := storage.Starter{
			Device: cut("this"), IP: cut("192.0.2.1"), UserAgent: cut("Agent"), Platform: cut("iOS"), Mobile: cut("?1"), Brands: cut("Brand"),
			DeviceIdentifier: cut("device"), Language: cut("sv"),
		}
		if _, err := s.BeginOrder(ctx, cut(id), storage.Claim{ID: "c", Starter: starter, At: now, WindowEnds: now.Add(time.Minute)}); err != nil {
			t.Fatal(err)
		}
		client := cut(fmt.Sprint("app", i))
		if err := s.CreateClient(ctx, storage.Client{ID: client}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Client(ctx, client); err != nil {
			t.Fatal(err)
		}
		session := storage.Session{ID: fmt.Sprint("s", i), CookieHash: [32]byte{byte(i)}, Created: now, Used: now, AuthTime: now, IdleLife: time.Hour, Expires: now.Add(time.Hour)}
		grant := storage.Grant{
			ID: fmt.Sprint("g", i), ClientID: client, SessionID: cut("sid"), TransactionID: cut("txn"), Subject: cut("sub"), Scopes: request.Scopes,
			Nonce: request.Nonce, ACR: request.ACR, AMR: []string{cut("swk")}, Session: session.ID, Claims: request.Claims, Resources: request.Resources,
			Created: now, Expires: now.Add(time.Hour), AuthTime: now,
		}
		if err := s.update(ctx, func(x *tx) error { return s.putNewGrant(x, &grant, grant.Expires) }); err != nil {
			t.Fatal(err)
		}
	}
	if s.logins.Len() != n || s.grants.Len() != n || s.clients.Len() != n {
		t.Fatalf("in memory: %d logins, %d grants, %d clients", s.logins.Len(), s.grants.Len(), s.clients.Len())
	}
	if grown := (liveHeap() - before) / n; grown > 20<<10 {
		t.Errorf("a login, its client and its grant keep %d bytes, as much as a text that they were cut from", grown)
	}
	runtime.KeepAlive(s)
}

// TestMemoryIsCountedInFull: small logins and large ones take no more than they are counted for.
func TestMemoryIsCountedInFull(t *testing.T) {
	s := openTest(t, Options{})
	for name, state := range map[string]string{"small": "s", "large": strings.Repeat("s", 4<<10)} {
		const limit = 4 << 20
		before, logins := liveHeap(), newRecent[storage.Login](limit)
		for i := range 4000 {
			l := &storage.Login{
				ID: fmt.Sprintf("%022d", i), State: storage.LoginPending, Request: &storage.AuthRequest{State: strings.Clone(state), Scopes: []string{"openid"}},
				Order: &storage.Order{ID: strings.Repeat("o", 22), Ref: secret.New(strings.Repeat("r", 36))},
			}
			row, err := s.codec.EncodeLogin(l)
			if err != nil {
				t.Fatal(err)
			}
			request, err := s.codec.EncodeRequest(l)
			if err != nil {
				t.Fatal(err)
			}
			stored, err := s.codec.DecodeLogin(l.ID, request, row)
			if err != nil {
				t.Fatal(err)
			}
			logins.update(map[string]written[storage.Login]{l.ID: {stored, len(row) + l.Request.Size() + loginOverhead}}, loginOver)
		}
		grown := liveHeap() - before
		if logins.Len() == 4000 || grown > limit+limit/8 || grown < limit/4 {
			t.Errorf("%s: %d logins take %d bytes of %d", name, logins.Len(), grown, limit)
		}
		runtime.KeepAlive(logins)
	}
}

// TestLargeRecordsCountInFull: what takes more than a quarter of the memory for its kind is not kept there.
func TestLargeRecordsCountInFull(t *testing.T) {
	s := openTest(t, Options{})
	s.logins, s.grants = newRecent[storage.Login](40<<10), newRecent[grantRow](40<<10)
	ctx, now := t.Context(), time.Now().UTC().Truncate(time.Microsecond)
	for i, text := range []string{"small", strings.Repeat("large", 2<<10)} {
		login := storage.Login{ID: fmt.Sprint("l", i), State: storage.LoginOpen, Request: &storage.AuthRequest{State: text}, Expires: now.Add(time.Hour)}
		grant := storage.Grant{ID: fmt.Sprint("g", i), Nonce: text, Created: now, Expires: now.Add(time.Hour)}
		if err := s.CreateLogin(ctx, login); err != nil {
			t.Fatal(err)
		}
		if err := s.update(ctx, func(x *tx) error { return s.putNewGrant(x, &grant, grant.Expires) }); err != nil {
			t.Fatal(err)
		}
	}
	if s.logins.get("l0") == nil || s.logins.get("l1") != nil || s.grants.get("g0") == nil || s.grants.get("g1") != nil {
		t.Errorf("in memory: %d logins, %d grants; want the small ones alone", s.logins.Len(), s.grants.Len())
	}
	if l, err := s.Login(ctx, "l1", now); err != nil || len(l.Request.State) != 10<<10 {
		t.Errorf("the large login: %v", err)
	}
}

// TestUnknownClientsCostNoMemory: anybody may ask for any client_id.
func TestUnknownClientsCostNoMemory(t *testing.T) {
	s := openTest(t, Options{})
	for i := range 100 {
		if _, err := s.Client(t.Context(), fmt.Sprint("unknown", i)); !errors.Is(err, storage.ErrNotFound) {
			t.Fatal(err)
		}
	}
	if got := s.clients.Len(); got != 0 {
		t.Errorf("%d entries in memory", got)
	}
}

// TestClientsAreReadOnce: a second read comes from memory, and so does one after an update.
func TestClientsAreReadOnce(t *testing.T) {
	s := openTest(t, Options{})
	if err := s.CreateClient(t.Context(), storage.Client{ID: "app"}); err != nil {
		t.Fatal(err)
	}
	read := func() *storage.Client {
		client, err := s.Client(t.Context(), "app")
		if err != nil {
			t.Fatal(err)
		}
		return client
	}
	if s.clients.Len() != 0 {
		t.Error("a client that nobody has read is in memory")
	}
	if first := read(); read() != first {
		t.Error("the client was read twice")
	}
	if err := s.UpdateClient(t.Context(), storage.Client{ID: "app", Name: "new", Revision: 1}); err != nil {
		t.Fatal(err)
	}
	if first := read(); first.Name != "new" || read() != first {
		t.Errorf("after the update: %+v", first)
	}
	if err := s.RemoveClient(t.Context(), "app", time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Client(t.Context(), "app"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("after the removal: %v", err)
	}
}

// TestMemoryHoldsManyGrants: a usual grant takes no more than it is counted for, and there is room for those of an hour's logins.
func TestMemoryHoldsManyGrants(t *testing.T) {
	s := openTest(t, Options{})
	ctx, now := t.Context(), time.Now().UTC().Truncate(time.Microsecond)
	s.grants = newRecent[grantRow](maxGrantBytes / 16)
	const most = 20_000 / 16
	before := liveHeap()
	err := s.update(ctx, func(x *tx) (err error) {
		for i := range most {
			id := fmt.Sprintf("%022d", i)
			err = errors.Join(err, s.putGrant(x, 1, &storage.Grant{
				ID: id, ClientID: "web", SessionID: id, TransactionID: id, Subject: id + id[1:], Scopes: []string{"openid", "profile"}, Nonce: id,
				ACR: "http://id.swedenconnect.se/loa/1.0/uncertified-loa3", AMR: []string{"swk"}, AuthTime: now, Created: now, Expires: now.Add(time.Hour),
				Identity: storage.Identity{Method: "bankid", PersonalNumber: secret.New("189001019802"), Name: secret.New("Åsa Öberg")},
			}))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.grants.Len(); got < 1<<14/16 {
		t.Errorf("%d of %d grants are in memory", got, most)
	}
	if grown := liveHeap() - before; grown > maxGrantBytes/16 {
		t.Errorf("%d grants take %d bytes of %d", s.grants.Len(), grown, maxGrantBytes/16)
	}
	runtime.KeepAlive(s)
}
