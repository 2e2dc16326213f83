package postgres_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"brygga/storage"
	"brygga/storage/postgres"
	"brygga/storage/postgres/pgtest"
	"brygga/storage/storagetest"
)

// TestRestoredDatabaseStartsAnew: after a restore to an earlier point nothing that was granted works, once nobody else runs. Clients, keys and
// what was used stay.
func TestRestoredDatabaseStartsAnew(t *testing.T) {
	dsn, sealer, ctx := pgtest.Database(t), storagetest.NewSealer(), t.Context()
	open := func() *postgres.Store {
		t.Helper()
		store, err := postgres.Open(ctx, dsn, sealer, postgres.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		return store
	}
	s, now := open(), time.Now().UTC().Truncate(time.Microsecond)
	who := storage.Identity{Method: "bankid"}
	login := storage.Login{Request: new(storage.AuthRequest), ID: "l1", State: storage.LoginComplete, Identity: &who, Expires: now.Add(time.Hour)}
	session := storage.Session{ID: "s1", CookieHash: sha256.Sum256([]byte("cookie")), Used: now, IdleLife: time.Hour, Expires: now.Add(time.Hour)}
	grant := storage.Grant{ID: "g1", ClientID: "app", SessionID: "sid", Offline: true, Expires: now.Add(time.Hour)}
	code := storage.Code{Hash: sha256.Sum256([]byte("code")), GrantID: "g1", ClientID: "app", Expires: now.Add(time.Minute)}
	redemption := storage.Redemption{
		CodeHash: code.Hash, ClientID: "app", Token: storage.AccessToken{Hash: sha256.Sum256([]byte("token")), Expires: now.Add(time.Hour)},
		Refresh: storage.RefreshToken{Hash: sha256.Sum256([]byte("refresh")), Expires: now.Add(time.Hour)}, Now: now,
	}
	pushed := storage.PushedRequest{Hash: sha256.Sum256([]byte("pushed")), ClientID: "app", Expires: now.Add(time.Hour)}
	used := sha256.Sum256([]byte("used"))
	_, err := s.SecretOrCreate(ctx, "subject", []byte("value"))
	err = errors.Join(err, s.CreateClient(ctx, storage.Client{ID: "app"}), s.CreateLogin(ctx, login), s.PushRequest(ctx, pushed), s.UseOnce(ctx, used, now.Add(time.Hour), now))
	_, err2 := s.AnswerLogin(ctx, "l1", storage.Answer{Code: code, Grant: grant, Session: &session}, now)
	_, err3 := s.RedeemCode(ctx, redemption)
	if err := errors.Join(err, err2, err3); err != nil {
		t.Fatal(err)
	}
	_, err = s.StepOperator(ctx, storage.CreateOperator{
		Operator: storage.Operator{ID: "o1", NameHandle: storage.Hash{1}, Roles: []storage.Role{storage.RoleOwner}, Recovery: []storage.RecoveryCode{{}}},
		Link:     storage.OperatorLink{Purpose: storage.LinkInvite, Expires: now.Add(time.Hour)},
	}, now, func(*storage.OperatorOutcome) storage.OperatorNews {
		return storage.OperatorNews{Mail: []storage.Mail{{ID: "m1", Due: now, Expires: now.Add(time.Hour)}}}
	})
	if err != nil {
		t.Fatal(err)
	}
	other := open()
	if err := s.StartAnew(ctx, now); !errors.Is(err, postgres.ErrInUse) {
		t.Fatalf("while another process runs: got %v, want ErrInUse", err)
	}
	if _, _, err := s.AccessToken(ctx, redemption.Token.Hash, now); err != nil {
		t.Fatalf("the refusal has ended something: %v", err)
	}
	if err := errors.Join(other.Close(), s.StartAnew(ctx, now.Add(time.Second)), s.Close()); err != nil {
		t.Fatal(err)
	}
	s = open()
	if o, err := s.OperatorOf(ctx, storage.Hash{1}); err != nil || len(o.Links)+len(o.Recovery) > 0 {
		t.Errorf("an operator's link or recovery code came back: %v", err)
	}
	if n, err := s.PendingMail(ctx); n != 0 || err != nil {
		t.Errorf("%d messages came back, %v", n, err)
	}
	for name, look := range map[string]func(context.Context) error{
		"login": func(ctx context.Context) error { _, err := s.Login(ctx, "l1", now); return err },
		"code":  func(ctx context.Context) error { _, err := s.RedeemCode(ctx, redemption); return err },
		"access token": func(ctx context.Context) error {
			_, _, err := s.AccessToken(ctx, redemption.Token.Hash, now)
			return err
		},
		"refresh token": func(ctx context.Context) error {
			_, _, err := s.RefreshToken(ctx, redemption.Refresh.Hash, now)
			return err
		},
		"session": func(ctx context.Context) error { _, err := s.Session(ctx, session.CookieHash, now); return err },
		"request": func(ctx context.Context) error {
			_, err := s.TakePushedRequest(ctx, pushed.Hash, "app", now)
			return err
		},
	} {
		if err := look(ctx); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("%s: got %v, want ErrNotFound", name, err)
		}
	}
	if err := s.UseOnce(ctx, used, now.Add(time.Hour), now); !errors.Is(err, storage.ErrExists) {
		t.Errorf("a used key may be used again: %v", err)
	}
	if at, err := s.ForgottenBefore(ctx); !at.Equal(now.Add(time.Second)) || err != nil {
		t.Errorf("used keys may be forgotten from before %s, %v", at, err)
	}
	if _, err := s.Client(ctx, "app"); err != nil {
		t.Errorf("client: %v", err)
	}
	if value, err := s.SecretOrCreate(ctx, "subject", []byte("another")); string(value) != "value" || err != nil {
		t.Errorf("secret: %q, %v", value, err)
	}
}
