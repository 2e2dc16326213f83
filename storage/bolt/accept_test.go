package bolt

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"brygga/storage"
	"brygga/storage/storagetest"
)

// TestOlderCopyIsKnown: a file that was put in place of a later one is refused, and so is one from elsewhere, until it is accepted.
func TestOlderCopyIsKnown(t *testing.T) {
	t.Parallel()
	f := fillFile(t, true)
	path, sealer := f.put(t, f.raw), storagetest.FixedSealer("test")
	s, err := Open(path, sealer, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.update(t.Context(), write("later")), s.Close()); err != nil {
		t.Fatal(err)
	}
	later, laterMark := readFile(t, path), readFile(t, markPath(path))
	other := fillFile(t, true)
	for name, lay := range map[string]func() error{
		"older":                  func() error { return os.WriteFile(path, f.raw, 0o600) },
		"another installation's": func() error { return os.WriteFile(path, other.raw, 0o600) },
		"without its mark":       func() error { return errors.Join(os.WriteFile(path, later, 0o600), os.Remove(markPath(path))) },
		"another's mark":         func() error { return mark{Store: "another", Run: "x", Transaction: 1}.write(path) },
		"an unreadable mark":     func() error { return os.WriteFile(markPath(path), []byte("{"), 0o600) },
	} {
		if err := errors.Join(os.WriteFile(path, later, 0o600), os.WriteFile(markPath(path), laterMark, 0o600), lay()); err != nil {
			t.Fatal(err)
		}
		before := readFile(t, path)
		if _, err := Open(path, sealer, Options{}); !errors.Is(err, ErrCopy) {
			t.Errorf("%s: got %v, want ErrCopy", name, err)
		}
		if !bytes.Equal(before, readFile(t, path)) {
			t.Errorf("%s: the refused file was changed", name)
		}
	}
	if err := errors.Join(os.WriteFile(path, later, 0o600), os.WriteFile(markPath(path), laterMark, 0o600)); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(path, sealer, Options{}); err != nil {
		t.Fatalf("the latest file with its mark: %v", err)
	}
	s.Close()
}

// TestNewStoreBeforeItsMark: a process that is killed when it has made the file, and before it has made the mark, leaves a store that is
// opened; as soon as something was written in it, it is a copy.
func TestNewStoreBeforeItsMark(t *testing.T) {
	s := openTest(t, Options{})
	made := readFile(t, s.path)
	storeOneOfEach(t, s, time.Now())
	used := readFile(t, s.path)
	path := filepath.Join(t.TempDir(), "brygga.db")
	try := func(content []byte) error {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		opened, err := Open(path, storagetest.FixedSealer("test"), Options{})
		if err == nil {
			err = opened.Close()
		}
		return err
	}
	if err := try(used); !errors.Is(err, ErrCopy) {
		t.Errorf("with one of each record: got %v, want ErrCopy", err)
	}
	if err := try(made); err != nil {
		t.Errorf("as it was made: %v", err)
	}
	if err := try(made); !errors.Is(err, ErrCopy) {
		t.Errorf("as it was made, with the mark of what was there since: got %v, want ErrCopy", err)
	}
}

