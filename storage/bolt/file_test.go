package bolt

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"brygga/storage"
	"brygga/storage/storagetest"
)

func textLogger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

func TestFileIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "brygga.db")
	store, err := Open(path, storagetest.NewSealer(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for path, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700, filepath.Dir(filepath.Dir(path)): 0o700} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	sealer := storagetest.NewSealer()
	foreign := func(change func(*bbolt.Tx) error) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			db, err := bbolt.Open(path, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(db.Update(change), db.Close()); err != nil {
				t.Fatal(err)
			}
		}
	}
	made := func(t *testing.T, path string) *Store {
		store, err := Open(path, sealer, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
	for _, test := range []struct {
		name    string
		prepare func(t *testing.T, path string)
		sealer  storage.Sealer
		want    error
	}{
		{"a file in use", func(t *testing.T, path string) {
			t.Cleanup(func(s *Store) func() { return func() { s.Close() } }(made(t, path)))
		}, sealer, ErrLocked},
		{"another master key", func(t *testing.T, path string) { made(t, path).Close() }, storagetest.NewSealer(), storage.ErrWrongKey},
		{"a newer format", func(t *testing.T, path string) {
			made(t, path).Close()
			foreign(func(btx *bbolt.Tx) error {
				return btx.Bucket([]byte("meta")).Put(metaFormat, []byte(strconv.Itoa(format+1)))
			})(t, path)
		}, sealer, ErrFormat},
		{"a lost key check", func(t *testing.T, path string) {
			made(t, path).Close()
			foreign(func(btx *bbolt.Tx) error { return btx.Bucket([]byte("meta")).Delete(metaKey) })(t, path)
		}, sealer, storage.ErrWrongKey},
		{"another program's database", foreign(func(btx *bbolt.Tx) error { _, err := btx.CreateBucket([]byte("theirs")); return err }), sealer, ErrFormat},
		{"another program's meta", foreign(func(btx *bbolt.Tx) error { _, err := btx.CreateBucket([]byte("meta")); return err }), sealer, ErrFormat},
		{"something else", func(t *testing.T, path string) {
			if err := os.WriteFile(path, make([]byte, 20000), 0o600); err != nil {
				t.Fatal(err)
			}
		}, sealer, ErrFormat},
		{"a directory in its place", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, sealer, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "brygga.db")
			test.prepare(t, path)
			before, _ := os.ReadFile(path)
			store, err := Open(path, test.sealer, Options{LockTimeout: time.Millisecond})
			if err == nil {
				store.Close()
				t.Fatal("it opened")
			}
			if test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Error("the refused file was changed")
			}
		})
	}
}

