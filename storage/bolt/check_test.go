package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"brygga/storage"
	"brygga/storage/storagetest"
)

// checked returns the faults of the store file.
func checked(t *testing.T, path string, now time.Time) (faults []Fault, counts []Count) {
	t.Helper()
	counts, err := CheckRecords(path, storagetest.FixedSealer("test"), now, func(f Fault) { faults = append(faults, f) })
	if err != nil {
		t.Fatal(err)
	}
	return faults, counts
}

// storeAll stores records of every kind, with what storeOneOfEach has and grants that a logout must find.
func storeAll(t *testing.T, s *Store, now time.Time) {
	t.Helper()
	storeOneOfEach(t, s, now)
	session := storage.Session{ID: "s2", CookieHash: [32]byte{2}, Used: now, IdleLife: time.Hour, Expires: now.Add(2 * time.Hour)}
	err := errors.Join(
		s.CreateClient(t.Context(), storage.Client{ID: "app", Origins: []string{"https://app.example"}}),
		s.PutAPIKey(t.Context(), storage.APIKey{ID: "api-17"}),
		s.WriteNotes(t.Context(), storage.NoteChange{Turn: []byte("turn"), After: []byte("1"), Put: []storage.Note{{Key: []byte("note-17"), Value: []byte("text")}}}),
		s.ReplaceSigningKeys(t.Context(), []storage.SigningKey{{ID: "k1"}}, 0))
	_, err3 := s.StepOperator(t.Context(), storage.CreateOperator{Operator: storage.Operator{ID: "o-17", NameHandle: storage.Hash{1}, Roles: []storage.Role{storage.RoleOwner}}}, now)
	err = errors.Join(err, err3)
	for i, answer := range []storage.Answer{{Session: &session}, {}} {
		id := fmt.Sprint("answered-", i)
		login := storage.Login{Request: new(storage.AuthRequest), ID: id, State: storage.LoginComplete, Identity: &storage.Identity{}, Expires: now.Add(time.Minute)}
		answer.Grant = storage.Grant{ID: "grant" + id, ClientID: "app", SessionID: "sid" + id, Expires: now.Add(time.Hour)}
		answer.Code = storage.Code{Hash: [32]byte{9, byte(i)}, GrantID: answer.Grant.ID, ClientID: "app", Expires: now.Add(time.Minute)}
		err = errors.Join(err, s.CreateLogin(t.Context(), login))
		_, err2 := s.AnswerLogin(t.Context(), id, answer, now)
		err = errors.Join(err, err2)
	}
	if err := errors.Join(err, storagetest.GrowTree(t.Context(), s, 3), s.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestCheckFindsEveryFault removes and changes each row of a store, one after the other, and doubles each row of an index: each is
// found, and told without what the row holds.
func TestCheckFindsEveryFault(t *testing.T) {
	t.Parallel()
	s, now := openTest(t, Options{}), time.Now().UTC().Truncate(time.Microsecond)
	storeAll(t, s, now)
	whole := readFile(t, s.path)
	if faults, _ := checked(t, s.path, now); len(faults) > 0 {
		t.Fatalf("a whole store has faults: %v", faults)
	}
	if !bytes.Equal(whole, readFile(t, s.path)) {
		t.Error("the check has changed the file")
	}
	type row struct{ bucket, key, value []byte }
	var rows []row
	read := func(btx *bbolt.Tx) error {
		return btx.ForEach(func(name []byte, bucket *bbolt.Bucket) error {
			return bucket.ForEach(func(key, value []byte) error {
				rows = append(rows, row{bytes.Clone(name), bytes.Clone(key), bytes.Clone(value)})
				return nil
			})
		})
	}
	damage := func(change func(*bbolt.Tx) error) {
		t.Helper()
		db, err := bbolt.Open(s.path, 0o600, &bbolt.Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.Update(change), db.Close()); err != nil {
			t.Fatal(err)
		}
	}
	damage(read)
	seen := map[string]bool{}
	for _, r := range rows {
		seen[string(r.bucket)] = true
		changes := map[string]func(*bbolt.Bucket) error{}
		switch name := string(r.bucket); {
		case name == "meta": // Open looks after it
		case name != "keys" && name != "secrets" && name != "API keys" && name != "notes": // nothing leads to them
			if !offline(r.key) {
				changes["removed"] = func(b *bbolt.Bucket) error { return b.Delete(r.key) }
			}
			fallthrough
		default:
			if len(r.value) > 0 {
				changes["changed"] = func(b *bbolt.Bucket) error {
					other := bytes.Clone(r.value)
					other[len(other)-1] ^= 1
					return b.Put(r.key, other)
				}
			}
			changes["doubled"] = func(b *bbolt.Bucket) error {
				other := bytes.Clone(r.key)
				other[0] ^= 0x40
				return b.Put(other, r.value)
			}
		}
		for name, change := range changes {
			if err := os.WriteFile(s.path, whole, 0o600); err != nil {
				t.Fatal(err)
			}
			damage(func(btx *bbolt.Tx) error { return change(btx.Bucket(r.bucket)) })
			faults, _ := checked(t, s.path, now)
			if len(faults) == 0 {
				t.Errorf("%s %q %s: nothing is found", r.bucket, r.key, name)
			}
			for _, fault := range faults {
				if text := fault.String(); len(r.key) > 2 && strings.Contains(text, string(r.key)) || strings.Contains(text, "app.example") {
					t.Errorf("%s %q %s: the fault quotes the row: %s", r.bucket, r.key, name, text)
				}
			}
		}
	}
	for _, name := range bucketNames {
		if !seen[string(name)] {
			t.Errorf("the test has no row in %s", name)
		}
	}
}

// offline reports whether the row of an index leads to an offline grant, which leaves the index at a logout and lives on.
func offline(key []byte) bool {
	for _, id := range []string{"g1", "g2", "g3"} {
		if bytes.HasSuffix(key, append([]byte{0}, id...)) {
			return true
		}
	}
	return false
}

// TestCheckRefuses: what is no store of this format and key is not looked at.
func TestCheckRefuses(t *testing.T) {
	f := fillFile(t, true)
	path := f.put(t, f.raw)
	check := func(passphrase string) error {
		_, err := CheckRecords(path, storagetest.FixedSealer(passphrase), f.now, func(fault Fault) { t.Errorf("a fault: %s", fault) })
		return err
	}
	if err := check("test"); err != nil {
		t.Errorf("a whole file: %v", err)
	}
	if err := check("another"); !errors.Is(err, storage.ErrWrongKey) {
		t.Errorf("another key: got %v, want ErrWrongKey", err)
	}
	s, err := Open(path, storagetest.FixedSealer("test"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := check("test"); !errors.Is(err, ErrLocked) {
		t.Errorf("a file in use: got %v, want ErrLocked", err)
	}
	if err := errors.Join(s.update(t.Context(), func(t *tx) error { return t.put(metaBucket, metaFormat, []byte("4")) }), s.Close()); err != nil {
		t.Fatal(err)
	}
	if err := check("test"); !errors.Is(err, ErrOlderFormat) {
		t.Errorf("an older format: got %v, want ErrOlderFormat", err)
	}
	for name, content := range map[string][]byte{"cut off": f.raw[:len(f.raw)/2/4096*4096], "empty": {}, "no store": []byte(strings.Repeat("no store ", 9000))} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := check("test"); !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrEmpty) && !errors.Is(err, ErrFormat) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