// TestAcceptedCopyStartsAnew: clients, keys, secrets, used keys and audit events stay, and nothing that was granted.
func TestAcceptedCopyStartsAnew(t *testing.T) {
	s := openTest(t, Options{})
	ctx, now := t.Context(), time.Now().UTC().Truncate(time.Microsecond)
	storeOneOfEach(t, s, now)
	_, err := s.StepOperator(ctx, storage.CreateOperator{
		Operator: storage.Operator{ID: "o1", NameHandle: storage.Hash{1}, Roles: []storage.Role{storage.RoleOwner}, Recovery: []storage.RecoveryCode{{}}},
		Link:     storage.OperatorLink{Purpose: storage.LinkInvite, Expires: now.Add(time.Hour)},
	}, now)
	if err := errors.Join(err, s.CreateClient(ctx, storage.Client{ID: "app"}), s.ReplaceSigningKeys(ctx, []storage.SigningKey{{ID: "k1"}}, 0), s.Close()); err != nil {
		t.Fatal(err)
	}
	old, oldMark := readFile(t, s.path), readFile(t, markPath(s.path))
	if err := os.Remove(markPath(s.path)); err != nil {
		t.Fatal(err)
	}
	s, err = Open(s.path, storagetest.FixedSealer("test"), Options{Accept: true, Now: func() time.Time { return now.Add(time.Second) }})
	if err != nil {
		t.Fatal(err)
	}
	if o, err := s.OperatorOf(ctx, storage.Hash{1}); err != nil || len(o.Links)+len(o.Recovery) > 0 {
		t.Errorf("an operator's link or recovery code came back: %v", err)
	}
	if n, err := s.PendingMail(ctx); n != 0 || err != nil {
		t.Errorf("%d messages came back, %v", n, err)
	}
	if at, err := s.ForgottenBefore(ctx); !at.Equal(now.Add(time.Second)) || err != nil {
		t.Errorf("used keys may be forgotten from before %s, %v", at, err)
	}
	gone := map[string]func() error{
		"login": func() error { _, err := s.Login(ctx, "l1", now); return err },
		"code": func() error {
			_, err := s.RedeemCode(ctx, storage.Redemption{CodeHash: [32]byte{2}, ClientID: "app", Now: now})
			return err
		},
		"access token":  func() error { _, _, err := s.AccessToken(ctx, [32]byte{2}, now); return err },
		"refresh token": func() error { _, _, err := s.RefreshToken(ctx, [32]byte{2}, now); return err },
		"session":       func() error { _, err := s.Session(ctx, [32]byte{1}, now); return err },
		"request":       func() error { _, err := s.TakePushedRequest(ctx, [32]byte{1}, "", now); return err },
	}
	for name, look := range gone {
		if err := look(); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("%s: got %v, want ErrNotFound", name, err)
		}
	}
	if n, err := s.PendingOrders(ctx); n != 0 || err != nil {
		t.Errorf("%d orders are pending, %v", n, err)
	}
	if _, err := s.Client(ctx, "app"); err != nil {
		t.Errorf("client: %v", err)
	}
	if keys, _, err := s.SigningKeys(ctx); len(keys) != 1 || err != nil {
		t.Errorf("%d keys, %v", len(keys), err)
	}
	if value, err := s.SecretOrCreate(ctx, "subject", []byte("another")); string(value) != "value" || err != nil {
		t.Errorf("the secret is another: %v", err)
	}
	if events, err := s.AuditEvents(ctx, time.Time{}, now.Add(time.Hour), 10); len(events) != 1 || err != nil {
		t.Errorf("%d audit events, %v", len(events), err)
	}
	if err := s.UseOnce(ctx, [32]byte{1}, now.Add(time.Minute), now); !errors.Is(err, storage.ErrExists) {
		t.Errorf("a used key may be used again: %v", err)
	}
	if n, err := s.Sweep(ctx, now.Add(48*time.Hour), 100); n != 5 || err != nil { // a notice, a used key, a count of attempts, an event and a proof
		t.Errorf("swept %d, %v, want 5", n, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(s.path, storagetest.FixedSealer("test"), Options{}); err != nil {
		t.Fatalf("an accepted copy: %v", err)
	}
	s.Close()
	accepted := readFile(t, markPath(s.path))
	if err := os.WriteFile(s.path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(s.path, storagetest.FixedSealer("test"), Options{}); !errors.Is(err, ErrCopy) {
		t.Errorf("the file that was replaced: got %v, want ErrCopy", err)
	}
	if bytes.Equal(accepted, oldMark) {
		t.Error("the mark did not change")
	}
}

// TestCopyIsKnownAfterAKill: the server was stopped and copied, or backed up while it ran, went on, and was killed before its next
// checkpoint.
func TestCopyIsKnownAfterAKill(t *testing.T) {
	sealer := storagetest.FixedSealer("test")
	for name, copied := range map[string]func(*testing.T, *Store) (*Store, []byte){
		"stopped": func(t *testing.T, s *Store) (*Store, []byte) {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			raw := readFile(t, s.path)
			s, err := Open(s.path, sealer, Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			return s, raw
		},
		"running": func(t *testing.T, s *Store) (*Store, []byte) {
			var raw bytes.Buffer
			if _, err := s.Backup(&raw); err != nil {
				t.Fatal(err)
			}
			return s, raw.Bytes()
		},
	} {
		s := openTest(t, Options{})
		if err := errors.Join(s.update(t.Context(), write("before")), s.update(t.Context(), write("also before"))); err != nil {
			t.Fatal(err)
		}
		s, raw := copied(t, s)
		if err := s.update(t.Context(), write("spent")); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "brygga.db")
		lay := func(file []byte) error {
			return errors.Join(os.WriteFile(path, file, 0o600), os.WriteFile(markPath(path), readFile(t, markPath(s.path)), 0o600))
		}
		if err := lay(raw); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, sealer, Options{}); !errors.Is(err, ErrCopy) {
			t.Errorf("%s: got %v, want ErrCopy", name, err)
		}
		if err := lay(readFile(t, s.path)); err != nil {
			t.Fatal(err)
		}
		own, err := Open(path, sealer, Options{})
		if err != nil {
			t.Fatalf("%s: the file itself: %v", name, err)
		}
		if !own.has(t, "spent") {
			t.Errorf("%s: the last step is missing", name)
		}
		own.Close()
	}
}
