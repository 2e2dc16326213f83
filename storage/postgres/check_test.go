package postgres_test

import (
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"brygga/storage"
	"brygga/storage/postgres"
	"brygga/storage/postgres/pgtest"
	"brygga/storage/storagetest"
)

// TestCheckFindsFaults changes rows of a database that is whole, one after the other: each is found, and told without what the row holds.
func TestCheckFindsFaults(t *testing.T) {
	dsn, ctx := pgtest.Database(t), t.Context()
	s, err := postgres.Open(ctx, dsn, storagetest.NewSealer(), postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	now := time.Now().UTC().Truncate(time.Microsecond)
	who := storage.Identity{Method: "bankid"}
	session := storage.Session{ID: "session-1", CookieHash: sha256.Sum256([]byte("cookie")), Used: now, IdleLife: time.Hour, Expires: now.Add(time.Hour)}
	grant := storage.Grant{ID: "grant-1", ClientID: "client-1", SessionID: "sid-1", Offline: true, Backchannel: true, Expires: now.Add(time.Hour)}
	code := storage.Code{Hash: sha256.Sum256([]byte("code")), GrantID: "grant-1", ClientID: "client-1", Expires: now.Add(time.Minute)}
	_, err = s.SecretOrCreate(ctx, "secret-1", []byte("value"))
	err = errors.Join(err, s.CreateClient(ctx, storage.Client{ID: "client-1", Origins: []string{"https://app.example"}}),
		s.CreateLogin(ctx, storage.Login{Request: new(storage.AuthRequest), ID: "login-1", State: storage.LoginComplete, Identity: &who, Expires: now.Add(time.Hour)}),
		s.PushRequest(ctx, storage.PushedRequest{Hash: sha256.Sum256([]byte("pushed")), Expires: now.Add(time.Hour)}),
		s.ReplaceSigningKeys(ctx, []storage.SigningKey{{ID: "key-1"}}, 0))
	_, err2 := s.AnswerLogin(ctx, "login-1", storage.Answer{Code: code, Grant: grant, Session: &session}, now)
	_, err3 := s.RedeemCode(ctx, storage.Redemption{
		CodeHash: code.Hash, ClientID: "client-1", Token: storage.AccessToken{Hash: sha256.Sum256([]byte("token")), Expires: now.Add(time.Hour)},
		Refresh: storage.RefreshToken{Hash: sha256.Sum256([]byte("refresh")), Expires: now.Add(time.Hour)}, Now: now,
	})
	_, err4 := s.RotateRefreshToken(ctx, storage.Rotation{
		Hash: sha256.Sum256([]byte("refresh")), ClientID: "client-1", Token: storage.AccessToken{Hash: sha256.Sum256([]byte("token2")), Expires: now.Add(time.Hour)},
		Next: storage.RefreshToken{Hash: sha256.Sum256([]byte("refresh2")), Expires: now.Add(time.Hour)}, Now: now,
	})
	if err := errors.Join(err, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	check := func() (faults []string, records int) {
		t.Helper()
		records, err := s.CheckRecords(ctx, func(f storage.Fault) { faults = append(faults, f.String()) })
		if err != nil {
			t.Fatal(err)
		}
		return faults, records
	}
	if faults, records := check(); len(faults) > 0 || records != 7 {
		t.Fatalf("a whole database has %d sealed records and the faults %v", records, faults)
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	tables := []string{"login_requests", "logins", "grants", "sessions", "pushed_requests", "signing_keys", "secrets", "clients", "client_origins", "refresh_tokens"}
	everywhere := func(statements string) {
		t.Helper()
		for _, table := range tables {
			if _, err := conn.Exec(ctx, strings.ReplaceAll(statements, "TABLE_NAME", table)); err != nil {
				t.Fatal(err)
			}
		}
	}
	everywhere(`CREATE TABLE saved_TABLE_NAME AS SELECT * FROM TABLE_NAME`)
	for _, change := range []string{
		`UPDATE login_requests SET body = body || '\x00'`, `UPDATE logins SET body = body || '\x00'`, `UPDATE grants SET body = body || '\x00'`,
		`UPDATE sessions SET body = body || '\x00'`, `UPDATE pushed_requests SET body = body || '\x00'`, `UPDATE signing_keys SET body = body || '\x00'`,
		`UPDATE secrets SET body = body || '\x00'`, `UPDATE clients SET body = body || '\x00'`, `UPDATE sessions SET id = 'session-2'`,
		`DELETE FROM login_requests`, `DELETE FROM logins`, `DELETE FROM grants`, `DELETE FROM client_origins`, `DELETE FROM clients`,
		`UPDATE client_origins SET origin = 'https://other.example'`, `DELETE FROM refresh_tokens WHERE spent IS NULL`,
	} {
		if _, err := conn.Exec(ctx, change); err != nil {
			t.Fatalf("%s: %v", change, err)
		}
		faults, _ := check()
		everywhere(`DELETE FROM TABLE_NAME; INSERT INTO TABLE_NAME SELECT * FROM saved_TABLE_NAME`)
		if len(faults) == 0 {
			t.Errorf("%s: nothing is found", change)
		}
		for _, fault := range faults {
			if strings.Contains(fault, "-1") || strings.Contains(fault, "example") {
				t.Errorf("%s: the fault quotes the row: %s", change, fault)
			}
		}
	}
	if faults, _ := check(); len(faults) > 0 {
		t.Errorf("what was put back has faults: %v", faults)
	}
}
