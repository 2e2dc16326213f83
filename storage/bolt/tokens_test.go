package bolt

import (
	"errors"
	"strings"
	"testing"
	"time"

	"brygga/storage"
)

// TestRecentTokens: an access token is in memory from its making until it is swept, unless it is narrower than its grant, and counts for no more
// there than in the file.
func TestRecentTokens(t *testing.T) {
	s := openTest(t, Options{})
	ctx, now := t.Context(), time.Now().UTC().Truncate(time.Microsecond)
	grant := storage.Grant{ID: "g", ClientID: "static", Created: now, Expires: now.Add(time.Hour)}
	put := func(x *tx) error { return s.putNewGrant(x, &grant, grant.Expires) }
	for i, token := range []storage.AccessToken{
		{Expires: now.Add(time.Minute)}, {Expires: now.Add(time.Minute), Scopes: []string{"openid"}}, {Expires: now.Add(time.Minute), Resources: []string{"x"}},
	} {
		token.Hash, token.Issued = [32]byte{byte(i)}, now
		if err := s.update(ctx, func(x *tx) error { return errors.Join(put(x), putNewToken(x, token, grant.ID)) }); err != nil {
			t.Fatal(err)
		}
		put = func(*tx) error { return nil }
		got, of, err := s.AccessToken(ctx, token.Hash, now)
		if err != nil || of.ID != "g" || got.GrantID != "g" || got.Hash != token.Hash || !got.Expires.Equal(token.Expires) || !got.Issued.Equal(now) ||
			strings.Join(append(got.Scopes, got.Resources...), " ") != strings.Join(append(token.Scopes, token.Resources...), " ") {
			t.Fatalf("token %d: %+v of %+v, %v", i, got, of, err)
		}
		got.GrantID, of.ClientID = "changed", "changed"
	}
	hash := [32]byte{}
	if got, of, err := s.AccessToken(ctx, hash, now); err != nil || got.GrantID != "g" || of.ClientID != "static" {
		t.Errorf("a caller changed what is in memory: %+v, %+v, %v", got, of, err)
	}
	if n := s.tokens.Len(); n != 1 {
		t.Errorf("%d in memory, want the one that is as wide as its grant", n)
	}
	refused := func(when string, at time.Time, want error) {
		t.Helper()
		if _, _, err := s.AccessToken(ctx, hash, at); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", when, err, want)
		}
	}
	refused("expired", now.Add(time.Minute), storage.ErrNotFound)
	if _, err := s.Sweep(ctx, now.Add(2*time.Minute), 100); err != nil {
		t.Fatal(err)
	}
	if n := s.tokens.Len(); n != 0 {
		t.Errorf("%d in memory after the sweep", n)
	}
	if err := s.update(ctx, func(x *tx) error { return putNewToken(x, storage.AccessToken{Expires: now.Add(time.Minute)}, "g") }); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.AccessToken(ctx, hash, now); err != nil {
		t.Fatal(err)
	}
	if err := s.RevokeGrant(ctx, "g", now); err != nil {
		t.Fatal(err)
	}
	refused("revoked", now, storage.ErrNotFound)
}

// TestRecentTokenAfterClose: what is in memory is no answer of a store that was closed.
func TestRecentTokenAfterClose(t *testing.T) {
	s := openTest(t, Options{})
	now := time.Now().UTC()
	grant := storage.Grant{ID: "g", ClientID: "static", Created: now, Expires: now.Add(time.Hour)}
	if err := s.update(t.Context(), func(x *tx) error {
		return errors.Join(s.putNewGrant(x, &grant, grant.Expires), putNewToken(x, storage.AccessToken{Expires: grant.Expires}, "g"))
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.AccessToken(t.Context(), [32]byte{}, now); !errors.Is(err, ErrClosed) {
		t.Errorf("%v, want ErrClosed", err)
	}
}

// TestTokensOfStoredClientsInMemory: a token of a client that is in memory too is found without the file, and no longer than the client has what
// it had when the token was made.
func TestTokensOfStoredClientsInMemory(t *testing.T) {
	s := openTest(t, Options{})
	ctx, now := t.Context(), time.Now().UTC().Truncate(time.Microsecond)
	client := storage.Client{ID: "app"}
	found := func() error { _, _, err := s.AccessToken(ctx, [32]byte{1}, now); return err }
	read := func() *storage.Client {
		t.Helper()
		known, err := s.Client(ctx, "app")
		if err != nil {
			t.Fatal(err)
		}
		return known
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.CreateClient(ctx, client))
	read()
	grant := storage.Grant{ID: "g", ClientID: "app", Created: now, Expires: now.Add(time.Hour)}
	must(s.update(ctx, func(x *tx) error {
		return errors.Join(s.putNewGrant(x, &grant, grant.Expires), putNewToken(x, storage.AccessToken{Hash: [32]byte{1}, Issued: now, Expires: now.Add(time.Hour)}, "g"))
	}))
	if must(found()); !s.surelyGranted(s.grants.get("g")) {
		t.Error("the file is read for a token that is known with its grant and client")
	}
	next := *read()
	next.Name = "renamed"
	must(s.UpdateClient(ctx, next))
	must(found())
	if next = *read(); !s.surelyGranted(s.grants.get("g")) {
		t.Error("a client with another name has lost its grants")
	}
	next.Disabled = true
	must(s.UpdateClient(ctx, next))
	for range 2 { // before the client is read again, and after
		if err := found(); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("token of a disabled client: %v", err)
		}
		read()
	}
	must(s.RemoveClient(ctx, "app", now))
	if err := found(); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("token of a removed client: %v", err)
	}
	must(s.CreateClient(ctx, client))
	read()
	if err := found(); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("token of another client of that ID: %v", err)
	}
}
