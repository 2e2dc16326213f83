package bolt

import (
	"errors"
	"testing"
	"time"

	"brygga/storage"
)

// TestSweepLeavesNoRows_RowA3_RowA14 looks into the buckets: index rows must go with their records.
func TestSweepLeavesNoRows_RowA3_RowA14(t *testing.T) {
	s := openTest(t, Options{})
	ctx, now := t.Context(), time.Now().UTC()
	storeOneOfEach(t, s, now)
	rows := func() map[string]int {
		counts := map[string]int{}
		err := s.view(func(t *tx) error {
			for id := range bucketCount {
				if err := t.bucket(id).ForEach(func(_, _ []byte) error { counts[string(bucketNames[id])]++; return nil }); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return counts
	}
	for id := range bucketCount {
		if rows()[string(bucketNames[id])] == 0 && id != clientsBucket && id != originsBucket && id != keysBucket && id != treeBucket && id != operatorsBucket && id != apiKeysBucket && id != notesBucket && id != handlesBucket {
			t.Errorf("bucket %s is empty before the sweep: the test proves nothing", bucketNames[id])
		}
	}
	// Four logins, one of them with a document and evidence, three grants and codes, two tokens of either kind, and one session, notice, request, key, event, count of attempts and message.
	if n, err := s.Sweep(ctx, now.Add(48*time.Hour), 100); err != nil || n != 22 {
		t.Errorf("swept %d, %v, want 22", n, err)
	}
	for name, n := range rows() {
		if name != "meta" && name != "secrets" {
			t.Errorf("bucket %s has %d rows left", name, n)
		}
	}
}

// storeOneOfEach leaves rows in every bucket that a sweep is to empty.
func storeOneOfEach(t *testing.T, s *Store, now time.Time) {
	t.Helper()
	ctx, minute, hour := t.Context(), now.Add(time.Minute), now.Add(time.Hour)
	login := func(id string) error {
		return s.CreateLogin(ctx, storage.Login{Request: new(storage.AuthRequest), ID: id, State: storage.LoginComplete, Identity: &storage.Identity{}, Expires: minute})
	}
	grant := func(id string, n byte) (storage.Code, storage.Grant) {
		return storage.Code{Hash: [32]byte{n}, GrantID: id, ClientID: "app", Expires: minute},
			storage.Grant{ID: id, ClientID: "app", SessionID: "sid" + id, Offline: true, Backchannel: true, Expires: hour}
	}
	session := storage.Session{ID: "s1", CookieHash: [32]byte{1}, Used: now, IdleLife: time.Hour, Expires: now.Add(2 * time.Hour)}
	for i, step := range []func() error{
		func() error { _, err := s.SecretOrCreate(ctx, "subject", []byte("value")); return err },
		func() error { return s.AppendAudit(ctx, storage.AuditEvent{ID: "e1", Time: now, Expires: hour}) },
		func() error {
			order := &storage.Order{ID: "o1", Collector: "a"}
			return s.CreateLogin(ctx, storage.Login{Request: new(storage.AuthRequest), ID: "l1", State: storage.LoginPending, Order: order, Expires: minute})
		},
		func() error { return errors.Join(login("l2"), login("l3")) },
		func() error {
			order := &storage.Order{ID: "o4", Collector: "a"}
			return s.CreateSignature(ctx, storage.Login{Request: new(storage.AuthRequest), ID: "l4", State: storage.LoginPending, Order: order, Expires: minute}, storage.Document{Visible: []byte("text")})
		},
		func() error {
			record := storage.EvidenceRecord{ID: "proof-17", ClientID: "app", Created: now, Kept: hour}.Summed()
			_, err := s.CompleteLogin(ctx, "l4", "o4", storage.Result{Record: &record}, now)
			return err
		},
		func() error {
			code, grant := grant("g1", 1)
			_, err := s.AnswerLogin(ctx, "l2", storage.Answer{Code: code, Grant: grant, Session: &session}, now)
			return err
		},
		func() error {
			token, refresh := storage.AccessToken{Hash: [32]byte{1}, Expires: hour}, storage.RefreshToken{Hash: [32]byte{1}, Expires: minute}
			_, err := s.RedeemCode(ctx, storage.Redemption{CodeHash: [32]byte{1}, ClientID: "app", Token: token, Refresh: refresh, Now: now})
			return err
		},
		func() error {
			token, refresh := storage.AccessToken{Hash: [32]byte{2}, Expires: hour}, storage.RefreshToken{Hash: [32]byte{2}, Expires: minute}
			_, err := s.RotateRefreshToken(ctx, storage.Rotation{Hash: [32]byte{1}, ClientID: "app", Token: token, Next: refresh, Now: now})
			return err
		},
		func() error {
			code, grant := grant("g2", 2)
			return s.AnswerFromSession(ctx, "s1", session.AuthTime, code, grant, nil, now)
		},
		func() error {
			code, grant := grant("g3", 3)
			_, err := s.AnswerLogin(ctx, "l3", storage.Answer{Code: code, Grant: grant}, now)
			return err
		},
		func() error { _, err := s.EndSessionID(ctx, "sidg3", now); return err },
		func() error {
			_, err := s.ClaimNotices(ctx, now, 1, func(int) time.Duration { return time.Minute })
			return err
		},
		func() error { return s.PushRequest(ctx, storage.PushedRequest{Hash: [32]byte{1}, Expires: minute}) },
		func() error { return s.UseOnce(ctx, [32]byte{1}, minute, now) },
		func() error {
			mail := storage.Mail{ID: "m1", Due: now, Expires: hour}
			tell := func(*storage.OperatorOutcome) storage.OperatorNews {
				return storage.OperatorNews{Mail: []storage.Mail{mail}}
			}
			_, err := s.StepOperator(ctx, storage.CountAttempt{Keys: []storage.Hash{{1}}, Policies: []storage.ThrottlePolicy{{Free: 1, Forget: time.Hour}}}, now, tell)
			return err
		},
	} {
		if err := step(); err != nil {
			t.Fatalf("step %d: %v", i+1, err)
		}
	}
}