func TestBackupIsAStore(t *testing.T) {
	s := openTest(t, Options{})
	now := time.Now().UTC()
	if err := s.CreateLogin(t.Context(), storage.Login{ID: "l1", Expires: now.Add(time.Minute)}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	n, err := s.Backup(file)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != n {
		t.Errorf("Backup counted %d bytes of %v, %v", n, info.Size(), err)
	}
	if err := s.CreateLogin(t.Context(), storage.Login{ID: "l2", Expires: now.Add(time.Minute)}); err != nil {
		t.Fatal(err)
	}
	backup, err := Open(path, storagetest.FixedSealer("test"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer backup.Close()
	if _, err := backup.Login(t.Context(), "l1", now); err != nil {
		t.Errorf("the copy lacks a login: %v", err)
	}
	if _, err := backup.Login(t.Context(), "l2", now); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("the copy has a later login: %v", err)
	}
	if _, err := s.Backup(failingWriter{}); err == nil {
		t.Error("a backup that was not written counts as one")
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// TestFailedWriteBreaksTheStore takes the file away under the store, as a dying disk does.
func TestFailedWriteBreaksTheStore(t *testing.T) {
	var file *os.File
	path := filepath.Join(t.TempDir(), "brygga.db")
	sealer := storagetest.NewSealer()
	s, err := Open(path, sealer, Options{testOnlyOpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
		opened, err := os.OpenFile(name, flag, mode)
		file = opened
		return opened, err
	}})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	login := storage.Login{ID: "l1", Expires: now.Add(time.Minute)}
	if err := s.CreateLogin(t.Context(), login); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateClient(t.Context(), storage.Client{ID: "app"}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v, want the disk's error", err)
	}
	if _, err := s.Client(t.Context(), "app"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("a client that was not written is cached: %v", err)
	}
	login.ID = "l2"
	if err := s.CreateLogin(t.Context(), login); !errors.Is(err, ErrBroken) {
		t.Errorf("got %v, want ErrBroken", err)
	}
	if err := s.Ping(t.Context()); !errors.Is(err, ErrBroken) {
		t.Errorf("got %v, want ErrBroken", err)
	}
	if _, err := s.Login(t.Context(), "l1", now); err != nil {
		t.Errorf("reading: %v", err)
	}
	s.Close() // complains about the file
	again, err := Open(path, sealer, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if _, err := again.Login(t.Context(), "l1", now); err != nil {
		t.Errorf("after opening again: %v", err)
	}
}

// TestSweepLeavesNoRows_RowA3_RowA14 looks into the buckets: index rows must go with their records.
func TestSweepLeavesNoRows_RowA3_RowA14(t *testing.T) {
	s := openTest(t, Options{})
	ctx, now := t.Context(), time.Now().UTC()
	retry := func(int) time.Duration { return time.Minute }
	login := storage.Login{ID: "l1", State: storage.LoginPending, Order: &storage.Order{ID: "o1", Collector: "a"}, Expires: now.Add(time.Minute)}
	who := storage.Identity{Method: "bankid"}
	answerable := storage.Login{ID: "l2", State: storage.LoginComplete, Identity: &who, Expires: now.Add(time.Minute)}
	code := storage.Code{Hash: [32]byte{1}, GrantID: "g1", ClientID: "app", Expires: now.Add(time.Minute)}
	grant := storage.Grant{ID: "g1", ClientID: "app", SessionID: "sid", Expires: now.Add(time.Hour), Offline: true}
	session := storage.Session{ID: "s1", CookieHash: [32]byte{3}, Used: now, IdleLife: time.Hour, Expires: now.Add(2 * time.Hour)}
	served := storage.Grant{ID: "g2", ClientID: "app", SessionID: "sid2", Expires: now.Add(time.Hour)}
	leaving := storage.Grant{ID: "g3", ClientID: "app", SessionID: "sid3", Expires: now.Add(time.Hour), Backchannel: true}
	token := storage.AccessToken{Hash: [32]byte{2}, Expires: now.Add(time.Hour)}
	event := storage.AuditEvent{ID: "e1", Time: now, Expires: now.Add(time.Hour)}
	_, err := s.SecretOrCreate(ctx, "subject", []byte("value"))
	err = errors.Join(err, s.CreateLogin(ctx, login), s.CreateLogin(ctx, answerable), s.AppendAudit(ctx, event))
	_, err2 := s.AnswerLogin(ctx, "l2", storage.Answer{Code: code, Grant: grant, Session: &session}, now)
	_, err3 := s.RedeemCode(ctx, storage.Redemption{
		CodeHash: code.Hash, ClientID: "app", Token: token, Refresh: storage.RefreshToken{Hash: [32]byte{4}, Expires: now.Add(time.Minute)}, Now: now,
	})
	next := storage.RefreshToken{Hash: [32]byte{5}, Expires: now.Add(time.Minute)}
	_, err4 := s.RotateRefreshToken(ctx, storage.Rotation{
		Hash: [32]byte{4}, ClientID: "app", Next: next, Token: storage.AccessToken{Hash: [32]byte{6}, Expires: now.Add(time.Hour)}, Now: now,
	})
	err5 := s.AnswerFromSession(ctx, "s1", time.Time{}, storage.Code{Hash: [32]byte{7}, ClientID: "app", Expires: now.Add(time.Minute)}, served, nil, now)
	leave := storage.Login{ID: "l3", State: storage.LoginComplete, Identity: &who, Expires: now.Add(time.Minute)}
	err6 := s.CreateLogin(ctx, leave)
	_, err7 := s.AnswerLogin(ctx, "l3", storage.Answer{Code: storage.Code{Hash: [32]byte{8}, ClientID: "app", Expires: now.Add(time.Minute)}, Grant: leaving}, now)
	_, err8 := s.EndSessionID(ctx, "sid3", now)
	_, err9 := s.ClaimLogoutNotices(ctx, now, 1, retry)
	err10 := s.PushRequest(ctx, storage.PushedRequest{Hash: [32]byte{9}, Expires: now.Add(time.Minute)})
	err11 := s.UseOnce(ctx, [32]byte{10}, now.Add(time.Minute), now)
	if err := errors.Join(err, err2, err3, err4, err5, err6, err7, err8, err9, err10, err11); err != nil {
		t.Fatal(err)
	}
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
		if rows()[string(bucketNames[id])] == 0 && id != clientsBucket && id != keysBucket {
			t.Errorf("bucket %s is empty before the sweep: the test proves nothing", bucketNames[id])
		}
	}
	// 3 logins, 3 grants with codes, 2 tokens of either kind, session, notice, request, key and event
	if n, err := s.Sweep(ctx, now.Add(48*time.Hour), 100); err != nil || n != 18 {
		t.Errorf("swept %d, %v, want 18", n, err)
	}
	for name, n := range rows() {
		if name != "meta" && name != "secrets" {
			t.Errorf("bucket %s has %d rows left", name, n)
		}
	}
}
