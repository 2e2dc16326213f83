package login_test

import (
	"encoding/hex"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"brygga/audit"
	"brygga/eid"
	"brygga/login"
	"brygga/storage"
)

// TestEvidenceIsKept: what proves a result is stored with it for a client that has it kept, the audit log knows its sum, and nothing is taken
// whose proof is not there.
func TestEvidenceIsKept(t *testing.T) {
	for _, test := range []struct {
		name  string
		kept  time.Duration
		proof func(eid.About) ([]byte, error)
		want  storage.LoginState
	}{
		{"kept", time.Hour, func(eid.About) ([]byte, error) { return []byte("signature"), nil }, storage.LoginComplete},
		{"not kept", 0, func(eid.About) ([]byte, error) { return []byte("signature"), nil }, storage.LoginComplete},
		{"unreadable", time.Hour, func(eid.About) ([]byte, error) { return nil, errors.New("no certificate") }, storage.LoginFailed},
		{"none", time.Hour, nil, storage.LoginFailed},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, func(o *login.Options) {
					o.EvidenceKept = func(client *storage.Client, kind storage.Kind) time.Duration {
						if client.ID != "app" || kind != storage.KindIdentify {
							t.Errorf("asked for %s of %s", kind, client.ID)
						}
						return test.kept
					}
				})
				defer h.close()
				result := complete(tolvan())
				result.Record = test.proof
				h.service.set(1, result, nil)
				l := h.after(3*time.Second, h.started(other))
				records, err := h.store.FindEvidence(t.Context(), storage.EvidenceQuery{ClientID: "app"}, time.Now(), 10)
				if err != nil || l.State != test.want || len(records) != 0 != (test.name == "kept") {
					t.Fatalf("login is %s (%q) with %d records, %v", l.State, l.Failure.Reason, len(records), err)
				}
				if len(records) == 0 {
					return
				}
				r, err := h.store.Evidence(t.Context(), records[0].ID, time.Now())
				if err != nil {
					t.Fatal(err)
				}
				told := h.events(audit.LoginCompleted)[0].Fields["EVIDENCE_SHA256"]
				if r.Whole() != nil || string(r.Line) != "signature" || r.Login != l.Reference() || r.Method != "fake" || !r.Kept.Equal(r.Created.Add(time.Hour)) ||
					told != hex.EncodeToString(r.Sum[:]) {
					t.Errorf("kept is %+v, and the log says %q", r, told)
				}
			})
		})
	}
}
