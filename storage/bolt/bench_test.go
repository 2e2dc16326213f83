package bolt_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"brygga/secret"
	"brygga/storage"
	"brygga/storage/bolt"
	"brygga/storage/storagetest"
)

// BenchmarkLoginSteps is one login from auth request to access token: seven durable steps. Many logins go on at the same
// time, as they share the group commit.
func BenchmarkLoginSteps(b *testing.B) {
	store, err := bolt.Open(filepath.Join(b.TempDir(), "brygga.db"), storagetest.NewSealer(), bolt.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	var n atomic.Int64
	b.SetParallelism(64)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := loginSteps(b.Context(), store, fmt.Sprintf("login-%016d", n.Add(1)), nothing); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(n.Load())/b.Elapsed().Seconds(), "logins/s")
}

// BenchmarkLogin is a read of a login that waits for its answer.
func BenchmarkLogin(b *testing.B) {
	store, err := bolt.Open(filepath.Join(b.TempDir(), "brygga.db"), storagetest.NewSealer(), bolt.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	ctx, stop := context.WithCancel(b.Context())
	err = loginSteps(ctx, store, "login", func(done int) {
		if done == stepCompleted {
			stop()
		}
	})
	if !errors.Is(err, context.Canceled) {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := store.Login(b.Context(), "login", time.Now().UTC()); err != nil {
				b.Error(err)
			}
		}
	})
}

// The steps of loginSteps. After so many of them, the login has at least that revision, but for stepHinted, which a crash may take back.
const (
	stepHinted    = 4
	stepCompleted = 5
	stepAnswered  = 6
	stepRedeemed  = 7
)

func nothing(int) {}

// loginSteps takes a login from auth request to access token, and calls acknowledged with the number of each step when the
// store has confirmed it.
func loginSteps(ctx context.Context, store storage.Store, id string, acknowledged func(step int)) error {
	now := time.Now().UTC().Truncate(time.Microsecond)
	identity := storage.Identity{
		Method: "bankid", PersonalNumber: secret.New("199002304567"), Name: secret.New("Kim Larsson"), GivenName: secret.New("Kim"),
		Surname: secret.New("Larsson"), DeviceIP: "192.0.2.8", IssueDate: "2024-02-29",
	}
	grant := storage.Grant{
		ID: "grant" + id, ClientID: "app", SessionID: "sid" + id, TransactionID: "txn" + id, Subject: "subject", Scopes: []string{"openid"},
		AuthTime: now, Identity: identity, Created: now, Expires: now.Add(time.Hour),
	}
	steps := []func() (*storage.Login, error){
		func() (*storage.Login, error) {
			return nil, store.CreateLogin(ctx, storage.Login{
				ID: id, State: storage.LoginOpen, Revision: 1, Created: now, Expires: now.Add(10 * time.Minute),
				BindingHash: sha256.Sum256([]byte(id)),
				Request: &storage.AuthRequest{
					ClientID: "app", RedirectURI: "https://app.example/callback", ResponseMode: "query", Scopes: []string{"openid", "profile"},
					State: "af0ifjsldkj", Nonce: "n-0S6_WzA2Mj", CodeChallenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", Received: now,
				},
			})
		},
		func() (*storage.Login, error) {
			starter := storage.Starter{Device: storage.DeviceOther, IP: "192.0.2.7", UserAgent: "Mozilla/5.0 (X11; Linux x86_64)", Language: "sv"}
			return store.BeginOrder(ctx, id, storage.Claim{ID: "c", Starter: starter, WindowEnds: now.Add(5 * time.Minute), Collector: "a", At: now})
		},
		func() (*storage.Login, error) {
			return store.PutOrder(ctx, id, "c", storage.Order{
				ID: "order", Method: "bankid", Ref: secret.New("131daac9-16c6-4618-beb0-365768f37288"), Started: now, Collector: "a",
				AutoStartToken: secret.New("7c40b5c9-fa74-49cf-b98c-bfe651f9a7c6"), QRStartToken: secret.New("67df3917-fa0d-44e5-b327-edcc928297f8"),
				QRStartSecret: secret.New("d28db9a7-4cde-429e-a983-359be676944c"),
			})
		},
		func() (*storage.Login, error) {
			return store.RecordHint(ctx, id, "order", storage.PhaseWorking, "userSign", now)
		},
		func() (*storage.Login, error) {
			return store.CompleteLogin(ctx, id, "order", storage.Result{Identity: identity}, now)
		},
		func() (*storage.Login, error) {
			return store.AnswerLogin(ctx, id, storage.Answer{Grant: grant, Code: storage.Code{
				Hash: sha256.Sum256([]byte("code" + id)), GrantID: grant.ID, ClientID: "app", Redirect: "https://app.example/callback",
				Expires: now.Add(time.Minute),
			}}, now)
		},
		func() (*storage.Login, error) {
			_, err := store.RedeemCode(ctx, storage.Redemption{
				CodeHash: sha256.Sum256([]byte("code" + id)), ClientID: "app", RedirectURI: "https://app.example/callback", Now: now,
				Token: storage.AccessToken{Hash: sha256.Sum256([]byte("token" + id)), Expires: now.Add(time.Hour)},
			})
			return nil, err
		},
	}
	for i, step := range steps {
		if _, err := step(); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
		acknowledged(i + 1)
	}
	return nil
}
