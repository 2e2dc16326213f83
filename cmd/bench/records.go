package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"brygga/keys"
	"brygga/secret"
	"brygga/storage"
	"brygga/storage/bolt"
)

// records are what a store has been filled with: n of each kind, numbered by their age, the oldest first.
type records struct {
	n   int
	now time.Time
}

// token returns the text of a token of that kind and number, as if a thousand had been made in each second until now.
func (r records) token(kind byte, i int) string {
	random := sha256.Sum256(binary.BigEndian.AppendUint64([]byte{kind}, uint64(i)))
	return storage.TokenOf(r.now.Add(-time.Duration(r.n-i)*time.Millisecond), random)
}

func (r records) hash(kind byte, i int) [32]byte {
	return storage.TokenHash(secret.New(r.token(kind, i)))
}

func (r records) grant(i int) *storage.Grant {
	return &storage.Grant{
		ID: fmt.Sprintf("grant-%08d", i), ClientID: "bench", SessionID: fmt.Sprintf("sid-%08d", i), TransactionID: "FBp7X2yHcG0kLm4Qw9tZ1A",
		Subject: "Zk3uV9mRq0sXb7eJ1yT5hL8cN2wP6aD4gF0iKoUvBxE", Scopes: []string{"offline_access", "openid"}, Nonce: "n",
		ACR: acr, AMR: []string{"bankid", "mfa"}, AuthTime: r.now, Identity: identity, Offline: true, Created: r.now, Expires: r.now.Add(20 * time.Hour),
	}
}

const acr = "http://id.swedenconnect.se/loa/1.0/uncertified-loa3"

var identity = storage.Identity{
	Method: "bankid", PersonalNumber: secret.New("190001010106"), Name: secret.New("Kim Larsson"), GivenName: secret.New("Kim"),
	Surname: secret.New("Larsson"), DeviceIP: "192.0.2.8", IssueDate: "2024-02-29", Risk: "low",
}

// kinds returns what makes the entries of each kind, in the order in which stores take them.
func (r records) kinds() []func(i int) storage.Entry {
	entry := func(kind storage.EntryKind, key []byte, record any) storage.Entry {
		return storage.Entry{Kind: kind, Key: key, Record: record, Kept: r.now.Add(20 * time.Hour), Led: true}
	}
	hashed := func(kind storage.EntryKind, hash [32]byte, record any) storage.Entry {
		return entry(kind, hash[:], record)
	}
	return []func(i int) storage.Entry{
		func(i int) storage.Entry {
			client := &storage.Client{
				ID: fmt.Sprintf("client-%08d", i), Name: "The app of the municipality", AuthMethod: storage.AuthMethodBasic, Secrets: make([]storage.ClientSecret, 1),
				RedirectURIs: []string{redirectURI}, IDTokenAlg: storage.ES256, SubjectType: storage.SubjectPairwise, Sector: "127.0.0.1",
				Created: r.now, Updated: r.now, Revision: 1,
			}
			e := entry(storage.ClientEntry, []byte(client.ID), client)
			e.Number = uint64(i) + 1
			return e
		},
		func(i int) storage.Entry { g := r.grant(i); return entry(storage.GrantEntry, []byte(g.ID), g) },
		func(i int) storage.Entry {
			code := &storage.Code{
				Hash: r.hash('c', i), GrantID: r.grant(i).ID, ClientID: "bench", Redirect: redirectURI, Challenge: challenge, Expires: r.now.Add(20 * time.Hour),
			}
			return hashed(storage.CodeEntry, code.Hash, code)
		},
		func(i int) storage.Entry {
			token := &storage.AccessToken{Hash: r.hash('t', i), GrantID: r.grant(i).ID, Issued: r.now, Expires: r.now.Add(19 * time.Hour)}
			return hashed(storage.AccessEntry, token.Hash, token)
		},
		func(i int) storage.Entry {
			token := storage.RefreshToken{Hash: r.hash('r', i), Expires: r.now.Add(19 * time.Hour)}.First(r.grant(i))
			return hashed(storage.RefreshEntry, token.Hash, &token)
		},
		func(i int) storage.Entry {
			session := &storage.Session{
				ID: fmt.Sprintf("session-%08d", i), CookieHash: r.hash('s', i), Group: "bench", Identity: identity, ACR: acr, AMR: []string{"bankid", "mfa"},
				AuthTime: r.now, LoginID: "FBp7X2yHcG0kLm4Qw9tZ1A", Policy: storage.Policy{}.Over(storage.Policy{}).Demands(),
				Released: map[string][]string{"bench-sessions": {"openid"}}, Created: r.now, Used: r.now, IdleLife: time.Hour, Expires: r.now.Add(time.Hour),
			}
			return entry(storage.SessionEntry, []byte(session.ID), session)
		},
	}
}

// fillBatch is how many records share a commit while a store is filled.
const fillBatch = 10_000

// fill fills the store of the data directory, which must not exist yet, as a migration does.
func fill(ctx context.Context, data string, n int) (r records, err error) {
	key, err := keys.ParseMasterKey(masterKey)
	if err != nil {
		return r, err
	}
	sealer, err := keys.NewSealer(key)
	if err != nil {
		return r, err
	}
	store, err := bolt.Open(filepath.Join(data, "brygga.db"), sealer, bolt.Options{Unfinished: true})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	r = records{n: n, now: time.Now().UTC().Truncate(time.Microsecond)}
	m, err := store.BeginMigration(ctx, "bench", r.now)
	if err != nil {
		return r, err
	}
	for _, make := range r.kinds() {
		var batch []storage.Entry
		for i := range n {
			if batch = append(batch, make(i)); len(batch) == fillBatch || i == n-1 {
				m.After = batch[len(batch)-1].Position()
				if err := store.Import(ctx, batch, m); err != nil {
					return r, err
				}
				batch = batch[:0]
			}
		}
	}
	generations := storage.Entry{Kind: storage.GenerationsEntry, Number: uint64(n)}
	if err := store.Import(ctx, []storage.Entry{generations}, m); err != nil {
		return r, err
	}
	return r, store.EndMigration(ctx)
}
